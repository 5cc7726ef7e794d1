"""What analysts count in our files by the defaults of their programs, each a process of its own, is what is there."""

import shutil
import subprocess

import numpy as np
import pytest

from nimblepose.core.poses import Poses
from nimblepose.core.skeleton import HUMAN_18
from nimblepose.media.frames import Stamp
from nimblepose.results.formats.csv_table import TidyCsv
from nimblepose.results.formats.own import JsonLines
from nimblepose.results.output_format import Header

SCORE = 0.5


def find_people(number):
    """0 to 2 in a frame, of whom some keypoints are missing and some were put in place."""
    rng = np.random.default_rng(number)
    n = number % 3
    xy = rng.uniform(0, 500, (n, 18, 2)).astype(np.float32)
    xy[rng.random((n, 18)) < 0.4] = np.nan
    scores = np.where(np.isnan(xy[..., 0]), 0, rng.uniform(0.1, 1, (n, 18))).astype(np.float32)
    flags = ~np.isnan(xy[..., 0]) & (rng.random((n, 18)) < 0.1)
    return Poses(HUMAN_18, xy, scores, rng.uniform(0.3, 1, n).astype(np.float32), np.arange(n) + 1, flags)


FRAMES = [find_people(number) for number in range(120)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The same results as CSV and as JSON Lines; their video has a comma in its name."""
    folder = tmp_path_factory.mktemp("count")
    header = Header(model="m", skeletons=(HUMAN_18,), source="left, right.mp4", rate=30000 / 1001)
    for file in (TidyCsv(folder / "a.csv", header), JsonLines(folder / "a.jsonl", header)):
        for number, poses in enumerate(FRAMES):
            file.add(Stamp(number, number * 1001 / 30000, (480, 640)), poses)
        file.finish()
    return folder


def count():
    """Noses, rows of people of a score above a half, and rows that were put in place; none is the number of another."""
    noses = sum(int(poses.found[:, 0].sum()) for poses in FRAMES)
    sure = sum(int(poses.found[poses.scores.round(4) > SCORE].sum()) for poses in FRAMES)
    between = sum(int(poses.interpolation_flags.sum()) for poses in FRAMES)
    assert len({noses, sure, between}) == 3
    return [noses, sure, between]


def run(folder, *command):
    """What a program prints."""
    if shutil.which(command[0]) is None:
        pytest.skip(f"{command[0]} is not installed")
    ran = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=170)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


@pytest.mark.parametrize("read", ["utils::read.csv", "data.table::fread", "readr::read_csv"])
def test_r_counts_rows_of_the_csv(folder, read):
    package = read.partition(":")[0]
    code = f"""if (!requireNamespace("{package}", quietly = TRUE)) {{ cat("missing"); quit() }}
        r <- suppressMessages({read}("a.csv"))
        cat(sum(r$keypoint == "nose"), sum(r$person_score > {SCORE}), sum(r$interpolated == TRUE))"""
    shown = run(folder, "Rscript", "-e", code)
    if shown == "missing":
        pytest.skip(f"{package} (of R) is not installed")
    assert [int(number) for number in shown.split()] == count()


def test_r_counts_keypoints_of_json_lines(folder):
    code = """if (!requireNamespace("jsonlite", quietly = TRUE)) { cat("missing"); quit() }
        frames <- jsonlite::stream_in(file("a.jsonl"), verbose = FALSE)
        people <- do.call(rbind, Filter(NROW, frames$people))
        points <- do.call(rbind, people$keypoints)
        each <- sapply(people$keypoints, nrow)
        cat(sum(points$name == "nose"), sum(each[people$score > 0.5]), sum(points$interpolated), nrow(frames))"""
    shown = run(folder, "Rscript", "-e", code)
    if shown == "missing":
        pytest.skip("jsonlite (of R) is not installed")
    assert [int(number) for number in shown.split()] == [*count(), len(FRAMES)]


def test_octave_counts_rows_of_the_csv(folder):
    form = "%q %f %f %f %f %s %f %f %f %s %*[^\\n]"  # whatever columns follow
    code = f"""r = textscan(fopen("a.csv"), "{form}", "Delimiter", ",", "HeaderLines", 1);
        printf("%d ", sum(strcmp(r{{6}}, "nose")), sum(r{{5}} > 0.5), sum(strcmp(r{{10}}, "TRUE")))"""
    assert [int(number) for number in run(folder, "octave-cli", "--quiet", "--eval", code).split()] == count()


def test_libreoffice_counts_rows_of_the_csv(folder, tmp_path):
    """By the language of its numbers, which ours are in, whatever the system's is."""
    formulas = ['=COUNTIF(F:F;"nose")', f'=COUNTIF(E:E;">{SCORE}")', '=COUNTIF(J:J;"TRUE")']
    rows = "".join(f",,{formula}\n" for formula in formulas)  # in a column that nothing is counted in
    (tmp_path / "a.csv").write_text((folder / "a.csv").read_text() + rows)
    profile = f"-env:UserInstallation={(tmp_path / 'profile').as_uri()}"
    evaluate = "CSV:44,34,76,1,,1033,false,false,false,false,false,0,true"
    run(
        tmp_path, "soffice", "--headless", profile, f"--infilter={evaluate}", "--convert-to", "csv", "--outdir", "out",
        "a.csv",
    )  # fmt: skip
    last = (tmp_path / "out" / "a.csv").read_text().splitlines()[-3:]
    assert [int(line.strip(',"')) for line in last] == count()
