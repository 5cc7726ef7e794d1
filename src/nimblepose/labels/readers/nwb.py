"""NWB with ndx-pose, ours and others': times as they stand, each container an animal. Places are taken for centres.

There are no numbers of frames: they are those of the times on the grid of the rate, `number_frames`.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from nimblepose.core.errors import DataError, PoseError
from nimblepose.core.optional import import_optional
from nimblepose.labels.frame_numbers import number_frames
from nimblepose.labels.label_set import Category, Floats, Label, LabelledPicture, LabelSet, add_category
from nimblepose.labels.reader import Reader
from nimblepose.labels.values import decode_text, list_files, make_label

_MAX_VALUES = 1 << 28
_RATE = re.compile(r", ([0-9.]+) frames per second$")  # in our own descriptions


def detect(source: Path) -> bool:
    """A file, or a folder of files of the animals of one video."""
    return bool(list_files(source, ".nwb"))


def read(source: Path) -> LabelSet:
    """All animals of a file, or of the files of a folder, which are of one video.

    Raises:
        DataError: a file that cannot be read, without poses, or whose times cannot be.
        MissingPackageError: h5py is not installed.
    """
    h5py = import_optional("h5py", "NWB")
    files = list_files(source, ".nwb")
    if not files:
        raise DataError(f"{source}: no .nwb file")
    categories: dict[str, Category] = {}
    frames: dict[float, list[Label]] = {}
    video, rates = source.stem, set[float]()
    for path in files:
        try:
            with h5py.File(path, "r") as file:
                found = list(_find_containers(file))
                if not found:
                    raise DataError(f"{path}: no PoseEstimation in it")
                for container in found:
                    names = container["original_videos"][()] if "original_videos" in container else []
                    video = next((Path(decode_text(name)).stem for name in names if decode_text(name)), video)
                    named = container.name.rsplit("/", 1)[-1]
                    who = decode_text(file["identifier"][()]) if len(found) == 1 else named
                    _read_container(container, who, categories, frames)
                    rates |= _find_rates(container)
        except PoseError:
            raise
        except (OSError, KeyError, ValueError, TypeError, IndexError, AttributeError, RuntimeError) as error:
            raise DataError(f"{path}: not NWB with poses, or damaged ({error})") from error
    times = sorted(frames)
    pictures = [
        LabelledPicture(f"{video}/{i:06d}.png", tuple(frames[time]), video=video, frame=i, time=time)
        for i, time in zip(number_frames(times, rates.pop() if len(rates) == 1 else None), times, strict=True)
    ]
    return LabelSet("nwb", tuple(categories.values()), tuple(pictures))


def _find_containers(file: Any) -> Iterator[Any]:
    for module in file.get("processing", {}).values():
        for item in module.values():
            if decode_text(item.attrs.get("neurodata_type", b"")) == "PoseEstimation":
                yield item


def _read_container(
    container: Any, who: str, categories: dict[str, Category], frames: dict[float, list[Label]]
) -> None:
    series = {
        name: item for name, item in container.items()
        if hasattr(item, "attrs") and decode_text(item.attrs.get("neurodata_type", b"")) == "PoseEstimationSeries"
    }  # fmt: skip
    nodes, kind = list(series), "skeleton"
    edges: list[tuple[str, str]] = []
    if "skeleton" in container:
        skeleton = container["skeleton"]
        kind = skeleton.name.rsplit("/", 1)[-1]
        given = [decode_text(node) for node in skeleton["nodes"][()]]
        if set(given) == set(series):
            nodes = given
            edges = [(given[a], given[b]) for a, b in skeleton["edges"][()].tolist()] if "edges" in skeleton else []
    kind = add_category(categories, Category(kind, tuple(nodes), tuple(edges)))
    times = {name: _read_times(item) for name, item in series.items()}
    every = sorted(set(np.concatenate([*times.values(), np.zeros(0)]).tolist()))
    place = {time: i for i, time in enumerate(every)}
    xy, scores = np.full((len(every), len(nodes), 2), np.nan), np.zeros((len(every), len(nodes)))
    for k, name in enumerate(nodes):
        data, at = series[name]["data"], [place[time] for time in times[name].tolist()]
        if data.size > _MAX_VALUES or data.ndim != 2 or data.shape[1] != 2:
            raise DataError(f"{container.file.filename}: {name}: places of the shape {data.shape}; only x, y are taken")
        xy[at, k] = data[()]
        scores[at, k] = series[name]["confidence"][()] if "confidence" in series[name] else 1
    for time, places, found in zip(every, xy, scores, strict=True):
        labels = frames.setdefault(time, [])
        if np.isfinite(places).any():
            good = np.nan_to_num(np.where(np.isfinite(places).all(axis=1), found, 0))
            seen = np.isfinite(places).all(axis=1)
            mean = float(good[seen].mean()) if seen.any() else 0.0
            labels.append(make_label(kind, places, 2, keypoint_scores=good, score=mean, identity=who))


def _find_rates(container: Any) -> set[float]:
    """Frames per second, of series that have a rate, or as our own files say."""
    starts = (item.get("starting_time") for item in container.values() if hasattr(item, "get"))
    rates = {float(start.attrs["rate"]) for start in starts if start is not None}
    said = _RATE.search(decode_text(container["description"][()])) if "description" in container else None
    return {rate for rate in (rates or ({float(said[1])} if said else set())) if rate > 0}


def _read_times(series: Any) -> Floats:
    """Seconds of every sample: as they stand, or by a rate from the first one on."""
    count = len(series["data"])
    if "timestamps" in series:
        times = np.asarray(series["timestamps"][()], np.float64)
        if len(times) != count or not np.isfinite(times).all():
            raise ValueError(f"{series.name}: {len(times)} times for {count} samples")
        return times
    start = series["starting_time"]
    rate = float(start.attrs["rate"])
    if not rate > 0 and count > 1:
        raise ValueError(f"{series.name}: a rate of {rate:g} puts {count} samples at one time; write timestamps")
    return float(start[()]) + np.arange(count) / (rate or 1)


READER = Reader("nwb", "NWB with ndx-pose", detect, read)
