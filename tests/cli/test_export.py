"""`nimblepose export --to`: what is written and what is said of it."""

import pytest

from nimblepose.runtime.models import PACKAGED

pytest.importorskip("onnx")


def test_a_model_of_the_package_by_its_name(cli, tmp_path):
    ran = cli("export", "human", "--to", "ort", "--out", tmp_path)
    assert ran.code == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["human-ort.json", "human-ort.ort"]
    assert "takes uint8, pixels, channels bgr, sides in multiples of 8" in ran.out
    assert "256 x 728 again: heatmaps differ by at most 0.0e+00" in ran.out
    assert "the same 3 people" in ran.out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--to", "litert-dynamic"), "scales are on the wrong axis"),
        (("--to", "nothing"), "no target 'nothing'"),
        (("--to", "ort", "--pixels"), "--pixels is for --to onnx"),
        (("--to", "ncnn-int8"), "use --to ncnn, which takes their weights as floats"),
        (("--to", "coreml-unbounded"), "--to coreml takes them up to 512 x 1536"),
    ],
)
def test_mistakes_end_in_a_message_that_helps(cli, tmp_path, arguments, message):
    ran = cli("export", PACKAGED["human"].path, *arguments, "--out", tmp_path / "out")
    assert ran.code == 2
    assert message in " ".join(ran.err.split())
    assert not (tmp_path / "out").exists()
