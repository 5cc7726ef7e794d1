"""What was found is remembered to the last bit, up to the last whole line, and only for the same run."""

import dataclasses
import io
from pathlib import Path

import numpy as np
import pytest

from nimblepose.core.errors import MediaError
from nimblepose.core.files import InUseError
from nimblepose.core.poses import Poses
from nimblepose.core.skeleton import COCO_17
from nimblepose.media.frames import Stamp
from nimblepose.results.journal import Journal

CONDITIONS = {"video": [100, 5], "model": "m"}


def people(number):
    """`number` people, some keypoints not found, in numbers that decimal text would round."""
    rng = np.random.default_rng(number)
    keypoints = (rng.uniform(0, 1, (number, 17, 2)) * 1000 / 3).astype(np.float32)
    keypoints[:, 3] = np.nan
    scores = (rng.uniform(0, 1, (number, 17)) / 3).astype(np.float32)
    return Poses(COCO_17, keypoints, scores, scores.mean(1))


ENTRIES = [(Stamp(3 * n, n / 30, (48, 64)), people(n % 3)) for n in range(7)]


@pytest.fixture
def path(tmp_path):
    journal = Journal(tmp_path / "journal", CONDITIONS)
    for stamp, poses in ENTRIES:
        journal.add(stamp, poses)
    journal.close()
    return tmp_path / "journal"


def assert_equal(found, expected):
    found, expected = list(found), list(expected)
    assert [stamp for stamp, _ in found] == [stamp for stamp, _ in expected]
    for (_, ours), (_, theirs) in zip(found, expected, strict=True):
        for name in ("keypoints", "keypoint_scores", "scores"):
            assert getattr(ours, name).tobytes() == getattr(theirs, name).tobytes()


def test_there_and_back_to_the_last_bit(path):
    journal = Journal(path, CONDITIONS, resume=True)
    assert (journal.known, journal.last) == (7, ENTRIES[-1][0])
    assert_equal(journal.entries(COCO_17), ENTRIES)


def test_how_the_camera_has_moved_is_kept_to_the_last_bit(tmp_path):
    journal = Journal(tmp_path / "journal", CONDITIONS)
    shifts = [(0.0, 0.0), (-100 / 3, 1e-7), (0.0, 2 / 7)]
    for number, shift in enumerate(shifts):
        journal.add(Stamp(number, number / 10, (48, 64)), dataclasses.replace(people(1), camera_shift=shift))
    assert [poses.camera_shift for _, poses in journal.entries(COCO_17)] == shifts
    journal.close()


@pytest.mark.parametrize(
    ("field", "shape"), [("limb_colours", (2, len(COCO_17.limbs), 3)), ("keypoint_errors", (2, 17))]
)
def test_what_people_may_lack_is_kept_too(tmp_path, field, shape):
    values = np.random.default_rng(0).uniform(0, 255, shape).astype(np.float32)
    values[0, 3] = np.nan
    journal = Journal(tmp_path / "journal", CONDITIONS)
    journal.add(Stamp(0, 0.0, (48, 64)), dataclasses.replace(people(2), **{field: values}))
    journal.add(Stamp(1, 0.1, (48, 64)), people(1))
    (_, having), (_, plain) = journal.entries(COCO_17)
    assert getattr(having, field).tobytes() == values.tobytes()
    assert getattr(plain, field) is None


def test_heads_that_belong_to_nobody_are_kept_too(tmp_path):
    heads = np.random.default_rng(0).uniform(0, 99, (4, 5)).astype(np.float32)
    journal = Journal(tmp_path / "journal", CONDITIONS)
    for found in (heads, heads[:0], None):
        journal.add(Stamp(0, 0.0, (48, 64)), dataclasses.replace(people(0), heads=found))
    some, none, unknown = (poses.heads for _, poses in journal.entries(COCO_17))
    assert some.tobytes() == heads.tobytes()
    assert none.shape == (0, 5)
    assert unknown is None


def test_a_journal_from_before_errors_were_kept_is_refused(path):
    path.write_text(path.read_text().replace('"version": 5', '"version": 4'))
    with pytest.raises(MediaError, match=r"another version; .*without --resume"):
        Journal(path, CONDITIONS, resume=True)


def test_a_half_line_is_cut_off_and_written_again(path):
    whole = path.read_bytes()
    path.write_bytes(whole[:-20])
    journal = Journal(path, CONDITIONS, resume=True)
    assert (journal.known, journal.last) == (6, ENTRIES[5][0])
    journal.add(*ENTRIES[6])
    assert path.read_bytes() == whole
    assert_equal(journal.entries(COCO_17, known_only=True), ENTRIES[:6])
    assert_equal(journal.entries(COCO_17), ENTRIES)


def test_a_header_cut_off_is_damage_and_says_what_to_do(path):
    path.write_bytes(path.read_bytes()[:10])
    with pytest.raises(MediaError, match=r"damaged.*without --resume"):
        Journal(path, CONDITIONS, resume=True)


@pytest.mark.parametrize("text", ["", "[]\n", '{"a": 1}\n', "\x00\x01\n"], ids=["empty", "list", "other", "binary"])
def test_what_is_no_journal_is_refused_and_left_alone(path, text):
    path.write_text(text)
    with pytest.raises(MediaError, match="start again without --resume"):
        Journal(path, CONDITIONS, resume=True)
    assert path.read_text() == text


def test_other_conditions_are_named(path):
    with pytest.raises(MediaError, match=r"another model, video;"):
        Journal(path, {"video": [101, 5], "model": "n"}, resume=True)


def test_nothing_is_written_before_the_first_frame(tmp_path, path):
    before = path.read_bytes()
    for resume in (False, True):
        Journal(path, CONDITIONS, resume=resume).close()
        Journal(tmp_path / "new", CONDITIONS, resume=resume).close()
    assert path.read_bytes() == before
    assert not (tmp_path / "new").exists()


def test_without_resume_it_begins_anew(path):
    journal = Journal(path, CONDITIONS)
    assert list(journal.entries(COCO_17)) == []
    journal.add(*ENTRIES[0])
    assert_equal(journal.entries(COCO_17), ENTRIES[:1])
    journal.remove()
    assert not path.exists()


def test_a_place_that_cannot_be_written_is_named(tmp_path):
    with pytest.raises(MediaError, match="nowhere"):
        Journal(tmp_path / "nowhere" / "journal", CONDITIONS).add(*ENTRIES[0])


def test_short_writes_leave_whole_lines(tmp_path, monkeypatch):
    class Short(io.FileIO):
        def write(self, data):
            return super().write(bytes(data)[:1000])

    monkeypatch.setattr(Path, "open", lambda path, mode, buffering=-1: Short(path, mode.replace("b", "")))
    journal = Journal(tmp_path / "journal", CONDITIONS)
    for stamp, poses in ENTRIES:
        journal.add(stamp, poses)
    journal.close()
    monkeypatch.undo()
    assert_equal(Journal(tmp_path / "journal", CONDITIONS, resume=True).entries(COCO_17), ENTRIES)


def test_a_second_run_over_the_same_source_is_refused_and_the_first_goes_on(tmp_path):
    first, second = (Journal(tmp_path / "a.journal", {}) for _ in range(2))
    first.add(*ENTRIES[0])
    with pytest.raises(InUseError, match="another run"):
        second.add(*ENTRIES[0])
    first.add(*ENTRIES[1])
    first.close()
    assert Journal(tmp_path / "a.journal", {}, resume=True).known == 2
