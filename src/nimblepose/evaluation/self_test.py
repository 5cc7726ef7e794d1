"""Does it work on this machine? A drawn person, and a picture without anybody."""

import time
from collections.abc import Callable

import cv2
import numpy as np

from nimblepose.codec.decode import decode
from nimblepose.codec.encode import EncodeOptions, encode
from nimblepose.core.errors import PoseError
from nimblepose.core.poses import Poses
from nimblepose.core.skeleton import HUMAN_18
from nimblepose.media.pictures import Picture, read_picture
from nimblepose.runtime.models import DEMO_PICTURE

_NOSES = ((211, 116), (711, 152), (1173, 186))  # x, y of the three people in DEMO_PICTURE, equal in all runtimes
_NEAR = 10.0  # pixels of that picture, 5 of the network's input
_TOLERANCE = 1.0  # input pixels, of a stride of 8


def check_opencv() -> str:
    """Read a ramp between two of its places, as the decoder reads PAFs.

    Raises:
        PoseError: the place is moved to a 32nd of a pixel first: an OpenCV below 5 is loaded. Several distributions of
            it write into one folder, so that what pip says is installed need not be what is there.
    """
    ramp, place = np.arange(8, dtype=np.float32)[None], np.float32(3.01)
    read = float(cv2.remap(ramp, np.full((1, 1), place), np.zeros((1, 1), np.float32), cv2.INTER_LINEAR)[0, 0])
    if abs(read - place) > 1e-4:
        raise PoseError(
            f"{cv2.__version__} rounds places ({place:.2f} is read as {read:.2f}); another package brought it along: "
            "pip install --force-reinstall --no-deps 'opencv-python-headless>=5,<6'"
        )
    return f"{cv2.__version__}, reads between pixels exactly"


def check_decoder() -> str:
    """Draw the fields of one standing person and find them again.

    Raises:
        PoseError: what comes back is not that person.
    """
    half = {  # the right side of a person facing us, in input pixels left of the middle and down
        "shoulder": (36, 110), "elbow": (52, 160), "wrist": (60, 205), "hip": (26, 210), "knee": (30, 275),
        "ankle": (32, 335), "eye": (20, 36), "ear": (46, 50),
    }  # fmt: skip
    middle = {"nose": (0, 62), "neck": (0, 110)}
    sides = {"right": -1, "left": 1}
    place = {f"{side}_{name}": (184 + sign * x, y) for side, sign in sides.items() for name, (x, y) in half.items()}
    place |= {name: (184 + x, y) for name, (x, y) in middle.items()}
    xy = np.array([[place[name] for name in HUMAN_18.keypoints]], np.float32)
    heatmaps, pafs = encode(xy, (46, 46), HUMAN_18, EncodeOptions(overlap="max", paf_geometry="centre"))
    poses = decode(heatmaps.astype(np.float32), pafs.astype(np.float32), HUMAN_18)
    if len(poses) != 1 or not poses.found.all():
        raise PoseError(f"drew 1 person of 18 keypoints, found {len(poses)} with {poses.found.sum(1).tolist()}")
    error = float(np.linalg.norm(poses.keypoints - xy, axis=-1).max())
    if error > _TOLERANCE:
        raise PoseError(f"keypoints came back {error:.2f} px off")
    return f"one drawn person found, keypoints within {error:.2f} px"


def check_runtime(find: Callable[[Picture], Poses], *, packaged: bool) -> str:
    """Find the people in the packaged picture; of the packaged model it is known where they are.

    A picture without people would not do: runtimes that compute something else were seen to find nobody anywhere.

    Args:
        find: An estimator.
        packaged: Is its model the one in the package?

    Raises:
        PoseError: the runtime or the model does not work, or others are found than are there.
    """
    picture = read_picture(DEMO_PICTURE)
    poses = find(picture)
    start = time.perf_counter()
    find(picture)
    milliseconds = (time.perf_counter() - start) * 1e3
    if packaged:
        _expect_its_people(poses)
    people = "1 person" if len(poses) == 1 else f"{len(poses)} people"
    return f"works: {people} in the packaged picture, {milliseconds:.0f} ms"


def _expect_its_people(poses: Poses) -> None:
    noses = poses.keypoints[:, poses.skeleton.keypoints.index("nose")]
    noses = noses[np.argsort(noses[:, 0])]
    if noses.shape != (len(_NOSES), 2) or not (np.abs(noses - _NOSES).max() <= _NEAR):
        raise PoseError(
            f"in the packaged picture are {len(_NOSES)} people, noses at {_NOSES}; found {len(poses)}, noses at "
            f"{np.round(noses).tolist()}: it computes something else on this processor; use another --backend, and "
            f"tell us"
        )
