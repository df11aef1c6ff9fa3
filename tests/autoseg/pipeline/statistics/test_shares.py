"""Shares of labels in label maps, beside values worked out by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy import stats

import autoseg
from autoseg.evaluation.analysis.shares import CaseVolumes, compare_shares, summarise_shares
from autoseg.evaluation.traits import CaseTraits
from dataset_fingerprints.errors import ArgumentError, DataError, PartlyDoneError
from dataset_fingerprints.layouts.table_text import read_table
from tests.synthetic.scans import write_nifti


def volumes(source: str, case: str, first: float, second: float) -> CaseVolumes:
    return CaseVolumes(source=source, case=case, volumes_ml={1: first, 2: second})


def test_the_mean_of_shares_and_the_share_of_all_differ_where_scans_do() -> None:
    cases = [volumes("a", "one", 1, 1), volumes("a", "two", 18, 0), volumes("a", "none", 0, 0)]
    first, second = summarise_shares(cases, (1, 2))
    assert (first.statistics.mean, first.statistics.n) == (0.75, 2)
    assert first.pooled == 19 / 20
    assert second.pooled == 1 / 20


def test_groups_are_tested_by_the_rank_sum_of_their_subjects() -> None:
    shares = {"COP": (0.5, 0.6, 0.7, 0.9, 0.8), "UIP": (0.1, 0.2, 0.3, 0.4, 0.15)}
    cases, traits = [], []
    for group, values in shares.items():
        for number, value in enumerate(values):
            name = f"{group}-{number}"
            # Two scans of one subject count once.
            for visit in "ab":
                cases.append(volumes("model", f"{name}{visit}", value, 1 - value))
                traits.append(CaseTraits(case=f"{name}{visit}", subject=name, known={"kind": group}))
    first, second = compare_shares(cases, (1, 2), traits, "kind")
    expected = stats.mannwhitneyu(shares["COP"], shares["UIP"]).pvalue
    assert first.test == "rank sum"
    assert (first.p, first.cases) == (pytest.approx(expected), (10, 10))
    assert first.difference == pytest.approx(np.mean(shares["UIP"]) - np.mean(shares["COP"]))
    assert (first.corrected, second.corrected) == (pytest.approx(2 * expected), pytest.approx(2 * expected))


def test_a_group_in_which_nothing_is_labelled_has_no_shares_and_is_not_tested() -> None:
    cases = [volumes("model", f"full-{number}", 1, number) for number in range(5)]
    cases += [volumes("model", f"none-{number}", 0, 0) for number in range(5)]
    traits = [CaseTraits(case=one.case, known={"kind": one.case[:4]}) for one in cases]
    (found,) = compare_shares(cases, (1,), traits, "kind")
    assert (found.first, found.second, found.cases) == ("full", "none", (5, 0))
    assert (found.difference, found.p, found.corrected) == (None, None, None)


def test_sources_of_the_same_scans_are_tested_by_signed_ranks() -> None:
    rng = np.random.default_rng(0)
    one, other = rng.random(12), rng.random(12)
    cases = [volumes("reader 1", f"scan {n}", value, 1 - value) for n, value in enumerate(one)]
    cases += [volumes("reader 2", f"scan {n}", value, 1 - value) for n, value in enumerate(other)]
    # Of one reader only.
    cases.append(volumes("reader 1", "more", 1, 0))
    found = compare_shares(cases, (1,))
    assert [(one.test, one.first, one.second, one.cases) for one in found] == [
        ("signed rank", "reader 1", "reader 2", (12, 12))
    ]
    assert found[0].p == pytest.approx(stats.wilcoxon(other - one).pvalue)


def test_subjects_of_both_groups_are_counted() -> None:
    cases, traits = [], []
    for group in ("before", "after"):
        for number in range(5):
            cases.append(volumes("model", f"sub-{number}_ses-{group}", 1 + number, 1))
            traits.append(CaseTraits(case=f"sub-{number}_ses-{group}", known={"visit": group}))
    (found,) = compare_shares(cases, (1,), traits, "visit")
    assert (found.cases, found.shared) == ((5, 5), 5)


def test_a_group_in_which_nothing_is_labelled_is_not_tested() -> None:
    cases = [volumes("model", f"a{number}", 1, 1) for number in range(5)]
    cases += [volumes("model", f"b{number}", 0, 0) for number in range(5)]
    traits = [CaseTraits(case=one.case, known={"kind": one.case[0]}) for one in cases]
    (found,) = compare_shares(cases, (1,), traits, "kind")
    assert (found.cases, found.difference, found.p) == ((5, 0), None, None)


def test_few_scans_are_not_tested() -> None:
    cases = [volumes(source, case, 1, 2) for source in ("a", "b") for case in ("x", "y")]
    assert compare_shares(cases, (1,))[0].p is None


@pytest.fixture
def masks(tmp_path: Path) -> Path:
    """Write label maps of two readers: the second one gives label 2 to half of what has label 1."""
    for number in range(3):
        voxels = np.zeros((10, 10, 1), dtype=np.uint8)
        voxels[: 2 * (number + 1)], voxels[9] = 1, 2
        write_nifti(tmp_path / "first" / f"scan-{number}.nii.gz", voxels, np.diag([10.0, 10, 10, 1]))
        voxels[: number + 1] = 2
        write_nifti(tmp_path / "second" / f"scan-{number}.nii.gz", voxels, np.diag([10.0, 10, 10, 1]))
    (tmp_path / "kinds.csv").write_text("case,kind\nscan-0,COP\nscan-1,UIP\nscan-2,UIP\n", encoding="utf-8")
    return tmp_path


def test_tables_are_written_by_scan_group_and_difference(masks: Path) -> None:
    places, out = [masks / "first", masks / "second"], masks / "shares.csv"
    autoseg.label_shares(places, by="Kind", traits=masks / "kinds.csv", labels=[1, 2], out=out)
    rows = [line.cells for line in read_table(out).lines]
    assert [(row["case"], row["masks"]) for row in rows[:4]] == [
        *((f"scan-{number}", "first") for number in range(3)),
        ("scan-0", "second"),
    ]
    # 20 voxels of label 1 and 10 of label 2, of 1 ml each; then half of the 20 are of label 2, too.
    assert [rows[0][name] for name in ("labelled ml", "label 1 ml", "label 1 share")] == ["30.000", "20.000", "0.6667"]
    assert rows[3]["label 1 share"] == "0.3333"
    groups = [line.cells for line in read_table(masks / "shares-groups.csv").lines]
    found = {(row["masks"], row["group"], row["label"]): (row["mean"], row["of all"], row["scans"]) for row in groups}
    assert len(found) == 2 * 3 * 2
    assert found["first", "COP", "label 1"] == ("0.667", "0.667", "1")
    assert found["first", "UIP", "label 1"] == (f"{(40 / 50 + 60 / 70) / 2:.3f}", f"{100 / 120:.3f}", "2")
    differences = [line.cells for line in read_table(masks / "shares-differences.csv").lines]
    assert [row["test"] for row in differences] == ["signed rank"] * 2 + ["rank sum"] * 4


def test_a_table_of_differences_does_not_stay_beside_shares_that_have_none(masks: Path) -> None:
    autoseg.label_shares([masks / "first", masks / "second"], labels=[1, 2], out=masks / "shares.csv")
    assert (masks / "shares-differences.csv").is_file()
    autoseg.label_shares([masks / "first"], labels=[1, 2], out=masks / "shares.csv")
    assert (masks / "shares-groups.csv").is_file()
    assert not (masks / "shares-differences.csv").exists()


def test_a_damaged_label_map_is_named_and_the_others_are_written(masks: Path) -> None:
    (masks / "first" / "scan-1.nii.gz").write_bytes(b"nothing")
    with pytest.raises(PartlyDoneError, match=r"1 label map cannot be read:\n.*scan-1"):
        autoseg.label_shares([masks / "first"], out=masks / "shares.csv")
    assert [line.cells["case"] for line in read_table(masks / "shares.csv").lines] == ["scan-0", "scan-2", "scan-1"]


def test_a_trait_that_nobody_knows_is_refused(masks: Path) -> None:
    with pytest.raises(DataError, match="by disease: is known of no scan"):
        autoseg.label_shares([masks / "first"], by="disease", traits=masks / "kinds.csv")


def test_nothing_else_is_written_over(masks: Path) -> None:
    with pytest.raises(DataError, match="exists and is no earlier table"):
        autoseg.label_shares([masks / "first"], out=masks / "kinds.csv")


def test_values_that_miss_whole_numbers_by_rounding_are_these(masks: Path) -> None:
    voxels = np.zeros((10, 10, 1), dtype=np.float32)
    voxels[:2], voxels[2], voxels[9] = 0.99999, 1, 1.99999
    write_nifti(masks / "rounded" / "scan.nii.gz", voxels, np.diag([10.0, 10, 10, 1]))
    (found,) = autoseg.label_shares([masks / "rounded"]).cases
    # Of 1 ml each.
    assert found.volumes_ml == pytest.approx({1: 30.0, 2: 10.0})


def test_values_that_no_scan_holds_are_refused(masks: Path) -> None:
    with pytest.raises(DataError, match="no voxel has the value 7, 8"):
        autoseg.label_shares([masks / "first"], labels=[7, 8])


def test_a_single_label_is_refused(masks: Path) -> None:
    with pytest.raises(DataError, match="the value 2 is the only label that counts, so that its share is always 1"):
        autoseg.label_shares([masks / "first"], labels=[2], out=masks / "shares.csv")
    assert not (masks / "shares.csv").exists()


def test_subjects_in_both_groups_are_said(masks: Path, caplog: pytest.LogCaptureFixture) -> None:
    (masks / "phases.csv").write_text("case,subject,phase\nscan-0,p,1\nscan-1,p,2\nscan-2,q,2\n", encoding="utf-8")
    autoseg.label_shares([masks / "first"], by="phase", traits=masks / "phases.csv")
    assert "1 subject is in 1 and in 2: the rank-sum test takes each for two people" in caplog.text


def test_names_are_as_many_as_the_places_of_label_maps(masks: Path) -> None:
    with pytest.raises(DataError, match="names is given 2 times for one place of label maps"):
        autoseg.label_shares([masks / "first"], names=["first", "second"])
    with pytest.raises(ArgumentError, match="sources is empty"):
        autoseg.label_shares([])
