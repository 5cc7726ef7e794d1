"""Neurodata Without Borders with ndx-pose, one file per person, in a folder.

Readers take one `PoseEstimation` per file and name its animal after the file's identifier (movement 0.17). Every
keypoint's series has all frames, with their times as they are; NaN and confidence 0 where it was not found.
"""

import warnings
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nimblepose.core.files import replacing
from nimblepose.core.optional import import_optional
from nimblepose.results.output_format import Header, OutputFormat, VideoMaker, name_person, round_seconds
from nimblepose.results.person_folder import clean_name, replacing_folder
from nimblepose.results.spool import Spool, SpooledFile, take_chunks

_UNKNOWN_START = datetime(1970, 1, 1, tzinfo=UTC)  # NWB wants a time of day, recordings do not tell it
_MAX_BYTES = 1 << 27  # of keypoints that are held at a time, if one person's are not more
_Gathered = tuple[NDArray[np.float64], NDArray[np.float32], NDArray[np.float32]]
_FRAME = "(0, 0) is the centre of the upper left pixel, x to the right, y down"


def write_nwb(path: Path, spool: Spool, header: Header) -> None:
    """A folder with a file per person; memory is that of some people's keypoints, as NWB takes whole arrays."""
    stem = path.name.removesuffix(path.suffix)
    import_optional("ndx_pose", "NWB")
    with replacing_folder(path) as folder:
        each = 12 * spool.frames * len(spool.skeleton.keypoints) or 1  # bytes of one person
        for numbers in take_chunks(spool.people, max(1, _MAX_BYTES // each)):
            times, places, scores = _gather(spool, numbers)
            for at, number in enumerate(numbers):
                name = f"{stem}_{clean_name(name_person(number, header))}.nwb"
                _write_person(folder / name, spool, header, number, (times, places[at], scores[at]))


def _write_person(path: Path, spool: Spool, header: Header, number: int, gathered: _Gathered) -> None:
    import ndx_pose
    import pynwb

    name, skeleton = name_person(number, header), spool.skeleton
    times, places, scores = gathered
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that a session began in 1970
        file = pynwb.NWBFile(
            session_description=f"poses of {name} in {header.source or 'a video'}",
            identifier=name,
            session_start_time=header.started or _UNKNOWN_START,
        )
        file.subject = pynwb.file.Subject(subject_id=name, species="unknown")
        nodes = ndx_pose.Skeleton(
            name=skeleton.name.replace("/", "_").replace(":", "_"),
            nodes=list(skeleton.keypoints),
            edges=skeleton.limb_indices.astype(np.uint8),
        )
        series: list[Any] = []
        for k, keypoint in enumerate(skeleton.keypoints):
            made = ndx_pose.PoseEstimationSeries(
                name=keypoint.replace("/", "_").replace(":", "_"),
                description=f"{keypoint} of {name}",
                data=places[k],
                unit="pixels",
                reference_frame=_FRAME,
                timestamps=series[0] if series else times,  # written once, as ndx-pose shows it
                confidence=scores[k],
                confidence_definition="0 to 1, how sure the network is; 0 where it was not found",
            )
            series.append(made)
        pose = ndx_pose.PoseEstimation(
            name="PoseEstimation",
            pose_estimation_series=series,
            description=f"written by nimblepose, model {header.model}{_tell_rate(spool, header)}",
            original_videos=[header.source or ""],
            dimensions=np.array([[spool.size[1], spool.size[0]]], np.uint16),
            source_software="nimblepose",
            skeleton=nodes,
        )
        module = file.create_processing_module(name="behavior", description="poses")
        module.add(ndx_pose.Skeletons(skeletons=[nodes]))
        module.add(pose)
        with replacing(path) as temporary, pynwb.NWBHDF5IO(str(temporary), "w") as out:
            out.write(file)


def _tell_rate(spool: Spool, header: Header) -> str:
    """With times it numbers the frames, for which NWB has no place."""
    rate = spool.rate or header.rate
    return f", {rate:.10g} frames per second" if rate else ""


def _gather(spool: Spool, numbers: Sequence[int]) -> _Gathered:
    """(T,) seconds, (N, K, T, 2) pixels and (N, K, T) scores of some people, of all frames."""
    times, k, begin = np.zeros(spool.frames), len(spool.skeleton.keypoints), 0
    places = np.full((len(numbers), k, spool.frames, 2), np.nan, np.float32)
    scores = np.zeros((len(numbers), k, spool.frames), np.float32)
    for block in spool.iterate_blocks():
        rows, found = begin + block.rows, block.found_scores
        for i, number in enumerate(numbers):  # one by one: what is written lies together
            here = np.flatnonzero(block.numbers == number)
            places[i][:, rows[here]] = block.keypoints[here].transpose(1, 0, 2)
            scores[i][:, rows[here]] = found[here].T
        times[begin : begin + len(block.times)] = [round_seconds(time) for time in block.times.tolist()]
        begin += len(block.times)
    return times, places, scores


FORMAT = OutputFormat(
    name="nwb",
    help="NWB with ndx-pose, a file per person; of videos",
    requires="ndx_pose",
    video=VideoMaker(".nwb", partial(SpooledFile, write=write_nwb, requires=("pynwb", "ndx_pose"))),
)
