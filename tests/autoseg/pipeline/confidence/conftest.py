"""A workspace with enough validated cases to measure on."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.synthetic.once import make_once
from tests.synthetic.tiny import Tiny, copy_tiny, write_tiny


@pytest.fixture(scope="session")
def judged(tmp_path_factory: pytest.TempPathFactory) -> Tiny:
    """Twelve tiny cases in two folds, both trained for a few steps with flips along one axis."""
    return Tiny(root=make_once(tmp_path_factory, "judged", make_judged))


def make_judged(root: Path) -> None:
    tiny = write_tiny(root, 12)
    cases = tiny.cases()
    tiny.plan(tiny.write_splits([cases[:6], cases[6:]]))
    flips = ("prediction.mirror_axes=[0]", "prediction.step_share=0.5")
    for fold in (0, 1):
        tiny.train(fold, assignments=flips)


@pytest.fixture
def own(judged: Tiny, tmp_path: Path) -> Tiny:
    """A copy that a test may change."""
    return copy_tiny(judged, tmp_path / "tiny")
