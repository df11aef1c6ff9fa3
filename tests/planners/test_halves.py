"""Halves of scans in a plan: what they are refused with, and patches that are planned for them."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from dataset_fingerprints.dataset import Label, LabelScheme, Region
from dataset_fingerprints.errors import PlanError
from dataset_fingerprints.files.jsonfiles import from_plain, to_json
from dataset_fingerprints.fingerprint import DatasetFingerprint
from planners import PlanRequest, check_plan, make_plan
from planners.editing.explain import explain_plan
from planners.editing.overrides import find_assigned_halves, set_values
from planners.halves import Halves, list_sided
from planners.nnunet_rules import NnunetRules
from planners.plan import Configuration, Plan
from tests.synthetic.fingerprints import SyntheticCase, make_fingerprint, repeat_case
from tests.synthetic.machines import GPU

# As the scans of a chest in 512x512 pixels; small enough to be seen whole.
CHEST = make_fingerprint(repeat_case(30, SyntheticCase(body_shape=(96, 80, 64))))


def plan(halves: Halves | None = None, fingerprint: DatasetFingerprint = CHEST) -> Plan:
    return make_plan(fingerprint, PlanRequest(machine=GPU, memory_gb=8.0, halves=halves))


def find(made: Plan, name: str) -> Configuration:
    return next(entry for entry in made.configurations if entry.name == name)


@pytest.mark.parametrize("name", ["2d", "3d_fullres"])
def test_a_patch_is_no_longer_than_a_half_rounded_up_for_its_network(name: str) -> None:
    whole, halves = (find(plan(chosen), name) for chosen in (None, Halves()))
    assert whole.patch_shape[0] == 96
    assert halves.patch_shape[0] == 48
    assert halves.patch_shape[1] >= whole.patch_shape[1]
    assert halves.halves == Halves()
    # Of a batch of slices, as many pixels are 5 % of the data set at most: halves count for themselves.
    assert halves.batch_size >= whole.batch_size


def test_halves_are_not_written_where_scans_are_whole_and_come_back_where_they_are_not() -> None:
    whole, halves = find(plan(), "2d"), find(plan(Halves(axis=1, mirrored="second")), "2d")
    assert '"halves"' not in to_json(whole)
    assert '"only_cases"' not in to_json(whole)
    assert from_plain(json.loads(to_json(halves)), Configuration, "a test") == halves


def test_they_are_set_by_hand_and_then_planned_for() -> None:
    assert find_assigned_halves(["training.iterations=5"]) is None
    assert find_assigned_halves(["halves={}"]) == Halves()
    assert find_assigned_halves(['halves={"axis": 2, "mirrored": "second"}']) == Halves(axis=2, mirrored="second")
    made = set_values(plan(), ["3d_fullres.halves={}"])
    assert find(made, "3d_fullres").halves == Halves()
    assert find(made, "2d").halves is None
    with pytest.raises(PlanError, match=r"--set halves: found \"left\"\. Expected halves such as"):
        find_assigned_halves(["halves=left"])
    with pytest.raises(PlanError, match=r"3d_fullres\.halves: axis is 3\. Expected 0, 1 or 2"):
        set_values(plan(), ['3d_fullres.halves={"axis": 3}'])


def test_explain_says_what_is_looked_at() -> None:
    shown = next(section for section in explain_plan(plan(Halves())) if section.title == "Configurations")
    (sees,) = (row for row in shown.rows if row[0] == "sees")
    assert "the scan, by halves along x, the first one mirrored" in sees


@pytest.mark.parametrize(
    ("names", "sided"),
    [
        (("lungs and heart", "skin and fat"), ()),
        (("left kidney", "right kidney", "spleen"), ("left kidney", "right kidney")),
        (("LeftLung", "tumour"), ("LeftLung",)),
        (("hippocampus_l", "hippocampus_r"), ("hippocampus_l", "hippocampus_r")),
        (("L1", "L2", "rib"), ()),
        (("bright", "leftover"), ()),
        (("lh cortex", "rh cortex", "stem"), ("lh cortex", "rh cortex")),
    ],
)
def test_names_that_tell_sides_are_found(names: tuple[str, ...], sided: tuple[str, ...]) -> None:
    assert list_sided(names) == sided


def test_labels_and_regions_that_name_sides_are_refused_with_the_way_out() -> None:
    labels = (Label(name="left", value=1), Label(name="right", value=2))
    sided = replace(plan(Halves()), scheme=LabelScheme(labels=labels))
    with pytest.raises(PlanError, match=r"labels name sides \(left, right\).*give both sides one value"):
        check_plan(sided)
    # Along another axis both halves have a left and a right.
    check_plan(replace(plan(Halves(axis=2)), scheme=LabelScheme(labels=labels)))
    plain = (Label(name="a", value=1), Label(name="b", value=2))
    regions = LabelScheme(labels=plain, regions=(Region(name="left lung", values=(1, 2)),), region_export_order=(1,))
    with pytest.raises(PlanError, match=r"labels name sides \(left lung\)"):
        check_plan(replace(plan(Halves()), scheme=regions))


def test_halves_of_scans_that_nnunet_preprocesses_are_refused() -> None:
    made = plan(Halves())
    first, *others = made.configurations
    theirs = replace(first, preprocessing=replace(first.preprocessing, nnunet=NnunetRules(axes="stored")))
    with pytest.raises(PlanError, match="halves is of our own preprocessing"):
        check_plan(replace(made, configurations=(theirs, *others)))


def test_halves_of_odd_lengths_and_of_a_single_voxel_have_all_voxels() -> None:
    assert Halves().list_shapes((5, 3, 3)) == ((2, 3, 3), (3, 3, 3))
    assert Halves(axis=2).list_shapes((5, 3, 1)) == ((5, 3, 1),)
