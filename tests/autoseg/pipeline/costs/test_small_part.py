"""The small part of the work that is measured: it has to run for every kind of data set."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from autoseg.pipeline.costs.small_part import _make_ellipsoid, _mark_blocks, measure_pace, measure_reading
from planners.plan import Plan
from planners.planner import PlanRequest
from planners.presets import make_plan
from tests.synthetic.fingerprints import SyntheticCase, make_fingerprint, repeat_case
from tests.synthetic.machines import CPU

KINDS = {
    "one channel": ((20, 24, 18), ("T1w",), 1),
    "channels and labels": ((20, 24, 18), ("T1w", "FLAIR"), 3),
    "CT": ((20, 24, 18), ("CT",), 1),
    "single slices": ((40, 32, 1), ("T1w",), 1),
    "more labels than voxels across": ((8, 8, 9), ("T1w",), 6),
}


def small_plan(kind: str) -> tuple[Plan, object]:
    shape, channels, labels = KINDS[kind]
    case = SyntheticCase(body_shape=shape)
    fingerprint = make_fingerprint(repeat_case(6, case), channels=channels, labels=labels)
    plan = make_plan(fingerprint, PlanRequest(machine=CPU, memory_gb=4.0))
    return plan, fingerprint


@pytest.mark.parametrize("kind", KINDS)
def test_reading_is_measured(kind: str) -> None:
    plan, fingerprint = small_plan(kind)
    rate = measure_reading(plan, fingerprint)  # type: ignore[arg-type]
    assert rate.seconds_per_voxel > 0
    assert rate.seconds(1e6, rate.cores) == pytest.approx(2 * rate.seconds(1e6, 2 * rate.cores))


@pytest.mark.parametrize("kind", ["channels and labels", "single slices"])
def test_steps_of_the_planned_network_are_measured(kind: str) -> None:
    plan, _ = small_plan(kind)
    configuration = next(one for one in plan.configurations if one.name == plan.default_configuration)
    pace = measure_pace(plan, replace(configuration, batch_size=2))
    assert 0 < pace.tile_seconds < pace.step_seconds


def test_scans_of_noise_hold_every_label_and_a_body() -> None:
    labels = _mark_blocks((40, 32, 24), [1, 300, 70_000])
    assert set(np.unique(labels)) == {0, 1, 300, 70_000}
    assert _make_ellipsoid((40, 32, 2)).any()
