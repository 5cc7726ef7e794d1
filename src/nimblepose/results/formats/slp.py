"""SLEAP's own file, format 1.4: every frame, everybody as a predicted instance on a track. Places are pixel centres."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from nimblepose.core.files import replacing
from nimblepose.core.optional import import_optional
from nimblepose.results.output_format import Header, OutputFormat, VideoMaker, encode_json, name_person
from nimblepose.results.spool import Spool, SpooledFile

VERSION = 1.4
_PREDICTED = 1  # of instances; 0 is a person's
_POINT = [("x", "<f8"), ("y", "<f8"), ("visible", "?"), ("complete", "?")]
KINDS: Mapping[str, Any] = {
    "frames": [
        ("frame_id", "<u8"), ("video", "<u4"), ("frame_idx", "<u8"), ("instance_id_start", "<u8"),
        ("instance_id_end", "<u8"),
    ],
    "instances": [
        ("instance_id", "<i8"), ("instance_type", "u1"), ("frame_id", "<u8"), ("skeleton", "<u4"), ("track", "<i4"),
        ("from_predicted", "<i8"), ("score", "<f4"), ("point_id_start", "<u8"), ("point_id_end", "<u8"),
        ("tracking_score", "<f4"),
    ],
    "points": _POINT,
    "pred_points": [*_POINT, ("score", "<f8")],
}  # fmt: skip
"""Columns of SLEAP's tables."""


class NodeGraph(Protocol):
    """What SLEAP knows of a body."""

    @property
    def name(self) -> str: ...  # noqa: D102
    @property
    def keypoints(self) -> tuple[str, ...]: ...  # noqa: D102
    @property
    def limbs(self) -> tuple[tuple[str, str], ...]: ...  # noqa: D102
    @property
    def mirror_pairs(self) -> tuple[tuple[str, str], ...]: ...  # noqa: D102


def encode_skeletons(skeletons: Sequence[NodeGraph]) -> bytes:
    """The JSON of `metadata`: skeletons, whose nodes are named by their place in a list."""
    nodes = list(dict.fromkeys(name for skeleton in skeletons for name in skeleton.keypoints))
    place = {name: i for i, name in enumerate(nodes)}
    entries, kinds = [], dict[int, int]()

    def encode_kind(kind: int) -> dict[str, Any]:  # as jsonpickle: in full the first time, then by its number
        if kind in kinds:
            return {"py/id": kinds[kind]}
        kinds[kind] = len(kinds) + 1
        return {"py/reduce": [{"py/type": "sleap.skeleton.EdgeType"}, {"py/tuple": [kind]}]}

    for skeleton in skeletons:
        kinds.clear()
        links: list[dict[str, Any]] = [
            {"edge_insert_idx": i, "key": 0, "source": place[a], "target": place[b], "type": encode_kind(1)}
            for i, (a, b) in enumerate(skeleton.limbs)
        ]
        links += [
            {"key": 0, "source": place[a], "target": place[b], "type": encode_kind(2)} for a, b in skeleton.mirror_pairs
        ]
        entries.append(
            {
                "directed": True,
                "graph": {"name": skeleton.name, "num_edges_inserted": len(skeleton.limbs)},
                "links": links,
                "multigraph": True,
                "nodes": [{"id": place[keypoint]} for keypoint in skeleton.keypoints],
            }
        )
    return encode_json(
        {
            "version": "2.0.0",
            "skeletons": entries,
            "nodes": [{"name": name, "weight": 1.0} for name in nodes],
            "videos": [],
            "tracks": [],
            "suggestions": [],
            "negative_anchors": {},
            "provenance": {},
        }
    )


class SlpTables:
    """The tables of a file, which grow."""

    def __init__(self, file: Any) -> None:
        """Make them in an open HDF5 file."""
        self._tables = {
            name: file.create_dataset(name, (0,), np.dtype(kind), maxshape=(None,), chunks=(4096,))
            for name, kind in KINDS.items()
        }

    def append(self, name: str, rows: Any) -> None:
        """Rows at the end of a table."""
        table, count = self._tables[name], len(rows)
        if count:
            table.resize(len(table) + count, axis=0)
            table[-count:] = rows


