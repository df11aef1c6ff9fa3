from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import binom

from autoseg.sampling import Origin, TrainingCase
from autoseg.sampling.patches.case_choice import BUILDERS, BalancedChooser, build_case_chooser, find_groups
from dataset_fingerprints.errors import PlanError
from planners.choices import Choice
from planners.parts import CASES
from tests.autoseg.sampling.builders import make_case, make_empty_case

ORIGINS = (
    Origin(site="north", subject="a", group="x"),
    Origin(site="north", subject="a"),
    Origin(site="north", subject="b", group="x"),
    Origin(site="south", subject="c", group="y"),
    Origin(subject="d", group="y"),
)


def cases_from(*origins: Origin) -> list[TrainingCase]:
    """An empty case of each origin; where they come from is all that counts here."""
    return [replace(make_empty_case(), origin=origin) for origin in origins]


def count(choice: Choice, candidates: range | list[int]) -> list[int]:
    """Count how often 3,000 draws take each case."""
    chooser, rng = build_case_chooser(choice, cases_from(*ORIGINS)), np.random.default_rng(0)
    drawn = Counter(chooser.choose(rng, candidates) for _ in range(3000))
    return [drawn[position] for position in range(len(ORIGINS))]


@pytest.mark.parametrize("name", CASES)
class TestEveryEntry:
    def test_it_draws_every_candidate_and_nothing_else(self, name: str) -> None:
        counts = count(Choice(name=name), [0, 2, 4])
        assert [drawn > 0 for drawn in counts] == [True, False, True, False, True]

    def test_the_same_random_numbers_draw_the_same_cases(self, name: str) -> None:
        chooser = build_case_chooser(Choice(name=name), cases_from(*ORIGINS))
        first, again = ([chooser.choose(np.random.default_rng(5), range(5)) for _ in range(3)] for _ in range(2))
        assert first == again

    def test_something_builds_it(self, name: str) -> None:
        assert CASES[name] in BUILDERS.own


def test_uniform_draws_every_case_alike_and_one_number_for_each() -> None:
    chooser = build_case_chooser(Choice(name="uniform"), cases_from(*ORIGINS))
    rng, plain = np.random.default_rng(3), np.random.default_rng(3)
    assert [chooser.choose(rng, [1, 3, 4]) for _ in range(9)] == [[1, 3, 4][plain.integers(3)] for _ in range(9)]


@pytest.mark.parametrize(
    ("over", "shares"),
    [
        ("site", (1 / 9, 1 / 9, 1 / 9, 1 / 3, 1 / 3)),
        ("subject", (1 / 8, 1 / 8, 1 / 4, 1 / 4, 1 / 4)),
        ("group", (1 / 6, 1 / 3, 1 / 6, 1 / 6, 1 / 6)),
    ],
)
def test_balanced_draws_every_group_alike_and_then_every_case_of_it(over: str, shares: tuple[float, ...]) -> None:
    counts = count(Choice(name="balanced", options={"over": over}), range(5))
    # Five standard deviations of 3,000 draws at a share of a third are 0.043.
    np.testing.assert_allclose(np.array(counts) / 3000, shares, atol=0.043)


def test_only_groups_with_a_candidate_are_balanced() -> None:
    counts = count(Choice(name="balanced"), [0, 1, 3])
    np.testing.assert_allclose(np.array(counts) / 3000, (1 / 4, 1 / 4, 0, 1 / 2, 0), atol=0.046)


def test_cases_of_which_nothing_is_known_cannot_be_balanced() -> None:
    message = "balances over the site of cases, but the data set names none. Give it as a column `site`"
    with pytest.raises(PlanError, match=re.escape(message)):
        find_groups("site", [Origin(subject="a"), Origin(subject="b")])
    with pytest.raises(PlanError, match="over the group of cases"):
        build_case_chooser(Choice(name="balanced", options={"over": "group"}), [make_case()])


# Three tasks as unequal as the data sets of Llambias 2024: 29, 187 and 60 scans.
TASKS = (*[Origin(task="MS", site="a")] * 29, *[Origin(task="stroke", site="b")] * 187, *[Origin(task="WMH")] * 60)


def test_ten_thousand_draws_come_from_every_task_alike_and_from_every_scan_of_it() -> None:
    draws, rng = 10_000, np.random.default_rng(0)
    chooser = build_case_chooser(Choice(name="balanced", options={"over": "task"}), cases_from(*TASKS))
    drawn = Counter(chooser.choose(rng, range(len(TASKS))) for _ in range(draws))
    for task in ("MS", "stroke", "WMH"):
        own = [position for position, origin in enumerate(TASKS) if origin.task == task]
        low, high = binom.interval(0.9999, draws, 1 / 3)
        assert low <= sum(drawn[position] for position in own) <= high
        # The scans of a task are drawn alike: so many bounds at once need wider ones.
        low, high = binom.interval(1 - 1e-6, draws, 1 / 3 / len(own))
        assert all(low <= drawn[position] <= high for position in own)


def test_without_balance_a_task_is_drawn_as_often_as_it_has_scans() -> None:
    draws, rng = 10_000, np.random.default_rng(0)
    chooser = build_case_chooser(Choice(name="uniform"), cases_from(*TASKS))
    drawn = Counter(TASKS[chooser.choose(rng, range(len(TASKS)))].task for _ in range(draws))
    low, high = binom.interval(0.9999, draws, 29 / len(TASKS))
    assert low <= drawn["MS"] <= high
    assert drawn["stroke"] > 5 * drawn["MS"]


class CountedGroups(tuple[str, ...]):
    """Groups of cases that count how often one is looked up."""

    looked_up = 0

    def __getitem__(self, place):
        type(self).looked_up += 1
        return super().__getitem__(place)


def draw_as_defined(groups: tuple[str, ...], rng: np.random.Generator, candidates: Sequence[int]) -> int:
    """A group of those with a candidate, all alike, then one of its candidates."""
    names = sorted({groups[position] for position in candidates})
    name = names[rng.integers(len(names))]
    of_group = [position for position in candidates if groups[position] == name]
    return of_group[rng.integers(len(of_group))]


@pytest.mark.parametrize("some", [(0, 3, 4, 8, 9), [0, 3, 4, 8, 9]], ids=["tuple", "list"])
def test_candidates_that_are_kept_by_group_are_drawn_as_by_their_definition(some: Sequence[int]) -> None:
    groups = ("b", "a", "", "b", "c", "a", "a", "b", "c", "")
    chooser, drawn, plain = BalancedChooser(groups), np.random.default_rng(7), np.random.default_rng(7)
    for _ in range(200):
        for candidates in (range(10), some, range(4), range(10)):
            assert chooser.choose(drawn, candidates) == draw_as_defined(groups, plain, candidates)


def test_a_list_of_candidates_may_change_between_draws() -> None:
    chooser, rng, candidates = BalancedChooser(("a", "b", "c")), np.random.default_rng(0), [0, 1]
    chooser.choose(rng, candidates)
    candidates[:] = [2]
    assert chooser.choose(rng, candidates) == 2


def test_candidates_of_all_batches_are_divided_into_groups_once() -> None:
    groups = CountedGroups(["north", "south"] * 500)
    chooser, rng, labelled = BalancedChooser(groups), np.random.default_rng(0), tuple(range(0, 1000, 3))
    CountedGroups.looked_up = 0
    for _ in range(50):
        chooser.choose(rng, range(len(groups)))
        chooser.choose(rng, labelled)
    assert CountedGroups.looked_up == len(groups) + len(labelled)
