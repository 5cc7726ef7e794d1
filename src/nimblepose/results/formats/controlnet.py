"""Poses as ControlNet's and ComfyUI's readers take them: a list of frames, confidences of exactly 1 or 0."""

from pathlib import Path
from typing import TYPE_CHECKING

from nimblepose.core.files import GrowingFile
from nimblepose.core.poses import Poses
from nimblepose.core.skeleton import HUMAN_18
from nimblepose.results.output_format import Header, OutputFormat, PictureMaker, PictureResult, VideoMaker, encode_json

if TYPE_CHECKING:
    from nimblepose.media.frames import Stamp


def controlnet_json(result: PictureResult) -> bytes:
    """One picture: a list of one frame."""
    return b"[" + encode_json(result.poses.to_controlnet(result.size)) + b"]\n"


class ControlNetFrames:
    """A list of frames, whole after every one of them."""

    def __init__(self, path: Path, header: Header) -> None:
        """Begin `path`, usually `*.json`."""
        del header  # there is no place for it
        self._file, self._empty = GrowingFile(path), True
        self._file.append(b"[\n]\n")
        self.finish, self.close = self._file.finish, self._file.close

    def add(self, stamp: "Stamp", poses: Poses) -> None:
        """One object per frame, also where nobody is."""
        end = b"]\n" if self._empty else b"\n]\n"
        comma = b"" if self._empty else b",\n"
        self._file.append(comma + encode_json(poses.to_controlnet(stamp.size)) + b"\n]\n", over=len(end))
        self._empty = False


FORMAT = OutputFormat(
    name="controlnet",
    help="a list of frames for ControlNet and ComfyUI",
    keypoints=HUMAN_18.keypoints,
    picture=PictureMaker("_controlnet.json", controlnet_json),
    video=VideoMaker(".poses.controlnet.json", ControlNetFrames),
)