_MAX_ATTRIBUTE = 64_000  # bytes; HDF5 has a place for longer ones since 1.8 only, and wants to be told


@contextmanager
def create_slp(path: Path, skeletons: Sequence[NodeGraph]) -> Iterator[Any]:
    """An open HDF5 file with the metadata of SLEAP, which gets its name when the block ends well.

    Raises:
        MissingPackageError: h5py is not installed.
        MediaError: it cannot be written.
    """
    h5py = import_optional("h5py", "SLEAP")
    text = encode_skeletons(skeletons)
    versions = ("v108", "latest") if len(text) > _MAX_ATTRIBUTE else None
    with replacing(path) as temporary, h5py.File(temporary, "w", libver=versions) as file:
        group = file.create_group("metadata")
        group.attrs["format_id"] = VERSION
        group.attrs["json"] = np.bytes_(text)
        yield file


def write_slp(path: Path, spool: Spool, header: Header) -> None:
    """A file of predictions; memory is that of some frames."""
    h5py = import_optional("h5py", "SLEAP")
    people = spool.people
    k, done = len(spool.skeleton.keypoints), 0
    with create_slp(path, [spool.skeleton]) as file:
        text = h5py.string_dtype()
        file.create_dataset("videos_json", data=[_encode_video(spool, header)], dtype=text)
        names = [json.dumps([0, name_person(number, header)], ensure_ascii=False) for number in people]
        file.create_dataset("tracks_json", data=np.array(names, object), dtype=text, shape=(len(names),))
        for name in ("suggestions_json", "sessions_json"):
            file.create_dataset(name, shape=(0,), dtype=text, maxshape=(None,))
        tables, frame_id = SlpTables(file), 0
        for block in spool.iterate_blocks():
            frames = np.zeros(len(block.indices), KINDS["frames"])
            ends = done + np.cumsum(block.counts)
            frames["frame_id"] = np.arange(frame_id, frame_id + len(frames))
            frames["frame_idx"] = block.indices
            frames["instance_id_start"], frames["instance_id_end"] = ends - block.counts, ends
            instances = np.zeros(len(block.numbers), KINDS["instances"])
            instances["instance_id"] = np.arange(done, ends[-1])
            instances["instance_type"], instances["from_predicted"] = _PREDICTED, -1
            instances["frame_id"] = frame_id + block.rows
            instances["track"] = np.searchsorted(people, block.numbers)
            instances["score"] = block.scores
            instances["point_id_start"] = instances["instance_id"] * k
            instances["point_id_end"] = instances["point_id_start"] + k
            instances["tracking_score"] = np.nan
            points = np.zeros(block.keypoint_scores.size, KINDS["pred_points"])
            xy = block.keypoints.reshape(-1, 2)
            points["x"], points["y"], points["visible"] = xy[:, 0], xy[:, 1], ~np.isnan(xy[:, 0])
            points["score"] = block.keypoint_scores.ravel()
            for name, rows in (("frames", frames), ("instances", instances), ("pred_points", points)):
                tables.append(name, rows)
            done, frame_id = int(ends[-1]), frame_id + len(frames)


def _encode_video(spool: Spool, header: Header) -> str:
    name, (height, width) = header.source or "", spool.size
    backend = {
        "type": "MediaVideo", "shape": [spool.last + 1, height, width, 3], "filename": name, "grayscale": False,
        "bgr": True, "dataset": "", "input_format": "",
    }  # fmt: skip
    return json.dumps({"filename": name, "backend": backend}, ensure_ascii=False)


FORMAT = OutputFormat(
    name="slp",
    help="SLEAP; of videos",
    requires="h5py",
    video=VideoMaker(".poses.slp", partial(SpooledFile, write=write_slp, requires=("h5py",))),
)
