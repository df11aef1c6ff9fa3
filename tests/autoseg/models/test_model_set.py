"""Models that predict together: of the same labels, or of different ones."""

from __future__ import annotations

from dataclasses import replace

import pytest

from autoseg.models.predicted_dice import DiceCalibration
from tests.autoseg.models.portable.builders import configure, put_together, train
from tests.autoseg.models.test_lesion_classifier import by_size


def test_only_networks_of_the_same_labels_can_disagree() -> None:
    dark, bright = (train([configure(name, targets=((value,),))]) for name, value in (("dark", 3), ("bright", 700)))
    assert not put_together({"dark": (dark,)}).can_disagree()
    assert put_together({"dark": (dark, dark)}).can_disagree()
    assert not put_together({"dark": (dark, dark)}, {"bright": (bright, bright)}).can_disagree()


@pytest.mark.parametrize("thresholds", [(), (0.3, 0.3)])
def test_without_what_was_selected_only_what_was_measured_with_the_usual_rule_holds(
    thresholds: tuple[float, ...],
) -> None:
    dice = DiceCalibration(
        configurations=("3d_fullres",),
        thresholds=thresholds,
        postprocessing=(),
        measured_on=(),
        targets=(),
        scan=None,
    )
    classifier = by_size()
    classes = replace(classifier, description=replace(classifier.description, thresholds=thresholds))
    selected = put_together({"3d_fullres": (train([configure()]),)}, decision=(thresholds, ()))
    usual = replace(selected, predicted_dice=dice, lesion_classes=classes).without_selection()
    assert usual.selection is None
    assert usual.predicted_dice == (None if thresholds else dice)
    assert usual.lesion_classes is (None if thresholds else classes)
