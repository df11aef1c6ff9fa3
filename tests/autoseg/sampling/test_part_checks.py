from __future__ import annotations

import pytest

from autoseg.sampling import Origin, refuse_unusable_parts
from dataset_fingerprints.errors import PlanError
from planners.choices import Choice

SITES = [Origin(site="north", subject="a"), Origin(subject="b")]


def augmentation(name: str, **options: object) -> tuple[str, Choice]:
    listed = [{"name": name, "options": options}]
    return "sampling.augmentations", Choice(name="batchgenerators", options={"transforms": listed})


def test_parts_that_can_be_used_are_let_through() -> None:
    balanced = ("sampling.cases", Choice(name="balanced"))
    other = ("training.loss", Choice(name="nobody looks at it here"))
    refuse_unusable_parts([augmentation("GammaTransform"), balanced, other], SITES)


@pytest.mark.parametrize(
    ("part", "message"),
    [
        (augmentation("GamaTransform"), "Did you mean 'GammaTransform'"),
        (augmentation("GammaTransform", gamma=1), "no argument 'gamma'"),
        (("sampling.augmentations", Choice(name="strng")), "Did you mean 'strong'"),
        (("sampling.cases", Choice(name="balanced", options={"over": "group"})), "names none"),
    ],
)
def test_parts_that_cannot_be_used_are_refused(part: tuple[str, Choice], message: str) -> None:
    with pytest.raises(PlanError, match=message):
        refuse_unusable_parts([part], SITES)
