"""Videos are cut where they can be read from, and as long as they say."""

import pytest
from blob_scenes import draw_scene
from tests.batch.test_manifest import SETTINGS
from video_files import make_video

from nimblepose.batch.listing import Listed
from nimblepose.batch.planning import plan

SECONDS = 2.0


def plan_video(path, **changes):
    import dataclasses

    settings = dataclasses.replace(SETTINGS, seconds=SECONDS, levels="auto", **changes)
    (video,) = plan(Listed(videos={str(path): None}), settings, tell=lambda *_: None).videos
    return video


@pytest.mark.parametrize(("keyint", "pieces"), [(10, 5), (1000, 1)])
def test_a_video_without_key_frames_in_the_middle_is_one_piece(keyint, pieces, tmp_path):
    options = {"x264-params": f"keyint={keyint}:scenecut=0"}
    clip = make_video(tmp_path / "a.mp4", [draw_scene(n % 60) for n in range(100)], options=options)
    video = plan_video(clip)
    assert (video.duration, len(video.cuts)) == (10, pieces)
    assert len(plan_video(clip, start=3.0, end=7.5).cuts) == min(pieces, 2)
    assert len(plan_video(clip, start=50.0).cuts) == 1


def test_a_stream_that_does_not_say_how_long_it_is_is_one_piece(tmp_path):
    clip = make_video(tmp_path / "a.h264", [draw_scene(n) for n in range(50)])
    video = plan_video(clip)
    assert len(video.cuts) == 1


def test_what_is_told_on_the_way(tmp_path):
    said = []
    for name in ("a.png", "b.png"):
        (tmp_path / name).write_bytes(b"")
    listed = Listed(pictures={str(tmp_path / name): None for name in ("a.png", "b.png")}, videos={"gone.mp4": None})
    manifest = plan(listed, SETTINGS, tell=lambda *about: said.append(about))
    assert said == [("pictures", 2, 2), ("videos", 1, 1)]
    assert [len(group.pictures) for group in manifest.groups] == [2]
    assert manifest.videos[0].failure == "gone.mp4: no such file"
