"""Errors and sentences of planning and training name what `label train` takes."""

from __future__ import annotations

from pathlib import Path

import pytest

from autoseg.pipeline.faces import label_face
from autoseg.pipeline.folds.runs import refuse_other_run
from autoseg.pipeline.labelling import training
from autoseg.pipeline.labelling.spoken import LoopProgress, say_in_loop
from dataset_fingerprints.errors import WorkspaceError
from dataset_fingerprints.fingerprint import drop_cases
from planners.run import CaseContent, make_run
from tests.autoseg.pipeline.labelling.loops import begin
from tests.autoseg.pipeline.labelling.test_training import FINGERPRINT, note_trainings, plan_first_round
from tests.autoseg.training.builders import Listening

SAID = (
    (
        "Give the same plan to go on, begin it anew with --restart, or name another plan with --plan.",
        "Give the same plan to go on, or begin it anew with --restart.",
    ),
    (
        "Leave out --from to go on with it, begin it anew with --restart, or name another plan with --plan.",
        "Begin it anew with --restart.",
    ),
    (
        "Give the new plan a name of its own with --plan-name, which leaves these folds as they are, or delete /w/x.",
        "Delete /w/x.",
    ),
    (
        "Begin them anew with `autoseg train FOLD --restart`; to have both, plan with --plan-name NEW.",
        "Begin them anew with `autoseg label train --restart`.",
    ),
    (
        "(`autoseg train 0 -c low --restart`), or plan again under another name (plan_and_preprocess --plan-name NEW).",
        "(`autoseg label train --restart`).",
    ),
    (
        "train the model of all cases (`autoseg train full`), or add --allow-seen",
        "train the model of all cases (`autoseg label train --fold full`), or add --allow-seen",
    ),
    (
        "with less memory to fill (for a GPU with `plan_and_preprocess --gpu-memory-gb 4`), or",
        "with less memory to fill (for a GPU with `autoseg label train --restart --gpu-memory-gb 4`), or",
    ),
    (
        "the model's own network: `autoseg plan_and_preprocess DATASET --like MODEL`.",
        "the model's own network: `autoseg label train --like-last`.",
    ),
    (
        "Train it longer: `autoseg train full --max-minutes 10 -w LOOP/rounds/01/workspace`.",
        "Train it longer: `autoseg label train --max-minutes 10`.",
    ),
    (
        "Train them longer: `autoseg train 0 --max-hours 2`, and so for the others.",
        "Train them longer: `autoseg label train --max-minutes 120`.",
    ),
    ("Run `autoseg label train` first.", "Run `autoseg label train` first."),
)


@pytest.mark.parametrize(("before", "after"), SAID)
def test_what_a_round_does_not_take_is_said_in_its_own_words(before: str, after: str) -> None:
    assert say_in_loop(before) == after


@pytest.mark.parametrize(
    ("message", "heard"),
    [
        ("Found CSV of paths (/w/rounds/01/labelled.csv).", False),
        ("Columns of labelled.csv: image:T1w = scan; label = label maps.", False),
        ("5 folds of your own (folds.csv).", False),
        ("1 case has no lesion.", True),
    ],
)
def test_tables_that_the_loop_has_written_itself_are_not_told_of(message: str, heard: bool) -> None:
    listening = Listening()
    LoopProgress(listening).say(message)
    assert listening.messages == [message] * heard


def test_an_error_of_a_fold_inside_a_round_names_what_the_round_takes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = begin(tmp_path)
    plan = plan_first_round(made)
    note_trainings(monkeypatch, plan)
    folder = made.loop.round(1).workspace.fold("default", plan.default_configuration, "full")
    contents = [(CaseContent(case=name, sha256=("0", "1")),) for name in ("s00", "s02")]
    runs = [make_run(plan, plan.default_configuration, "full", one, (), drop_cases(FINGERPRINT)) for one in contents]
    monkeypatch.setattr(training, "train_fold", lambda *given: refuse_other_run(folder, *runs))
    with pytest.raises(WorkspaceError, match=r"Begin it anew with --restart, which removes its weights and scores\.$"):
        label_face.label_train(made.loop.root)
