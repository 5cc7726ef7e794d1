"""What we write for other tools is read by the tools themselves, equal to what was found; skipped without them."""

import json
from itertools import pairwise

import numpy as np
import pytest

from nimblepose.core.poses import Poses
from nimblepose.core.skeleton import COCO_17, Skeleton
from nimblepose.media.frames import Stamp
from nimblepose.results.formats import FORMATS
from nimblepose.results.output_format import Header

MOUSE = Skeleton(
    "mouse", ("nose", "left", "right"), (("nose", "left"), ("nose", "right")), mirror_pairs=(("left", "right"),)
)
HEADER = Header(model="net", skeletons=(MOUSE,), source="day.mp4", rate=29.97003)
INDICES = (0, 1, 2, 3, 5, 6)  # frame 4 was left out
NAN = np.nan


def find_mice(index):
    """Nobody at first; mouse 7 in every second frame; nobody sees `right`."""
    if index == 0:
        return Poses.empty(MOUSE)
    places = [[[10 + index, 20], [10.25 + index, 20.5], [NAN, NAN]], [[300, 40 + index], [NAN, NAN], [NAN, NAN]]]
    scores = [[0.5, 0.75, 0], [0.25, 0, 0]]
    ids = [3, 7]
    n = 1 + index % 2
    return Poses(
        MOUSE,
        np.array(places[:n], np.float32),
        np.array(scores[:n], np.float32),
        np.array([0.625, 0.375][:n], np.float32),
        np.array(ids[:n], np.int64),
    )


def stamp(index):
    return Stamp(index, index * 1001 / 30000, (480, 640))


def expected():
    """(7 frames, 2 mice, 3 keypoints, x y score); frame 4 has nobody."""
    table = np.full((7, 2, 3, 3), NAN)
    table[..., 2] = 0
    for index in INDICES:
        poses = find_mice(index)
        for row, (xy, score) in enumerate(zip(poses.keypoints, poses.keypoint_scores, strict=True)):
            table[index, row] = np.column_stack([xy, score])
    return table


@pytest.fixture
def write(tmp_path):
    """Write the mice in a format; without identities, if wanted."""

    def run(name, *, identities=True):
        maker = next(one for one in FORMATS if one.name == name)
        if maker.requires:
            pytest.importorskip(maker.requires, reason=f"{maker.requires} (for --format {name}) is not installed")
        file = maker.video.begin(tmp_path / f"day{maker.video.ending}", HEADER)
        for index in INDICES:
            poses = find_mice(index)
            if not identities:
                poses = Poses(MOUSE, poses.keypoints, poses.keypoint_scores, poses.scores)
            file.add(stamp(index), poses)
        path = file.finish()
        assert sorted(p.name for p in tmp_path.iterdir()) == [path.name], "nothing is left beside it"
        return path

    return run


# DeepLabCut ---------------------------------------------------------------------------------------------------------


def list_names(dataset, dimension):
    """Of a data set of movement, whose dimensions are plural up to 0.15."""
    return dataset[dimension if dimension in dataset.dims else f"{dimension}s"].values.tolist()


def to_array(frame):
    """pandas' table of DeepLabCut as (frames, animals, keypoints, x y likelihood)."""
    return frame.to_numpy().reshape(len(frame), 2, 3, 3)


def test_pandas_reads_every_frame_of_the_csv(write):
    """A wholly empty first row would be taken for names of the index."""
    pd = pytest.importorskip("pandas")
    table = pd.read_csv(write("dlc"), header=[0, 1, 2, 3], index_col=0)
    assert table.index.tolist() == list(range(7))
    assert table.columns.names == ["scorer", "individuals", "bodyparts", "coords"]
    assert list(table.columns[:3]) == [("net", "person3", "nose", c) for c in ("x", "y", "likelihood")]
    np.testing.assert_allclose(to_array(table), expected(), atol=1e-4)


