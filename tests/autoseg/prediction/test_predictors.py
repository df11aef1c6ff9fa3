"""Contract of every predictor: a network, an ensemble, a cascade, and a model that was written by hand."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import nibabel
import numpy as np
import pytest
import torch

from autoseg.prediction import Cascade, Ensemble, Predictor, Stage, decide
from dataset_fingerprints.dataset import LabelScheme
from dataset_fingerprints.geometry import Box
from dataset_fingerprints.measuring.scans import Scan, read_scan
from dataset_fingerprints.reading.images import write_label_map
from planners.stage_inputs import CropTo, MaskOf
from tests.autoseg.prediction.builders import HandMade, configure, make_member, make_volume
from tests.synthetic.heads import plain_scheme, region_scheme
from tests.synthetic.scans import affine_of, write_nifti

AFFINE = affine_of((2, 0, 1), (1, -1, 1), (1.1, 0.9, 1.3), 12)


def member(scheme: LabelScheme) -> Predictor:
    return make_member(configure("3d"), scheme)


def ensemble(scheme: LabelScheme) -> Predictor:
    configurations = (configure("3d"), configure("2d", slice_axis=2), configure("low", (1.6, 1.6, 1.6)))
    members = tuple(make_member(configuration, scheme) for configuration in configurations)
    return Ensemble(members=(*members, HandMade(scheme)), weights=(3, 3, 1, 3))


def cascade(scheme: LabelScheme) -> Predictor:
    locate, refine = configure("locate", (2.0, 2.0, 2.0)), (CropTo(configuration="locate", margin_mm=4.0),)
    stages = (
        Stage(configuration="locate", predictor=make_member(locate, scheme)),
        Stage(configuration="refine", predictor=make_member(configure("refine", inputs=refine), scheme)),
        Stage(
            configuration="slices",
            predictor=make_member(
                configure("slices", inputs=(*refine, MaskOf(configuration="refine")), slice_axis=1), scheme
            ),
        ),
    )
    return Cascade(stages=stages)


SCHEMES = {"labels": plain_scheme(2), "regions": region_scheme()}
PREDICTORS: dict[str, Callable[[LabelScheme], Predictor]] = {
    "member": member,
    "ensemble": ensemble,
    "cascade": cascade,
    "handmade": HandMade,
}

pytestmark = [pytest.mark.parametrize("name", PREDICTORS), pytest.mark.parametrize("labels", SCHEMES)]


@pytest.fixture(scope="module")
def scan(tmp_path_factory: pytest.TempPathFactory) -> Scan:
    """A scan whose file is neither in canonical orientation nor at right angles to the scanner."""
    path = write_nifti(tmp_path_factory.mktemp("scan") / "scan.nii.gz", make_volume()[0], AFFINE)
    return read_scan("scan", [path], ("T1w",))


def test_the_box_lies_inside_the_scan_and_all_slabs_cover_it_once(name: str, labels: str, scan: Scan) -> None:
    probabilities = PREDICTORS[name](SCHEMES[labels]).predict(scan)
    whole = Box(start=(0, 0, 0), stop=scan.canonical_shape())
    assert probabilities.box.overlap(whole) == probabilities.box
    for thickness in (None, 1, 3, 1000):
        covered = np.zeros(whole.shape(), dtype=int)
        for slab in probabilities.slabs(thickness=thickness):
            assert slab.values.shape == (len(SCHEMES[labels].heads().members), *slab.box.shape())
            covered[slab.box.slices()] += 1
        assert (covered[probabilities.box.slices()] == 1).all()
        assert covered.sum() == np.prod(probabilities.box.shape())


def test_values_are_probabilities_and_do_not_depend_on_the_slabs(name: str, labels: str, scan: Scan) -> None:
    probabilities = PREDICTORS[name](SCHEMES[labels]).predict(scan)
    by_layer = torch.cat([slab.values for slab in probabilities.slabs(thickness=1)], dim=1)
    at_once = torch.cat([slab.values for slab in probabilities.slabs(thickness=1000)], dim=1)
    # Sums of a few float32 numbers below 1 in another order.
    assert torch.allclose(by_layer, at_once, atol=1e-6)
    assert at_once.dtype == torch.float32
    assert at_once.min() >= 0
    assert at_once.max() <= 1 + 1e-6
    if SCHEMES[labels].heads().exclusive:
        assert torch.allclose(at_once.sum(0), torch.ones(at_once.shape[1:]), atol=1e-6)


def test_the_same_scan_gives_the_same_probabilities_twice(name: str, labels: str, scan: Scan) -> None:
    predictor = PREDICTORS[name](SCHEMES[labels])
    first, second = (predictor.predict(scan) for _ in range(2))
    assert first.box == second.box
    slabs = zip(first.slabs(), second.slabs(), strict=True)
    assert all(torch.equal(one.values, other.values) for one, other in slabs)
    again = torch.cat([slab.values for slab in first.slabs()], dim=1)
    assert torch.equal(again, torch.cat([slab.values for slab in first.slabs()], dim=1))


def test_labels_are_found_where_the_scans_file_has_them(name: str, labels: str, scan: Scan, tmp_path: Path) -> None:
    scheme = SCHEMES[labels]
    probabilities = PREDICTORS[name](scheme).predict(scan)
    assert probabilities.scheme == scheme
    indices = decide(probabilities)
    assert indices.shape == scan.canonical_shape()
    write_label_map(tmp_path / "mask.nii.gz", scheme.to_values(indices), probabilities.source_grid)
    written = nibabel.load(tmp_path / "mask.nii.gz")
    assert np.allclose(written.affine, AFFINE, atol=1e-5)
    found, true = np.asanyarray(written.dataobj), make_volume()[1]
    for value in (1, 2):
        dice = 2 * np.sum((found == value) & (true == value)) / (np.sum(found == value) + np.sum(true == value))
        # All voxels are right here, though those of 0.9 to 1.3 mm are predicted at 1 to 2 mm; one may round otherwise.
        assert dice > 0.98, value
