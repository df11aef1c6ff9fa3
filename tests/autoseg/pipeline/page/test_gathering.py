"""Folds of one cross-validation, read together for the page."""

from __future__ import annotations

from dataclasses import replace

from autoseg.evaluation.traits import CaseTraits
from autoseg.pipeline.page.gathering import gather, join_evaluations
from tests.autoseg.evaluation.analysis.made_up import make_evaluation
from tests.synthetic.tiny import Tiny

SEVERAL = [f"a{number}" for number in range(6)]
SINGLE = [f"b{number}" for number in range(6)]


def test_a_fold_in_which_a_subject_has_several_cases_is_joined_with_one_in_which_none_has(finished: Tiny) -> None:
    (fold,) = gather(finished.workspace, "default", None).own()
    dice = [0.5, 0.6, 0.7, 0.8, 0.4, 0.9]
    people = {name: CaseTraits(case=name, subject=f"person {place // 2}") for place, name in enumerate(SEVERAL)}
    evaluations = make_evaluation(dice, names=SEVERAL, traits=people), make_evaluation(dice, names=SINGLE)
    joined = join_evaluations([replace(fold, evaluation=one) for one in evaluations])
    assert joined is not None
    assert [case.case for case in joined.cases] == [*SEVERAL, *SINGLE]
    # The interval is that of an evaluation of all these cases at once.
    whole = make_evaluation(dice * 2, names=[*SEVERAL, *SINGLE], traits=people)
    assert joined.label(1).statistics("dice") == whole.label(1).statistics("dice")
    assert joined.convention.ci95 == whole.convention.ci95 != evaluations[1].convention.ci95
