"""Tables by group: a made-up table with known answers by quartile, size, site and anything else."""

from __future__ import annotations

import numpy as np
import pytest

from autoseg.evaluation.analysis.groups import MOST_GROUPS, group_scores, refuse_unknown
from autoseg.evaluation.traits import CaseTraits
from dataset_fingerprints.errors import DataError
from tests.autoseg.evaluation.analysis.made_up import make_evaluation

# Volumes out of order; quartiles of two: (0.05, 0.5), (2, 3), (20, 30), (60, 90).
VOLUMES = [60.0, 0.5, 3.0, 20.0, 0.05, 90.0, 2.0, 30.0]
DICE = [0.9, 0.4, 0.6, 0.7, 0.0, 0.8, 0.5, 0.6]


def find_means(table) -> dict[str, tuple[float, int]]:
    return {group.name: (group.summary.statistics("dice").mean, len(group.cases)) for group in table.groups}


def test_quartiles_hold_equally_many_cases_from_the_smallest_lesions_to_the_largest() -> None:
    (table,) = group_scores(make_evaluation(DICE, VOLUMES), ["quartile"])
    assert find_means(table) == {
        "Q1 (0.05 to 0.5)": (pytest.approx(0.2), 2),
        "Q2 (2 to 3)": (pytest.approx(0.55), 2),
        "Q3 (20 to 30)": (pytest.approx(0.65), 2),
        "Q4 (60 to 90)": (pytest.approx(0.85), 2),
    }
    assert [group.zeros for group in table.groups] == [1, 0, 0, 0]
    assert table.unit == "ml"


def test_quartiles_are_those_that_numpy_cuts_of_thirty_one_scans() -> None:
    # As many as in the test set of Tomita 2020, of whose Table 4 the groups are.
    volumes = np.random.default_rng(0).permutation(np.geomspace(0.01, 280, 31))
    dice = np.random.default_rng(1).random(31)
    (table,) = group_scores(make_evaluation(dice.tolist(), volumes.tolist()), ["quartile"])
    assert [len(group.cases) for group in table.groups] == [8, 8, 8, 7]
    ranks = np.argsort(np.argsort(volumes))
    for number, group in enumerate(table.groups):
        expected = dice[ranks // 8 == number]
        found = group.summary.statistics("dice")
        assert (found.mean, found.sd) == (pytest.approx(expected.mean()), pytest.approx(expected.std(ddof=1)))
        assert found.ci95 is not None


def test_bins_are_in_ml_and_ascend() -> None:
    (table,) = group_scores(make_evaluation(DICE, VOLUMES), ["size"])
    assert find_means(table) == {
        "below 0.1": (0.0, 1),
        "0.1 to 1": (0.4, 1),
        "1 to 10": (pytest.approx(0.55), 2),
        "10 to 50": (pytest.approx(0.65), 2),
        "50 or more": (pytest.approx(0.85), 2),
    }
    assert table.groups[0].name == "below 0.1"


@pytest.mark.parametrize("volume", [0.1, 1.0, 10.0, 50.0])
def test_a_bin_begins_at_its_lower_bound(volume: float) -> None:
    (table,) = group_scores(make_evaluation([0.5], [volume]), ["size"])
    assert table.groups[0].name.startswith(f"{volume:g}")


@pytest.mark.parametrize("by", ["size", "quartile"])
def test_cases_without_a_lesion_are_a_group_of_their_own(by: str) -> None:
    (table,) = group_scores(make_evaluation([*DICE, 1.0], [*VOLUMES, 0.0]), [by])
    assert table.groups[0].name == "no lesion"
    assert table.groups[0].cases == ("c8",)
    assert sum(len(group.cases) for group in table.groups) == 9


def test_fewer_cases_than_quartiles_fill_the_first() -> None:
    (table,) = group_scores(make_evaluation([0.5, 0.6], [1.0, 2.0]), ["quartile"])
    assert [group.name for group in table.groups] == ["Q1 (1 to 1)", "Q2 (2 to 2)"]


def make_traits(**known: list[str]) -> dict[str, CaseTraits]:
    count = len(next(iter(known.values())))
    return {
        f"c{place}": CaseTraits(
            case=f"c{place}", known={name: cells[place] for name, cells in known.items() if cells[place]}
        )
        for place in range(count)
    }  # fmt: skip


def test_sites_stand_by_their_number_of_cases_and_the_unknown_last() -> None:
    traits = make_traits(site=["b", "a", "", "", "", "b", "b", "a"])
    (table,) = group_scores(make_evaluation(DICE, VOLUMES, traits=traits), ["site"])
    assert [(group.name, len(group.cases)) for group in table.groups] == [("b", 3), ("a", 2), ("unknown", 3)]
    assert table.groups[0].summary.statistics("dice").mean == pytest.approx((0.9 + 0.8 + 0.5) / 3)


def test_measured_traits_are_shown_by_quartile_and_numbered_ones_as_they_are() -> None:
    ages = make_traits(age=[str(20 + 5 * place) for place in range(12)], scanner=["1", "2", "3"] * 4)
    evaluation = make_evaluation([place / 12 for place in range(12)], traits=ages)
    by_age, by_scanner = group_scores(evaluation, ["age", "scanner"])
    assert [group.name for group in by_age.groups] == [
        "Q1 (20 to 30)",
        "Q2 (35 to 45)",
        "Q3 (50 to 60)",
        "Q4 (65 to 75)",
    ]
    assert [group.name for group in by_scanner.groups] == ["1", "2", "3"]


def test_many_sites_with_numbers_stay_sites() -> None:
    evaluation = make_evaluation([0.5] * 12, traits=make_traits(site=[str(place) for place in range(12)]))
    (table,) = group_scores(evaluation, ["site"])
    assert len(table.groups) == 12


def test_what_is_known_of_no_case_is_refused_with_what_is_known() -> None:
    with pytest.raises(DataError, match=r"--by wombat: is known of no case.* Known are size, quartile, site"):
        group_scores(make_evaluation([0.5], traits=make_traits(site=["a"])), ["wombat"])


def test_intervals_within_a_group_draw_its_subjects() -> None:
    names = [f"sub-{place // 2}_ses-{place % 2}" for place in range(12)]
    evaluation = make_evaluation([place / 12 for place in range(12)], names=names)
    (together,) = group_scores(evaluation, ["size"])
    alone = make_evaluation([place / 12 for place in range(12)])
    assert together.groups[0].summary.statistics("dice").ci95 != alone.label(1).statistics("dice").ci95
    assert together.groups[0].summary.statistics("dice").ci95 == evaluation.label(1).statistics("dice").ci95


def test_a_column_with_a_value_per_case_makes_no_groups() -> None:
    remarks = [f"remark {number}" for number in range(MOST_GROUPS + 1)]
    evaluation = make_evaluation([0.5] * len(remarks), traits=make_traits(remark=remarks))
    with pytest.raises(DataError, match=r"--by remark: has 201 different values in 201 cases.*at most 200 groups"):
        group_scores(evaluation, ["remark"])


def test_numbers_that_are_measured_may_differ_in_every_case_and_sites_may_be_many() -> None:
    ages = [str(number / 4) for number in range(2 * MOST_GROUPS)]
    (table,) = group_scores(make_evaluation([0.5] * len(ages), traits=make_traits(age=ages)), ["age"])
    assert len(table.groups) == 4
    sites = [str(number % MOST_GROUPS) for number in range(2 * MOST_GROUPS)]
    refuse_unknown(["site"], tuple(make_traits(site=sites).values()))
