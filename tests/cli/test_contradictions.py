"""Options that could have no effect are refused with the reason; none is ignored in silence."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from video_files import make_video, numbered

from nimblepose.cli.contradictions import check_folder
from nimblepose.core.errors import OptionError
from nimblepose.drawing.pose_map import list_colours


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A picture, a video, a folder of frames and one of pages; we are there."""
    make_video(tmp_path / "clip.mp4", [numbered(n) for n in range(4)])
    Image.new("RGB", (64, 48), (200, 0, 0)).save(tmp_path / "a.jpg")
    (tmp_path / "frames").mkdir()
    for n in range(2):
        Image.fromarray(numbered(n)).save(tmp_path / "frames" / f"{n}.png")
    pages = [Image.fromarray(numbered(n)) for n in range(2)]
    pages[0].save(tmp_path / "pages.tif", save_all=True, append_images=pages[1:])
    monkeypatch.chdir(tmp_path)
    return tmp_path


def listing(folder):
    return sorted(path.name for path in folder.rglob("*"))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["predict", "clip.mp4", "--no-track", "--smooth", "offline"], "--smooth: needs identities"),
        (["predict", "clip.mp4", "--no-track", "--trails", "2"], "--trails: needs identities"),
        (["predict", "a.jpg", "--no-pictures", "--scores", "--blur-faces"], "--scores, --blur-faces: nothing is drawn"),
        (["predict", "a.jpg", "--no-pictures", "--canvas", "black"], "--canvas: nothing is drawn"),
        (["predict", "a.jpg", "--every", "2", "--end", "3"], "--every, --end: is for videos"),
        (["predict", "a.jpg", "--no-track"], "--no-track: is for videos"),
        (["predict", "clip.mp4", "--any-way-up", "--looks"], "--any-way-up, --looks: is for pictures"),
        (["predict", "clip.mp4", "--max-pixels", "9"], "--max-pixels: is for pictures"),
        (
            ["predict", "a.jpg", "--scales", "0.5,1", "--quality", "fast"],
            "--scales: average a single pass, and --quality looks again",
        ),
        (["predict", "a.jpg", "--scales", "0.5,nan"], "--scales takes numbers"),
        (["predict", "a.jpg", "-o", "result.jpg"], "--out takes a folder, and result.jpg is the name of a file; give"),
        (["track", "clip.mp4", "-o", "result.mp4"], "--out takes a folder"),
        (["track", "clip.mp4", "--end", "0"], "--end 0 is not after --start 0"),
        (["track", "clip.mp4", "--no-video", "--boxes"], "--boxes: nothing is drawn with --no-video"),
        (["track", "clip.mp4", "--fps", "30"], "--fps: is for folders of frames"),
        (["benchmark", "--frames", "3", "--seconds", "3"], "--frames: --seconds says how many"),
        (["val", "--data", ".", "--worst-count", "3"], "--worst-count: needs --worst"),
        (["val", "--data", ".", "--worst", "a.png"], "--worst takes a folder"),
        (["data", "check", ".", "--samples", "3"], "--samples: needs --sheet"),
        (["data", "check", ".", "--no-read", "--max-pixels", "3"], "--max-pixels: no picture is decoded"),
        (["model", "info", "human", "--variants"], "--variants shows all of them"),
        (["train", "r.yaml", "--only-preflight", "--no-preflight"], "one of them"),
        (["train", "r.yaml", "--out", "run.pt"], "--out takes a folder"),
    ],
    ids=lambda part: " ".join(part) if isinstance(part, list) else "",
)
def test_contradictions_are_said_and_nothing_is_done(cli, estimator, folder, arguments, message):
    if arguments[0] == "train":
        pytest.importorskip("torch")  # its absence is said first
    before = listing(folder)
    ran = cli(*arguments)
    assert ran.code == 2
    assert message in ran.err
    assert (ran.out, estimator.calls, listing(folder)) == ("", 0, before)


@pytest.mark.parametrize(
    "arguments",
    [
        ["predict", "clip.mp4", "--no-track", "--smooth", "off"],
        ["predict", "a.jpg", "clip.mp4", "--every", "2", "--any-way-up"],
        ["track", "frames", "--fps", "30"],
        ["track", "pages.tif", "clip.mp4", "--fps", "30"],
        ["predict", "a.jpg", "--resume", "-o", "results.v2"],
    ],
    ids=" ".join,
)
def test_what_has_an_effect_is_taken(cli, estimator, folder, arguments):
    assert cli(*arguments).code == 0


