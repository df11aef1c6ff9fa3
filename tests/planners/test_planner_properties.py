"""Properties that hold for any data set, whatever its shapes."""

from __future__ import annotations

import json
import math

from hypothesis import given
from hypothesis import strategies as st

from dataset_fingerprints.files.jsonfiles import from_plain, to_json
from dataset_fingerprints.fingerprint import DatasetFingerprint
from dataset_fingerprints.sizes import GIB
from planners import PLANNERS, PlanRequest, check_plan, make_plan
from planners.machine import MachineProfile
from planners.networks.memory_decisions import predict_configuration
from planners.networks.topology import MIN_EDGE
from planners.plan import Plan
from planners.sizing.budgets import PLANNED_SHARE
from tests.synthetic.configurations import unet_of
from tests.synthetic.fingerprints import SyntheticCase, make_fingerprint
from tests.synthetic.machines import CPU, GPU

lengths = st.integers(min_value=2, max_value=700)
sizes_mm = st.floats(min_value=0.1, max_value=12.0)
cases = st.builds(
    SyntheticCase,
    body_shape=st.tuples(lengths, lengths, lengths),
    spacing_mm=st.tuples(sizes_mm, sizes_mm, sizes_mm),
    body_share=st.floats(min_value=0.05, max_value=1.0),
)
fingerprints = st.builds(
    make_fingerprint, st.lists(cases, min_size=1, max_size=12), labels=st.integers(min_value=1, max_value=20)
)
machines = st.sampled_from([CPU, GPU])
planners = st.sampled_from(sorted(PLANNERS.own()))
memories_gb = st.floats(min_value=2.0, max_value=160.0)


@given(fingerprints, machines, memories_gb, planners)
def test_every_fingerprint_gets_a_plan_that_fits_together(
    fingerprint: DatasetFingerprint, machine: MachineProfile, memory_gb: float, planner: str
) -> None:
    plan = make_plan(fingerprint, PlanRequest(planner=planner, machine=machine, memory_gb=memory_gb))
    check_plan(plan)
    assert plan.default_configuration == "3d_fullres"
    for configuration in plan.configurations:
        patch = [configuration.patch_shape[axis] for axis in configuration.network_axes()]
        divisors = unet_of(configuration).divisors()
        bottleneck = [length // divisor for length, divisor in zip(patch, divisors, strict=True)]
        assert all(edge >= MIN_EDGE for edge, divisor in zip(bottleneck, divisors, strict=True) if divisor > 1)
        assert all(length % divisor == 0 for length, divisor in zip(patch, divisors, strict=True))
        assert len(unet_of(configuration).features) > 1
        assert configuration.batch_size >= 2


@given(fingerprints, memories_gb, st.floats(min_value=1.0, max_value=4.0), planners)
def test_more_gpu_memory_never_shrinks_patch_or_then_batch(
    fingerprint: DatasetFingerprint, memory_gb: float, factor: float, planner: str
) -> None:
    """The batch alone may shrink: with more memory a larger patch comes first, a larger batch second.

    A low resolution is another view of the data for every memory, or none, and is left out.
    """
    small, large = (
        make_plan(fingerprint, PlanRequest(planner=planner, machine=GPU, memory_gb=memory))
        for memory in (memory_gb, memory_gb * factor)
    )
    for less, more in zip(small.configurations[:2], large.configurations[:2], strict=True):
        assert less.name == more.name
        assert (math.prod(more.patch_shape), more.batch_size) >= (math.prod(less.patch_shape), less.batch_size)


@given(fingerprints, machines, memories_gb, planners)
def test_the_same_input_makes_the_same_plan_and_survives_json(
    fingerprint: DatasetFingerprint, machine: MachineProfile, memory_gb: float, planner: str
) -> None:
    request = PlanRequest(planner=planner, machine=machine, memory_gb=memory_gb)
    plan = make_plan(fingerprint, request)
    assert make_plan(fingerprint, request) == plan
    assert from_plain(json.loads(to_json(plan)), Plan, "plan") == plan


@given(fingerprints, memories_gb)
def test_default_plans_keep_within_the_memory_that_they_were_made_for(
    fingerprint: DatasetFingerprint, memory_gb: float
) -> None:
    plan = make_plan(fingerprint, PlanRequest(machine=GPU, memory_gb=memory_gb))
    for configuration in plan.configurations:
        if not configuration.inputs:
            assert predict_configuration(plan, configuration).total() <= PLANNED_SHARE * memory_gb * GIB
