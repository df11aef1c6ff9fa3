"""Which trained folds make up a model."""

from __future__ import annotations

import re
from collections.abc import Sequence

import pytest

from autoseg.pipeline.models.sources import ModelChoice, find_source
from autoseg.pipeline.models.trained_folds import find_trained
from autoseg.pipeline.plans.reading import read_plan
from dataset_fingerprints.errors import AutosegError
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


@pytest.mark.parametrize("folds", [(), ("0",)])
def test_the_weights_listed_are_those_of_the_folds_that_are_averaged(finished: Tiny, folds: Sequence[str]) -> None:
    plan, _ = read_plan(finished.workspace, "default")
    found = find_trained(finished.workspace, plan, (), folds)
    source = find_source(finished.workspace, ModelChoice(folds=tuple(folds)))
    assert source.read().describe() == "1 fold"
    assert source.files == found.weight_files()
    assert tuple(found.weight_files()) == (finished.fold(0).weights,)
