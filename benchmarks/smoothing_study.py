"""How much jitter do the filters take away, and what does it cost in lag?

    python benchmarks/smoothing_study.py MODEL.onnx coco-train/ [--cache FOLDER] [--plot FILE.png]

Pictures of people are looked at again and again, each time shifted by part of a pixel, with the noise of a sensor, and
compressed anew: what the keypoints do then, shifts taken back, is the noise of the detector on people who stand still.
The same noise on people who move at 1 m/s shows the lag. Prints a Markdown table.
"""

import argparse
import dataclasses
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from remembered import remember, version

from nimblepose.core.files import write_atomically
from nimblepose.core.poses import Poses
from nimblepose.data.coco import read_json
from nimblepose.data.sets import locate_set
from nimblepose.media.pictures import read_picture
from nimblepose.runtime.estimator import PoseEstimator
from nimblepose.tracking.offline import smooth_offline
from nimblepose.tracking.smoothing import OneEuroSmoother
from nimblepose.tracking.tracker import OksTracker
from nimblepose.tracking.tracks import measure_sizes

RATE = 25.0  # frames per second
SHIFT = 0.5  # pixels to each side, at most
NOISE = 3.0  # standard deviation of the sensor, in gray levels
QUALITIES = (70, 96)  # of JPEG, from and up to
SETTLED = 1.0  # seconds after which a filter is judged
METRES = 0.7  # of a grown person, per body size
SEEN = 0.9  # share of frames in which a keypoint must be found to be judged

Floats = NDArray[np.float64]
Recording = list[tuple[float, Poses]]
Filter = Callable[[Recording], list[Poses]]


@dataclass(frozen=True)
class Still:
    """One person who stands still, as the detector sees it."""

    recording: Recording
    size: float  # of the body, in pixels
    judged: NDArray[np.bool_]  # (K,) keypoints


def filter_frame_by_frame(recording: Recording) -> list[Poses]:
    """One-euro filter."""
    smoother = OneEuroSmoother()
    return [smoother.update(poses, time) for time, poses in recording]


FILTERS: dict[str, Filter] = {
    "none": lambda recording: [poses for _, poses in recording],
    "one-euro": filter_frame_by_frame,
    "second pass": smooth_offline,
}


# Recordings -----------------------------------------------------------------------------------------------------------


def choose_pictures(annotations: dict[str, Any]) -> list[str]:
    """Pictures with somebody of 13 keypoints or more who fills most of the height."""
    files = {image["id"]: image for image in annotations["images"]}
    names = [
        files[a["image_id"]]["file_name"]
        for a in annotations["annotations"]
        if a["num_keypoints"] >= 13 and a["bbox"][3] >= 0.6 * files[a["image_id"]]["height"]
    ]
    return list(dict.fromkeys(names))


def look_again(
    picture: NDArray[np.uint8], estimator: PoseEstimator, frames: int, rng: np.random.Generator
) -> list[Poses]:
    """People found in a picture, again and again; the shift of each frame is taken back."""
    result = []
    for _ in range(frames):
        shift = rng.uniform(-SHIFT, SHIFT, 2)
        matrix = np.hstack([np.eye(2), shift[:, None]])
        moved = cv2.warpAffine(picture, matrix, picture.shape[1::-1], borderMode=cv2.BORDER_REPLICATE)
        noisy = np.clip(moved + rng.normal(0, NOISE, moved.shape), 0, 255).astype(np.uint8)
        _, data = cv2.imencode(".jpg", noisy, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(*QUALITIES))])
        found = estimator(np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8))
        result.append(dataclasses.replace(found, keypoints=(found.keypoints - shift).astype(np.float32)))
    return result


def tracked(found: Sequence[Poses]) -> Recording:
    """Frames at RATE, people with identities."""
    tracker = OksTracker()
    return [(f / RATE, tracker.update(poses, f / RATE)) for f, poses in enumerate(found)]


def people_in(recording: Recording) -> list[Still]:
    """Everybody who is found in most frames."""
    result = []
    ids = np.concatenate([_ids(poses) for _, poses in recording])
    for person in np.unique(ids):
        if (ids == person).sum() >= SEEN * len(recording):
            alone = [(time, poses[_ids(poses) == person]) for time, poses in recording]
            seen = np.mean([poses.found.any(axis=0) for _, poses in alone], axis=0)
            sizes = np.concatenate([measure_sizes(poses.keypoints) for _, poses in alone])
            result.append(Still(alone, float(np.median(sizes)), seen >= SEEN))
    return result


def _ids(poses: Poses) -> NDArray[np.int64]:
    return np.zeros(0, np.int64) if poses.track_ids is None else poses.track_ids


def moving(recording: Recording, way: Callable[[float], float]) -> Recording:
    """The same, where everybody is `way(time)` pixels further right."""
    shifts = [(time, poses, np.array([way(time), 0.0], np.float32)) for time, poses in recording]
    return [(time, dataclasses.replace(poses, keypoints=poses.keypoints + shift)) for time, poses, shift in shifts]


# Figures --------------------------------------------------------------------------------------------------------------


