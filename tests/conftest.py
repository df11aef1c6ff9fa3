"""Tests share the machine like everybody else, hear the signals that they send, and begin with the longest files."""

from __future__ import annotations

import gc
import os
import signal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from autoseg.hardware import SHARERS, count_cores, share_cores_with_others
from tests.synthetic.speed import let_measure_briefly

share_cores_with_others()
let_measure_briefly()
# Processes of a run that each take all cores slow each other down threefold in steps of small networks.
if "PYTEST_XDIST_WORKER_COUNT" in os.environ:
    os.environ.setdefault(SHARERS, os.environ["PYTEST_XDIST_WORKER_COUNT"])
    os.environ.setdefault("OMP_NUM_THREADS", str(count_cores()))
# A shell starts what runs in the background deaf to these, and so would be all processes that tests start.
for number, handler in ((signal.SIGINT, signal.default_int_handler), (signal.SIGHUP, signal.SIG_DFL)):
    if signal.getsignal(number) is signal.SIG_IGN:
        signal.signal(number, handler)

# How long examples take depends on what else the machine does. `make slow` asks for many of them.
for profile, examples in (("few", 25), ("many", 150)):
    settings.register_profile(
        profile, deadline=None, max_examples=examples, suppress_health_check=[HealthCheck.too_slow]
    )
settings.load_profile("few")

# Folders of the longest files, which would leave one process of a run alone at its end: those that start processes,
# train networks or, in `make slow`, draw many examples.
FIRST = (
    *("tests", "systems", "recipes", "planners", "tuning", "pipeline", "folds", "training"),
    *("experiments", "experiment", "predictions", "dataset_fingerprints", "workspace", "cli"),
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the files of some folders first; the order within a file, and of all others, stays."""
    places = {name: number for number, name in enumerate(FIRST)}
    items.sort(key=lambda item: places.get(Path(item.path).parent.name, len(FIRST)))


def pytest_collection() -> None:
    """Look for no garbage among what stays to the end: modules and thousands of tests."""
    gc.disable()


def pytest_collection_finish() -> None:
    """Take all that out of the sight of the garbage collector, which every picture of a training calls."""
    gc.freeze()
    gc.enable()


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> None:
    """Do the same with what the tests of a file leave for good, such as modules that were imported on the way."""
    if nextitem is None or nextitem.path != item.path:
        gc.collect()
        gc.freeze()
