"""A segmented scan: its labels, the probabilities that they follow from, and those of each network."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from autoseg.prediction.ensemble import MergedLayers
from autoseg.prediction.probabilities import Probabilities
from autoseg.prediction.restore import RestoredLayers
from autoseg.prediction.sliding.logits import MeanLogits
from autoseg.prediction.tally import Tally


@dataclass(frozen=True, kw_only=True, slots=True)
class Segmented:
    """What a model makes of a scan.

    Probabilities of a scan whose logits do not fit into memory are rounded to 1/255, where they fit so, or computed
    again; labels always follow from exact ones, but for peaks of components that post-processing asks for, which are
    then noted in half precision.

    Attributes:
        labels: (x, y, z) label values on the scan's canonical grid.
        probabilities: that the labels follow from, the mean of all networks.
        members: those of each network of the last stage; of a single network, or of networks of different labels, one
            member, the same as `probabilities`.
        tally: what was counted of them, where they are too many to be kept; None where they are kept.
        classes: (x, y, z) values of the classes of the lesions; None where these get none.
    """

    labels: NDArray[np.integer]
    probabilities: Probabilities
    members: tuple[Probabilities, ...]
    tally: Tally | None = None
    classes: NDArray[np.integer] | None = None

    @property
    def mask(self) -> NDArray[np.integer]:
        """What a mask file holds: the classes of lesions where they get some, else the labels."""
        return self.labels if self.classes is None else self.classes


def list_members(probabilities: Probabilities) -> tuple[Probabilities, ...]:
    """Return the probabilities of each network whose mean these are; of a single network, these."""
    layers = probabilities.layers
    if isinstance(layers, MergedLayers):
        return tuple(network for member in layers.members for network in list_members(member))
    if isinstance(layers, RestoredLayers) and isinstance(layers.logits, MeanLogits):
        return tuple(replace(probabilities, layers=replace(layers, logits=one)) for one in layers.logits.members)
    return (probabilities,)
