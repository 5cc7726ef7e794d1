"""Print the lowest versions that pyproject.toml promises, as constraints for pip."""

import re
import tomllib
from itertools import chain
from pathlib import Path

project = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text("utf-8"))["project"]
wanted = [*project["dependencies"], *chain.from_iterable(project["optional-dependencies"].values())]
lowest = {match[1]: match[2] for match in (re.match(r"([\w-]+)>=([\w.]+)", one) for one in wanted) if match}
print("\n".join(f"{name}=={version}" for name, version in sorted(lowest.items())))
