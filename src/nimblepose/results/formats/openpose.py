"""Files as OpenPose writes them, one per picture or frame, with the canvas size that ControlNet tools expect."""

import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from nimblepose.core.errors import MediaError
from nimblepose.core.files import partial, write_atomically, writing
from nimblepose.core.poses import Poses
from nimblepose.results.output_format import Header, OutputFormat, PictureMaker, PictureResult, VideoMaker, encode_json

if TYPE_CHECKING:
    from nimblepose.media.frames import Stamp

_FOLDER = ".openpose_json"  # Pose2Sim looks into folders with "json" in their names only
_FILE = "_keypoints.json"
_OURS = re.compile(rf"_\d{{12}}{re.escape(_FILE)}$|^\.[0-9a-f]{{16}}\.part$")


def openpose_json(result: PictureResult) -> bytes:
    """One picture."""
    return encode_json(result.poses.to_openpose(result.size)) + b"\n"


class OpenPoseFolder:
    """A folder with one file per frame, named as OpenPose names them."""

    def __init__(self, path: Path, header: Header) -> None:
        """Begin the folder.

        Args:
            path: `STEM.openpose_json`; its files are `STEM_000000000012_keypoints.json`. An older folder of ours is
                replaced when this one is complete.
            header: Of the run.

        Raises:
            MediaError: there is a folder of that name with other people's files in it, or it cannot be made.
        """
        self.path, self._stem = path, path.name.removesuffix(_FOLDER)
        self._partial = partial(path)
        for folder in (path, self._partial):
            _check_ours(folder)
        with writing(path):
            if self._partial.exists():
                shutil.rmtree(self._partial)
            self._partial.mkdir()

    def add(self, stamp: "Stamp", poses: Poses) -> None:
        """One file."""
        path = self._partial / f"{self._stem}_{stamp.index:012d}{_FILE}"
        write_atomically(path, encode_json(poses.to_openpose(stamp.size)), durable=False)

    def finish(self) -> Path:
        """The folder gets its name."""
        with writing(self.path):
            if self.path.exists():
                shutil.rmtree(self.path)
            self._partial.replace(self.path)
        return self.path

    def close(self) -> None:
        """Leave the partial folder as it is."""


def _check_ours(folder: Path) -> None:
    """Refuse to replace a folder that holds anything we would not have written there."""
    foreign = [p.name for p in folder.iterdir() if not _OURS.search(p.name)] if folder.is_dir() else []
    if foreign or (folder.exists() and not folder.is_dir()):
        what = f"holds {foreign[0]}" if foreign else "is no folder"
        raise MediaError(f"{folder} is there already and {what}; move it, or choose another place for the results")


FORMAT = OutputFormat(
    name="openpose",
    help="a file per picture or frame",
    picture=PictureMaker(_FILE, openpose_json),
    video=VideoMaker(_FOLDER, OpenPoseFolder),
)
