"""The losses that a plan can name, and what each keeps in memory; `autoseg.losses` builds them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from planners.choices import PartTable
from planners.parts.limits import find_outside
from planners.parts.number_types import FULL_BYTES, INDEX_BYTES, MASK_BYTES


class LossOptions(Protocol):
    """Interface of the entries of `LOSSES`."""

    def kept_bytes(self, outputs: int, *, exclusive: bool) -> float:
        """Return the bytes per voxel that the loss keeps for the backward pass, in single precision.

        Args:
            outputs: channels of the logits.
            exclusive: whether the labels compete (softmax) or regions decide for themselves (sigmoid).
        """
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class DiceOptions:
    """One minus the soft Dice of the labels or regions (Milletari 2016).

    Attributes:
        batch_dice: count each label over the whole batch, as if it were one image.
        smooth: added above and below the Dice's fraction, so that a label absent from both sides scores 1.
    """

    batch_dice: bool = False
    smooth: float = 1e-5

    def find_problems(self) -> Iterator[str]:
        """Yield what is wrong with the options."""
        yield from find_outside(self, smooth="0 or more")

    def kept_bytes(self, outputs: int, *, exclusive: bool) -> float:
        """Return the bytes per voxel that the loss keeps for the backward pass."""
        return compared_bytes(outputs, exclusive=exclusive)


@dataclass(frozen=True, kw_only=True, slots=True)
class TverskyOptions:
    """One minus the Tversky index (Salehi 2017): missed voxels may cost more than false ones.

    Attributes:
        false_positives: weight of a false voxel; 0.5 and 0.5 is Dice.
        false_negatives: weight of a missed voxel.
        exponent: of the loss; below 1 easy labels count less (focal Tversky, Abraham 2019, has 0.75).
        batch_dice: as in `DiceOptions`.
        smooth: as in `DiceOptions`.
    """

    false_positives: float = 0.3
    false_negatives: float = 0.7
    exponent: float = 1.0
    batch_dice: bool = False
    smooth: float = 1e-5

    def find_problems(self) -> Iterator[str]:
        """Yield what is wrong with the options."""
        yield from find_outside(
            self,
            false_positives="0 or more",
            false_negatives="0 or more",
            exponent="more than 0",
            smooth="0 or more",
        )

    def kept_bytes(self, outputs: int, *, exclusive: bool) -> float:
        """Return the bytes per voxel that the loss keeps for the backward pass."""
        return compared_bytes(outputs, exclusive=exclusive)


@dataclass(frozen=True, kw_only=True, slots=True)
class CrossEntropyOptions:
    """Mean cross-entropy per voxel: of the competing channels, or binary per region.

    Attributes:
        class_weights: of voxels by what they are, in a weighted mean: of background and every label, or, of regions, of
            the voxels inside each beside 1 outside. Empty for all alike.
    """

    class_weights: tuple[float, ...] = ()

    def find_problems(self) -> Iterator[str]:
        """Yield what is wrong with the options."""
        yield from _find_weight_problems(self.class_weights)

    def kept_bytes(self, outputs: int, *, exclusive: bool) -> float:
        """Return the bytes per voxel that the loss keeps for the backward pass."""
        return _weighted_bytes(outputs, self.class_weights, exclusive=exclusive)


@dataclass(frozen=True, kw_only=True, slots=True)
class FocalOptions:
    """Focal loss (Lin 2017): cross-entropy weighted by how wrong a voxel still is.

    Attributes:
        gamma: the power of 1 - probability of the right answer; 0 is cross-entropy.
    """

    gamma: float = 2.0

    def find_problems(self) -> Iterator[str]:
        """Yield what is wrong with the options."""
        yield from find_outside(self, gamma="0 or more")

    def kept_bytes(self, outputs: int, *, exclusive: bool) -> float:
        """Return the bytes per voxel that the loss keeps for the backward pass: also powers of what is still wrong."""
        return _focal_bytes(outputs, self.gamma, exclusive=exclusive)


@dataclass(frozen=True, kw_only=True, slots=True)
class DiceCrossEntropyOptions:
    """Soft Dice of labels or regions plus cross-entropy, nnU-Net's loss (Isensee 2021).

    Attributes:
        batch_dice: count each label over the whole batch, as if it were one image.
        smooth: added above and below the Dice's fraction, so that a label absent from both sides scores 1.
        class_weights: of the cross-entropy, as in `CrossEntropyOptions`.
    """

    batch_dice: bool = False
    dice_weight: float = 1.0
    cross_entropy_weight: float = 1.0
    smooth: float = 1e-5
    class_weights: tuple[float, ...] = ()

    def find_problems(self) -> Iterator[str]:
        """Yield what is wrong with the options."""
        yield from find_outside(self, dice_weight="0 or more", cross_entropy_weight="0 or more", smooth="0 or more")
        yield from _find_weight_problems(self.class_weights)

    def kept_bytes(self, outputs: int, *, exclusive: bool) -> float:
        """Return the bytes per voxel that the loss keeps for the backward pass."""
        return _weighted_bytes(outputs, self.class_weights, exclusive=exclusive)


@dataclass(frozen=True, kw_only=True, slots=True)
class DiceFocalOptions:
    """Soft Dice plus focal loss (Zhu 2019).

    Attributes:
        gamma: of the focal loss.
        batch_dice: as in `DiceOptions`.
        smooth: as in `DiceOptions`.
    """

    gamma: float = 2.0
    batch_dice: bool = False
    dice_weight: float = 1.0
    focal_weight: float = 1.0
    smooth: float = 1e-5

    def find_problems(self) -> Iterator[str]:
        """Yield what is wrong with the options."""
        yield from find_outside(
            self,
            gamma="0 or more",
            dice_weight="0 or more",
            focal_weight="0 or more",
            smooth="0 or more",
        )

    def kept_bytes(self, outputs: int, *, exclusive: bool) -> float:
        """Return the bytes per voxel that the loss keeps for the backward pass: also powers of what is still wrong."""
        return _focal_bytes(outputs, self.gamma, exclusive=exclusive)


@dataclass(frozen=True, kw_only=True, slots=True)
class DiceTopKOptions:
    """Soft Dice plus cross-entropy on the worst voxels only (Brugnara 2020 and nnU-Net's DiceTopK10).

    Attributes:
        hardest_fraction: the share of the batch's voxels that cross-entropy looks at.
        batch_dice: as in `DiceOptions`.
        smooth: as in `DiceOptions`.
    """

    hardest_fraction: float = 0.1
    batch_dice: bool = False
    dice_weight: float = 1.0
    cross_entropy_weight: float = 1.0
    smooth: float = 1e-5

    def find_problems(self) -> Iterator[str]:
        """Yield what is wrong with the options."""
        yield from find_outside(
            self,
            hardest_fraction="more than 0, at most 1",
            dice_weight="0 or more",
            cross_entropy_weight="0 or more",
            smooth="0 or more",
        )

    def kept_bytes(self, outputs: int, *, exclusive: bool) -> float:
        """Return the bytes per voxel that the loss keeps for the backward pass: also which voxels are the worst."""
        answers = 1 if exclusive else outputs
        return compared_bytes(outputs, exclusive=exclusive) + INDEX_BYTES * self.hardest_fraction * answers


@dataclass(frozen=True, kw_only=True, slots=True)
class BoundaryOptions:
    """Dice plus cross-entropy plus the boundary loss (Kervadec 2019), which alone would accept an empty mask.

    Attributes:
        weight: of the boundary loss (Kervadec 2019 begins with 0.01).
        reach_voxels: distances beyond count as this; it bounds the cost of measuring them.
        batch_dice: as in `DiceOptions`.
        smooth: as in `DiceOptions`.
        cross_entropy_weight: 0 leaves Dice plus the boundary loss.
    """

    weight: float = 0.01
    reach_voxels: int = 24
    batch_dice: bool = False
    smooth: float = 1e-5
    cross_entropy_weight: float = 1.0

    def find_problems(self) -> Iterator[str]:
        """Yield what is wrong with the options."""
        yield from find_outside(
            self, weight="0 or more", reach_voxels="1 or more", smooth="0 or more", cross_entropy_weight="0 or more"
        )

    def kept_bytes(self, outputs: int, *, exclusive: bool) -> float:
        """Return the bytes per voxel that the loss keeps for the backward pass: also distances and their products."""
        distances = 2 * outputs - 1 if exclusive else 2 * outputs
        return compared_bytes(outputs, exclusive=exclusive) + FULL_BYTES * distances


LOSSES: PartTable[type[LossOptions]] = PartTable(
    "losses",
    "loss",
    {
        "boundary": BoundaryOptions,
        "cross_entropy": CrossEntropyOptions,
        "dice": DiceOptions,
        "dice_ce": DiceCrossEntropyOptions,
        "dice_focal": DiceFocalOptions,
        "dice_topk": DiceTopKOptions,
        "focal": FocalOptions,
        "tversky": TverskyOptions,
    },
)


def compared_bytes(outputs: int, *, exclusive: bool) -> float:
    """Return the bytes per voxel that comparing logits with labels keeps.

    Competing labels: log-probabilities and masks of all channels, probabilities of all but background. Regions: logits,
    targets, probabilities and masks.
    """
    return outputs * (FULL_BYTES + MASK_BYTES) + FULL_BYTES * (outputs - 1 if exclusive else 2 * outputs)


def _focal_bytes(outputs: int, gamma: float, *, exclusive: bool) -> float:
    """Return what a focal loss keeps: four more values per answer, and for a power below 1 a fifth, kept from 0."""
    answers = 1 if exclusive else outputs
    values = 5 if 0 < gamma < 1 else 4
    return compared_bytes(outputs, exclusive=exclusive) + values * FULL_BYTES * answers


def _weighted_bytes(outputs: int, class_weights: tuple[float, ...], *, exclusive: bool) -> float:
    """Return what cross-entropy keeps: with weights, these as well."""
    answers = 1 if exclusive else outputs
    return compared_bytes(outputs, exclusive=exclusive) + (FULL_BYTES * answers if class_weights else 0)


def _find_weight_problems(class_weights: tuple[float, ...]) -> Iterator[str]:
    if class_weights and not (min(class_weights) >= 0 < max(class_weights)):
        yield f"class_weights is {list(class_weights)}. Expected 0 or more, one of them above 0."
