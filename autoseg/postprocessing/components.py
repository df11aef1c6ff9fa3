"""Connected components of a mask, found by acvl-utils."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Connectivity = Literal[6, 18, 26]


@dataclass(frozen=True, kw_only=True, slots=True)
class Components:
    """The connected components of a mask.

    Attributes:
        numbers: (x, y, z), the number of each voxel's component, from 1; 0 outside.
        sizes: in voxels by number, that of number 0 being 0.
    """

    numbers: NDArray[np.integer]
    sizes: NDArray[np.int64]

    def keep(self, chosen: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Return the mask of the components that are chosen, by number."""
        mask: NDArray[np.bool_] = chosen[self.numbers] & (self.numbers > 0)
        return mask


def find_components(mask: NDArray[np.bool_], connectivity: Connectivity) -> Components:
    """Return the components of a mask (x, y, z).

    Args:
        mask: (x, y, z).
        connectivity: voxels are neighbours by their faces (6), also by edges (18), also by corners (26).
    """
    from acvl_utils.morphology.morphology_helper import cc3d_label_with_component_sizes

    # Padded, because cc3d 4.1.1, which does the work, stops with "maximum length exception" on small boxes full of
    # components, such as two voxels in a box of 3x1x1.
    numbers, sizes = cc3d_label_with_component_sizes(np.pad(mask, 1), connectivity)
    return Components(numbers=numbers[1:-1, 1:-1, 1:-1], sizes=np.array([0, *sizes.values()], dtype=np.int64))
