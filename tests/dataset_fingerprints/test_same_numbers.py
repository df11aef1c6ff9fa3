"""The same scans give the same numbers through every layout, in every format and orientation: real and simulated."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import nibabel
import numpy as np
import pytest

from autoseg.simulate import SimulationOptions, image_path, label_path, simulate_dataset
from dataset_fingerprints.files.jsonfiles import to_json
from dataset_fingerprints.fingerprint import DatasetFingerprint
from dataset_fingerprints.layouts import LAYOUTS, read_dataset
from dataset_fingerprints.measuring.pooling import summarise
from tests.synthetic.commands import HIPPOCAMPUS, needs_hippocampus
from tests.synthetic.passes import pass_over
from tests.synthetic.scans import write_csv
from tests.synthetic.volumes import reorient, write_volume

# case -> scan and label map
Pairs = dict[str, tuple[Path, Path]]

LABELS = {"background": 0, "Anterior": 1, "Posterior": 2}
# Enough to have both number types of the data set, and few enough for every test run.
FEW = 12
# What may differ between two copies of the same scans.
APART = ("name", "case", "subject", "session", "identities", "orientation", "orientations", "simulated")


def link(place: Path, target: Path) -> str:
    place.parent.mkdir(parents=True, exist_ok=True)
    place.symlink_to(target)
    return str(place)


def hippocampi(count: int) -> Pairs:
    files = sorted((HIPPOCAMPUS / "labelsTr").glob("hippocampus_*.nii.gz"))[:count]
    return {file.name.removesuffix(".nii.gz"): (HIPPOCAMPUS / "imagesTr" / file.name, file) for file in files}


def describe(root: Path, **description: object) -> Path:
    root.mkdir(parents=True, exist_ok=True)
    (root / "dataset.json").write_text(json.dumps(description))
    return root


def lay_out_nnunet(root: Path, pairs: Pairs) -> Path:
    for name, files in pairs.items():
        for folder, suffix, file in zip(("imagesTr", "labelsTr"), ("_0000", ""), files, strict=True):
            link(root / folder / f"{name}{suffix}.nii.gz", file)
    return describe(root, channel_names={"0": "MRI"}, labels=LABELS, file_ending=".nii.gz")


def list_for_nnunet(root: Path, pairs: Pairs) -> Path:
    cases = {name: {"images": [str(image)], "label": str(label)} for name, (image, label) in pairs.items()}
    return describe(root, channel_names={"0": "MRI"}, labels=LABELS, dataset=cases)


def list_for_msd(root: Path, pairs: Pairs) -> Path:
    training = [{"image": str(image), "label": str(label)} for image, label in pairs.values()]
    labels = {str(value): name for name, value in LABELS.items()}
    return describe(root, modality={"0": "MRI"}, labels=labels, training=training)


def pair(root: Path, pairs: Pairs) -> Path:
    for name, files in pairs.items():
        for folder, suffix, file in zip(("Image", "Label"), ("_T1w", "_mask"), files, strict=True):
            link(root / folder / f"{name}{suffix}.nii.gz", file)
    return describe(root, channel_names={"0": "MRI"}, labels=LABELS)


def list_in_csv(root: Path, pairs: Pairs) -> Path:
    describe(root, labels=LABELS)
    rows = [{"image:MRI": str(image), "label": str(label), "case": name} for name, (image, label) in pairs.items()]
    return write_csv(root / "cases.csv", rows)


def lay_out_bids(root: Path, pairs: Pairs) -> Path:
    for name, (image, label) in pairs.items():
        subject = f"sub-{name.replace('_', '')}"
        link(root / subject / "anat" / f"{subject}_T1w.nii.gz", image)
        link(root / "derivatives" / "manual" / subject / "anat" / f"{subject}_label-all_mask.nii.gz", label)
    return describe(root, labels=LABELS)


def lay_out_patients(root: Path, pairs: Pairs) -> Path:
    for name, (image, label) in pairs.items():
        link(root / name / f"{name}_T1.nii.gz", image)
        link(root / name / f"{name}_seg.nii.gz", label)
    return describe(root, labels=LABELS)


LAYING = {
    "nnunet": lay_out_nnunet,
    "nnunet listed": list_for_nnunet,
    "msd": list_for_msd,
    "paired": pair,
    "csv": list_in_csv,
    "bids": lay_out_bids,
    "patients": lay_out_patients,
}
# .gipl holds no directions: an image without directions is LPS.
STORING = [
    (".nii", "RAS"),
    (".nii.gz", "LAS"),
    (".nii.gz", "PSR"),
    (".nii", "IRP"),
    (".nrrd", "RAS"),
    (".nrrd", "ASL"),
    (".mha", "LPI"),
    (".mhd", "RAS"),
    (".gipl", "LPS"),
]


def rewrite(root: Path, pairs: Pairs, suffix: str, code: str) -> Path:
    for name, files in pairs.items():
        for folder, file in zip(("images", "labels"), files, strict=True):
            stored = nibabel.load(file)
            voxels, affine = reorient(np.asanyarray(stored.dataobj), stored.affine, code)
            write_volume(root / folder / f"{name}{suffix}", voxels, affine)
    return describe(root, channel_names={"0": "MRI"}, labels=LABELS)


def fingerprint_of(place: Path) -> DatasetFingerprint:
    dataset = read_dataset(place)
    found, _ = pass_over(dataset)
    assert found.refused == ()
    return summarise(dataset, found.records())


def numbers(value: object, where: str = "") -> Iterator[tuple[str, object]]:
    """Return every measured value with its place in the fingerprint."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if key not in APART:
                yield from numbers(inner, f"{where}.{key}")
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from numbers(inner, f"{where}.{index}")
    else:
        yield where, value


