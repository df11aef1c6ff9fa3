"""What of a round's training needs no training: its options, its folds, and when there is nothing to train."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from autoseg.labelling.state import Training
from autoseg.pipeline.faces import label_face
from autoseg.pipeline.labelling.round_folds import write_folds
from autoseg.pipeline.labelling.training import settle
from autoseg.workspace.locks import locked
from dataset_fingerprints.errors import AutosegError, PlanError, WorkspaceError
from dataset_fingerprints.files.jsonfiles import write_json
from dataset_fingerprints.layouts.table_text import read_table
from planners.plan import Fold, Splits
from planners.planner import PlanRequest
from planners.presets import make_plan
from tests.autoseg.pipeline.labelling.loops import begin, choose
from tests.synthetic.fingerprints import SyntheticCase, make_fingerprint, repeat_case
from tests.synthetic.machines import GPU


def test_what_is_given_holds_on_and_a_new_length_replaces_the_old_one() -> None:
    first = Training(planner="nnunet", iterations=100, assignments=("batch_size=2",))
    assert settle(first, Training(), ()) == first
    assert settle(first, Training(max_minutes=5.0), ("max_minutes",)) == replace(
        first, iterations=None, max_minutes=5.0
    )
    assert settle(first, Training(planner="default"), ("planner",)).iterations == 100


def test_without_a_new_mask_there_is_nothing_to_train(tmp_path: Path) -> None:
    made = choose(tmp_path)
    with pytest.raises(PlanError, match="3 scans are to be corrected and given to `autoseg label accept`"):
        label_face.label_train(made.loop.root)


def test_a_case_stays_in_its_fold_and_new_ones_go_to_the_smallest(tmp_path: Path) -> None:
    made = choose(tmp_path)
    with made.open() as found:
        workspace = made.loop.round(1).workspace
        fingerprint = make_fingerprint(repeat_case(7, SyntheticCase(body_shape=(40, 48, 40))))
        write_json(workspace.plan("default"), make_plan(fingerprint, PlanRequest(machine=GPU, memory_gb=8.0)))
        folds = (
            Fold(train=("s03", "s05"), validation=("s00", "s02")),
            Fold(train=("s00", "s02"), validation=("s03", "s05")),
        )
        write_json(workspace.splits("default"), Splits(folds=folds, origin="here"))
        # A name may hold what separates the cells of a table.
        cases = (replace(case, name="s06, left") if case.name == "s06" else case for case in found.loop.cases)
        own = replace(
            found.loop.current(), number=2, cases=("s00", "s02", "s03", "s05", "s06, left", "s07", "s08"), scores=()
        )
        loop = replace(found.loop, cases=tuple(cases)).with_round(replace(own, choice=None))
        assert not write_folds(made.loop, loop, 1)
        assert write_folds(made.loop, loop, 2)
    dealt = {line.cells["Name"]: line.cells["Fold"] for line in read_table(made.loop.round(2).folds).lines}
    assert [dealt[name] for name in ("s00", "s02", "s03", "s05")] == ["0", "0", "1", "1"]
    assert sorted(dealt[name] for name in ("s06, left", "s07", "s08")) == ["0", "0", "1"]


def test_a_second_process_changes_nothing_of_what_the_first_one_trains(tmp_path: Path) -> None:
    made = begin(tmp_path)
    before = made.loop.state.read_bytes()
    with (
        locked(made.loop.round(1).root, "a training"),
        pytest.raises(WorkspaceError, match="another process is at work on the training of round 1"),
    ):
        label_face.label_train(made.loop.root, iterations=7)
    assert made.loop.state.read_bytes() == before


@pytest.mark.parametrize(
    ("option", "value", "said"),
    [
        ("iterations", 0, "--iterations is 0"),
        ("fold", "first", "'first' is not a fold"),
        ("scale", 0.0, "--scale is 0"),
    ],
)
def test_an_option_that_cannot_be_meant_is_refused_and_not_kept(
    tmp_path: Path, option: str, value: object, said: str
) -> None:
    made = begin(tmp_path)
    before = made.loop.state.read_bytes()
    with pytest.raises(AutosegError, match=said):
        label_face.label_train(made.loop.root, **{option: value})  # type: ignore[arg-type]
    assert made.loop.state.read_bytes() == before
