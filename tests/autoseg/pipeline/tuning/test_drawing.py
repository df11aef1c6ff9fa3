from __future__ import annotations

import pytest

from autoseg.pipeline.tuning import drawing
from autoseg.pipeline.tuning.drawing import Drawn, draw, list_single_changes
from dataset_fingerprints.errors import PlanError
from planners.editing.alternatives import Alternative, Alternatives
from planners.editing.option_checks import MOST_SEED

SPACE: Alternatives = {
    "rate": tuple(Alternative(name=name, assignments=()) for name in ("times 3", "a third", "times 10")),
    "loss": (Alternative(name="dice_topk", assignments=()),),
}


def draw_all(seed: int, score: dict[str, float] | None = None) -> list[dict[str, str]]:
    """Draw until there is nothing new."""
    drawn: list[Drawn] = []
    while (changes := draw(SPACE, drawn, seed)) is not None:
        value = 0.5 + (score or {}).get(changes.get("rate", ""), 0.0)
        drawn.append(Drawn(changes=changes, score=value))
    return [dict(one.changes) for one in drawn]


def test_the_plan_as_it_is_comes_first_and_then_one_change_at_a_time() -> None:
    found = draw_all(0)
    assert found[0] == {}
    assert found[1:5] == [{"rate": "times 3"}, {"loss": "dice_topk"}, {"rate": "a third"}, {"rate": "times 10"}]
    assert found[1:5] == [dict(changes) for changes in list_single_changes(SPACE)]


def test_no_candidate_is_drawn_twice_and_all_are_drawn_in_the_end() -> None:
    found = draw_all(1)
    assert len({tuple(sorted(changes.items())) for changes in found}) == len(found) == 8


def test_what_is_drawn_follows_from_seed_and_scores() -> None:
    assert draw_all(2) == draw_all(2)
    starts = [Drawn(changes=changes, score=0.5) for changes in ({}, *list_single_changes(SPACE))]
    assert len({str(draw(SPACE, starts, seed)) for seed in range(20)}) > 1


def test_combinations_hold_what_scored_well() -> None:
    scores = [Drawn(changes={}, score=0.5), Drawn(changes={"rate": "times 3"}, score=0.9)]
    scores += [Drawn(changes={"rate": name}, score=0.1) for name in ("a third", "times 10")]
    scores += [Drawn(changes={"loss": "dice_topk"}, score=0.8)]
    found = [draw(SPACE, scores, seed) for seed in range(20)]
    assert sum(changes == {"rate": "times 3", "loss": "dice_topk"} for changes in found) > 10


def test_a_candidate_that_was_left_out_is_not_drawn_again() -> None:
    drawn = [Drawn(changes={}, score=0.5), Drawn(changes={"rate": "times 3"}, score=None)]
    assert draw(SPACE, drawn, 0) == {"loss": "dice_topk"}


def test_without_optuna_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drawing, "find_spec", lambda name: None)
    with pytest.raises(PlanError, match=r"Optuna, which is not installed: pip install 'autoseg-lesion\[tune\]'"):
        drawing.refuse_without_optuna()


def test_the_last_combination_is_found_where_draws_miss_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drawing, "_TRIES", 0)
    found = draw_all(3)
    assert len({tuple(sorted(changes.items())) for changes in found}) == len(found) == 8


def test_the_largest_seed_can_be_drawn_with() -> None:
    assert len(draw_all(MOST_SEED)) == 8
