"""MediaPipe behind a pipe, in an environment of its own; `peers.py` starts it.

    python benchmarks/peer_mediapipe.py lite|full|heavy PEOPLE FOLDER

FOLDER is the unpacked npm package @mediapipe/pose. Where PEOPLE is 1 it is the solution Pose, else the task
PoseLandmarker for so many; the task's bundle is put together from the same files, with what MediaPipe's own graphs
say of how pixels are normalised.

Reads pictures from standard input (height and width as two little-endian int32, then RGB bytes) and answers each with a
line of JSON: the CPU time of all threads in seconds, and the people that it found, each as 33 [x, y, visibility], x and
y in pixels from the corner of the first one.
"""

import json
import shutil
import struct
import sys
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import mediapipe
import numpy as np
from mediapipe.tasks.python import BaseOptions, vision
from mediapipe.tasks.python.metadata.metadata_writers import metadata_writer

MODULES = Path(mediapipe.__file__).parent / "modules"
COMPLEXITY = {"lite": 0, "full": 1, "heavy": 2}
LEAST = 0.1  # of a detection: as low as ranking likes; MediaPipe's own is 0.5


def open_solution(name: str, models: Path) -> Callable[[Any], Any]:
    """The best person of a picture."""
    here = MODULES / "pose_landmark" / f"pose_landmark_{name}.tflite"
    if not here.is_file():  # it would fetch the file
        shutil.copyfile(models / here.name, here)
    pose = mediapipe.solutions.pose.Pose(
        static_image_mode=True, model_complexity=COMPLEXITY[name], min_detection_confidence=LEAST
    )

    def find(picture: Any) -> Any:
        found = pose.process(picture).pose_landmarks
        return [found.landmark] if found else []

    return find


def open_task(name: str, models: Path, people: int) -> Callable[[Any], Any]:
    """Up to so many people of a picture."""

    def describe(path: Path, mean: float, deviation: float) -> bytes:
        writer = metadata_writer.MetadataWriter.create(bytearray(path.read_bytes()))
        return bytes(writer.add_image_input([mean], [deviation]).populate()[0])

    with TemporaryDirectory() as folder:
        bundle = Path(folder, "pose.task")
        with zipfile.ZipFile(bundle, "w") as opened:
            detector = describe(MODULES / "pose_detection/pose_detection.tflite", 127.5, 127.5)  # to -1 .. 1
            landmarks = describe(models / f"pose_landmark_{name}.tflite", 0, 255)  # to 0 .. 1
            opened.writestr("pose_detector.tflite", detector)
            opened.writestr("pose_landmarks_detector.tflite", landmarks)
        options = vision.PoseLandmarkerOptions(
            base_options=BaseOptions(model_asset_path=str(bundle)),
            num_poses=people,
            min_pose_detection_confidence=LEAST,
        )
        task = vision.PoseLandmarker.create_from_options(options)
    return lambda picture: task.detect(mediapipe.Image(mediapipe.ImageFormat.SRGB, picture)).pose_landmarks


def main() -> None:
    """Answer until the pipe ends."""
    name, people, models = sys.argv[1], int(sys.argv[2]), Path(sys.argv[3])
    answers, sys.stdout = sys.stdout, sys.stderr  # whatever it prints is no answer
    find = open_solution(name, models) if people == 1 else open_task(name, models, people)
    while len(head := sys.stdin.buffer.read(8)) == 8:
        height, width = struct.unpack("<ii", head)
        picture = np.frombuffer(sys.stdin.buffer.read(height * width * 3), np.uint8).reshape(height, width, 3)
        start = time.process_time()
        found = find(picture)
        seconds = time.process_time() - start
        poses = [[[p.x * width, p.y * height, p.visibility] for p in one] for one in found]
        print(json.dumps({"seconds": seconds, "people": poses}), file=answers, flush=True)


if __name__ == "__main__":
    main()
