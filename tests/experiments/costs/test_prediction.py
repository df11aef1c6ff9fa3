"""Costs of predictions: what an earlier run left is used where it is whole, without any training here."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from autoseg.workspace.fold import FULL
from autoseg.workspace.workspace import Workspace
from experiments.costs import prediction
from experiments.costs.prediction import CONFIGURATION, Tiny, Way, measure_predictions
from experiments.peers.measuring import Cost

TINY = Tiny(labels=1, edge=16, step_share=0.5)
COST = Cost(wall_seconds=1.0, cpu_seconds=1.0, largest_process_gb=0.1, all_processes_gb=0.1)


def test_a_network_whose_training_was_killed_is_trained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ran: list[str] = []

    def measure(command: Sequence[str], log: Path) -> Cost:
        ran.append(command[3])
        return COST

    monkeypatch.setattr(prediction, "measure_command", measure)
    monkeypatch.setattr(prediction, "CASES", 1)
    fold = Workspace(root=tmp_path / TINY.name()).fold("default", CONFIGURATION, FULL)
    fold.root.mkdir(parents=True)
    assert len(list(measure_predictions(tmp_path, [Way(shape=(8, 8, 8))], TINY))) == 1
    assert ran == ["plan_and_preprocess", "train", "predict"]
    fold.weights.touch()
    assert len(list(measure_predictions(tmp_path, [Way(shape=(8, 8, 8))], TINY))) == 1
    assert ran[3:] == ["predict"]
