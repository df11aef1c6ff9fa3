"""A release: the wheel, the source distribution, the files for docker, and one version in all of them."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path
from typing import NamedTuple

import pytest

from autoseg.pipeline.containers.writing import TORCH_INDEX
from tests.autoseg.pipeline.containers.dockerfiles import Instruction, read_dockerfile

ROOT = Path(__file__).parents[1]
PACKAGES = ("dataset_fingerprints", "planners", "autoseg", "experiments")
FOLDERS = (*PACKAGES, ".ci", "docker", "docs", "tests")
FILES = (
    *(".dockerignore", ".gitignore", ".pre-commit-config.yaml", "ARCHITECTURE.md", "CHANGELOG.md", "CITATION.cff"),
    *("CONTRIBUTING.md", "LICENSE", "MANIFEST.in", "Makefile", "README.md", "constraints.txt", "pyproject.toml"),
    "setup.py",
)
# In a package, for those who read the repository.
NOT_INSTALLED = ("experiments/LOG.md", "experiments/pictures/")
# What editors, interpreters and people leave.
STRAY = {"autoseg/notes.txt", "autoseg/__pycache__/left.cpython-311.pyc", "tests/left.pyc", "docs/pages/index.md~"}


class Release(NamedTuple):
    """Names of files in a checkout before its build, in its source distribution, and in the wheel made of that."""

    checkout: set[str]
    source: set[str]
    wheel: set[str]


def list_files(root: Path) -> set[str]:
    """Return the files in the folders of a checkout and beside them, by their paths."""
    found = [path for folder in FOLDERS for path in (root / folder).rglob("*")]
    return {path.relative_to(root).as_posix() for path in (*found, *root.iterdir()) if path.is_file()}


def build(kind: str, source: Path, out: Path) -> Path:
    """Build an `sdist` or a `wheel` as pip does, but with the setuptools that is here, and without a network."""
    code = f"from setuptools import build_meta; build_meta.build_{kind}({str(out)!r})"
    done = subprocess.run((sys.executable, "-c", code), cwd=source, capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    (built,) = out.iterdir()
    return built


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Release:
    """Return what a release consists of, made of a copy of the source with stray files in it."""
    root = tmp_path_factory.mktemp("release")
    checkout = root / "checkout"
    for folder in FOLDERS:
        shutil.copytree(ROOT / folder, checkout / folder, ignore=shutil.ignore_patterns("__pycache__"))
    for name in FILES:
        shutil.copy(ROOT / name, checkout / name)
    before = list_files(checkout)
    for name in STRAY:
        (checkout / name).parent.mkdir(exist_ok=True)
        (checkout / name).write_text("stray", encoding="utf-8")
    with tarfile.open(build("sdist", checkout, root / "sdist")) as archive:
        archive.extractall(root / "unpacked", filter="data")
    (source,) = (root / "unpacked").iterdir()
    found = list_files(source)
    with zipfile.ZipFile(build("wheel", source, root / "wheel")) as archive:
        return Release(checkout=before, source=found, wheel=set(archive.namelist()))


@pytest.mark.slow
def test_the_wheel_holds_the_packages_with_their_files_and_nothing_else(release: Release) -> None:
    inside = {name for name in release.checkout if name.partition("/")[0] in PACKAGES and "/" in name}
    expected = {name for name in inside if not name.startswith(NOT_INSTALLED)}
    assert {name for name in release.wheel if ".dist-info/" not in name} == expected


@pytest.mark.slow
def test_the_source_distribution_holds_what_building_and_testing_take(release: Release) -> None:
    assert release.checkout - release.source == set()
    assert release.source & STRAY == set()


def read_version(file: str, pattern: str) -> str:
    """Return the version that a file names."""
    found = re.search(pattern, (ROOT / file).read_text(encoding="utf-8"), flags=re.MULTILINE)
    assert found is not None
    return found[1]


def test_the_version_is_the_same_everywhere() -> None:
    version = read_version("setup.py", r'^    version="(.+)",$')
    assert read_version("CITATION.cff", r"^version: (\S+)$") == version
    assert read_version("CHANGELOG.md", r"^## (\S+)") == version


def find(instructions: list[Instruction], word: str) -> list[str]:
    """Return what stands behind a word, in order."""
    return [one.rest for one in instructions if one.word == word]


@pytest.mark.parametrize(("kind", "index"), [("cpu", "https://download.pytorch.org/whl/cpu"), ("cuda", TORCH_INDEX)])
def test_an_image_takes_torch_from_where_its_pinned_version_is(kind: str, index: str) -> None:
    """Torch 2.13 has builds for CUDA 12.6, 13.0 and 13.2, no longer for 12.8."""
    instructions = read_dockerfile(ROOT / "docker" / f"{kind}.Dockerfile")
    assert find(instructions, "ARG") == [f"TORCH_INDEX={index}"]
    (install,) = (rest for rest in find(instructions, "RUN") if "TORCH_INDEX" in rest)
    # Other pins than torch's need not be there.
    assert "--constraint" not in install
    pattern = re.search(r"grep '(.+?)' /opt/autoseg/constraints\.txt", install)
    assert pattern is not None
    pins = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    assert len([pin for pin in pins if re.search(pattern[1], pin)]) == 1


@pytest.mark.parametrize("kind", ["cpu", "cuda"])
def test_docker_is_sent_what_an_image_copies_and_nothing_else(kind: str) -> None:
    copied = find(read_dockerfile(ROOT / "docker" / f"{kind}.Dockerfile"), "COPY")
    lines = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    patterns = [line for line in lines if not line.startswith("#")]
    assert patterns == ["*", *(f"!{rest.split()[0]}" for rest in copied)]


@pytest.mark.parametrize("kind", ["cpu", "cuda"])
def test_a_new_wheel_does_not_fetch_torch_again(kind: str) -> None:
    instructions = read_dockerfile(ROOT / "docker" / f"{kind}.Dockerfile")
    (install,) = (place for place, one in enumerate(instructions) if "TORCH_INDEX" in one.rest and one.word == "RUN")
    (wheel,) = (place for place, one in enumerate(instructions) if one.word == "COPY" and ".whl" in one.rest)
    assert install < wheel
