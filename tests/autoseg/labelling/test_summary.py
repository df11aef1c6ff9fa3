from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from autoseg.labelling.state import Accepted, HeldOutScore, Loop, Round, StructureChange, Training
from autoseg.labelling.summary import ALL, ManualSurfaces, compare_rounds, dice_by_case, summarise_rounds
from dataset_fingerprints.dataset import Case
from dataset_fingerprints.errors import DataError
from tests.synthetic.heads import plain_scheme, region_scheme

TEST = tuple(f"t{number}" for number in range(6))
DICE = np.array([[0.2, 0.3, 0.5, 0.6, 0.4, 0.1], [0.3, 0.5, 0.6, 0.8, 0.4, 0.3]])


def make_round(number: int, cases: tuple[str, ...]) -> Round:
    scores = tuple(
        HeldOutScore(case=case, structure=structure, dice=float(dice) + shift, rms_mm=float(number), points=5)
        for case, dice in zip(TEST, DICE[number - 1], strict=True)
        for structure, shift in (("label 1", 0.1), ("label 2", -0.1))
    )
    return Round(number=number, cases=cases, training=Training(), scores=scores)


def make_loop() -> Loop:
    cases = tuple(
        Case(name=name, images=(f"/{name}.nii.gz",), label="/l.nii.gz" if name != "c" else "", subject=name)
        for name in ("a", "b", "c", *TEST)
    )
    changes = (
        StructureChange(structure="label 1", before_ml=2.0, after_ml=4.0, changed_ml=3.0, rms_mm=1.0, points=7),
        StructureChange(structure="label 2", before_ml=1.0, after_ml=1.0, changed_ml=0.0, rms_mm=0.0, points=3),
    )
    accepted = Accepted(
        case="c", round=1, during=1, file="1/c.nii.gz", changes=changes, minutes={"label 1": 6.0, "label 2": 1.5}
    )
    return Loop(
        name="kidneys",
        channels=("CT",),
        labels=plain_scheme(2),
        cases=cases,
        test=TEST,
        rounds=(make_round(1, ("a", "b")), make_round(2, ("a", "b", "c"))),
        accepted=(accepted,),
        manual_minutes={"a": {"label 1": 20.0, "label 2": 10.0}},
    )


def test_a_round_is_summarised_over_labels_and_by_label() -> None:
    manual = {("c", "label 1"): ManualSurfaces(to_model=2.0, to_corrected=0.5, points=11)}
    found = {(one.number, one.structure): one for one in summarise_rounds(make_loop(), manual)}
    first, second = found[1, ALL], found[2, ALL]
    assert first.dice == pytest.approx(DICE[0].mean())
    assert found[1, "label 1"].dice == pytest.approx(DICE[0].mean() + 0.1)
    assert (first.corrected, first.changed_ml, first.after_ml, first.minutes) == (1, 3.0, 5.0, 7.5)
    assert first.share == pytest.approx(3 / 5)
    assert found[1, "label 1"].minutes == 6.0
    assert (found[1, "label 2"].share, found[1, "label 2"].rms_model_corrected) == (0.0, 0.0)
    assert (first.manual_minutes, first.rms_model_corrected, first.rms_manual_corrected) == (30.0, 0.5, 0.5)
    assert first.rms_manual_presegmented == 2.0
    assert first.points == (5 * 12, 10, 11)
    assert (second.corrected, second.share, second.rms_manual_model) == (0, None, 2.0)
    assert second.gain == pytest.approx((DICE[1] - DICE[0]).mean())
    assert (first.gain, first.p) == (None, None)


def test_rounds_are_compared_by_the_paired_t_test() -> None:
    (pair,) = compare_rounds(make_loop())
    assert (pair.first, pair.second, pair.cases) == (1, 2, 6)
    assert pair.p == pytest.approx(stats.ttest_rel(DICE[1], DICE[0]).pvalue)
    assert pair.interval is not None
    assert pair.interval[0] < pair.difference < pair.interval[1]


def test_a_label_in_neither_mask_does_not_count() -> None:
    own = make_round(1, ())
    scores = tuple(
        replace(score, dice=None) if score.structure == "label 1" and score.case == "t0" else score
        for score in own.scores
    )
    assert dice_by_case(replace(own, scores=scores))["t0"] == pytest.approx(0.1)
    assert "t0" not in dice_by_case(replace(own, scores=scores), "label 1")


def test_a_state_in_which_a_round_trains_on_a_held_out_case_is_refused() -> None:
    loop = make_loop()
    with pytest.raises(DataError, match="trains on held-out cases: t0"):
        loop.with_round(make_round(2, ("a", "t0")))
    with pytest.raises(DataError, match="names cases that it does not list: z"):
        replace(loop, test=(*TEST, "z"))


def test_news_are_new_masks_and_new_versions_of_old_ones() -> None:
    loop = make_loop()
    assert loop.news() == ()
    again = replace(loop.accepted[0], during=2, file="2/c.nii.gz")
    assert replace(loop, accepted=(*loop.accepted, again)).news() == ("c",)
    assert replace(loop, rounds=loop.rounds[:1]).news() == ("c",)


def test_minutes_of_a_mask_that_was_drawn_without_a_network_are_not_those_of_correcting() -> None:
    loop = make_loop()
    drawn = Accepted(case="b", round=1, during=1, file="1/b.nii.gz", minutes={"label 1": 60.0})
    first = summarise_rounds(replace(loop, accepted=(drawn, *loop.accepted)), {})[0]
    assert (first.corrected, first.minutes) == (1, 7.5)


def test_of_a_region_that_is_not_a_label_no_changes_are_claimed() -> None:
    loop = replace(make_loop(), labels=region_scheme())
    found = {one.structure: one for one in summarise_rounds(loop, {}) if one.number == 1}
    assert (found["whole"].corrected, found["whole"].changed_ml, found["whole"].share) == (1, None, None)
    assert found[ALL].changed_ml == 3.0