def test_the_h5_is_the_same_table(write):
    pd = pytest.importorskip("pandas")
    path = write("dlc-h5")
    np.testing.assert_allclose(to_array(pd.read_hdf(path)), expected(), atol=1e-6)


@pytest.mark.parametrize("columns", [5, 500])
@pytest.mark.parametrize("rows", [1, 3, 2000])
def test_an_h5_that_is_written_in_parts(tmp_path, monkeypatch, columns, rows):
    """Of many columns in another layout; pandas reads both, with their index and the names of their columns."""
    from nimblepose.results.formats import dlc

    pytest.importorskip("tables")
    pd = pytest.importorskip("pandas")
    monkeypatch.setattr(dlc, "_MAX_NAMES", columns)
    monkeypatch.setattr(dlc, "_CHUNK", rows)
    file = dlc.FORMAT.video.begin(tmp_path / "a.h5", HEADER)
    for index in INDICES:
        file.add(stamp(index), find_mice(index))
    table = pd.read_hdf(file.finish())
    np.testing.assert_allclose(to_array(table), expected(), atol=1e-6)
    assert table.index.tolist() == list(range(7))
    assert table.columns.names == ["scorer", "individuals", "bodyparts", "coords"]
    assert table.columns[4] == ("net", "person3", "left", "y")


def test_a_table_is_cut_where_it_has_too_many_cells(tmp_path, monkeypatch):
    """Somebody new every second makes a table wide: memory is that of some cells."""
    from nimblepose.results.formats import dlc

    monkeypatch.setattr(dlc, "_MAX_CELLS", 40)  # 18 in a row
    heights = []
    cut = dlc.iterate_frames
    monkeypatch.setattr(dlc, "iterate_frames", lambda *given: (heights.append(given[2]), cut(*given))[1])
    file = dlc.CSV_FORMAT.video.begin(tmp_path / "a.csv", HEADER)
    for index in INDICES:
        file.add(stamp(index), find_mice(index))
    assert len(file.finish().read_text().splitlines()) == 4 + 7
    assert heights == [2]


@pytest.mark.parametrize("name", ["dlc", "dlc-h5"])
def test_movement_reads_frames_and_animals(write, name):
    load = pytest.importorskip("movement.io", reason="movement is not installed")
    path = write(name)
    reader = getattr(load, "load_poses", None)
    ds = reader.from_dlc_file(path, fps=30) if reader else load.load_dataset(path, "DeepLabCut", fps=30)
    assert list_names(ds, "individual") == ["person3", "person7"]
    assert list_names(ds, "keypoint") == list(MOUSE.keypoints)
    singular = "individual" in ds.dims
    dims = ("time", "individual", "keypoint", "space") if singular else ("time", "individuals", "keypoints", "space")
    place = ds.position.transpose(*dims)
    np.testing.assert_allclose(place.values, expected()[..., :2], atol=1e-4)


# SLEAP --------------------------------------------------------------------------------------------------------------


def test_sleap_io_reads_frames_tracks_and_skeleton(write):
    sio = pytest.importorskip("sleap_io", reason="sleap-io is not installed")
    labels = sio.load_slp(str(write("slp")), open_videos=False)
    assert [frame.frame_idx for frame in labels.labeled_frames] == list(INDICES)
    assert [len(frame.instances) for frame in labels.labeled_frames] == [0, 2, 1, 2, 2, 1]
    assert [track.name for track in labels.tracks] == ["person3", "person7"]
    (skeleton,) = labels.skeletons
    assert (skeleton.name, skeleton.node_names) == ("mouse", list(MOUSE.keypoints))
    assert skeleton.edge_names == [("nose", "left"), ("nose", "right")]
    assert {frozenset(node.name for node in pair.nodes) for pair in skeleton.symmetries} == {
        frozenset(["left", "right"])
    }
    instance = labels.labeled_frames[1].instances[0]
    assert instance.score == 0.625
    np.testing.assert_array_equal(instance.numpy(), [[11, 20], [11.25, 20.5], [NAN, NAN]])
    np.testing.assert_array_equal(instance.points["score"], [0.5, 0.75, 0])
    assert labels.videos[0].filename == "day.mp4"


