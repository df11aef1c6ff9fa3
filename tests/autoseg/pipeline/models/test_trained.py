"""Which trained folds make up a model."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

import pytest

from autoseg.pipeline.models.sources import ModelChoice, find_source
from autoseg.pipeline.models.trained_folds import find_trained
from autoseg.pipeline.plans.reading import read_plan
from dataset_fingerprints.errors import AutosegError
from dataset_fingerprints.files.jsonfiles import write_json
from tests.synthetic.tiny import CONFIGURATION, Tiny


@pytest.mark.parametrize(
    ("names", "folds", "message"),
    [
        ((), ("1",), f"fold_1 of {CONFIGURATION} is not trained yet"),
        ((), ("0", "1", "full"), f"fold_1, full of {CONFIGURATION} is not trained yet"),
        ((), ("01",), "There is no fold '01'"),
        ((), ("0", "0"), "fold 0 is named twice"),
        ((CONFIGURATION, CONFIGURATION), (), f"configuration {CONFIGURATION} is named twice"),
        (("2d",), (), "no fold of 2d is trained yet"),
        (("nothing",), (), "nothing"),
    ],
)
def test_folds_that_cannot_be_averaged_are_refused(
    finished: Tiny, names: Sequence[str], folds: Sequence[str], message: str
) -> None:
    plan, _ = read_plan(finished.workspace, "default")
    with pytest.raises(AutosegError, match=re.escape(message)):
        find_trained(finished.workspace, plan, names, folds)


def test_of_an_ensemble_those_predict_that_are_trained_and_the_others_are_named(tiny: Tiny) -> None:
    plan, _ = read_plan(tiny.workspace, "default")
    write_json(tiny.workspace.plan("default"), replace(plan, ensemble=("2d", CONFIGURATION)))
    source = find_source(tiny.workspace, ModelChoice())
    found = find_trained(tiny.workspace, read_plan(tiny.workspace, "default")[0])
    assert [run.configuration for run in found.averaged] == [CONFIGURATION]
    (doubt,) = [one for one in source.doubts if "together" in one]
    assert f"predicts with 2d, {CONFIGURATION} together. Left out until trained: 2d (`autoseg train all -c 2d" in doubt
    named = find_source(tiny.workspace, ModelChoice(configurations=(CONFIGURATION,)))
    assert not [one for one in named.doubts if "together" in one]
    with pytest.raises(AutosegError, match=f"fold_1 of {CONFIGURATION} is not trained yet"):
        find_source(tiny.workspace, ModelChoice(folds=("1",)))


@pytest.mark.parametrize("folds", [(), ("0",)])
def test_the_weights_listed_are_those_of_the_folds_that_are_averaged(finished: Tiny, folds: Sequence[str]) -> None:
    plan, _ = read_plan(finished.workspace, "default")
    found = find_trained(finished.workspace, plan, (), folds)
    source = find_source(finished.workspace, ModelChoice(folds=tuple(folds)))
    assert source.read().describe() == "1 fold"
    assert source.files == found.weight_files()
    assert tuple(found.weight_files()) == (finished.fold(0).weights,)
