"""Masks, boxes and weights that a configuration takes of other configurations."""

from __future__ import annotations

from dataclasses import dataclass
from operator import not_
from typing import Annotated, Literal

from pydantic import Field


@dataclass(frozen=True, kw_only=True, slots=True)
class MaskOf:
    """Another configuration's masks as input channels, one per label or region, behind those of the images.

    In training each case's mask comes from the fold of that configuration that did not train on the case.
    """

    configuration: str
    kind: Literal["mask_of"] = "mask_of"


@dataclass(frozen=True, kw_only=True, slots=True)
class CropTo:
    """The box around what another configuration found; what lies outside of it is background.

    Where nothing was found, the box is the whole scan.

    Attributes:
        margin_mm: added to the box on every side.
        threshold: of the probability of any label or region, from which a voxel counts as found.
        trained_on: the boxes of training cases: around the reference's labels, or around what the fold found that did
            not train on the case.
        labels: names of the labels or regions of the other configuration that the box lies around; empty, and not
            written, for all of them.
    """

    configuration: str
    margin_mm: float
    threshold: float = 0.5
    trained_on: Literal["reference", "out_of_fold"] = "reference"
    labels: Annotated[tuple[str, ...], Field(exclude_if=not_)] = ()
    kind: Literal["crop_to"] = "crop_to"


@dataclass(frozen=True, kw_only=True, slots=True)
class Initial:
    """Weights to start from: those of the same fold of another configuration.

    Attributes:
        layers: all of them, or only those that match by name and shape; the others are reported and start at random.
    """

    configuration: str
    layers: Literal["all", "matching"] = "all"
