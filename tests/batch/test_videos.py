"""Videos that are damaged, or that pieces do not fit of."""

import json

import numpy as np
import pytest
from blob_scenes import draw_scene
from tests.batch.conftest import do, read_folder
from video_files import make_video

CLOSED = {"x264-params": "bframes=0:keyint=8:scenecut=0"}


@pytest.fixture
def one_thread(monkeypatch):
    """Where several threads decode, PyAV loses some frames behind damage: `track` shall not differ by that."""
    monkeypatch.setattr("nimblepose.media.video.count_limited_cores", lambda: 1)


def test_a_video_that_cannot_be_read_is_told_and_costs_no_other(clip, tmp_path, cli, inline):
    (tmp_path / "text.mp4").write_text("no video")
    batch = tmp_path / "batch"
    code, out, said = cli("batch", "plan", clip, tmp_path / "text.mp4", "--out", batch, "--seconds", 2)
    assert (code, "1 video" in out, "text.mp4 is not a video" in said) == (1, True, True)
    assert do(batch).failed == {}
    code, _, said = cli("batch", "finish", batch)
    assert (code, "text.mp4 is not a video" in said) == (1, True)
    assert [path.name for path in (batch / "results").iterdir()] == ["clip.poses.jsonl"]
    assert json.loads((batch / "summary.json").read_text())["failures"] == 1


def test_a_video_that_breaks_off_makes_what_the_whole_makes(tmp_path, cli, inline, one_thread):
    whole = make_video(
        tmp_path / "whole.mp4", [draw_scene(n) for n in range(60)], options=CLOSED,
        container_options={"movflags": "faststart"},
    )  # fmt: skip
    cut = tmp_path / "cut.mp4"
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size * 6 // 10])
    code, _, told = cli("track", cut, "--no-video", "--out", tmp_path / "whole")
    assert (code, "breaks off" in told) == (1, True)
    cli("batch", "plan", cut, "--out", tmp_path / "batch", "--seconds", 1)
    do(tmp_path / "batch")
    code, _, said = cli("batch", "finish", tmp_path / "batch")
    assert code == 1
    assert said.splitlines()[-1].split("; ")[-1] == told.splitlines()[-1].split("; ")[-1]
    assert read_folder(tmp_path / "batch/results") == read_folder(tmp_path / "whole")


@pytest.mark.parametrize("seed", range(3))
def test_pieces_that_do_not_fit_are_done_as_one(seed, tmp_path, cli, inline, one_thread):
    """Damage that is concealed in another way from the middle than from the beginning."""
    clip = make_video(tmp_path / "clip.mp4", [draw_scene(n) for n in range(60)], options=CLOSED)
    data, chance = bytearray(clip.read_bytes()), np.random.default_rng(seed)
    for _ in range(40):
        place = chance.integers(len(data) // 5, len(data) * 3 // 5)
        data[place] = chance.integers(256)
    clip.write_bytes(data)
    cli("track", clip, "--no-video", "--out", tmp_path / "whole")
    batch = tmp_path / "batch"
    cli("batch", "plan", clip, "--out", batch, "--seconds", 1)
    assert do(batch).done > 1
    code, _, said = cli("batch", "finish", batch)
    if "do not fit" in said:
        assert code == 1
        assert do(batch).done == 1
        assert "do not fit" not in cli("batch", "finish", batch)[2]
    assert read_folder(batch / "results") == read_folder(tmp_path / "whole")


def test_a_seam_that_is_no_seam_is_seen(clip, tmp_path, cli, inline):
    """The parts of two pieces are of another file than the others."""
    one, other = tmp_path / "one", tmp_path / "other"
    cli("batch", "plan", clip, "--out", one, "--seconds", 2)
    do(one)
    pictures = [draw_scene(n + 1) for n in range(60)]
    make_video(clip, pictures, options=CLOSED)
    cli("batch", "plan", clip, "--out", other, "--seconds", 2)
    do(other)
    ids = [json.loads((batch / "manifest.jsonl").read_text().splitlines()[1])["pieces"] for batch in (one, other)]
    cli("batch", "plan", clip, "--out", one, "--seconds", 2)
    for number in (0, 1, 2):
        origin = (other, other, one)[number]
        part = (origin / "parts" / f"{ids[(1, 1, 0)[number]][number][0]}.parquet").read_bytes()
        (one / "parts" / f"{ids[1][number][0]}.parquet").write_bytes(part)
    code, _, said = cli("batch", "finish", one)
    assert (code, "its pieces do not fit where" in said) == (1, True)
    assert not list((one / "results").glob("*.jsonl")) or not (one / "results/clip.poses.jsonl").exists()
    assert do(one).done == 1
    cli("batch", "finish", one)
    cli("track", clip, "--no-video", "--out", tmp_path / "whole")
    assert read_folder(one / "results") == read_folder(tmp_path / "whole")


def test_finished_again_what_is_there_stays(clip, tmp_path, cli, inline, monkeypatch):
    batch = tmp_path / "batch"
    cli("batch", "plan", clip, "--out", batch, "--seconds", 2)
    do(batch)
    cli("batch", "finish", batch)
    done = []
    monkeypatch.setattr(inline, "submit", lambda self, task: done.append(task) or self.tasks.append(task))
    before = read_folder(batch / "results")
    assert (cli("batch", "finish", batch)[0], done) == (0, [])
    assert json.loads((batch / "summary.json").read_text())["frames"] == 60
    (batch / "results/clip.poses.jsonl").unlink()
    cli("batch", "finish", batch)
    assert (len(done), read_folder(batch / "results")) == (1, before)
    cli("batch", "finish", batch, "--format", "csv")
    assert len(done) == 2


def test_attention_in_pieces_begins_a_few_frames_before(clip, tmp_path, cli, inline):
    """What is seen follows from frames before, so poses may differ a little; frames, people and identities do not."""
    cli("track", clip, "--no-video", "--out", tmp_path / "whole", "--quality", "fast")
    cli("batch", "plan", clip, "--out", tmp_path / "batch", "--seconds", 2, "--quality", "fast")
    do(tmp_path / "batch")
    assert cli("batch", "finish", tmp_path / "batch")[0] == 0
    found = [
        [json.loads(line) for line in (folder / "clip.poses.jsonl").read_text().splitlines()]
        for folder in (tmp_path / "batch/results", tmp_path / "whole")
    ]
    places = [[_place_by_identity(frame) for frame in frames] for frames in found]
    for one, other in zip(*(frames[:48] for frames in places), strict=True):  # then somebody jumps to the left
        assert one.keys() == other.keys()
        np.testing.assert_allclose(list(one.values()), list(other.values()), atol=3)
    assert [frame["frame"] for frame in found[0]] == list(range(60))


def _place_by_identity(frame):
    people = {person["track_id"]: person["keypoints"][0] for person in frame["people"]}
    return {identity: (people[identity]["x"], people[identity]["y"]) for identity in sorted(people)}
