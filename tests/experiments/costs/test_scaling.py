from __future__ import annotations

import pytest

from dataset_fingerprints.layouts import read_dataset
from experiments.costs.scaling import ADDED, COLUMNS, measure_scaling, write_cases
from tests.synthetic.passes import pass_over


@pytest.mark.slow
def test_small_data_sets_are_measured_in_processes_of_their_own(tmp_path):
    points = measure_scaling([3, 10], tmp_path)
    assert [point.cases for point in points] == [3, 10]
    for point in points:
        assert point.first.cpu_seconds > 0
        # A process that imported numpy.
        assert point.first.largest_process_gb > 0.02
        assert len(point.row()) == len(COLUMNS)
    assert points[0].fingerprint_mb < points[1].fingerprint_mb
    assert len(read_dataset(tmp_path / "raw").cases) == 10 + ADDED


def test_the_cases_are_sound_and_have_lesions(tmp_path):
    write_cases(tmp_path, range(4))
    found, _ = pass_over(tmp_path)
    assert found.findings() == ()
    assert all(record.labels[0].lesion_count > 1 for record in found.records())
