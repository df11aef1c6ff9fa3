"""The table of classical methods."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from autoseg.classical.brain_scan import BrainScan
from autoseg.classical.clustering import KMeansOptions
from autoseg.classical.graph_cut import GraphCutOptions
from autoseg.classical.region_growing import RegionGrowingOptions
from autoseg.classical.threshold import ThresholdOptions


class Baseline(Protocol):
    """A way from a scan to a mask."""

    def segment(self, scan: BrainScan) -> NDArray[np.bool_]:
        """Return the mask (x, y, z) of a scan; False outside of its brain."""
        ...


BASELINES: dict[str, type[Baseline]] = {
    "threshold": ThresholdOptions,
    "kmeans": KMeansOptions,
    "region_growing": RegionGrowingOptions,
    "graph_cut": GraphCutOptions,
}
