"""SLEAP's files, as sleap-io writes them and as they lie on the disk."""

import json

import numpy as np
import pytest
from mouse_scene import FRAMES, KEYPOINTS, LIMBS, SIZE, VIDEOS, expected, file_name, mice, paint, seen_in

from nimblepose.core.errors import DataError
from nimblepose.labels.readers import find_reader, read_labels

h5py = pytest.importorskip("h5py", reason="h5py (extra labels) is not installed")


@pytest.fixture
def sio():
    return pytest.importorskip("sleap_io", reason="sleap-io is not installed")


def build(sio, root):
    """The scene as sleap-io has it: two sequences of pictures of the same names."""
    skeleton = sio.Skeleton(list(KEYPOINTS), edges=list(LIMBS), symmetries=[("nose", "tail")], name="mouse")
    tracks, frames = {name: sio.Track(name) for name in ("m1", "m2")}, []
    for video in VIDEOS:
        for frame in range(FRAMES):
            paint(root / video, video, frame)
        sequence = sio.Video.from_filename([str(root / video / file_name(frame)) for frame in range(FRAMES)])
        for frame in range(FRAMES):
            instances = []
            for name, points in mice(video, frame).items():
                xy = np.array([points.get(k, (np.nan, np.nan, 0))[:2] for k in KEYPOINTS])
                instances.append(sio.Instance.from_numpy(xy, skeleton=skeleton, track=tracks[name]))
            frames.append(sio.LabeledFrame(sequence, frame, instances))
    return sio.Labels(frames)


def test_a_project_of_sleap_io(sio, tmp_path):
    path = tmp_path / "mice.slp"
    build(sio, tmp_path).save(str(path), embed=False, verbose=False)
    assert find_reader(tmp_path).name == "slp"
    labels = read_labels(path)
    assert labels.skipped == ()
    assert seen_in(labels) == expected(hidden=2)
    assert labels.categories[0].limbs == LIMBS
    assert [p.file.name for p in labels.pictures[:3]] == ["img000.png", "img001.png", "img002.png"]


