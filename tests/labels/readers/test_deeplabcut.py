"""DeepLabCut's tables, where good readers lose frames, animals and points."""

import numpy as np
import pytest
from mouse_scene import expected, file_name, seen_in, write_dlc

from nimblepose.core.errors import DataError
from nimblepose.labels.readers import read_labels
from nimblepose.labels.readers.dlc_tables import read_csv_table, read_plain_pickle

HEAD = "scorer,anna,anna\nbodyparts,nose,nose\ncoords,x,y\n"


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


@pytest.mark.parametrize("split_index", [True, False], ids=["three columns", "one column with backslashes"])
def test_both_forms_of_names_and_frames_of_the_same_names(tmp_path, split_index):
    labels = read_labels(write_dlc(tmp_path, split_index=split_index))
    assert seen_in(labels) == expected(hidden=2)
    assert {label.scorer for picture in labels.pictures for label in picture.labels} == {"anna"}
    assert labels.categories[0].limbs == (("nose", "ear"), ("ear", "tail"))


def test_one_animal_has_no_name(tmp_path):
    labels = read_labels(write_dlc(tmp_path, individuals=("m1",)))
    assert {label.identity for picture in labels.pictures for label in picture.labels} == {""}
    assert len(labels.pictures[1].labels) == 1


def test_unique_bodyparts_are_a_category_of_their_own(tmp_path):
    """movement 0.17 takes every individual to have every bodypart: points of animals and frames mix."""
    labels = read_labels(write_dlc(tmp_path, unique=True))
    assert [(c.name, c.keypoints) for c in labels.categories] == [
        ("mouse", ("nose", "ear", "tail")),
        ("single", ("food",)),
    ]
    food = [label for picture in labels.pictures for label in picture.labels if label.category == "single"]
    assert len(food) == len(labels.pictures)
    assert all(label.xy.tolist() == [[5, 6]] for label in food)


def test_a_ragged_table_of_columns_in_any_order(tmp_path):
    """Two mice with two parts, `single` with two of its own, 6 rows: mouse2's nose is 300 in the fifth."""
    names = [
        ("mouse1", "nose"),
        ("single", "food"),
        ("mouse2", "tail"),
        ("mouse2", "nose"),
        ("mouse1", "tail"),
        ("single", "door"),
    ]
    columns = [(who, part, c) for who, part in names for c in "yx"]
    text = "".join(
        f"{h},{','.join(c[i] for c in columns)}\n" for i, h in enumerate(("individuals", "bodyparts", "coords"))
    )
    for row in range(6):
        cells = [
            300 if (who, part, row) == ("mouse2", "nose", 4) else 10 * row + i // 2
            for i, (who, part, _) in enumerate(columns)
        ]
        text += f"labeled-data/v/{file_name(row)},{','.join(map(str, cells))}\n"
    labels = read_labels(write(tmp_path / "labeled-data" / "v" / "CollectedData_a.csv", text))
    assert len(labels.pictures) == 6
    fifth = {label.identity: label.xy.tolist() for label in labels.pictures[4].labels}
    assert fifth == {"mouse1": [[40, 40], [44, 44]], "single": [[41, 41], [45, 45]], "mouse2": [[300, 300], [42, 42]]}
    assert {c.name: c.keypoints for c in labels.categories}["single"] == ("food", "door")


def test_labels_stay_with_their_picture_when_one_is_missing(tmp_path):
    """sleap-io 0.9.5 moves all later labels by one, and makes frames 10 and 42 to 0 and 1."""
    rows = "".join(f"labeled-data,v,img{n}.png,{n},20\n" for n in (3, 10, 42, 50))
    text = "scorer,,,anna,anna\nbodyparts,,,nose,nose\ncoords,,,x,y\n" + rows
    path = write(tmp_path / "labeled-data" / "v" / "CollectedData_anna.csv", text)
    for n in (3, 42, 50):
        write(path.parent / f"img{n}.png", "")
    labels = read_labels(tmp_path)
    assert [(p.frame, p.file.name, p.labels[0].xy[0, 0]) for p in labels.pictures] == [
        (n, f"img{n}.png", n) for n in (3, 10, 42, 50)
    ]
    assert [p.file.is_file() for p in labels.pictures] == [True, False, True, True]


def test_an_empty_first_row_is_frame_0(tmp_path):
    """pandas takes it for the names of the index; keypoint-moseq's poses then lie one frame early."""
    rows = "0,,\n" + "".join(f"{n},{100 + n},5\n" for n in range(1, 6))
    labels = read_labels(write(tmp_path / "dayDLC_net.csv", HEAD + rows))
    x = [p.labels[0].xy[0, 0] if p.labels else np.nan for p in labels.pictures]
    np.testing.assert_array_equal(x, [np.nan, 101, 102, 103, 104, 105])
    assert [p.frame for p in labels.pictures] == list(range(6))


def test_row_numbers_are_frames(tmp_path):
    """movement 0.17 counts rows: 0, 1, 5, 6 become 0 to 3."""
    rows = "".join(f"{n},{n},5\n" for n in (0, 1, 5, 6))
    labels = read_labels(write(tmp_path / "dayDLC_net.csv", HEAD + rows))
    assert [(p.video, p.frame, p.labels[0].xy[0, 0]) for p in labels.pictures] == [("day", n, n) for n in (0, 1, 5, 6)]


