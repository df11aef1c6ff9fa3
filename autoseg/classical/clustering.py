"""Clustering: intensities fall into tissues by K-means, and the darkest one is taken for lesion."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.cluster import KMeans

from autoseg.classical.brain_scan import BrainScan
from dataset_fingerprints.errors import PlanError

# So many voxels say where the clusters lie; more change nothing but the time.
_VOXELS_ASKED = 50_000


@dataclass(frozen=True, kw_only=True, slots=True)
class KMeansOptions:
    """The darkest of several clusters of the brain's intensities.

    Attributes:
        clusters: so many: 4 for cerebrospinal fluid and lesion, two kinds of grey, and white matter.
    """

    clusters: int = 4

    def __post_init__(self) -> None:
        if self.clusters < 2:
            raise PlanError(f"kmeans: clusters is {self.clusters}. Expected 2 or more.")

    def segment(self, scan: BrainScan) -> NDArray[np.bool_]:
        """Return the mask (x, y, z); the same scan has the same one."""
        values = scan.scores[scan.brain]
        mask = np.zeros(scan.brain.shape, dtype=bool)
        centres = find_centres(values, self.clusters)
        if len(centres) > 1:
            mask[scan.brain] = values < (centres[0] + centres[1]) / 2
        return mask


def find_centres(values: NDArray[np.float64], clusters: int) -> NDArray[np.float64]:
    """Return the centres of clusters in ascending order; fewer where there are fewer values."""
    asked = values[:: max(1, len(values) // _VOXELS_ASKED)]
    count = min(clusters, len(np.unique(asked)))
    if count < 2:
        return np.unique(asked)
    fitted = KMeans(n_clusters=count, n_init=4, random_state=0).fit(asked[:, None])
    return np.sort(np.asarray(fitted.cluster_centers_)[:, 0])
