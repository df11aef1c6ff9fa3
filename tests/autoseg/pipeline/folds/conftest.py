"""Fixtures of the tests of folds."""

from __future__ import annotations

import pytest

from autoseg.training.trainer import Trainer


@pytest.fixture
def killed(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Trainings that end before their first step, until the patch is undone."""

    def end(trainer: Trainer) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Trainer, "run", end)
    return monkeypatch
