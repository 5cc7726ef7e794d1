"""A small video."""

import pytest
from video_files import make_video, numbered


@pytest.fixture
def video(tmp_path):
    """Twenty numbered frames, 64 x 48, ten a second."""
    return make_video(tmp_path / "clip.mp4", [numbered(n) for n in range(20)])
