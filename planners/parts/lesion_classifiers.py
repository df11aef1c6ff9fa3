"""Classifiers of lesions, from the shape and place of a component; `autoseg.classification` trains them."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, Protocol

from planners.choices import PartTable


class LesionClassifierOptions(Protocol):
    """Interface of the entries of `LESION_CLASSIFIERS`."""

    @property
    def false_components(self) -> Literal["left_out", "removed"]:
        """Use of components that touch no lesion of the reference: none, or a class whose components are removed."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class FullyConnectedOptions:
    """Fully connected layers over the eleven features of a component, trained with Adam (Llambias 2024).

    Attributes:
        hidden: nodes of each layer in front of the one that gives the classes.
        epochs: passes over the components.
        lr: learning rate of Adam.
        batch_size: components of a step; 0 for all of them.
        weighted: whether all classes weigh the same in the cross-entropy, however many components they have.
        logarithms: whether the number of voxels, the surface and the lengths of axes are given as logarithms.
        false_components: components that touch no lesion of the reference are left out, or are a class of their own,
            whose components are removed from masks.
    """

    hidden: tuple[int, ...] = (400, 400)
    epochs: int = 100
    lr: float = 0.1
    batch_size: int = 0
    weighted: bool = True
    logarithms: bool = True
    false_components: Literal["left_out", "removed"] = "left_out"

    def find_problems(self) -> Iterator[str]:
        """Yield what is wrong with the options."""
        if not self.hidden or min(self.hidden) < 1:
            yield f"hidden is {list(self.hidden)}. Expected one layer or more, each of 1 node or more."
        if self.epochs < 1:
            yield f"epochs is {self.epochs}. Expected 1 or more."
        if not 0 < self.lr < math.inf:
            yield f"lr is {self.lr}. Expected more than 0."
        if self.batch_size < 0:
            yield f"batch_size is {self.batch_size}. Expected 0, for all components, or more."


LESION_CLASSIFIERS: PartTable[type[LesionClassifierOptions]] = PartTable(
    "lesion_classifiers",
    "classifier of lesions",
    {"fully_connected": FullyConnectedOptions},
)
