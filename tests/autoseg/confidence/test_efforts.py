from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from autoseg.confidence.efforts import Effort, judge, list_tried
from autoseg.models.quality import MeasuredEfforts, check_quality, choose_effort, describe_choice
from autoseg.pipeline.confidence.texts import describe_efforts, describe_rows
from dataset_fingerprints.errors import DataError
from planners.plan import Prediction

PLANNED = Prediction(step_share=0.5, mirror_axes=(0, 1, 2), gaussian_sigma_share=0.125)
CASES = 30


def measure(gains: dict[tuple[int, ...], float], wide: float = 0.0, cases: int = CASES) -> MeasuredEfforts:
    """Return what is concluded where flips of these axes bring so much, and wide steps cost so much."""
    tried = list_tried(PLANNED, 1)
    rng = np.random.default_rng(3)
    base = rng.uniform(0.4, 0.9, (cases, 1))
    dice = base + rng.normal(0, 0.004, (cases, len(tried)))
    for place, effort in enumerate(tried):
        dice[:, place] += gains.get(effort.mirror_axes, 0.0) - (wide if effort.step_share == 0.75 else 0.0)
    dice[:, 0] = base[:, 0]
    return judge("c", (), tried, dice, np.ones_like(dice), [str(case) for case in range(cases)])


def test_all_sets_of_flips_are_tried_and_wider_steps_without_and_with_all_of_them():
    tried = list_tried(PLANNED, 1)
    assert tried[0] == Effort(mirror_axes=(), step_share=0.5, networks=1)
    assert len({effort.mirror_axes for effort in tried if effort.step_share == 0.5}) == 8
    assert [(effort.step_share, len(effort.mirror_axes)) for effort in tried[8:]] == [
        (0.65, 0),
        (0.65, 3),
        (0.75, 0),
        (0.75, 3),
    ]
    assert list_tried(PLANNED, 3)[-1] == Effort(mirror_axes=(), step_share=0.5, networks=1)
    coarse = replace(PLANNED, step_share=1.0, mirror_axes=())
    assert list_tried(coarse, 1) == (Effort(mirror_axes=(), step_share=1.0, networks=1),)


@pytest.mark.parametrize(
    ("gains", "axes"),
    [
        ({}, ()),
        ({(0,): 0.01}, (0,)),
        ({(0,): 0.01, (2,): 0.01, (0, 2): 0.02}, (0, 2)),
        # Each pays alone, together they do not: the better one.
        ({(0,): 0.01, (2,): 0.015, (0, 2): -0.01}, (2,)),
        ({(0,): -0.01, (1,): -0.01, (2,): -0.01, (0, 1, 2): 0.01}, ()),
    ],
)
def test_flips_are_averaged_only_along_axes_that_pay(gains, axes):
    measured = measure(gains)
    assert measured.paying_axes == axes
    assert choose_effort("standard", PLANNED, measured).mirror_axes == axes
    assert choose_effort("best", PLANNED, measured).mirror_axes == (0, 1, 2)


def test_few_cases_leave_no_flip_out():
    assert measure({}, cases=4).paying_axes == (0, 1, 2)


def test_cases_of_one_subject_count_once():
    tried = list_tried(replace(PLANNED, step_share=1.0, mirror_axes=(0,)), 1)
    dice = np.random.default_rng(3).uniform(0.4, 0.9, (12, 2))
    alone = judge("c", (), tried, dice, np.ones_like(dice), [str(case) for case in range(12)])
    often = np.repeat(dice, 4, axis=0)
    found = judge("c", (), tried, often, np.ones_like(often), [str(case // 4) for case in range(48)])
    own, expected = found.efforts[1].gain, alone.efforts[1].gain
    assert (own.mean, own.low, own.high) == pytest.approx((expected.mean, expected.low, expected.high))
    worse = np.hstack([dice[:, :1], dice[:, :1] - 0.01])
    few = judge("c", (), tried, worse, np.ones_like(worse), ["a", "b", "c", "d"] * 3)
    assert few.paying_axes == (0,)


@pytest.mark.parametrize(("lost", "step"), [(0.0, 0.75), (0.02, 0.65)])
def test_fast_takes_the_widest_steps_that_cost_little(lost, step):
    effort = choose_effort("fast", PLANNED, measure({}, wide=lost))
    assert (effort.step_share, effort.mirror_axes) == (step, ())


def test_where_nothing_was_measured_the_plan_holds():
    assert choose_effort("standard", PLANNED, None) == PLANNED
    assert choose_effort("fast", PLANNED, None) == replace(PLANNED, mirror_axes=(), step_share=0.75)
    wide = replace(PLANNED, step_share=1.0)
    assert choose_effort("best", wide, None).step_share == 0.5
    assert choose_effort("fast", wide, None).step_share == 1.0


def test_what_is_used_is_said_with_what_it_brings():
    measured = measure({(0,): 0.01})
    said = describe_choice(choose_effort("standard", PLANNED, measured), measured)
    assert said.startswith("flips along x only, tiles overlap by 50%: +0.0")
    assert said.endswith("Dice on 30 validation cases")
    none = measure({})
    assert "no flips, tiles overlap by 50%: all flips would bring" in describe_choice(
        choose_effort("standard", PLANNED, none), none
    )
    assert describe_choice(PLANNED, None) == "flips along x and y and z, tiles overlap by 50%"


def test_an_unknown_quality_is_refused_with_the_known_ones():
    with pytest.raises(DataError, match="fast, standard, best"):
        check_quality("fastest")


def test_the_table_says_which_way_each_quality_takes():
    rows = list(describe_rows(measure({(0,): 0.01})))
    used = {row[-1]: row[:3] for row in rows if row[-1]}
    assert used == {"fast": ("none", "25%", "1"), "standard": ("x", "50%", "1"), "best": ("x, y, z", "50%", "1")}
    assert "predicts with flips along x only: +0.0" in describe_efforts(measure({(0,): 0.01}))
    assert "predicts with no flips: all of them bring" in describe_efforts(measure({}))
