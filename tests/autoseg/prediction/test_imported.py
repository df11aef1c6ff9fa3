from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest
from numpy.typing import NDArray

from autoseg.models import ModelSet
from autoseg.models.nnunet import read_nnunet
from autoseg.prediction import LoadedModel, build_cascade
from dataset_fingerprints.geometry import Box, canonical_grid, find_reorientation, from_canonical
from tests.autoseg.models.nnunet.builders import LABELS, REGIONS, TinyModel, TinyNetwork
from tests.autoseg.models.nnunet.restated import Forward, Restated
from tests.autoseg.prediction.builders import CPU
from tests.synthetic.scans import blob

SHAPE = (22, 26, 18)
FULL, LOW, CASCADE = "3d_fullres", "3d_lowres", "3d_cascade_fullres"
# Beyond what sums in another order differ by.
CLOSE = 1e-4


def write_scan(path: Path, orientation: str, spacing_mm: tuple[float, float, float] = (1.0, 1.0, 1.2)) -> Path:
    """Write a scan in which no axis and no side is like another, cut out of zeros."""
    voxels = np.random.default_rng(5).normal(100, 12, SHAPE)
    voxels[blob(SHAPE, (7, 9, 6), 4)], voxels[blob(SHAPE, (15, 18, 12), 3)] = 40, 170
    voxels *= np.linspace(0.8, 1.2, SHAPE[0])[:, None, None]
    whole = np.pad(voxels, ((3, 2), (4, 1), (0, 3))).astype(np.float32)
    image = nibabel.Nifti1Image(whole, np.diag([*spacing_mm, 1.0]))
    to = nibabel.orientations.ornt_transform(
        nibabel.orientations.axcodes2ornt("RAS"), nibabel.orientations.axcodes2ornt(tuple(orientation))
    )
    nibabel.save(image.as_reoriented(to), path)
    return path


def load(models: ModelSet) -> LoadedModel:
    """Return models that predict in single precision, as nnU-Net does on a CPU."""
    stages = {
        name: tuple(
            replace(
                model,
                run=replace(
                    model.run,
                    configurations=tuple(
                        replace(one, training=replace(one.training, mixed_precision=False))
                        for one in model.run.configurations
                    ),
                ),
            )
            for model in group
        )
        for name, group in models.stages[0].items()
    }
    return LoadedModel(
        predictor=build_cascade(stages, CPU, mirror=True, rule=models.rule),
        scheme=models.scheme(),
        channels=models.channels(),
        description="imported",
    )


def predict(models: ModelSet, path: Path) -> tuple[NDArray[Any], NDArray[np.float32]]:
    """Return mask and probabilities along the axes of the file."""
    model = load(models)
    scan = model.read("scan", [path])
    segmented = model.segment(scan)
    turn = find_reorientation(scan.source_grid)
    whole = Box(start=(0, 0, 0), stop=canonical_grid(scan.source_grid).shape)
    values = segmented.probabilities.read_box(whole).numpy()
    return from_canonical(segmented.labels, turn), from_canonical(values, turn)


def restate(restated: Restated, path: Path, earlier: NDArray[Any] | None = None) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return the same by nnU-Net's rules, which read arrays as z, y, x."""
    image = nibabel.load(path)
    voxels = np.asarray(image.dataobj).transpose(2, 1, 0)[None]
    spacing = [float(length) for length in image.header.get_zooms()[::-1]]
    mask, values = restated.predict(voxels, spacing, None if earlier is None else earlier.transpose(2, 1, 0))
    return mask.transpose(2, 1, 0), values.transpose(0, 3, 2, 1)


def assert_alike(found: tuple[NDArray[Any], NDArray[Any]], expected: tuple[NDArray[Any], NDArray[Any]]) -> None:
    np.testing.assert_allclose(found[1], expected[1], atol=CLOSE)
    # No two probabilities of these scans are so near that the rest decides.
    assert (found[0] != expected[0]).mean() < 1e-4
    assert len(np.unique(expected[0])) > 1, "a mask that shows something"


