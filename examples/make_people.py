"""Make `people.jpg` from three portraits that are free to redistribute and ship inside Python packages.

    pip install scikit-image==0.26.0 matplotlib==3.11.2
    python examples/make_people.py examples/people.jpg

Sources and licences: see examples/README.md.
"""

import sys
from importlib.util import find_spec
from pathlib import Path

from PIL import Image

HEIGHT = 480  # pixels
PORTRAITS = (
    ("skimage", "data/astronaut.png"),
    ("skimage", "data/camera.png"),
    ("matplotlib", "mpl-data/sample_data/grace_hopper.jpg"),
)


def make_people(target: Path) -> None:
    """Lay the portraits side by side, scaled to one height."""
    portraits = []
    for package, file in PORTRAITS:
        spec = find_spec(package)
        if spec is None or not spec.submodule_search_locations:
            raise SystemExit(f"needs the package {package}; see the first lines of this file")
        with Image.open(Path(spec.submodule_search_locations[0]) / file) as image:
            size = (round(image.width * HEIGHT / image.height), HEIGHT)
            portraits.append(image.convert("RGB").resize(size, Image.Resampling.LANCZOS))
    canvas = Image.new("RGB", (sum(p.width for p in portraits), HEIGHT))
    left = 0
    for portrait in portraits:
        canvas.paste(portrait, (left, 0))
        left += portrait.width
    canvas.save(target, quality=88)


if __name__ == "__main__":
    make_people(Path(sys.argv[1]))
