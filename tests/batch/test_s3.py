"""A batch whose sources, parts and results lie in an object store, against a server on this machine."""

import logging

import pytest
from blob_scenes import draw_scene
from PIL import Image
from tests.batch.conftest import do, read_folder

from nimblepose.batch.stores import open_store
from nimblepose.core.errors import MediaError

pytest.importorskip("s3fs", reason="s3fs is not installed")
moto = pytest.importorskip("moto.server", reason="moto is not installed")


@pytest.fixture(scope="module")
def server():
    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    server = moto.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    yield f"http://127.0.0.1:{server.get_host_and_port()[1]}"
    server.stop()


@pytest.fixture
def bucket(server, monkeypatch):
    """A bucket of its own; found by the variables that worker processes inherit, too."""
    for name, value in {
        "FSSPEC_S3_ENDPOINT_URL": server, "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1", "no_proxy": "127.0.0.1", "AWS_EC2_METADATA_DISABLED": "true",
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    import fsspec
    import s3fs

    fsspec.config.conf["s3"] = {"endpoint_url": server}
    s3fs.S3FileSystem.clear_instance_cache()
    files = fsspec.filesystem("s3")
    files.mkdir("bucket")
    yield files
    files.rm("bucket", recursive=True)
    fsspec.config.conf.pop("s3")


def test_from_plan_to_results(bucket, clip, tmp_path, cli):
    (tmp_path / "pictures").mkdir()
    for number in range(5):
        Image.fromarray(draw_scene(number, people=number % 3)).save(tmp_path / f"pictures/{number}.png")
        bucket.put_file(str(tmp_path / f"pictures/{number}.png"), f"bucket/pictures/{number}.png")
    bucket.put_file(str(clip), "bucket/videos/clip.mp4")
    bucket.pipe_file("bucket/videos/notes.txt", b"no video")
    sources = ["s3://bucket/videos", "s3://bucket/pictures/*.png"]
    code, out, said = cli("batch", "plan", *sources, "--out", "s3://bucket/batch", "--seconds", 2, "--pictures", 2)
    assert (code, "1 video" in out, "5 pictures: 6 units" in out) == (0, True, True), said
    assert cli("batch", "run", "s3://bucket/batch", "--workers", 2)[0] == 0
    assert "missing  0" in cli("batch", "status", "s3://bucket/batch")[1]
    assert cli("batch", "finish", "s3://bucket/batch", "--format", "json,openpose", "--workers", 1)[0] == 0
    bucket.get("bucket/batch/results", str(tmp_path / "results"), recursive=True)
    cli("track", clip, "--no-video", "--out", tmp_path / "whole", "--format", "json,openpose")
    found, whole = read_folder(tmp_path / "results"), read_folder(tmp_path / "whole")
    lines = found["clip.poses.jsonl"].replace(b"s3://bucket/videos/clip.mp4", str(clip).encode())
    assert lines == whole["clip.poses.jsonl"]
    assert {k: v for k, v in found.items() if k.startswith("clip.openpose")} == (
        {k: v for k, v in whole.items() if k.startswith("clip.openpose")}
    )
    assert len([name for name in found if name.endswith("_keypoints.json") and "/" not in name]) == 5
    assert b'"file":"s3://bucket/pictures/3.png"' in found["poses.json"]


def test_a_write_that_fails_in_the_middle_leaves_no_part(bucket, clip, cli, inline, monkeypatch):
    cli("batch", "plan", clip, "--out", "s3://bucket/batch", "--seconds", 2)
    store = open_store("s3://bucket/batch")
    monkeypatch.setattr("nimblepose.batch.stores.time.sleep", lambda seconds: None)
    with monkeypatch.context() as patch:
        from botocore.awsrequest import AWSRequest

        def break_off(self):
            raise ConnectionResetError("in the middle")

        patch.setattr(AWSRequest, "prepare", break_off)
        with pytest.raises(MediaError, match="cannot"):
            store.write("parts/x.parquet", b"a" * 1000)
    assert store.list("parts") == {}
    do("s3://bucket/batch")
    assert len(store.list("parts")) == 3
    assert store.has("parts/x.parquet") is False


def test_what_is_not_there_is_told(bucket, tmp_path, cli):
    code, _, said = cli("batch", "plan", "s3://bucket/nothing.mp4", "--out", tmp_path / "batch")
    assert (code, "s3://bucket/nothing.mp4: no such file" in said) == (1, True)
    code, _, said = cli("batch", "run", "s3://bucket/batch")
    assert (code, "make a plan first" in said) == (2, True)
