"""Growth of patches, laid out over a training."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dataset_fingerprints.errors import PlanError
from dataset_fingerprints.files.jsonfiles import parse_json, to_json
from dataset_fingerprints.publications import expand, read_published
from planners import PlanRequest, check_plan, make_plan
from planners.choices import Choice
from planners.defaults import NO_GROWTH
from planners.editing.explain import explain_plan
from planners.editing.overrides import set_values
from planners.networks.memory_decisions import predict_configuration
from planners.plan import Plan
from planners.sizing.growth import describe_patch, list_sizes, size_at, sum_steps
from planners.time_budget import count_at_size, count_multiplications, steps_within
from tests.synthetic.configurations import tiny_configuration
from tests.synthetic.machines import BFLOAT16_CPU, GPU

PROGRESSIVE = Choice(name="progressive")
BRAIN = expand(read_published("atlas_r2_mni"))


def plan_for(*assignments: str, **changes: object) -> Plan:
    request = PlanRequest(machine=GPU, memory_gb=8.0, **changes)  # type: ignore[arg-type]
    return set_values(make_plan(BRAIN, request), assignments)


def test_a_plan_without_growth_is_written_as_before() -> None:
    plan = plan_for()
    assert all(entry.training.growth == NO_GROWTH for entry in plan.configurations)
    written = to_json(plan)
    assert "growth" not in written
    assert parse_json(written.encode(), Plan, "plan") == plan


def test_a_plan_with_growth_is_read_as_it_was_written() -> None:
    plan = plan_for("training.growth=progressive")
    assert parse_json(to_json(plan).encode(), Plan, "plan") == plan


@pytest.mark.parametrize(
    ("slice_axis", "sizes"), [(-1, [(8, 4, 4), (8, 8, 4), (8, 8, 8)]), (1, [(8, 1, 4), (8, 1, 8)])]
)
def test_sizes_are_patches_of_the_configuration(slice_axis: int, sizes: list[tuple[int, int, int]]) -> None:
    configuration = tiny_configuration(slice_axis, growth=PROGRESSIVE)
    assert [size.patch_shape for size in list_sizes(configuration)] == sizes
    assert list_sizes(configuration)[-1] == configuration
    assert list_sizes(tiny_configuration(slice_axis)) == (tiny_configuration(slice_axis),)


def test_all_sizes_have_as_many_steps() -> None:
    assert [size_at(iteration, 12, 3) for iteration in range(12)] == [0] * 4 + [1] * 4 + [2] * 4
    assert size_at(12, 12, 3) == 2
    assert size_at(5, 0, 3) == 2, "all of them are behind the training"


@given(st.integers(0, 200), st.integers(0, 200), st.lists(st.floats(0.01, 10), min_size=1, max_size=30))
def test_the_cost_of_the_steps_ahead_is_the_sum_of_theirs(begun: int, ahead: int, costs: list[float]) -> None:
    iterations = begun + ahead
    singly = sum(costs[size_at(number, iterations, len(costs))] for number in range(begun, iterations))
    assert sum_steps(begun, iterations, costs) == pytest.approx(singly)


def test_the_work_of_a_step_is_the_mean_of_all_sizes() -> None:
    configuration = tiny_configuration(growth=PROGRESSIVE)
    counts = [count_at_size(size, 1, 3) for size in list_sizes(configuration)]
    assert count_multiplications(configuration, 1, 3) == round(sum(counts) / 3)
    assert count_multiplications(tiny_configuration(), 1, 3) == counts[-1]


def test_more_steps_fit_into_a_time_where_patches_grow() -> None:
    machine = replace(BFLOAT16_CPU, multiplications_per_second=2e10)
    plan = plan_for()
    plan = make_plan(BRAIN, PlanRequest(machine=machine, memory_gb=8.0, max_hours=0.5))
    grown = set_values(plan, ("training.growth=progressive",))
    for before, after in zip(plan.configurations, grown.configurations, strict=True):
        steps, more = steps_within(before, plan), steps_within(after, plan)
        assert steps is not None
        assert more is not None
        assert before.training.iterations == steps
        assert 1.5 * steps < more < 6 * steps
    assert steps_within(plan.configurations[0], replace(plan, max_hours=None)) is None


@pytest.mark.parametrize("batch", ["same", "filled"])
def test_a_growing_training_takes_the_memory_of_its_largest_size(batch: str) -> None:
    plain, grown = plan_for(), plan_for("training.growth=progressive", f"training.growth.options.batch={batch}")
    for before, after in zip(plain.configurations, grown.configurations, strict=True):
        expected = predict_configuration(plain, before).total()
        assert predict_configuration(grown, after).total() == pytest.approx(expected, rel=0.01)


def test_growth_is_said_beside_the_patch() -> None:
    configuration = tiny_configuration(growth=PROGRESSIVE)
    assert describe_patch(configuration) == "8x8x8 voxels, the last of 3 sizes; the first is 2 patches of 8x4x4"
    assert describe_patch(tiny_configuration()) == "8x8x8 voxels"
    sections = explain_plan(plan_for("training.growth=progressive"))
    assert any("the last of" in cell for section in sections for row in section.rows for cell in row)


def test_more_of_the_smallest_patches_than_any_batch_has_are_refused() -> None:
    filled = ("training.growth=progressive", "training.growth.options.batch=filled")
    check_plan(plan_for(*filled))
    with pytest.raises(PlanError, match=r"growth fills a batch with [\d,]+ of the smallest patches"):
        plan_for(*filled, "2d.batch_size=20000")


def test_growth_that_does_not_exist_is_refused() -> None:
    with pytest.raises(PlanError, match="no growth 'progresive'"):
        plan_for("training.growth=progresive")
