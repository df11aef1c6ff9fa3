"""Planted defects: that the files really have them, and that the checks find those they know."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import nibabel
import numpy as np
import pytest

from autoseg.pipeline.plans.inspecting import check_dataset
from autoseg.progress import SilentProgress
from autoseg.simulate import PlantedDefect, SimulatedDataset, SimulationOptions, oddity_kinds, simulate_dataset
from autoseg.simulate.defects import CaseFiles, add_unexpected_value
from autoseg.simulate.oddities import ODDITIES
from autoseg.simulate.stored import store
from dataset_fingerprints.checking.checks import Finding
from dataset_fingerprints.checking.kinds import KINDS
from dataset_fingerprints.layouts import read_dataset

# What the checks find of each planted case: kind -> grade of every one, in the order of `ODDITIES`.
FOUND = {
    "missing-label": ["error"],
    "missing-channel": ["error"],
    "unreadable": ["error"],
    "shape": ["error"],
    "affine": ["error", "warning"],
    "qform-sform": ["warning"],
    "skewed-axes": ["warning", "fixed"],
    "channel-grid": ["warning", "warning"],
    "not-finite": ["error", "error"],
    "constant": ["error"],
    "unexpected-label": ["error"],
    "fractional-label": ["fixed", "error"],
    "empty-label": ["warning"],
    "label-is-image": ["error"],
    "duplicate-image": ["warning"],
    "spacing-outlier": ["warning"],
    "orientation-mix": ["fixed"],
    "shared-subject": ["fixed"],
}
# Mixed orientations are normal.
ALWAYS_FOUND = "orientation-mix"
# Among the plain cases of this seed are four LAS and two RAS.
OPTIONS = SimulationOptions(cases=6, held_out_cases=0, spacing_mm=6.0, seed=2, min_lesion_ml=2.0, max_lesion_ml=60.0)


@dataclass(frozen=True, kw_only=True, slots=True)
class Files:
    image: nibabel.Nifti1Image
    second: nibabel.Nifti1Image
    label: nibabel.Nifti1Image


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> SimulatedDataset:
    """Every kind, with two channels."""
    options = SimulationOptions(
        cases=1,
        held_out_cases=0,
        spacing_mm=5.0,
        min_lesion_ml=2.0,
        flair=True,
        oddities=oddity_kinds(flair=True),
    )
    return simulate_dataset(tmp_path_factory.mktemp("odd") / "raw", options)


def defects_of(dataset: SimulatedDataset, kind: str) -> list[PlantedDefect]:
    return [defect for defect in dataset.defects if defect.kind == kind]


def load(dataset: SimulatedDataset, case: str) -> Files:
    channels = [dataset.folder / "imagesTr" / f"{case}_{channel:04d}.nii.gz" for channel in (0, 1)]
    image, second = (nibabel.load(path) for path in channels)
    return Files(image=image, second=second, label=nibabel.load(dataset.folder / "labelsTr" / f"{case}.nii.gz"))


def only(dataset: SimulatedDataset, kind: str, index: int = 0) -> Files:
    return load(dataset, defects_of(dataset, kind)[index].cases[-1])


def voxels(image: nibabel.Nifti1Image) -> np.ndarray:
    return np.asarray(image.dataobj)


def test_every_kind_is_planted_in_cases_of_its_own_and_recorded(planted: SimulatedDataset) -> None:
    assert [defect.kind for defect in planted.defects] == [oddity.kind for oddity in ODDITIES]
    cases = [name for defect in planted.defects for name in defect.cases]
    assert len(cases) == len(set(cases))
    assert set(cases) <= {case.name for case in planted.cases}
    assert all(defect.what for defect in planted.defects)


def test_every_kind_that_can_be_planted_is_one_that_the_checks_know_and_is_looked_for_here() -> None:
    assert set(FOUND) == set(oddity_kinds(flair=True)) <= set(KINDS)
    assert all(set(grades) <= set(KINDS[kind].grades) for kind, grades in FOUND.items())


def test_missing_files_are_missing(planted: SimulatedDataset) -> None:
    label = planted.folder / "labelsTr" / "odd_missing-label.nii.gz"
    channel = planted.folder / "imagesTr" / "odd_missing-channel_0001.nii.gz"
    assert not label.exists()
    assert not channel.exists()
    listed = (planted.folder / "cases.csv").read_text(encoding="utf-8")
    assert "labelsTr/odd_missing-label.nii.gz" in listed
    assert "imagesTr/odd_missing-channel_0001.nii.gz" in listed


def test_unreadable_file_ends_early(planted: SimulatedDataset) -> None:
    with pytest.raises((EOFError, OSError)):
        voxels(only(planted, "unreadable").image)


def test_grids_differ_where_they_should(planted: SimulatedDataset) -> None:
    cropped = only(planted, "shape")
    assert cropped.label.shape != cropped.image.shape
    for index, apart in ((0, 2.5), (1, 0.3)):
        moved = only(planted, "affine", index)
        assert moved.label.shape == moved.image.shape
        distance_mm = np.linalg.norm(moved.label.affine[:3, 3] - moved.image.affine[:3, 3])
        # Headers hold single precision.
        assert distance_mm / 5.0 == pytest.approx(apart, rel=1e-4)
    shifted, cut = (only(planted, "channel-grid", index) for index in (0, 1))
    assert shifted.second.shape == shifted.image.shape
    assert not np.allclose(shifted.second.affine, shifted.image.affine, atol=1.0)
    assert cut.second.shape != cut.image.shape


def test_qform_and_sform_disagree(planted: SimulatedDataset) -> None:
    files = only(planted, "qform-sform")
    header = files.image.header
    assert int(header["qform_code"]) > 0 < int(header["sform_code"])
    assert np.abs(header.get_qform() - header.get_sform()).max() > 5.0
    np.testing.assert_allclose(files.label.header.get_sform(), header.get_sform())


def test_axes_are_skewed_a_lot_and_a_little(planted: SimulatedDataset) -> None:
    for index, (least, most) in enumerate(((0.01, 0.05), (1e-5, 1e-2))):
        files = only(planted, "skewed-axes", index)
        directions = files.image.affine[:3, :3] / np.linalg.norm(files.image.affine[:3, :3], axis=0)
        skew = np.abs(directions.T @ directions - np.eye(3)).max()
        assert least < skew < most
        np.testing.assert_array_equal(files.label.affine, files.image.affine)
        assert int(files.image.header["qform_code"]) == 0


def test_intensities_and_labels_are_spoilt_as_named(planted: SimulatedDataset) -> None:
    assert np.isnan(voxels(only(planted, "not-finite", 0).image)).any()
    assert np.isinf(voxels(only(planted, "not-finite", 1).image)).any()
    assert np.ptp(voxels(only(planted, "constant").image)) == 0
    assert set(np.unique(voxels(only(planted, "unexpected-label").label))) == {0, 1, 7}
    np.testing.assert_allclose(np.unique(voxels(only(planted, "fractional-label", 0).label)), [0, 0.9999])
    assert 0.5 in voxels(only(planted, "fractional-label", 1).label)
    assert not voxels(only(planted, "empty-label").label).any()
    twins = only(planted, "label-is-image")
    np.testing.assert_array_equal(voxels(twins.image), voxels(twins.label))


def test_the_unexpected_value_is_not_that_of_the_lesion() -> None:
    label = store(np.full((4, 4, 4), 7, dtype=np.uint8), np.eye(4), "RAS")
    spoilt = add_unexpected_value(CaseFiles(channels=(label,), label=label)).mask()
    assert set(np.unique(spoilt.voxels)) == {7, 8}


def test_odd_spacing_and_orientation_are_in_the_headers(planted: SimulatedDataset) -> None:
    assert sorted(only(planted, "spacing-outlier").image.header.get_zooms()) == pytest.approx([5.0, 5.0, 12.5])
    turned = only(planted, "orientation-mix")
    for image in (turned.image, turned.second, turned.label):
        assert "".join(nibabel.aff2axcodes(image.affine)) == "PIR"
    assert voxels(turned.label).sum() > 0
    assert (voxels(turned.image)[voxels(turned.label) > 0] > 0).all()


def test_duplicates_have_the_same_bytes_and_sessions_the_same_subject(planted: SimulatedDataset) -> None:
    first, second = defects_of(planted, "duplicate-image")[0].cases
    content = [(planted.folder / "imagesTr" / f"{name}_0000.nii.gz").read_bytes() for name in (first, second)]
    assert content[0] == content[1]
    sessions = defects_of(planted, "shared-subject")[0].cases
    assert [name.split("_")[1] for name in sessions] == ["ses-1", "ses-2"]
    assert len({name.split("_")[0] for name in sessions}) == 1
    assert all(name.startswith("sub-") for name in sessions)


def test_label_of_another_value_loses_digits_below_that_value(tmp_path: Path) -> None:
    options = SimulationOptions(
        cases=1, held_out_cases=0, spacing_mm=6.0, lesion_value=255, oddities=("fractional-label",)
    )
    made = simulate_dataset(tmp_path / "raw", options)
    label = nibabel.load(made.folder / "labelsTr" / "odd_fractional-label_rounded.nii.gz")
    np.testing.assert_allclose(np.unique(voxels(label)), [0, 254.9999])
    assert read_dataset(made.folder).labels.values() == (255,)


def plant(kinds: tuple[str, ...]) -> SimulationOptions:
    return replace(OPTIONS, oddities=kinds, flair=not set(kinds) <= set(oddity_kinds(flair=False)))


def found_kinds(findings: tuple[Finding, ...], kind: str) -> dict[str, str]:
    return {finding.case: finding.grade for finding in findings if finding.kind == kind}


def assert_found_as_planted(dataset: SimulatedDataset, findings: tuple[Finding, ...], kind: str) -> None:
    """Every planted case of a kind is found, with its grade, and no other case is.

    Of mixed orientations the rarest is reported: there are at least two plain cases of every other one here.
    """
    found = found_kinds(findings, kind)
    planted = defects_of(dataset, kind)
    assert len(found) == len(planted)
    for defect, grade in zip(planted, FOUND[kind], strict=True):
        assert [found[name] for name in defect.cases if name in found] == [grade]


@pytest.mark.parametrize("kind", FOUND)
def test_planted_defect_is_found_and_nothing_else_is(kind: str, tmp_path: Path) -> None:
    made = simulate_dataset(tmp_path / "raw", plant((kind,)))
    report = check_dataset(read_dataset(made.folder), SilentProgress())
    assert_found_as_planted(made, report.findings, kind)
    assert {finding.kind for finding in report.findings} <= {kind, ALWAYS_FOUND}


def test_all_defects_in_one_data_set_are_found(tmp_path: Path) -> None:
    made = simulate_dataset(tmp_path / "raw", plant(tuple(FOUND)))
    report = check_dataset(read_dataset(made.folder), SilentProgress())
    for kind in FOUND:
        assert_found_as_planted(made, report.findings, kind)