def places(poses: Sequence[Poses]) -> Floats:
    """Of one person, (F, K, 2); NaN where not found."""
    missing = np.full((1, len(poses[0].skeleton.keypoints), 2), np.nan)
    return np.concatenate([p.keypoints if len(p) else missing for p in poses]).astype(np.float64)


def jitter(still: Still, name: str) -> Floats:
    """Standard deviation over time of each keypoint in x and y, in body sizes / 1000, for those judged."""
    xy = places(FILTERS[name](still.recording))[round(SETTLED * RATE) :, still.judged]
    return np.asarray(1000 * np.sqrt(np.nanvar(xy, axis=0).mean(axis=-1)) / still.size)


def lag(still: Still, name: str) -> float:
    """Milliseconds that keypoints are late at 1 m/s: by how far they stay behind where they stand without motion."""
    speed = still.size / METRES
    inside = slice(
        round(SETTLED * RATE), -round(SETTLED * RATE)
    )  # the second pass has nothing to look at beyond the end
    found = places(FILTERS[name](moving(still.recording, lambda time: speed * time)))
    true = places([poses for _, poses in moving(still.recording, lambda time: speed * time)])
    behind = (true - found)[inside, still.judged, 0]
    return float(1000 * np.nanmean(behind) / speed)


def plot(still: Still, path: Path) -> None:
    """The keypoint of median jitter: rests, moves at 1 m/s, and rests."""
    from matplotlib.figure import Figure

    end = still.recording[-1][0]
    start, stop = end / 3, 2 * end / 3
    speed = still.size / METRES
    recording = moving(still.recording, lambda time: speed * (min(max(time, start), stop) - start))
    times = np.array([time for time, _ in recording])
    noise = jitter(still, "none")
    keypoint = int(np.flatnonzero(still.judged)[np.argsort(noise)[len(noise) // 2]])
    rest = np.nanmedian(places([poses for _, poses in still.recording])[:, keypoint, 0])
    figure = Figure(figsize=(8, 3), layout="constrained")
    whole, close = figure.subplots(1, 2)
    for name, style in (("none", "0.7"), ("one-euro", "C0"), ("second pass", "C1")):
        x = places(FILTERS[name](recording))[:, keypoint, 0] - rest
        whole.plot(times, x, color=style, label={"none": "as found"}.get(name, name))
        early = times < start
        close.plot(times[early], x[early], color=style)
    whole.plot(times, speed * (np.clip(times, start, stop) - start), "k:", linewidth=0.8, label="true")
    close.axhline(0, color="k", linestyle=":", linewidth=0.8)
    whole.set(xlabel="seconds", ylabel="pixels", title="rest, 1 m/s, rest")
    close.set(xlabel="seconds", title="at rest")
    whole.legend(frameon=False, fontsize="small")
    picture = io.BytesIO()
    figure.savefig(picture, format="png", dpi=90, metadata={"Software": None})
    write_atomically(path, picture.getvalue())


def main() -> None:
    """Look, filter, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("data", type=Path, help="Folder in COCO layout.")
    parser.add_argument("--count", type=int, default=10)
    parser.add_argument("--skip", type=int, default=10, help="Pictures left out: options were chosen on the first 10.")
    parser.add_argument("--frames", type=int, default=60)
    parser.add_argument("--height", type=int, default=256)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--cache", type=Path, help="Folder in which poses found are remembered.")
    parser.add_argument("--plot", type=Path)
    arguments = parser.parse_args()
    estimator = PoseEstimator(arguments.model, input_height=arguments.height, threads=arguments.threads)
    annotations, images = locate_set(arguments.data)
    recipe = version(arguments.model, options=(arguments.height, arguments.frames, SHIFT, NOISE, QUALITIES))
    people = []
    names = choose_pictures(read_json(annotations))
    for number in range(arguments.skip, arguments.skip + arguments.count):
        file = arguments.cache and arguments.cache / f"{recipe}-{number}.npz"
        rng = np.random.default_rng(number)
        picture = read_picture(images / names[number])
        found = remember(file, estimator.skeleton, look_again, picture, estimator, arguments.frames, rng)
        people += people_in(tracked(found))
    print(f"{len(people)} people, {sum(p.judged.sum() for p in people)} keypoints\n")
    raw = np.concatenate([jitter(p, "none") for p in people])
    print("| filter | jitter at rest, body sizes / 1000: median, mean | of unfiltered | at least halved | lag, ms |")
    print("|---|---|---|---|---|")
    for name in FILTERS:
        still = np.concatenate([jitter(p, name) for p in people])
        late = np.array([lag(p, name) for p in people])
        shares = f"{np.median(still / raw):.2f}, {still.mean() / raw.mean():.2f} | {(still <= raw / 2).mean():.0%}"
        lags = f"{late.mean():.1f}, at most {late.max():.1f}"
        print(f"| {name} | {np.median(still):.2f}, {still.mean():.2f} | {shares} | {lags} |")
    if arguments.plot:
        plot(sorted(people, key=lambda p: float(np.median(jitter(p, "none"))))[len(people) // 2], arguments.plot)


if __name__ == "__main__":
    main()
