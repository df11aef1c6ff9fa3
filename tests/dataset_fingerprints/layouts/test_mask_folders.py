"""Site folders with a main mask and sub-masks, as every command takes them: a task of three classes."""

from __future__ import annotations

import numpy as np
import pytest

import autoseg
from dataset_fingerprints.errors import DataError
from dataset_fingerprints.layouts import describe_layout, list_references, read_dataset
from dataset_fingerprints.layouts.selection import Selection
from dataset_fingerprints.reading.images import read_label_map, write_label_map
from tests.synthetic.atlas_trees import lesion_of, seed_of, write_icpsr, write_old
from tests.synthetic.scans import write_nifti
from tests.synthetic.tiny import CONFIGURATION, QUICK

SESSIONS = ("Site1/031768/t01", "Site1/031768/t02", "Site1/031769/t01", "Site2/031877/t01", "Site3/031900/t01")
EXTRA = {SESSIONS[0]: 2, SESSIONS[2]: 1, SESSIONS[3]: 1}


def expected(root, session):
    seed = seed_of(next((root / session).glob("*_t1w_*")))
    labels = lesion_of(seed).astype(np.uint8)
    for number in range(1, 1 + EXTRA.get(session, 0)):
        labels[lesion_of(seed, number=number)] = 2
    return labels


def test_a_tree_of_sites_is_a_task_of_background_main_mask_and_union_of_sub_masks(tmp_path):
    root = write_old(tmp_path / "ATLAS", SESSIONS, extra=EXTRA)

    dataset = read_dataset(root)

    assert dataset.labels.names() == {1: "main", 2: "sub"}
    assert "with Site1/031768/t01 (its main mask and sub-masks), 5 cases" in describe_layout(dataset)
    assert [(case.name, case.subject, case.session, case.site) for case in dataset.cases][:3] == [
        ("Site1_031768_t01", "Site1_031768", "t01", "Site1"),
        ("Site1_031768_t02", "Site1_031768", "t02", "Site1"),
        ("Site1_031769_t01", "Site1_031769", "t01", "Site1"),
    ]
    for session, case in zip(SESSIONS, dataset.cases, strict=True):
        assert np.array_equal(read_label_map(case.label_path()).voxels[0], expected(root, session))


def test_cohorts_of_r12_are_sites_and_their_sessions_patients(tmp_path):
    root = write_icpsr(tmp_path, ("c0003s0008t01", "c0003s0008t02", "c0004s0001t01"), extra={"c0003s0008t01": 1})

    cases = read_dataset(root / "standard_MNI").cases

    assert [(case.name, case.subject, case.session, case.site) for case in cases] == [
        ("c0003s0008t01", "c0003s0008", "t01", "c0003"),
        ("c0003s0008t02", "c0003s0008", "t02", "c0003"),
        ("c0004s0001t01", "c0004s0001", "t01", "c0004"),
    ]


def test_it_is_planned_and_evaluated_as_it_is_and_a_changed_sub_mask_is_noticed(tmp_path):
    root = write_old(tmp_path / "ATLAS", SESSIONS, extra=EXTRA)
    options = {"workspace": tmp_path / "ws", "configurations": (CONFIGURATION,), "assignments": QUICK}
    workspace = autoseg.plan_and_preprocess(root, **options)
    before = workspace.fingerprint.read_text(encoding="utf-8")
    for session in SESSIONS:
        image = read_label_map(root / session)
        path = tmp_path / "masks" / f"{session.replace('/', '_')}.nii.gz"
        write_label_map(path, image.voxels[0], image.source_grid, image.header)

    evaluation = autoseg.evaluate(tmp_path / "masks", root)
    assert [one.number("dice") for case in evaluation.cases for one in case.labels if one.presence == "both"]
    assert all(one.number("dice") == 1 for case in evaluation.cases for one in case.labels if one.presence == "both")
    references = list_references(root)
    assert references is not None
    assert references.scheme == read_dataset(root).labels

    next((root / SESSIONS[2]).glob("*_1_stx.nii.gz")).unlink()
    autoseg.plan_and_preprocess(root, **options)
    assert workspace.fingerprint.read_text(encoding="utf-8") != before


def test_one_kind_of_mask_can_be_chosen_instead(tmp_path):
    root = write_old(tmp_path / "ATLAS", SESSIONS, extra=EXTRA)

    dataset = read_dataset(root, Selection(mask="LesionSmooth_stx"))

    assert dataset.labels.names() == {1: "lesion"}
    assert dataset.cases[0].label.endswith("031768_LesionSmooth_stx.nii.gz")


def test_a_patient_without_masks_is_expected_to_have_one(tmp_path):
    root = write_old(tmp_path / "ATLAS", SESSIONS, extra=EXTRA)
    for mask in (root / SESSIONS[1]).glob("*Lesion*"):
        mask.unlink()

    cases = {case.name: case for case in read_dataset(root).cases}

    assert cases["Site1_031768_t02"].label == str(root / SESSIONS[1] / "Site1_031768_t02_mask.nii.gz")


def test_a_sub_mask_on_another_grid_is_refused(tmp_path):
    root = write_old(tmp_path / "ATLAS", SESSIONS, extra=EXTRA)
    image = read_label_map(next((root / SESSIONS[0]).glob("*LesionSmooth_stx*")))
    (root / SESSIONS[0] / "031768_LesionSmooth_1_stx.nii.gz").unlink()
    write_nifti(root / SESSIONS[0] / "031768_LesionSmooth_1_stx.nii.gz", image.voxels[0][:-1])

    with pytest.raises(DataError, match=r"031768_LesionSmooth_1_stx.nii.gz lies on another grid than"):
        read_label_map(root / SESSIONS[0])
