"""The tests that need a GPU."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

from dataset_fingerprints.errors import AutosegError
from experiments.gpu.bench import Bench, Row
from experiments.gpu.checkout import ROOT

MARK = "pytest.mark.gpu"
# Stands for all of them where there is no GPU.
_ONE = "tests/autoseg/training/test_steps_on_devices.py"


def run_marked_tests(bench: Bench) -> Iterator[Row | str]:
    """Yield how many tests passed and failed, and a row for every one that failed."""
    files = find_marked(ROOT / "tests")
    chosen = ("-m", "not gpu", "-k", "checkpoint", _ONE) if bench.tiny else ("-m", "gpu", *files)
    results = bench.work / "tests.xml"
    quiet = ("-q", "-p", "no:cacheprovider", "-p", "no:xdist", f"--junitxml={results}")
    done = bench.end((sys.executable, "-m", "pytest", *quiet, *chosen))
    if not results.is_file():
        raise AutosegError(f"pytest left no results: {done.stdout[-600:]}")
    yield from read_results(results)


def find_marked(tests: Path) -> list[str]:
    """Return the test files with tests that need a GPU, relative to the checkout."""
    files = sorted(tests.rglob("test_*.py"))
    return [str(file.relative_to(tests.parent)) for file in files if MARK in file.read_text(encoding="utf-8")]


def read_results(path: Path) -> Iterator[Row | str]:
    """Yield a row with the outcome of every test in a JUnit file, and their counts."""
    counts = {"passed": 0, "failed": 0, "skipped": 0}
    for case in ElementTree.parse(path).iter("testcase"):
        broken = case.find("failure") if case.find("failure") is not None else case.find("error")
        outcome = "failed" if broken is not None else "skipped" if case.find("skipped") is not None else "passed"
        counts[outcome] += 1
        said = broken.get("message", "") if broken is not None else ""
        seconds = float(case.get("time", "0"))
        name, message = case.get("name", ""), " ".join(said.split())[:200]
        yield {"outcome": outcome, "seconds": seconds, "test": name, "message": message}
    yield ", ".join(f"{number} {outcome}" for outcome, number in counts.items()) + "."
