"""The order in which configurations are trained, at any depth."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dataset_fingerprints.errors import PlanError
from planners.order import find_order_problems, order_by_need
from planners.plan import Configuration, CropTo, Initial, MaskOf
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
