"""Comparing imported models with nnU-Net: what of it does not need nnU-Net."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import nibabel
import numpy as np
import pytest

from autoseg.models.nnunet import read_nnunet
from dataset_fingerprints.layouts import read_dataset
from experiments.peers.nnunet_scans import ORIENTATIONS, draw, write_raw, write_scan
from experiments.peers.parity import (
    LESIONS,
    TRIALS,
    Difference,
    NewScan,
    in_single_precision,
    write_scans,
)
from experiments.peers.prediction_race import RACE
from tests.autoseg.models.nnunet.builders import TinyModel, TinyNetwork

SMALL = replace(LESIONS, shape=(14, 15, 8))


@pytest.mark.parametrize("orientation", ORIENTATIONS)
def test_scans_are_stored_along_the_axes_that_they_name(orientation: str, tmp_path: Path) -> None:
    volumes, _ = draw(SMALL, seed=1)
    files = write_scan(tmp_path, "a", volumes, SMALL.spacing_mm, orientation)
    image = nibabel.load(files[1])
    assert "".join(nibabel.aff2axcodes(image.affine)) == orientation
    canonical = nibabel.as_closest_canonical(image)
    np.testing.assert_array_equal(np.asarray(canonical.dataobj), volumes[1])
    np.testing.assert_allclose(canonical.header.get_zooms(), SMALL.spacing_mm)


def test_a_data_set_is_laid_out_as_nnunet_wants_it(tmp_path: Path) -> None:
    write_raw(tmp_path / "Dataset912_Peer", SMALL, 2)
    dataset = read_dataset(tmp_path / "Dataset912_Peer")
    assert (dataset.layout, dataset.channels, len(dataset.cases)) == ("nnunet", ("T1w", "CT"), 2)
    assert [region.name for region in dataset.labels.regions] == ["whole", "core"]


@pytest.mark.parametrize("trial", [*TRIALS, RACE], ids=lambda trial: trial.name)
def test_every_trial_has_a_patch_for_what_it_trains_and_a_channel_for_each_file(trial, tmp_path: Path) -> None:
    planned = {name for name in trial.models if name != "3d_cascade_fullres"}
    assert planned <= trial.patches.keys()
    small = replace(trial, scans=(NewScan(orientation="LAS", spacing_mm=(1.0, 1.0, 1.0), shape=(9, 8, 7)),))
    ((*files,),) = write_scans(small, tmp_path)
    assert len(files) == len(trial.kind.channels)


def test_models_in_single_precision_are_otherwise_the_same(tmp_path: Path) -> None:
    network = TinyNetwork()
    folder = TinyModel(root=tmp_path).add("3d_fullres", network).write("3d_fullres", {"0": network.make_weights()})
    models = read_nnunet(folder).models
    single = in_single_precision(models)
    assert not single.run().own().training.mixed_precision
    assert single.stages[0]["3d_fullres"][0].weights is models.stages[0]["3d_fullres"][0].weights
    assert single.rule == models.rule


@pytest.mark.parametrize(("voxels", "probability", "said"), [(1e-4, 1e-3, "yes"), (2e-4, 0, "NO"), (0, 2e-3, "NO")])
def test_differences_beyond_the_bounds_are_marked(voxels: float, probability: float, said: str) -> None:
    row = Difference(model="plain", scan="a", voxels=voxels, marked=7, probability=probability).row()
    assert row[-1] == said
