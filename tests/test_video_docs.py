"""What docs/video.md shows works: its Python is run, its commands have options that exist."""

import re
from pathlib import Path

from video_files import make_video, numbered

from nimblepose.cli.app import app

PAGE = (Path(__file__).resolve().parents[1] / "docs" / "video.md").read_text("utf-8")


def test_its_python_runs(dots_model, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("NIMBLEPOSE_MODEL", str(dots_model))
    monkeypatch.chdir(tmp_path)
    make_video(tmp_path / "match.mp4", [numbered(n) for n in range(3)])
    (code,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    exec(code, {})  # noqa: S102 - our own page
    last = capsys.readouterr().out.splitlines()[-1]
    assert last == "2 0.2 (48, 64, 3) [1] (1, 3, 2)"


def test_its_commands_have_options_that_exist():
    import typer.main

    verbs = typer.main.get_command(app).commands
    blocks = "".join(re.findall(r"```bash\n(.*?)```", PAGE, re.DOTALL))
    commands = re.findall(r"^nimblepose (\w+)(.*?)(?:#|$)", blocks, re.MULTILINE)
    assert len(commands) == 6
    for verb, rest in commands:
        known = {option for parameter in verbs[verb].params for option in (*parameter.opts, *parameter.secondary_opts)}
        assert set(re.findall(r"--[a-z-]+", rest)) <= known


def test_its_scripts_are_there_with_the_options_it_names():
    root = Path(__file__).resolve().parents[1]
    commands = re.findall(r"^python (benchmarks/\S+)(.*)$", PAGE, re.MULTILINE)
    assert len(commands) == 3
    for script, rest in commands:
        text = (root / script).read_text("utf-8")
        assert all(f'"{option}"' in text for option in re.findall(r"--[a-z-]+", rest))
