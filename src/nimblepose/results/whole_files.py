"""Results that can be made again at any time: of a run that was stopped nothing stays, not even what is readable."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from nimblepose.core.files import partial
from nimblepose.results.output_format import Header, PoseFile


@contextmanager
def write_all_or_nothing(path: Path, header: Header, begin: Callable[[Path, Header], PoseFile]) -> Iterator[PoseFile]:
    """A file, or folder, that grows under its partial name; finish it in the block, which takes it away if it fails.

    Raises:
        MediaError: it cannot be written.
        MissingPackageError: the format needs a package that is not installed.
    """
    file = begin(path, header)
    try:
        yield file
    except BaseException:
        file.close()
        for left in path.parent.glob(f"{partial(path).stem}.*"):
            shutil.rmtree(left) if left.is_dir() else left.unlink(missing_ok=True)
        raise
