from __future__ import annotations

import pytest

from autoseg.evaluation import METRICS, POOLED
from dataset_fingerprints.errors import DataError
from experiments.evaluation_speed import COLUMNS, list_everything, time_evaluation, write_pairs
from tests.autoseg.evaluation.masks import make_ball, write_labels

SHAPE = (48, 40, 32)


def test_everything_is_all_metrics_that_need_no_probabilities():
    convention = list_everything()
    entries = {entry.metric.name for entry in (*convention.metrics, *convention.pooled)}
    assert entries == {name for name, kind in METRICS.items() if not kind().about.needs_probabilities} | set(POOLED)


@pytest.mark.parametrize("of_people", [False, True])
def test_pairs_of_masks_are_written_once_and_scored(tmp_path, of_people):
    write_labels(tmp_path / "lesions" / "a.nii.gz", make_ball((30, 60, 20), 6.0))
    for _ in range(2):
        write_pairs(tmp_path, 3, tmp_path / "lesions" if of_people else None, SHAPE)
    timings = list(time_evaluation(tmp_path, threads=2))
    assert [timing.pairs for timing in timings] == [3, 3]
    assert timings[1].metrics > timings[0].metrics
    assert all(len(timing.row()) == len(COLUMNS) for timing in timings)


def test_pairs_of_other_lesions_are_refused(tmp_path):
    write_labels(tmp_path / "lesions" / "a.nii.gz", make_ball((30, 60, 20), 6.0))
    write_pairs(tmp_path / "work", 1, None, SHAPE)
    with pytest.raises(DataError, match=r"of other lesions \(simulated\)"):
        write_pairs(tmp_path / "work", 1, tmp_path / "lesions", SHAPE)
