"""Maps beside the masks: what they hold to the last bit, and on which grid."""

from __future__ import annotations

import math
from pathlib import Path

import nibabel
import numpy as np
import pytest
import torch

from autoseg.pipeline.predictions import maps
from autoseg.pipeline.predictions.maps import MapFiles, name_parts, write_maps
from autoseg.prediction import Probabilities, Segmented, StoredLayers, decide, merge
from dataset_fingerprints.dataset import Label, LabelScheme
from dataset_fingerprints.geometry import Box, find_reorientation, from_canonical
from dataset_fingerprints.measuring.scans import Scan, read_scan
from dataset_fingerprints.reading.images import read_channels
from tests.synthetic.scans import affine_of, head, write_nifti

SHAPE = (9, 8, 7)
BOX = Box(start=(1, 0, 2), stop=(8, 8, 7))
SCHEME = LabelScheme(labels=(Label(name="core", value=3), Label(name="rim", value=7)))


@pytest.fixture
def scan(tmp_path: Path) -> Scan:
    """A scan whose axes are turned and swapped."""
    affine = affine_of((2, 0, 1), (-1, 1, -1), (1.0, 2.0, 1.5), rotation_degrees=4.0)
    stored = head(3, (7, 9, 8))[0]
    return read_scan("a", [write_nifti(tmp_path / "a.nii.gz", stored, affine)], ("T1w",))


def draw(scan: Scan, seed: int) -> Probabilities:
    values = torch.randn((3, *BOX.shape()), generator=torch.Generator().manual_seed(seed)).softmax(0)
    assert scan.canonical_shape() == SHAPE
    return Probabilities(scheme=SCHEME, source_grid=scan.source_grid, box=BOX, layers=StoredLayers(values=values))


def segment(scan: Scan, *seeds: int) -> Segmented:
    members = tuple(draw(scan, seed) for seed in seeds)
    mean = merge(members)
    return Segmented(labels=SCHEME.to_values(decide(mean)), probabilities=mean, members=members)


def stored(scan: Scan, values: torch.Tensor) -> np.ndarray:
    """Return values of the box on the whole grid, along the axes of the scan's file."""
    whole = np.zeros(SHAPE, dtype=np.float32)
    whole[BOX.slices()] = values.numpy()
    return np.asarray(from_canonical(whole, find_reorientation(scan.source_grid)))


@pytest.mark.parametrize("together", [1, maps.TOGETHER_BYTES])
def test_probabilities_are_those_that_decided_on_the_scans_own_grid(
    scan: Scan, tmp_path: Path, together: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(maps, "TOGETHER_BYTES", together)
    segmented = segment(scan, 1, 2)
    files = MapFiles(probabilities=(tmp_path / "m" / "core.nii.gz", tmp_path / "m" / "rim.nii.gz"))
    assert files.are_missing()
    write_maps(files, scan, segmented)
    assert not files.are_missing()
    values = segmented.probabilities.read(BOX.start[0], BOX.stop[0]).values
    original = nibabel.load(tmp_path / "a.nii.gz")
    for place, path in enumerate(files.probabilities, start=1):
        image = nibabel.load(path)
        assert image.get_data_dtype() == np.float32
        assert np.array_equal(image.affine, original.affine)
        assert np.array_equal(np.asarray(image.dataobj), stored(scan, values[place]))
        assert np.array_equal(read_channels(path).voxels[0][BOX.slices()], values[place].numpy())


def test_uncertainty_is_the_entropy_of_the_mean_and_the_largest_deviation_of_the_networks(
    scan: Scan, tmp_path: Path
) -> None:
    files = MapFiles(entropy=tmp_path / "e.nii.gz", disagreement=tmp_path / "d.nii.gz")
    segmented = segment(scan, 1, 2)
    write_maps(files, scan, segmented)
    first, second = (member.read(BOX.start[0], BOX.stop[0]).values for member in segmented.members)
    mean = (first + second) / 2
    entropy, disagreement = (
        np.asarray(nibabel.load(path).dataobj) for path in (tmp_path / "e.nii.gz", tmp_path / "d.nii.gz")
    )
    # float32 sums in another order.
    np.testing.assert_allclose(entropy, stored(scan, -(mean * mean.log()).sum(0)), atol=1e-6)
    np.testing.assert_allclose(disagreement, stored(scan, ((first - second).abs() / 2)[1:].amax(0)), atol=1e-6)
    assert 0 < entropy.max() <= math.log(3) + 1e-6


def test_one_network_has_no_disagreement_and_is_complete_without(scan: Scan, tmp_path: Path) -> None:
    write_maps(MapFiles(entropy=tmp_path / "e.nii.gz", disagreement=tmp_path / "d.nii.gz"), scan, segment(scan, 1))
    assert not (tmp_path / "d.nii.gz").exists()
    assert not MapFiles(entropy=tmp_path / "e.nii.gz").are_missing()


@pytest.mark.parametrize("lost", ["p", "q", "e", "d"])
def test_only_maps_that_are_missing_are_written_again_and_are_the_same(scan: Scan, tmp_path: Path, lost: str) -> None:
    places = {name: tmp_path / f"{name}.nii.gz" for name in "pqed"}
    files = MapFiles(probabilities=(places["p"], places["q"]), entropy=places["e"], disagreement=places["d"])
    write_maps(files, scan, segment(scan, 1, 2))
    assert not files.are_missing()
    before = {name: (path.read_bytes(), path.stat().st_ino) for name, path in places.items()}
    places[lost].rename(tmp_path / "elsewhere")
    assert files.are_missing()
    write_maps(files, scan, segment(scan, 1, 2), keep=True)
    after = {name: (path.read_bytes(), path.stat().st_ino) for name, path in places.items()}
    assert after[lost][0] == before[lost][0]
    assert {name: one for name, one in after.items() if name != lost} == {
        name: one for name, one in before.items() if name != lost
    }


def test_the_same_map_has_the_same_bytes(scan: Scan, tmp_path: Path) -> None:
    for name in ("x", "y"):
        write_maps(MapFiles(entropy=tmp_path / f"{name}.nii.gz"), scan, segment(scan, 1))
    assert (tmp_path / "x.nii.gz").read_bytes() == (tmp_path / "y.nii.gz").read_bytes()


def test_names_of_labels_become_names_of_files_each_once() -> None:
    assert name_parts(["core", "rim/outer", "Core", "..", "läsion 1"]) == (
        "core",
        "rim-outer",
        "Core-3",
        "4",
        "läsion-1",
    )
    assert name_parts(["core", "core-3", "core."]) == ("core", "core-3", "core-3-3")