def expect_same(first: DatasetFingerprint, second: DatasetFingerprint) -> None:
    ours, theirs = (dict(numbers(json.loads(to_json(fingerprint)))) for fingerprint in (first, second))
    assert ours.keys() == theirs.keys()
    # Sums over the same voxels in another order differ in the last digits.
    differing = {
        where: (value, theirs[where])
        for where, value in ours.items()
        if value != theirs[where]
        and not (isinstance(value, float) and math.isclose(value, float(theirs[where]), rel_tol=1e-9, abs_tol=1e-9))  # type: ignore[arg-type]
    }
    assert differing == {}
    assert len(ours) > 100 * len(first.cases)


@pytest.fixture(scope="module")
def few() -> DatasetFingerprint:
    dataset = read_dataset(HIPPOCAMPUS)
    few = replace(dataset, cases=tuple(case for case in dataset.cases if case.name in hippocampi(FEW)))
    return summarise(few, pass_over(few)[0].records())


def test_every_layout_of_the_table_is_laid_out_here():
    assert {name.split()[0] for name in LAYING} == set(LAYOUTS)


@needs_hippocampus
@pytest.mark.parametrize("layout", LAYING)
def test_every_layout_gives_the_same_numbers(tmp_path, few, layout):
    expect_same(fingerprint_of(LAYING[layout](tmp_path, hippocampi(FEW))), few)


@needs_hippocampus
@pytest.mark.parametrize(("suffix", "code"), STORING)
def test_every_format_and_orientation_gives_the_same_numbers(tmp_path, few, suffix, code):
    fingerprint = fingerprint_of(rewrite(tmp_path, hippocampi(FEW), suffix, code))
    assert fingerprint.orientations == ((code, FEW),)
    expect_same(fingerprint, few)


@needs_hippocampus
@pytest.mark.long
def test_all_cases_give_the_same_numbers_in_every_way(tmp_path):
    expected = fingerprint_of(HIPPOCAMPUS)
    pairs = hippocampi(1000)
    assert len(pairs) == len(expected.cases) == 200
    expect_same_in_every_way(tmp_path, pairs, expected)


@pytest.mark.parametrize(("cases", "spacing_mm"), [(8, 6.0), pytest.param(30, 3.0, marks=pytest.mark.slow)])
def test_simulated_scans_of_ten_sites_give_the_same_numbers_in_every_way(tmp_path, cases, spacing_mm):
    options = SimulationOptions(cases=cases, held_out_cases=0, spacing_mm=spacing_mm, seed=4)
    made = simulate_dataset(tmp_path / "raw", options)
    pairs = {case.name: (image_path(made.folder, case), label_path(made.folder, case)) for case in made.cases}
    expect_same_in_every_way(tmp_path, pairs, fingerprint_of(list_for_nnunet(tmp_path / "first", pairs)))


def expect_same_in_every_way(folder: Path, pairs: Pairs, expected: DatasetFingerprint) -> None:
    for layout, lay_out in LAYING.items():
        expect_same(fingerprint_of(lay_out(folder / layout, pairs)), expected)
    for suffix, code in STORING:
        expect_same(fingerprint_of(rewrite(folder / f"{code}{suffix}", pairs, suffix, code)), expected)
