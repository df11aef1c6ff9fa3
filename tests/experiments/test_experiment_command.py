"""`autoseg experiment` on the command line."""

from __future__ import annotations

from typer.testing import CliRunner, Result

from dataset_fingerprints.errors import PlanError
from experiments.experiment_command import app
from experiments.recipes import list_recipes


def call(*words: str) -> Result:
    return CliRunner().invoke(app, words)


def test_list_shows_every_recipe() -> None:
    shown = call("list")
    assert shown.exit_code == 0
    assert all(name in shown.output for name in list_recipes())


def test_show_plans_for_a_published_data_set() -> None:
    shown = call("show", "nnunet")
    assert shown.exit_code == 0
    for text in ("Isensee", "63.11", "Not stated: chosen", "128x128x128 voxels", "32 convolutions", "Predicts with"):
        assert text in shown.output


def test_a_scale_and_a_seed_that_cannot_be_meant_are_refused(tmp_path) -> None:
    for option, value in (("--scale", "0.5"), ("--seed", "-1")):
        failed = call("run", "nnunet", "0", "-w", str(tmp_path / "ws"), option, value)
        assert isinstance(failed.exception, PlanError)
        assert option in str(failed.exception)
    assert not (tmp_path / "ws").exists()
