from __future__ import annotations

import numpy as np
import pytest

import autoseg
from autoseg.evaluation import pair_files
from autoseg.pipeline.scores.validated_maps import ValidatedMaps, find_probabilities
from dataset_fingerprints.errors import DataError
from dataset_fingerprints.reading.images import read_label_map


@pytest.fixture
def validation(trained):
    (found,) = (trained / "ws").rglob("validation")
    return found


def test_out_of_fold_probabilities_are_scored(trained, validation, tmp_path):
    found = autoseg.evaluate(
        validation, trained / "raw", metrics=["maximal_dice", "roc_auc"], probability_maps=validation
    )
    for summary in found.summary:
        assert summary.statistics("roc_auc").n == len(found.cases) == 2
        # The best threshold is at least as good as the one that was taken.
        assert summary.statistics("maximal_dice").mean >= summary.statistics("dice").mean - 1e-2


def test_a_validation_brings_its_probabilities_where_a_metric_needs_them(trained, validation):
    given = autoseg.evaluate(validation, trained / "raw", metrics=["roc_auc"], probability_maps=validation)
    assert autoseg.evaluate(validation, trained / "raw", metrics=["roc_auc"]).summary == given.summary


def test_probabilities_are_above_a_half_just_where_the_label_wins_alone(trained, validation):
    pairing = pair_files(validation, trained / "raw")
    maps = find_probabilities(validation, pairing, ())
    assert isinstance(maps, ValidatedMaps)
    pair = pairing.pairs[0]
    labels = read_label_map(pair.prediction)
    for value in (3, 7):
        probabilities = maps.read(pair, value, labels.grid(), alone=False)
        assert probabilities.shape == labels.voxels.shape[1:] == labels.grid().shape
        assert np.array_equal(probabilities > 0.51, (probabilities > 0.51) & (labels.voxels[0] == value))


def test_a_label_that_the_fold_does_not_know_is_refused(trained, validation):
    with pytest.raises(DataError, match="no probabilities of 5, only of 3"):
        autoseg.evaluate(validation, trained / "raw", labels=[5], probability_maps=validation)
