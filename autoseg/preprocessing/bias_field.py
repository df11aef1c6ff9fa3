"""Taking the slowly varying shading of a coil out of an MR channel (N4, Tustison 2010)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

# The shading is smooth: it is estimated on about so many voxels an axis, and applied to all.
ESTIMATED_ON = 20
ITERATIONS = (50, 50, 50, 50)
# There is nothing to fit a field to on a shorter axis (a single slice), or from fewer voxels.
SHORTEST_AXIS = 4
FEWEST_VOXELS = 500


def correct_bias(channel: NDArray[np.float32], body: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Return the channel divided by its estimated shading inside the body; outside nothing changes.

    The shading multiplies, so only positive intensities show it. A channel with too few of them comes back as it is.

    Args:
        channel: (x, y, z).
        body: (x, y, z), True where the scan is not background.
    """
    # SimpleITK takes a moment to import, and few plans ask for this.
    import SimpleITK

    mask = body & (channel > 0)
    steps = [max(1, round(length / ESTIMATED_ON)) for length in channel.shape]
    shortest = min(length // step for length, step in zip(channel.shape, steps, strict=True))
    if shortest < SHORTEST_AXIS or np.count_nonzero(mask) < FEWEST_VOXELS * np.prod(steps):
        return channel
    image = SimpleITK.GetImageFromArray(channel)
    inside = SimpleITK.GetImageFromArray(mask.view(np.uint8))
    n4 = SimpleITK.N4BiasFieldCorrectionImageFilter()
    # Cases are preprocessed side by side already.
    n4.SetNumberOfThreads(1)
    n4.SetMaximumNumberOfIterations(ITERATIONS)
    n4.Execute(SimpleITK.Shrink(image, steps[::-1]), SimpleITK.Shrink(inside, steps[::-1]))
    shading = np.exp(SimpleITK.GetArrayFromImage(n4.GetLogBiasFieldAsImage(image)))
    corrected: NDArray[np.float32] = np.divide(channel, shading, out=channel.copy(), where=body)
    return corrected