def test_a_package_brings_its_pictures(sio, tmp_path):
    import cv2

    path = tmp_path / "mice.pkg.slp"
    build(sio, tmp_path).save(str(path), embed=True, verbose=False)
    labels = read_labels(path)
    assert len(labels.pictures) == 2 * FRAMES
    for number, picture in enumerate(labels.pictures):
        decoded = cv2.imdecode(np.frombuffer(picture.content(), np.uint8), cv2.IMREAD_COLOR)
        assert decoded.shape == (*SIZE, 3)
        assert (decoded == 10 + 20 * (number % FRAMES) + number // FRAMES).all()
    places = [[label.xy.tolist() for label in p.labels] for p in labels.pictures[1:2]]
    assert places[0][0][0] == [11, 20]


def write_slp(path, *, version=1.4, instances=(), points=(), pred_points=(), frames=((0, 0, 7, 0, 1),), videos=None):
    """A file by hand, with what differs."""
    skeleton = {
        "graph": {"name": "mouse"},
        "nodes": [{"id": 1}, {"id": 0}],
        "links": [
            {"source": 1, "target": 0, "type": {"py/reduce": [{"py/type": "EdgeType"}, {"py/tuple": [1]}]}},
            {"source": 0, "target": 1, "type": {"py/reduce": [{"py/type": "EdgeType"}, {"py/tuple": [2]}]}},
        ],
    }
    about = {"skeletons": [skeleton], "nodes": [{"name": "tail"}, {"name": "nose"}]}
    point = [("x", "f8"), ("y", "f8"), ("visible", "?"), ("complete", "?")]
    instance = [
        ("instance_id", "i8"), ("instance_type", "u1"), ("frame_id", "u8"), ("skeleton", "u4"), ("track", "i4"),
        ("from_predicted", "i8"), ("score", "f4"), ("point_id_start", "u8"), ("point_id_end", "u8"),
        ("tracking_score", "f4"),
    ]  # fmt: skip
    frame = [
        ("frame_id", "u8"),
        ("video", "u4"),
        ("frame_idx", "u8"),
        ("instance_id_start", "u8"),
        ("instance_id_end", "u8"),
    ]
    with h5py.File(path, "w") as file:
        group = file.create_group("metadata")
        group.attrs["format_id"], group.attrs["json"] = version, json.dumps(about)
        file["frames"] = np.array(list(frames), frame)
        file["instances"] = np.array(list(instances), instance)
        file["points"] = np.array(list(points), point)
        file["pred_points"] = np.array(list(pred_points), [*point, ("score", "f8")])
        file["tracks_json"] = [json.dumps([0, "a"])]
        file["videos_json"] = [json.dumps(one) for one in videos or [{"backend": {"filename": "C:\\data\\day.mp4"}}]]
    return path


USER = (0, 0, 0, 0, 0, -1, 0, 0, 2, 0)


@pytest.mark.parametrize(("version", "x", "y"), [(1.0, 9.5, 19.5), (1.1, 10, 20), (1.4, 10, 20)])
def test_old_files_count_from_the_corner(tmp_path, version, x, y):
    path = write_slp(
        tmp_path / "a.slp", version=version, instances=[USER], points=[(10, 20, True, True), (1, 2, False, False)]
    )
    (picture,) = read_labels(path).pictures
    (label,) = picture.labels
    assert label.xy[0].tolist() == [x, y]
    assert label.visibility.tolist() == [2, 0]  # a node that is not there keeps the place where it was put first
    assert (picture.video, picture.frame, label.identity) == ("day", 7, "a")


def test_nodes_are_named_by_their_place_in_the_file(tmp_path):
    path = write_slp(tmp_path / "a.slp", instances=[USER], points=[(10, 20, True, True), (1, 2, True, False)])
    (category,) = read_labels(path).categories
    assert category.keypoints == ("nose", "tail")
    assert category.limbs == (("nose", "tail"),)  # the second link is a symmetry


def test_a_prediction_that_a_person_has_taken_over_is_one_animal(tmp_path):
    found = (1, 1, 0, 0, -1, -1, 0.75, 0, 2, np.nan)
    mended = (2, 0, 0, 0, 0, 1, 0, 0, 2, 0)
    other = (3, 1, 0, 0, -1, -1, 0.5, 2, 4, np.nan)
    path = write_slp(
        tmp_path / "a.slp",
        instances=[found, mended, other],
        frames=[(0, 0, 7, 0, 3)],
        points=[(10, 20, True, True), (1, 2, True, True)],
        pred_points=[(5, 5, True, False, 0.5)] * 4,
    )
    (picture,) = read_labels(path).pictures
    assert [(label.identity, label.score) for label in picture.labels] == [("a", None), ("", 0.5)]
    assert picture.labels[1].keypoint_scores.tolist() == [0.5, 0.5]


def test_what_does_not_fit_is_listed_or_refused(tmp_path):
    three = (0, 0, 0, 0, 0, -1, 0, 0, 3, 0)
    path = write_slp(tmp_path / "a.slp", instances=[three], points=[(1, 2, True, True)] * 3)
    labels = read_labels(path)
    assert labels.pictures[0].labels == ()
    assert "3 points for 2 keypoints" in labels.skipped[0].reason
    with pytest.raises(DataError, match="instances 0 to 5 of 1"):
        read_labels(write_slp(tmp_path / "b.slp", instances=[USER], frames=[(0, 0, 7, 0, 5)]))
    (tmp_path / "c.slp").write_bytes(path.read_bytes()[:900])
    with pytest.raises(DataError, match="not a file of SLEAP, or damaged"):
        read_labels(tmp_path / "c.slp")


def test_many_kinds_of_animals_fit_into_one_file(tmp_path):
    """Skeletons are one attribute of HDF5, which is 64 KB at most unless it is told otherwise."""
    from nimblepose.labels.label_set import Category, LabelSet
    from nimblepose.labels.writers import find_writer

    names = tuple(f"keypoint number {i}" for i in range(40))
    limbs = tuple((names[0], name) for name in names[1:])
    kinds = tuple(Category(f"animal {i}", names, limbs) for i in range(40))
    find_writer("slp").write(LabelSet("test", kinds, ()), tmp_path / "a.slp")
    with h5py.File(tmp_path / "a.slp") as file:
        assert len(file["metadata"].attrs["json"]) > 1 << 16
    assert read_labels(tmp_path / "a.slp").categories == kinds


def test_frames_of_a_video_have_the_size_that_it_has(tmp_path):
    from nimblepose.core.poses import Poses
    from nimblepose.core.skeleton import HUMAN_18
    from nimblepose.media.frames import Stamp
    from nimblepose.results.formats.slp import FORMAT
    from nimblepose.results.output_format import Header

    file = FORMAT.video.begin(tmp_path / "a.slp", Header(model="m", skeletons=(HUMAN_18,), source="day.mp4"))
    file.add(Stamp(0, 0, (480, 640)), Poses.empty(HUMAN_18))
    (picture,) = read_labels(file.finish()).pictures
    assert picture.size == (480, 640)
