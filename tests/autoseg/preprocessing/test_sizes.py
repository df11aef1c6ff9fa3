from __future__ import annotations

import pytest

from autoseg.preprocessing.sizes import estimate_preparing, refuse_beyond_memory
from dataset_fingerprints.errors import DataError
from tests.synthetic.fingerprints import SyntheticCase, make_fingerprint


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


def test_the_memory_of_preparing_grows_with_channels_and_with_voxels_before_and_after():
    def estimate(shape=(40, 40, 20), channels=("T1w",), spacing_mm=(1.0, 1.0, 1.0)):
        (case,) = make_fingerprint([SyntheticCase(body_shape=shape)], channels=channels).cases
        return estimate_preparing(case, spacing_mm)

    # Of 4 bytes each: the scan, the scan normalised, and the array.
    values, usual = 4 * 40 * 40 * 20, estimate()
    assert usual > 3 * values
    assert estimate(shape=(80, 40, 20)) == 2 * usual
    assert estimate(spacing_mm=(0.5, 1.0, 1.0)) > usual + values
    assert estimate(spacing_mm=(2.0, 2.0, 2.0)) > 2 * values
    assert estimate(channels=("T1w", "FLAIR")) > usual + 3 * values
