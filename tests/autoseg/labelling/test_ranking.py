from __future__ import annotations

import numpy as np
import pytest

from autoseg.labelling.ranking import (
    Candidate,
    Portrait,
    choose_first,
    choose_random,
    choose_uncertain,
    measure_distances,
)


def portray(name: str, seed: int, noise: float = 0.0) -> Portrait:
    rng = np.random.default_rng(seed)
    scan, mask = rng.standard_normal(64), rng.random(64)
    more = np.random.default_rng([seed, 1])
    scan = scan + noise * more.standard_normal(64)
    return Portrait(case=name, scan=scan / np.linalg.norm(scan), mask=mask / np.linalg.norm(mask))


def test_of_near_copies_that_are_most_uncertain_one_is_chosen() -> None:
    copies = [Candidate(portrait=portray(f"copy-{n}", 1, 0.01 * n), uncertainty=0.9 - 0.01 * n) for n in range(5)]
    others = [Candidate(portrait=portray(f"other-{n}", 10 + n), uncertainty=0.1 * n) for n in range(5)]
    chosen = choose_uncertain([*copies, *others], [portray("known", 99)], 3)
    names = [one.case for one in chosen]
    assert names[0] == "copy-0"
    assert sum(name.startswith("copy") for name in names) == 1
    assert {"other-4", "other-3"} == set(names[1:])


def test_a_scan_like_a_labelled_one_comes_last() -> None:
    candidates = [Candidate(portrait=portray(f"{n}", n), uncertainty=u) for n, u in ((1, 0.9), (2, 0.5), (3, 0.4))]
    chosen = choose_uncertain(candidates, [portray("labelled", 1, 0.01)], 3)
    assert [one.case for one in chosen] == ["2", "3", "1"]
    assert chosen[-1].distance == pytest.approx(0, abs=1e-3)


def test_copies_are_chosen_where_there_is_nothing_else() -> None:
    candidates = [Candidate(portrait=portray(f"{n}", 1), uncertainty=0.5) for n in range(3)]
    assert len(choose_uncertain(candidates, [], 5)) == 3
    assert choose_uncertain([], [], 5) == ()


def test_distances_of_the_same_are_none_and_those_of_opposites_are_one() -> None:
    one = Portrait(case="a", scan=np.array([1.0, 0.0]), mask=np.array([1.0, 0.0]))
    other = Portrait(case="b", scan=np.array([-1.0, 0.0]), mask=np.array([0.0, 1.0]))
    empty = Portrait(case="c", scan=np.array([1.0, 0.0]), mask=np.zeros(2))
    found = measure_distances([one, empty], [one, other, empty])
    assert found.tolist() == [[0.0, 1.0, 0.0], [0.0, 1.0, 0.0]]
    marked_alike = Portrait(case="d", scan=np.array([0.0, 1.0]), mask=one.mask)
    # The pictures have nothing in common: half of 1, of which the masks leave the lower half.
    assert measure_distances([one, other], [marked_alike]).tolist() == [[0.25], [0.5]]


def test_chance_is_the_same_for_the_same_seed() -> None:
    names = [str(number) for number in range(20)]
    first = choose_random(names, 5, (0, 1))
    assert first == choose_random(names, 5, (0, 1))
    assert first != choose_random(names, 5, (0, 2))
    assert [one.case for one in choose_first(names, 2)] == ["0", "1"]
