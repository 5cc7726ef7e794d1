"""Whatever a batch is divided into, its results are those of the whole, byte for byte."""

import json

import pytest
from blob_scenes import BLACK, draw_scene
from PIL import Image
from tests.batch.conftest import do, read_folder
from video_files import make_video

FORMATS = "json,coco,openpose,csv,parquet"
X264 = {"closed": "bframes=2:keyint=9:scenecut=0", "open": "open-gop=1:bframes=3:keyint=8:scenecut=0"}


def scenes():
    """Frames with cuts, with black between two scenes where pieces meet, and with a fade within one."""
    shown = [draw_scene(n, seed=0) for n in range(17)] + [BLACK] * 8 + [draw_scene(n, seed=1) for n in range(25, 38)]
    return [*shown, *([BLACK] * 4), *(draw_scene(n, seed=1) for n in range(42, 60))]


def write_video(folder, kind):
    uneven = [round(n / 10 + 0.03 * (n % 3), 3) for n in range(60)]
    how = {
        "mp4": {"options": {"x264-params": X264["closed"]}},
        "open.ts": {"options": {"x264-params": X264["open"]}},
        "uneven.mkv": {"options": {"x264-params": X264["open"]}, "times": uneven},
        "one-key-frame.mp4": {"options": {"x264-params": "keyint=1000:scenecut=0"}},
    }
    suffix = kind if kind == "mp4" else kind.split(".")[1]
    return make_video(folder / f"{kind.split('.')[0]}.{suffix}", scenes(), **how[kind])


@pytest.mark.parametrize("kind", ["mp4", "open.ts", "uneven.mkv", "one-key-frame.mp4"])
@pytest.mark.parametrize("smooth", ["live", "offline"])
def test_pieces_of_a_video_make_the_files_of_the_whole(kind, smooth, tmp_path, cli, inline):
    video = write_video(tmp_path, kind)
    formats = ["--format", FORMATS, "--smooth", smooth]
    assert cli("track", video, "--no-video", "--out", tmp_path / "whole", *formats)[0] == 0
    for seconds in (1, 2.5):
        batch = tmp_path / f"batch{seconds}"
        assert cli("batch", "plan", video, "--out", batch, "--seconds", seconds)[0] == 0
        do(batch)
        assert cli("batch", "finish", batch, *formats)[0] == 0
        assert read_folder(batch / "results") == read_folder(tmp_path / "whole"), seconds
    if kind != "one-key-frame.mp4":
        assert len(list((tmp_path / "batch1/parts").iterdir())) == 6
    people = [json.loads(line)["people"] for line in (tmp_path / "whole").glob("*.jsonl").__next__().open()]
    assert {len(found) for found in people} == {0, 2}, "there is something to compare"


@pytest.mark.parametrize(
    "part", [["--every", "3"], ["--start", "1.5", "--end", "5.2"], ["--every", "2", "--start", "2"]]
)
def test_a_part_of_a_video_makes_the_files_of_that_part(part, clip, tmp_path, cli, inline):
    assert cli("track", clip, "--no-video", "--out", tmp_path / "whole", *part)[0] == 0
    cli("batch", "plan", clip, "--out", tmp_path / "batch", "--seconds", 1, *part)
    assert do(tmp_path / "batch").total >= 4
    assert cli("batch", "finish", tmp_path / "batch")[0] == 0
    assert read_folder(tmp_path / "batch/results") == read_folder(tmp_path / "whole")


@pytest.mark.parametrize("formats", [FORMATS, "json,coco,csv,parquet,excel"])
def test_pictures_make_the_files_of_one_run_over_all_of_them(formats, tmp_path, cli, inline, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a/b").mkdir(parents=True)
    for number in range(7):
        Image.fromarray(draw_scene(number, people=number % 3)).save(tmp_path / f"a/{number:03}.png")
    Image.fromarray(draw_scene(9)).save(tmp_path / "a/b/001.png")
    (tmp_path / "a/004.png").write_bytes(b"no picture")
    sources = ["a", "a/b/001.png", "a/gone.jpg"]
    whole = cli("predict", *sources, "--no-pictures", "--out", "whole", "--format", formats)
    assert whole[0] == 1
    code, out, said = cli("batch", "plan", *sources, "--out", "batch", "--pictures", 3)
    assert (code, "9 pictures: 3 units" in out, "a/gone.jpg: no such file" in said) == (1, True, True)
    assert do(tmp_path / "batch").damaged == 2
    code, _, said = cli("batch", "finish", "batch", "--format", formats)
    assert code == 1
    assert all(name in said for name in ("004.png", "gone.jpg"))
    assert read_folder(tmp_path / "batch/results") == read_folder(tmp_path / "whole")
    failures = [json.loads(line) for line in (tmp_path / "batch/failures.jsonl").read_text().splitlines()]
    assert [failure["source"] for failure in failures] == ["pictures", "pictures"]
    assert json.loads((tmp_path / "batch/summary.json").read_text())["pictures"] == 7


def test_shards_and_processes_make_the_same_files(clip, tmp_path, cli):
    assert cli("track", clip, "--no-video", "--out", tmp_path / "whole")[0] == 0
    cli("batch", "plan", clip, "--out", tmp_path / "batch", "--seconds", 1)
    for shard in ("0/2", "1/2"):  # one after the other: what the first has done changes nothing for the second
        assert cli("batch", "run", tmp_path / "batch", "--workers", 2, "--shard", shard)[0] == 0
    assert cli("batch", "finish", tmp_path / "batch", "--workers", 1)[0] == 0
    assert read_folder(tmp_path / "batch/results") == read_folder(tmp_path / "whole")
    assert len(list((tmp_path / "batch/parts").iterdir())) == 6
    assert list((tmp_path / "batch/claims").iterdir()) == []
