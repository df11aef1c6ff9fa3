"""Check that batches can be drawn as a plan says; done when planning, before hours of preprocessing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from autoseg.sampling.augmentations import build_augmenters
from autoseg.sampling.cases.training_case import Origin
from autoseg.sampling.patches.case_choice import find_groups
from planners.choices import Choice, resolve
from planners.parts import CASES


def refuse_unusable_parts(parts: Iterable[tuple[str, Choice]], origins: Sequence[Origin]) -> None:
    """Make sure that augmentations can be built, and that the data set names what cases are balanced over.

    Args:
        parts: of a configuration, each with its field, such as `sampling.cases`; other fields are left alone.
        origins: of the data set's cases.

    Raises:
        PlanError: a part cannot be used; the message says why.
    """
    for field, choice in parts:
        if field == "sampling.augmentations":
            build_augmenters([choice])
        if field == "sampling.cases" and (column := resolve(choice, CASES, CASES.word).column()):
            find_groups(column, origins)