def test_a_row_of_index_names_is_no_picture(tmp_path):
    labels = read_labels(write(tmp_path / "CollectedData_a.csv", HEAD + "image,,\nlabeled-data/v/a.png,1,2\n"))
    assert [p.name for p in labels.pictures] == ["v/a.png"]


def test_lightning_pose_says_what_is_visible(tmp_path):
    text = "scorer,lp,lp,lp\nbodyparts,nose,nose,nose\ncoords,x,y,visible\n"
    text += "labeled-data/v/a.png,10,20,1\nlabeled-data/v/b.png,10,20,0\n"
    a, b = read_labels(write(tmp_path / "CollectedData.csv", text)).pictures
    assert [a.labels[0].visibility.tolist(), b.labels[0].visibility.tolist()] == [[1], [0]]
    with pytest.raises(DataError, match="bodyparts"):
        read_labels(write(tmp_path / "x.csv", "a,b\n1,2\n"), "dlc")


def test_likelihood_is_the_score_of_a_keypoint(tmp_path):
    text = "scorer,n,n,n\nbodyparts,nose,nose,nose\ncoords,x,y,likelihood\n0,10,20,0.25\n"
    (picture,) = read_labels(write(tmp_path / "dayDLC.csv", text)).pictures
    assert picture.labels[0].keypoint_scores.tolist() == [0.25]
    assert picture.labels[0].score == 0.25


def test_rows_that_cannot_be_read_are_listed(tmp_path):
    rows = (
        'labeled-data/v/a.png,"1,5",2\nlabeled-data/v/b.png,1\nlabeled-data/v/c.png,1,1e9\nlabeled-data/v/d.png,1,2\n'
    )
    labels = read_labels(write(tmp_path / "CollectedData_a.csv", HEAD + rows))
    assert [p.name for p in labels.pictures if p.labels] == ["v/d.png"]
    assert ["decimal point" in labels.skipped[0].reason, "1 values, expected 2" in labels.skipped[1].reason] == [
        True,
        True,
    ]
    assert "further than" in labels.skipped[2].reason


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("scorer,a,a\nbodyparts,n,n\ncoords,x,x\n", "two columns are a / n / x"),
        ("scorer,a\nbodyparts,n,n\ncoords,x,y\n", "rows of headers have"),
    ],
    ids=["twice", "ragged"],
)
def test_headers_that_contradict_themselves(tmp_path, text, why):
    with pytest.raises(DataError, match=why):
        read_csv_table(write(tmp_path / "CollectedData.csv", text))


# HDF5, as pandas writes it --------------------------------------------------------------------------------------------


@pytest.fixture
def frames(tmp_path):
    """The tables of a project, as pandas reads its CSV, with what reads and writes HDF5."""
    pytest.importorskip("h5py", reason="h5py (extra labels) is not installed")
    pytest.importorskip("tables", reason="PyTables (extra labels) is not installed")
    pd = pytest.importorskip("pandas")
    write_dlc(tmp_path)
    return {
        path: pd.read_csv(path, header=[0, 1, 2, 3], index_col=[0, 1, 2])
        for path in tmp_path.glob("labeled-data/*/CollectedData_anna.csv")
    }


def test_h5_of_pandas_is_read_without_unpickling(tmp_path, frames):
    for path, frame in frames.items():
        frame.to_hdf(path.with_suffix(".h5"), key="df_with_missing", mode="w")
        path.unlink()
    assert seen_in(read_labels(tmp_path)) == expected(
        hidden=2
    )  # with frame 0, which pandas took for names of the index


def test_h5_is_taken_and_a_csv_that_differs_is_told(tmp_path, frames):
    for path, frame in frames.items():
        frame.to_hdf(path.with_suffix(".h5"), key="df_with_missing", mode="w")
    assert read_labels(tmp_path).skipped == ()
    left = tmp_path / "labeled-data" / "left" / "CollectedData_anna.csv"
    left.write_text(left.read_text().replace("11.0", "99.0", 1))
    labels = read_labels(tmp_path)
    assert seen_in(labels) == expected(hidden=2)
    assert [one.file for one in labels.skipped] == [str(left)]
    assert "from which DeepLabCut trains" in labels.skipped[0].reason


def test_predictions_in_the_layout_table(tmp_path, frames):
    frame = next(iter(frames.values()))
    frame = frame.reset_index(drop=True)
    frame.index = [0, 1, 2, 4, 7]
    frame.to_hdf(tmp_path / "dayDLC_net.h5", key="df_with_missing", mode="w", format="table")
    labels = read_labels(tmp_path / "dayDLC_net.h5")
    assert [p.frame for p in labels.pictures] == [0, 1, 2, 4, 7]
    assert {label.identity for label in labels.pictures[0].labels} == {"m1", "m2"}


def test_a_pickle_that_names_code_is_not_run():
    import pickle

    class Evil:
        def __reduce__(self):
            return print, ("run",)

    for protocol in (0, 2, 4):
        assert read_plain_pickle(pickle.dumps([(1, {"a": [2.5, None, True]}), ("b",)], protocol)) == [
            (1, {"a": [2.5, None, True]}),
            ("b",),
        ]
        with pytest.raises(ValueError, match="not plain data"):
            read_plain_pickle(pickle.dumps(Evil(), protocol))
