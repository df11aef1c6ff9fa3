"""What is installed, beside what `setup.py` says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from dataset_fingerprints.installed import DISTRIBUTION, advise_extra, find_version

ROOT = Path(__file__).parents[2]
SETUP = (ROOT / "setup.py").read_text(encoding="utf-8")


def test_the_distribution_and_its_version_are_those_of_setup() -> None:
    assert f'name="{DISTRIBUTION}"' in SETUP
    assert f'version="{find_version()}"' in SETUP
    assert find_version("no-such-distribution") is None


@pytest.mark.parametrize("package", ["autoseg", "planners", "dataset_fingerprints"])
def test_every_extra_that_is_advised_is_in_setup(package: str) -> None:
    advised = {
        extra
        for path in (ROOT / package).rglob("*.py")
        for extra in re.findall(r"advise_extra\(.(\w+).\)", path.read_text(encoding="utf-8"))
    }
    assert advised == ({"dicom", "onnx", "radiomics", "tune"} if package == "autoseg" else set())
    assert all(f'"{extra}": [' in SETUP for extra in advised)


def test_the_name_of_the_distribution_stands_in_one_place() -> None:
    packages = ("autoseg", "planners", "dataset_fingerprints")
    files = (path for name in packages for path in (ROOT / name).rglob("*.py"))
    assert [path.name for path in files if DISTRIBUTION in path.read_text("utf-8")] == ["installed.py"]
    assert advise_extra("tune") == "pip install 'autoseg-lesion[tune]'"