def test_movement_keeps_everybody_of_a_frame_of_sleap(write):
    """Without tracks it keeps the last one only."""
    load = pytest.importorskip("movement.io", reason="movement is not installed")
    path = write("slp", identities=False)
    reader = getattr(load, "load_poses", None)
    ds = reader.from_sleap_file(path) if reader else load.load_dataset(path, "SLEAP")
    assert list_names(ds, "individual") == ["person0", "person1"]


# NWB ----------------------------------------------------------------------------------------------------------------


def test_pynwb_reads_times_series_and_skeleton(write):
    pytest.importorskip("ndx_pose", reason="ndx-pose (extra nwb) is not installed")
    import pynwb

    folder = write("nwb")
    assert sorted(path.name for path in folder.iterdir()) == ["day_person3.nwb", "day_person7.nwb"]
    with pynwb.NWBHDF5IO(str(folder / "day_person7.nwb"), "r") as file:
        nwb = file.read()
        assert nwb.identifier == "person7"
        pose = nwb.processing["behavior"]["PoseEstimation"]
        assert pose.skeleton.nodes[:].tolist() == list(MOUSE.keypoints)
        assert pose.skeleton.edges[:].tolist() == [[0, 1], [0, 2]]
        nose = pose.pose_estimation_series["nose"]
        rows = expected()[list(INDICES), 1, 0]
        np.testing.assert_array_equal(nose.data[:], rows[:, :2])
        np.testing.assert_array_equal(nose.confidence[:], rows[:, 2])
        np.testing.assert_array_equal(nose.timestamps[:], [round(i * 1001 / 30000, 6) for i in INDICES])
        assert {len(one.data) for one in pose.pose_estimation_series.values()} == {6}


def test_movement_names_the_animal_of_an_nwb_file(write):
    load = pytest.importorskip("movement.io", reason="movement is not installed")
    path = write("nwb") / "day_person3.nwb"
    reader = getattr(load, "load_poses", None)
    ds = reader.from_nwb_file(path) if reader else load.load_dataset(path, "NWB")
    assert list_names(ds, "individual") == ["person3"]
    assert ds.sizes["time"] == 6


# OpenSim ------------------------------------------------------------------------------------------------------------


def test_trc_has_its_fields_and_rows(write):
    """OpenSim reads as many rows as the header says; a tab at the end of a line shifts Pose2Sim's columns."""
    folder = write("trc")
    lines = (folder / "day_person7.trc").read_text().split("\n")
    assert lines.pop() == ""
    assert not any(line.endswith("\t") for line in lines[:3] + lines[4:])
    assert len(lines[3].split("\t")) == 2 + 3 * 3  # pandas takes rows of more fields for such with an index
    names, values = lines[1].split("\t"), lines[2].split("\t")
    about = dict(zip(names, values, strict=True))
    assert (about["NumFrames"], about["NumMarkers"], about["Units"], about["DataRate"]) == ("6", "3", "px", "29.97")
    assert lines[5] == ""  # pyomeca and scripts for MATLAB skip six lines
    rows = [line.split("\t") for line in lines[6:]]
    assert len(rows) == 6
    assert {len(row) for row in rows} == {2 + 3 * 3}
    assert len(lines[4].split("\t")) == 2 + 3 * 3
    assert lines[3].split("\t")[2::3] == list(MOUSE.keypoints)
    assert [row[2] for row in rows] == ["NaN", "300.0000", "NaN", "300.0000", "300.0000", "NaN"]
    assert rows[1][4] == "0.0000"
    assert rows[1][1] == "0.033367"
    assert [int(row[0]) for row in rows] == [index + 1 for index in INDICES]


# Motion capture -----------------------------------------------------------------------------------------------------

