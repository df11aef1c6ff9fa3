from __future__ import annotations

import pytest

from autoseg.preprocessing.sizes import refuse_beyond_memory
from dataset_fingerprints.errors import DataError


@pytest.mark.parametrize(
    ("shape", "channels"), [((20, 24_000, 1_600_000), 1), ((1_000, 1_000, 1_000), 10_000), ((10**9, 10**9, 10**9), 1)]
)
def test_a_scan_that_no_memory_holds_is_refused_with_its_voxel_size(shape, channels):
    with pytest.raises(
        DataError, match=r"voxels of .*x1 mm.*GiB of memory, and .* GiB are free. Expected voxels of a few mm"
    ):
        refuse_beyond_memory(shape, channels, (2000.0, 2000.0, 1.0))


def test_a_usual_scan_is_not():
    refuse_beyond_memory((256, 256, 192), 4, (1.0, 1.0, 1.0))