@pytest.mark.parametrize(
    ("orientation", "transpose"), [("RAS", (0, 1, 2)), ("LPS", (1, 0, 2)), ("LAS", (2, 1, 0)), ("PIR", (0, 1, 2))]
)
def test_masks_are_those_of_nnunet_however_a_file_is_stored(
    orientation: str, transpose: tuple[int, int, int], tmp_path: Path
) -> None:
    network = TinyNetwork()
    folds = {str(fold): network.make_weights(fold) for fold in range(2)}
    tiny = TinyModel(root=tmp_path, transpose=transpose).add(FULL, network, patch_size=[8, 12, 12])
    models = read_nnunet(tiny.write(FULL, folds)).models
    networks = [Forward(network=network, weights=weights) for weights in folds.values()]
    restated = Restated(networks=networks, patch=[8, 12, 12], spacing=[1.2, 1.0, 1.0], transpose=transpose)
    path = write_scan(tmp_path / "scan.nii.gz", orientation)
    assert_alike(predict(models, path), restate(restated, path))


@pytest.mark.parametrize("orientation", ["LAS", "SPL"])
def test_thick_slices_are_resampled_as_in_nnunet(orientation: str, tmp_path: Path) -> None:
    network = TinyNetwork(residual=True)
    weights = network.make_weights()
    tiny = TinyModel(root=tmp_path).add(FULL, network, spacing=[2.5, 0.9, 0.8], use_mask_for_norm=[True])
    models = read_nnunet(tiny.write(FULL, {"0": weights}, (0, 1, 2))).models
    restated = Restated(
        networks=[Forward(network=network, weights=weights)],
        patch=[8, 12, 16],
        spacing=[2.5, 0.9, 0.8],
        masked=True,
    )
    path = write_scan(tmp_path / "scan.nii.gz", orientation, (1.0, 1.0, 4.0))
    assert_alike(predict(models, path), restate(restated, path))


def test_a_2d_network_goes_slice_by_slice(tmp_path: Path) -> None:
    network = TinyNetwork(dimensions=2)
    weights = network.make_weights()
    models = read_nnunet(TinyModel(root=tmp_path).add("2d", network).write("2d", {"0": weights})).models
    restated = Restated(networks=[Forward(network=network, weights=weights)], patch=[12, 16], spacing=[1.0, 1.0])
    path = write_scan(tmp_path / "scan.nii.gz", "LPS", (1.1, 0.9, 3.0))
    assert_alike(predict(models, path), restate(restated, path))


def test_regions_are_marked_by_themselves(tmp_path: Path) -> None:
    network = TinyNetwork(outputs=2)
    weights = network.make_weights()
    tiny = TinyModel(root=tmp_path, labels=dict(REGIONS), order=(1, 2)).add(FULL, network)
    models = read_nnunet(tiny.write(FULL, {"0": weights})).models
    restated = Restated(
        networks=[Forward(network=network, weights=weights)],
        patch=[8, 12, 16],
        spacing=[1.2, 1.0, 1.0],
        regions=(1, 2),
    )
    path = write_scan(tmp_path / "scan.nii.gz", "LAS")
    assert_alike(predict(models, path), restate(restated, path))


def test_the_second_stage_of_a_cascade_sees_the_masks_of_the_first(tmp_path: Path) -> None:
    first, second = TinyNetwork(), TinyNetwork(inputs=len(LABELS))
    low, full = first.make_weights(3), second.make_weights(4)
    tiny = TinyModel(root=tmp_path).add(LOW, first, spacing=[2.0, 1.7, 1.7]).add(FULL, second)
    tiny.configurations[CASCADE] = {"inherits_from": FULL, "previous_stage": LOW}
    tiny.write(LOW, {"0": low})
    models = read_nnunet(tiny.write(CASCADE, {"0": full})).models
    path = write_scan(tmp_path / "scan.nii.gz", "LPS")
    patch, spacing = [8, 12, 16], [1.2, 1.0, 1.0]
    coarse = Restated(networks=[Forward(network=first, weights=low)], patch=patch, spacing=[2.0, 1.7, 1.7])
    earlier, _ = restate(coarse, path)
    fine = Restated(networks=[Forward(network=second, weights=full)], patch=patch, spacing=spacing)
    assert_alike(predict(models, path), restate(fine, path, earlier))
