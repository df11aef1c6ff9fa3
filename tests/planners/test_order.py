"""The order in which configurations are trained, at any depth."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dataset_fingerprints.errors import PlanError
from planners.order import find_order_problems, order_by_need
from planners.plan import Configuration
from planners.pseudo_labels import PseudoLabels
from planners.stage_inputs import CropTo, Initial, MaskOf
from tests.synthetic.configurations import tiny_configuration


def configure(name: str, *, masks: tuple[str, ...] = (), crops: tuple[str, ...] = (), start: str = "") -> Configuration:
    inputs = (
        *(MaskOf(configuration=other) for other in masks),
        *(CropTo(configuration=other, margin_mm=1.0) for other in crops),
    )
    initial = Initial(configuration=start) if start else None
    return replace(tiny_configuration(), name=name, inputs=inputs, initial=initial)


LOCATE, CLOSER = configure("locate"), configure("closer", crops=("locate",))
REFINE, POLISH = configure("refine", masks=("closer",), crops=("locate",)), configure("polish", start="refine")


def test_each_stands_behind_all_that_it_needs_once() -> None:
    names = [entry.name for entry in order_by_need((POLISH, REFINE, CLOSER, LOCATE), ["polish", "closer"], "plan x")]
    assert names == ["locate", "closer", "refine", "polish"]
    assert [entry.name for entry in order_by_need((POLISH, REFINE, CLOSER, LOCATE), ["closer"], "x")] == [
        "locate",
        "closer",
    ]


def test_a_circle_is_refused_by_its_names() -> None:
    circle = (replace(LOCATE, initial=Initial(configuration="refine")), CLOSER, REFINE)
    with pytest.raises(PlanError, match="in a circle: refine -> closer -> locate -> refine"):
        order_by_need(circle, ["refine"], "plan x")
    (problem,) = find_order_problems(circle)
    assert "locate -> refine -> closer -> locate" in problem


def test_a_configuration_that_needs_itself_is_a_circle() -> None:
    with pytest.raises(PlanError, match="in a circle: own -> own"):
        order_by_need((configure("own", masks=("own",)),), ["own"], "plan x")


def test_what_is_needed_and_not_there_is_named_with_who_needs_it() -> None:
    with pytest.raises(PlanError, match=r"plan x, needed by closer: has no configuration 'locate'\. Did you mean"):
        order_by_need((CLOSER, configure("locale")), ["closer"], "plan x")


def test_a_name_is_given_once() -> None:
    (problem,) = find_order_problems((LOCATE, LOCATE))
    assert problem == "there are 2 configurations 'locate'. Expected different names."


def mark(*names: str, least: float = 0.0, name: str = "student") -> Configuration:
    chosen = PseudoLabels(configurations=names, least_confidence=least)
    return replace(tiny_configuration(), name=name, pseudo_labels=chosen)


def test_whoever_makes_pseudo_labels_is_trained_before() -> None:
    student = mark("polish", "locate")
    names = [entry.name for entry in order_by_need((student, POLISH, REFINE, CLOSER, LOCATE), ["student"], "x")]
    assert names == ["locate", "closer", "refine", "polish", "student"]
    with pytest.raises(PlanError, match="in a circle: student -> student"):
        order_by_need((mark("student"),), ["student"], "x")


@pytest.mark.parametrize(
    ("student", "said"),
    [
        (mark("locate", least=1.5), "student.pseudo_labels.least_confidence is 1.5. Expected 0 to 1."),
        (mark(), "student.pseudo_labels.configurations holds none. Expected one or more, each once."),
        (mark("locate", "locate"), "holds locate, locate. Expected one or more, each once."),
        (mark("closer"), "names closer, which needs inputs from other configurations."),
        (replace(mark("locate"), inputs=(MaskOf(configuration="locate"),)), "student has pseudo_labels and inputs."),
        (mark("teacher"), "plan, needed by student: has no configuration 'teacher'"),
    ],
)
def test_pseudo_labels_that_cannot_be_made_are_refused(student: Configuration, said: str) -> None:
    (problem,) = find_order_problems((LOCATE, CLOSER, student))
    assert said in problem


def test_pseudo_labels_of_configurations_that_see_the_scan_alone_are_none_of_these_problems() -> None:
    assert list(find_order_problems((LOCATE, mark("locate", least=0.9)))) == []
