"""What movement makes of poses that others have written (docs/interop.md tells of it), and of ours."""

import numpy as np
import pytest

from nimblepose.labels.readers import read_labels
from nimblepose.labels.writers import find_writer

load = pytest.importorskip("movement.io.load_poses", reason="movement (see .ci/neighbours) is not installed")

COORDS = ("x", "y", "likelihood")
OWNED = (("mouse1", "nose"), ("mouse1", "tail"), ("mouse2", "nose"), ("mouse2", "tail"), ("single", "food"))
OWNED = (*OWNED, ("single", "door"))


def names(dataset, dimension):
    """Of a data set, whose dimensions are plural up to 0.15."""
    return dataset[dimension if dimension in dataset.dims else f"{dimension}s"].values.tolist()


def x_of(dataset, individual, keypoint):
    plural = "" if "individual" in dataset.dims else "s"
    chosen = {f"individual{plural}": individual, f"keypoint{plural}": keypoint, "space": "x"}
    return dataset.position.sel(chosen).values.tolist()


def write_table(path, rows):
    """Predictions of DeepLabCut with unique bodyparts: each one's x is 100, 200, .. in the order of the columns."""
    columns = [(who, part, coord) for who, part in OWNED for coord in COORDS]
    lines = [["scorer", *["net"] * len(columns)]]
    lines += [[head, *[c[i] for c in columns]] for i, head in enumerate(("individuals", "bodyparts", "coords"))]
    cells = [str(v) for k in range(len(OWNED)) for v in (100 * (k + 1), 50, 0.9)]
    lines += [[str(row), *cells] for row in rows]
    path.write_text("".join(",".join(line) + "\n" for line in lines))
    return path


def test_unique_bodyparts_mix_frames_and_animals_there_and_not_here(tmp_path):
    path = write_table(tmp_path / "dayDLC_net.csv", range(6))
    theirs = load.from_dlc_file(path)
    assert theirs.sizes["time"] == 3
    assert x_of(theirs, "mouse2", "nose")[0] == 500  # written as 300
    find_writer("dlc-results").write(read_labels(path), tmp_path / "out")
    (mice,) = (file for file in (tmp_path / "out").iterdir() if "single" not in file.name)
    ours = load.from_dlc_file(mice)
    assert ours.sizes["time"] == 6
    assert x_of(ours, "mouse2", "nose") == [300] * 6
    assert names(ours, "individual") == ["mouse1", "mouse2"]


def test_numbers_of_rows_are_not_read_there(tmp_path):
    """Rows 0, 1, 5, 6 are frames 0 to 3; so ours has a row for every frame."""
    head = "scorer,n,n,n,n,n,n\nbodyparts,nose,nose,nose,tail,tail,tail\ncoords,x,y,likelihood,x,y,likelihood\n"
    path = tmp_path / "dayDLC_net.csv"
    path.write_text(head + "".join(f"{n},{n},5,0.9,9,9,0.9\n" for n in (0, 1, 5, 6)))
    theirs = load.from_dlc_file(path)
    assert theirs.time.values.tolist() == [0, 1, 2, 3]
    find_writer("dlc-results").write(read_labels(path), tmp_path / "out")
    (file,) = (tmp_path / "out").iterdir()
    x = load.from_dlc_file(file).position.sel(space="x").values[..., 0]
    np.testing.assert_array_equal(x if x.ndim == 1 else x[:, 0], [0, 1, np.nan, np.nan, np.nan, 5, 6])


def write_slp(sio, path, *, tracked, videos=1):
    """Three people at 0, 100, 200, in two frames."""
    skeleton = sio.Skeleton(["nose", "tail"], edges=[("nose", "tail")], name="mouse")
    tracks = [sio.Track(f"m{k}") for k in range(3)] if tracked else [None] * 3
    frames = []
    for number in range(videos):
        video = sio.Video(filename=f"./day{number}.mp4", open_backend=False)
        for frame in range(2):
            people = [
                sio.PredictedInstance.from_numpy(
                    np.full((2, 2), 100.0 * k + number), skeleton=skeleton, point_scores=np.ones(2), score=1, track=one
                )
                for k, one in enumerate(tracks)
            ]
            frames.append(sio.LabeledFrame(video, frame, people))
    sio.Labels(frames).save(str(path), embed=False, verbose=False)
    return path


def test_of_people_without_tracks_the_last_is_kept_there_and_all_of_ours(tmp_path):
    sio = pytest.importorskip("sleap_io", reason="sleap-io is not installed")
    path = write_slp(sio, tmp_path / "a.slp", tracked=False)
    theirs = load.from_sleap_file(path)
    assert np.unique(theirs.position.sel(space="x")).tolist() == [200]
    find_writer("slp-results").write(read_labels(path), tmp_path / "out")
    (file,) = (tmp_path / "out").iterdir()
    assert len(names(load.from_sleap_file(file), "individual")) == 3


def test_the_second_video_is_dropped_there_and_a_file_of_its_own_here(tmp_path):
    sio = pytest.importorskip("sleap_io", reason="sleap-io is not installed")
    path = write_slp(sio, tmp_path / "a.slp", tracked=True, videos=2)
    theirs = load.from_sleap_file(path)
    assert np.unique(theirs.position.sel(space="x")).tolist() == [0, 100, 200]
    find_writer("slp-results").write(read_labels(path), tmp_path / "out")
    found = [
        np.unique(load.from_sleap_file(file).position.sel(space="x")) for file in sorted((tmp_path / "out").iterdir())
    ]
    assert [x.tolist() for x in found] == [[0, 100, 200], [1, 101, 201]]


def test_times_of_an_nwb_file_become_a_rate_there_and_stay_here(tmp_path, write_nwb):
    """12.5 to 13.04 become 0 to 0.16."""
    path = write_nwb((12.5, 12.54, 12.58, 13.0, 13.04))
    theirs = load.from_nwb_file(path)
    np.testing.assert_allclose(theirs.time.values, [0, 0.04, 0.08, 0.12, 0.16], atol=1e-6)
    assert names(theirs, "individual") == ["mouse1"]
    assert [picture.time for picture in read_labels(path).pictures] == [12.5, 12.54, 12.58, 13.0, 13.04]


@pytest.fixture
def write_nwb(tmp_path):
    """By pynwb and ndx-pose, as their documentation shows it."""
    ndx_pose = pytest.importorskip("ndx_pose", reason="ndx-pose (extra nwb) is not installed")
    from datetime import UTC, datetime

    import pynwb

    def run(times):
        file = pynwb.NWBFile(
            session_description="a day", identifier="mouse1", session_start_time=datetime(2026, 1, 1, tzinfo=UTC)
        )
        nodes = ndx_pose.Skeleton(name="mouse", nodes=["nose"])
        series = ndx_pose.PoseEstimationSeries(
            name="nose", data=np.arange(2.0 * len(times)).reshape(-1, 2), unit="pixels", timestamps=np.array(times),
            reference_frame="corner", confidence=np.ones(len(times)), confidence_definition="sure",
        )  # fmt: skip
        pose = ndx_pose.PoseEstimation(pose_estimation_series=[series], skeleton=nodes, original_videos=["day.mp4"])
        module = file.create_processing_module(name="behavior", description="poses")
        module.add(ndx_pose.Skeletons(skeletons=[nodes]))
        module.add(pose)
        with pynwb.NWBHDF5IO(str(tmp_path / "a.nwb"), "w") as out:
            out.write(file)
        return tmp_path / "a.nwb"

    return run