@pytest.mark.parametrize("name", ["out", "2026.11.27", "run.v2", "a.b/c", "photos.mp4"])
def test_folders_may_have_dots(tmp_path, name):
    (tmp_path / "photos.mp4").mkdir()
    check_folder(tmp_path / name)


@pytest.mark.parametrize("name", ["x.JPG", "x.heic", "x.csv", "a/x.mp4"])
def test_files_are_no_folders(name):
    with pytest.raises(OptionError, match=f"give {Path(name).with_suffix('')} or another folder"):
        check_folder(Path(name))


def test_formats_and_scales_may_be_repeated(cli, estimator, folder):
    assert cli("predict", "a.jpg", "-f", "json", "-f", "csv,coco", "--scales", "0.5", "--scales", "1").code == 0
    assert {"a.poses.json", "a.poses.csv", "a.poses.coco.json"} <= set(listing(folder))
    assert estimator.options["scales"] == (0.5, 1)


@pytest.mark.parametrize("verb", ["predict", "track"])
def test_excel_gets_its_mark_and_everybody_else_none(cli, estimator, folder, verb):
    (folder / "clip.mp4").rename(folder / "größe.mp4")
    assert cli(verb, "größe.mp4", "-f", "csv", "-f", "excel").code == 0
    plain = (folder / "größe.poses.csv").read_bytes()
    assert plain.decode().startswith("file,frame")
    assert "größe.mp4" in plain.decode()
    assert (folder / "größe.poses.excel.csv").read_bytes() == b"\xef\xbb\xbf" + plain


def test_tables_of_excel_are_ours_again(cli, estimator, folder):
    for _ in range(2):  # the second time it must know its own file
        assert cli("predict", "a.jpg", "-f", "excel", "-o", "o").code == 0
    assert cli("report", "o", "--out", "page.html").code == 0
    ran = cli("predict", "frames/1.png", "-f", "excel", "-o", "o")
    assert (ran.code, "poses.excel.csv holds the results of other pictures (a.jpg)" in ran.err) == (2, True)


def test_a_black_canvas_has_the_people_and_nothing_of_the_picture(cli, estimator, folder):
    Image.new("RGB", (640, 480), (200, 0, 0)).save(folder / "a.png")
    assert cli("predict", "a.png", "--canvas", "black").code == 0
    drawn = np.array(Image.open(folder / "a.poses.png"))
    assert (drawn.sum(axis=-1) == 0).mean() > 0.5
    assert (drawn.max(axis=-1) > 200).any()
    assert not (drawn == (200, 0, 0)).all(axis=-1).any()
    assert json.loads((folder / "a.poses.json").read_text())["pictures"][0]["people"]


def test_a_canvas_for_controlnet_is_drawn_by_its_rule(cli, estimator, folder):
    Image.new("RGB", (640, 480), (200, 0, 0)).save(folder / "a.png")
    assert cli("predict", "a.png", "--canvas", "controlnet").code == 0
    drawn = np.array(Image.open(folder / "a.poses.png"))
    colours = np.array(list_colours())
    known = np.concatenate([[[0, 0, 0]], colours, (0.6 * colours).astype(int)])
    assert (drawn[:, :, None] == known).all(axis=-1).any(axis=-1).all(), "nothing but its colours, with hard edges"
    assert (drawn > 0).any()


@pytest.mark.parametrize("source", ["a.png", "clip.mp4"])
def test_lines_are_as_wide_as_asked_for(cli, estimator, folder, monkeypatch, source):
    from nimblepose.drawing import people, surface

    Image.new("RGB", (64, 48)).save(folder / "a.png")
    seen = []

    def draw(picture, poses, options, **more):
        seen.append(options)
        return people.draw_poses(picture, poses, options, **more)

    monkeypatch.setattr(surface, "draw_poses", draw)
    assert cli("predict", source, "--line-width", 2).code == 0
    usual = people.DrawOptions()
    assert seen[0].line_width == 2 * usual.line_width
    assert seen[0].max_line_width == 2 * usual.max_line_width
