"""A processor that cannot run a package is told before the import that would end the process."""

import importlib.metadata
import subprocess
import sys

import pytest

from nimblepose.core import processor
from nimblepose.core.errors import PoseError, ProcessorError
from nimblepose.core.processor import check_processor, missing_features

OLD = (
    "fpu vme de pse tsc msr pae cx8 apic sep mtrr pge mca cmov pat mmx fxsr sse sse2 syscall nx lm pni cx16 hypervisor"
)
NEW = f"{OLD} ssse3 sse4_1 sse4_2 popcnt avx avx2"


@pytest.fixture
def told(monkeypatch, tmp_path):
    """What the system tells of the processor; the machine is made one that is looked at."""

    def tell(flags):
        path = tmp_path / "cpuinfo"
        path.write_text(f"processor\t: 0\nvendor_id\t: GenuineIntel\nflags\t\t: {flags}\nbugs\t\t:\n")
        monkeypatch.setattr(missing_features, "__defaults__", (path,))

    monkeypatch.setattr(processor.sys, "platform", "linux")
    monkeypatch.setattr(processor.os, "uname", lambda: type("uname", (), {"machine": "x86_64"}), raising=False)
    monkeypatch.delitem(sys.modules, "numpy")
    monkeypatch.setitem(sys.modules, "openvino", sys)
    monkeypatch.delitem(sys.modules, "openvino")
    return tell


def test_this_processor_lacks_nothing():
    assert missing_features() == []


def test_processors_before_sse42_are_told_the_remedy(told, monkeypatch):
    told(OLD)
    assert missing_features() == ["ssse3", "sse4_1", "sse4_2", "popcnt"]
    monkeypatch.setattr(importlib.metadata, "version", lambda _: "2.4.6")
    with pytest.raises(ProcessorError, match=r"sse4_2.* numpy cannot run; .* processor type to host .*'numpy<2\.4'"):
        check_processor("numpy")
    with pytest.raises(PoseError, match=r"openvino cannot run; .* processor type to host .*--backend onnxruntime"):
        check_processor("openvino")


def test_an_older_numpy_runs_there(told, monkeypatch):
    told(OLD)
    monkeypatch.setattr(importlib.metadata, "version", lambda _: "2.3.5")
    check_processor("numpy")


def test_what_runs_or_is_not_known_is_let_through(told, tmp_path):
    told(NEW)
    check_processor("numpy")
    check_processor("openvino")
    assert missing_features(tmp_path / "nothing") == []
    (tmp_path / "other").write_text("processor\t: 0\nFeatures\t: asimd sve\n")
    assert missing_features(tmp_path / "other") == []


def test_it_is_looked_at_before_numpy_is_imported():
    code = (
        "import sys\n"
        "from importlib.machinery import PathFinder\n"
        "class Watch:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name == 'numpy': print('nimblepose.core.processor' in sys.modules); sys.exit()\n"
        "sys.meta_path.insert(0, Watch())\n"
        "import nimblepose\n"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert ran.stdout.strip() == "True", ran.stderr
