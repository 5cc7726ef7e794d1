"""How far a batch is, by its parts alone."""

import os
import time

import pytest
from blob_scenes import draw_scene
from PIL import Image
from tests.batch.conftest import do

from nimblepose.batch.driving import Ended
from nimblepose.batch.progress import find_status, list_missing
from nimblepose.batch.stores import open_store


@pytest.fixture
def batch(tmp_path, cli):
    (tmp_path / "in").mkdir()
    for number in range(10):
        Image.fromarray(draw_scene(number)).save(tmp_path / f"in/{number}.png")
    cli("batch", "plan", tmp_path / "in", "--out", tmp_path / "batch", "--pictures", 2)
    return tmp_path / "batch"


def status(batch):
    return find_status(open_store(str(batch)))


def test_nothing_is_done(batch, cli):
    now = status(batch)
    assert (now.done, len(now.missing), now.core_hours_left, now.seconds_left) == (0, 5, None, None)
    assert cli("batch", "status", batch)[1].splitlines() == ["done     0", "missing  5", "failed   0"]


def test_some_is_done(batch, cli):
    last = list_missing(open_store(str(batch)))[1][-1].id
    do(batch, lambda task: Ended(task["id"], None, "killed") if task["id"].startswith(last) else None)
    parts = sorted((batch / "parts").glob("[0-9a-f]*.parquet"), key=lambda path: ".failed" in path.name)
    for part in parts[:2]:
        part.unlink()
    now = status(batch)
    assert (now.done, len(now.missing), len(now.failed)) == (2, 2, 1)
    assert now.frames_per_second > 0
    assert 0 < now.core_hours_left < 1
    assert now.seconds_left > 0
    code, out, _ = cli("batch", "status", batch)
    assert code == 0
    assert "core-hours" in out
    assert "frames/s over the last 10 minutes" in out
    assert "its process died 2 times (killed)" in out


def test_when_nobody_has_worked_for_long_there_is_no_pace(batch):
    do(batch)
    before = time.time() - 3600
    for part in list((batch / "parts").iterdir())[1:]:
        part.unlink()
    for part in (batch / "parts").iterdir():
        os.utime(part, (before, before))
    now = status(batch)
    assert (now.frames_per_second, now.seconds_left) == (0, None)
    assert now.core_hours_left > 0


def test_shards_are_the_same_whatever_is_done(batch):
    store = open_store(str(batch))

    def ids(shard):
        return [unit.id for unit in list_missing(store, shard=shard)[1]]

    before = [ids((number, 2)) for number in range(2)]
    assert [len(shard) for shard in before] == [3, 2]
    store.write(f"parts/{before[0][0]}.parquet", b"done")
    store.write(f"parts/{before[0][2]}.parquet", b"done")
    assert [ids((number, 2)) for number in range(2)] == [before[0][1:2], before[1]]
