"""Parts of `tune` around its trainings, on records alone."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from autoseg.pipeline.stopping import StopSignal
from autoseg.pipeline.tuning import tuning
from autoseg.workspace.workspace import Workspace
from dataset_fingerprints.errors import StoppedError
from dataset_fingerprints.files.jsonfiles import write_json
from planners.plan import Fold
from tests.autoseg.pipeline.tuning.searches import make_folder, make_outcome, make_record, make_trial
from tests.synthetic.tiny import CONFIGURATION


def test_comparisons_of_other_searches_on_the_same_subjects_are_counted(tmp_path: Path) -> None:
    workspace = Workspace(root=tmp_path)
    for plan, case in (("default", "c"), ("other", "c-again"), ("third", "d")):
        record = make_record(plan=plan, cases=Fold(train=("a", "b"), validation=(case,)), outcome=make_outcome())
        write_json(workspace.tuning(plan, CONFIGURATION, "0").record, record)
    own, units = workspace.tuning("default", CONFIGURATION, "0"), {"c": "subject", "c-again": "subject", "d": "another"}
    assert tuning._count_comparisons(workspace, own, make_record(), units) == 1


@pytest.mark.parametrize(("restart", "more"), [(False, "to go on."), (True, "to go on. Leave out --restart then.")])
def test_a_signal_between_trainings_is_said_with_how_to_go_on(tmp_path: Path, restart: bool, more: str) -> None:
    options = tuning.TuningOptions(restart=restart)
    with (
        pytest.raises(StoppedError, match="stopped by SIGTERM; what the search had done is saved") as caught,
        tuning._naming_restart(make_folder(tmp_path), options),
    ):
        raise StopSignal(signal.SIGTERM)
    assert str(caught.value).endswith(f"Give the same command again {more}")
    assert caught.value.exit_code == 143


def test_where_none_was_better_after_few_steps_that_is_said_beside_it() -> None:
    said = tuning._end_without_proof((make_trial(0, 0.5), make_trial(1, 0.4)), 2).reason
    assert said.endswith("their longest training had 1 step, after which candidates differ by chance")