EZC3D = "ezc3d (see .ci/neighbours) is not installed"


def test_ezc3d_reads_places_labels_and_rate(write):
    ezc3d = pytest.importorskip("ezc3d", reason=EZC3D)
    read = ezc3d.c3d(str(write("c3d") / "day_person7.c3d"))
    about = read["parameters"]
    assert about["POINT"]["LABELS"]["value"] == list(MOUSE.keypoints)
    assert about["POINT"]["UNITS"]["value"] == ["px"]
    assert about["SUBJECTS"]["NAMES"]["value"] == ["person7"]
    assert about["POINT"]["RATE"]["value"][0] == pytest.approx(29.97003)
    points = read["data"]["points"]  # x y z 1, keypoints, frames
    np.testing.assert_allclose(points[:2].transpose(2, 1, 0), expected()[:, 1, :, :2])
    assert (np.nan_to_num(points[2]) == 0).all()
    missing = read["data"]["meta_points"]["residuals"][0] < 0
    np.testing.assert_array_equal(missing, np.isnan(points[0]))


def test_c3d_reads_what_is_missing_as_such(write):
    """To it a place is one whatever it is: the residual says that it is none."""
    c3d = pytest.importorskip("c3d", reason="c3d is not installed")
    with (write("c3d") / "day_person7.c3d").open("rb") as file:
        reader = c3d.Reader(file)
        frames = [points for _, points, _ in reader.read_frames()]
        assert [label.strip() for label in reader.point_labels] == list(MOUSE.keypoints)
        assert (reader.first_frame, reader.last_frame) == (1, 7)
        assert reader.point_rate == pytest.approx(29.97003)
    assert frames[0][0, :4].tolist() == [0, 0, 0, -1]
    assert frames[3][0, :4].tolist() == [300, 43, 0, 0]


def test_c3d_counts_beyond_its_header_and_names_beyond_its_labels(tmp_path):
    """The header counts to 65,535; one parameter holds 255 names."""
    ezc3d = pytest.importorskip("ezc3d", reason=EZC3D)
    from nimblepose.results.formats.c3d import FORMAT

    names = tuple(f"point {i}" for i in range(260))
    stick = Skeleton("stick", names, tuple(pairwise(names)))
    file = FORMAT.video.begin(tmp_path / "a.c3d", Header(model="m", skeletons=(stick,)))
    xy = np.full((1, 260, 2), 5, np.float32)
    for frame in (0, 10):  # 25 per second, which nobody says
        poses = Poses(stick, xy + frame, np.ones((1, 260), np.float32), np.ones(1, np.float32))
        file.add(Stamp(frame, frame / 25, (9, 9)), poses)
    read = ezc3d.c3d(str(file.finish() / "a_person0.c3d"))
    assert read["data"]["points"].shape == (4, 260, 11)
    assert read["parameters"]["POINT"]["LABELS2"]["value"][-1] == "point 259"
    assert read["parameters"]["POINT"]["RATE"]["value"][0] == 25
    file = FORMAT.video.begin(tmp_path / "b.c3d", Header(model="m", skeletons=(MOUSE,), rate=30))
    file.add(Stamp(0, 0, (9, 9)), find_mice(1))
    file.add(Stamp(70_000, 70_000 / 30, (9, 9)), find_mice(2))
    points = ezc3d.c3d(str(file.finish() / "b_person3.c3d"))["data"]["points"]
    assert points.shape == (4, 3, 70_001)
    assert points[0, 0, -1] == 12


def test_names_that_c3d_cannot_hold_are_refused(tmp_path):
    from nimblepose.core.errors import MediaError
    from nimblepose.results.formats.c3d import FORMAT

    names = tuple(f"{i:03d}" + "x" * 200 for i in range(250))
    stick = Skeleton("stick", names, tuple(pairwise(names)))
    file = FORMAT.video.begin(tmp_path / "a.c3d", Header(model="m", skeletons=(stick,)))
    ones = np.ones((1, 250, 2), np.float32)
    file.add(Stamp(0, 0, (9, 9)), Poses(stick, ones, ones[..., 0], ones[:, 0, 0]))
    with pytest.raises(MediaError, match=r"LABELS is longer than C3D can hold"):
        file.finish()


