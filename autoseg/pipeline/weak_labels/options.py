"""Options of `weak-labels`."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from autoseg.classical.texture import TextureOptions
from autoseg.classical.texture.svm import COST
from dataset_fingerprints.errors import DataError
from planners.choices import Choice


@dataclass(frozen=True, kw_only=True, slots=True)
class WeakOptions:
    """Options of labelling scans by textures; all have a default.

    Attributes:
        textures: what is measured.
        step: every so many voxels of a slice are classified; scores in between are interpolated.
        cost: of the support vector machine.
        seed: of the parts of the cross-validation.
        normalization: of the scans' intensities, before.
        channels: of a data set of scans, the channel that is looked at; empty where there is one.
        inside: masks of what is labelled, such as lungs; None for all that is not background.
        patch_scans: the scans that patches lie in; None where these are among those to label.
        overwrite: make all masks anew.
    """

    textures: TextureOptions = field(default_factory=TextureOptions)
    step: int = 4
    cost: float = COST
    seed: int = 0
    normalization: Choice = field(default_factory=lambda: Choice(name="none"))
    channels: tuple[str, ...] = ()
    inside: Path | None = None
    patch_scans: Path | None = None
    overwrite: bool = False

    def __post_init__(self) -> None:
        if not 1 <= self.step <= self.textures.size:
            raise DataError(f"--step is {self.step}. Expected 1 to {self.textures.size}, the size of a window.")
        if not 0 < self.cost < math.inf:
            raise DataError(f"--cost is {self.cost:g}. Expected more than 0.")

    def settings(self) -> Mapping[str, Any]:
        """Return what masks follow from, beside patches and scans."""
        return {
            "textures": asdict(self.textures),
            "step": self.step,
            "cost": self.cost,
            "normalization": asdict(self.normalization),
            "inside": self.inside is not None,
        }
