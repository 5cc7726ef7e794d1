import pytest
from mouse_scene import write_dlc
from typer.testing import CliRunner

from nimblepose.cli.app import app, main
from nimblepose.data.sets import locate_set


def run(*arguments):
    return CliRunner().invoke(app, ["data", *map(str, arguments)])


def test_an_imported_set_is_split_by_video_and_val_finds_its_part(tmp_path, capsys):
    write_dlc(tmp_path / "p")
    run("import", tmp_path / "p", "--out", tmp_path / "out")
    result = run("split", tmp_path / "out", "--val-share", 0.5)
    assert result.exit_code == 0, result.output
    assert "train: 6 pictures of 1 video, 8 labels" in result.output
    assert locate_set(tmp_path / "out") == (
        tmp_path / "out" / "annotations" / "keypoints_val.json",
        tmp_path / "out" / "images",
    )
    assert run("check", tmp_path / "out").output.count("skeleton 'mouse'") == 2
    assert run("split", tmp_path / "out", "--by", "picture", "--test-share", 0.25, "--quiet").output == ""
    assert (tmp_path / "out" / "annotations" / "keypoints_test.json").is_file()
    with pytest.raises(SystemExit):
        main(["data", "split", str(tmp_path / "out"), "--session", "("])
    assert "no regular expression" in capsys.readouterr().err