# COCO ---------------------------------------------------------------------------------------------------------------


def test_pycocotools_reads_the_data_set(write, capsys):
    coco_module = pytest.importorskip("pycocotools.coco")
    coco = coco_module.COCO(str(write("coco-dataset")))
    assert sorted(coco.imgs) == [1, 2, 3, 4, 5, 6]
    assert [coco.imgs[i]["frame"] for i in sorted(coco.imgs)] == list(INDICES)
    assert min(coco.anns) == 1
    assert [len(coco.getAnnIds(i)) for i in sorted(coco.imgs)] == [0, 2, 1, 2, 2, 1]
    first = coco.loadAnns(coco.getAnnIds(2))[0]
    assert first["keypoints"] == [11.5, 20.5, 2, 11.75, 21, 2, 0, 0, 0]
    assert (first["num_keypoints"], first["bbox"], first["score"]) == (2, [11.5, 20.5, 0.25, 0.5], 0.625)
    assert (first["track_id"], first["identity"]) == (3, "person3")
    assert coco.cats[1]["keypoints"] == list(MOUSE.keypoints)
    assert coco.cats[1]["skeleton"] == [[1, 2], [1, 3]]


def test_what_was_put_in_place_is_labelled_and_not_seen():
    from nimblepose.results.formats.coco_dataset import encode_category, encode_people

    poses = find_mice(1)
    flags = np.array([[True, False, False], [False] * 3])
    poses = Poses(MOUSE, poses.keypoints, poses.keypoint_scores, poses.scores, poses.track_ids, flags)
    assert encode_people(poses, 1, 1, HEADER)[0]["keypoints"][2::3] == [1, 2, 0]
    assert encode_category(COCO_17)["name"] == "person"


def test_pictures_become_a_data_set_with_those_of_nobody():
    from nimblepose.results.formats.coco_dataset import coco_dataset
    from nimblepose.results.output_format import PictureResult

    results = [PictureResult(f"{i}.png", (480, 640), find_mice(i), i + 1) for i in (0, 1)]
    value = json.loads(coco_dataset(results, HEADER))
    assert [image["file_name"] for image in value["images"]] == ["0.png", "1.png"]
    assert [one["id"] for one in value["annotations"]] == [1, 2]
    assert {one["image_id"] for one in value["annotations"]} == {2}


# Whatever the format ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["dlc", "dlc-h5", "slp", "nwb", "trc", "c3d", "coco-dataset"])
def test_a_video_of_nobody(tmp_path, name):
    maker = next(one for one in FORMATS if one.name == name)
    if maker.requires:
        pytest.importorskip(maker.requires)
    file = maker.video.begin(tmp_path / f"a{maker.video.ending}", HEADER)
    file.add(stamp(0), Poses.empty(MOUSE))
    assert file.finish().exists()


@pytest.mark.parametrize("name", ["nwb", "trc", "c3d"])
def test_a_folder_of_others_is_not_replaced(tmp_path, name):
    from nimblepose.core.errors import MediaError

    maker = next(one for one in FORMATS if one.name == name)
    if maker.requires:
        pytest.importorskip(maker.requires)
    path = tmp_path / f"a{maker.video.ending}"
    for _ in range(2):  # ours is
        file = maker.video.begin(path, HEADER)
        file.add(stamp(1), find_mice(1))
        assert len(list(file.finish().iterdir())) == 2
    (path / "diary.txt").write_text("")
    file = maker.video.begin(path, HEADER)
    file.add(stamp(1), find_mice(1))
    with pytest.raises(MediaError, match=r"holds diary.txt"):
        file.finish()
