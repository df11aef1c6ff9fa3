from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from autoseg.evaluation import (
    CONVENTIONS,
    DEFAULT_CONVENTION,
    Targets,
    add_metrics,
    evaluate_pairs,
    find_maps,
    label_targets,
    pair_files,
    parse_region,
    probability_maps,
)
from dataset_fingerprints.errors import DataError
from tests.autoseg.evaluation.masks import make_box, write_labels

SHAPE = (8, 7, 6)
CONVENTION = add_metrics(DEFAULT_CONVENTION, ["roc_auc"])
FIRST, SECOND = make_box(SHAPE, (1, 1, 1), (4, 4, 4)), make_box(SHAPE, (5, 2, 2), (7, 5, 5), value=2)


def write_case(folder: Path, name: str, maps: dict[str, np.ndarray], *, under: str = "") -> None:
    labels = FIRST + SECOND if len(maps) > 1 else FIRST
    for side in ("masks", "references"):
        write_labels(folder / side / under / f"{name}.nii.gz", labels)
    for label, values in maps.items():
        write_labels(folder / "maps" / under / f"{name}{label}.nii.gz", values.astype(np.float32))


def evaluate(folder: Path, names=None, targets=None, convention=CONVENTION):
    pairing = pair_files(folder / "masks", folder / "references")
    maps = find_maps(folder / "maps", pairing, names or {})
    return evaluate_pairs(pairing, *([targets] if targets else []), convention=convention, maps=maps)


def test_the_only_map_of_a_case_is_taken_whatever_it_calls_the_label(tmp_path):
    for name, ending in (("a", "_lesion"), ("b", ""), ("b_c", "_lesion")):
        write_case(tmp_path, name, {ending: FIRST * 0.9})
    scores = evaluate(tmp_path).label(1).statistics("roc_auc")
    assert (scores.mean, scores.n) == (1.0, 3)


def test_maps_of_several_labels_are_found_by_the_names_of_these(tmp_path):
    write_case(tmp_path, "a", {"_core": FIRST * 0.9, "_tumour_edge": SECOND > 0})
    found = evaluate(tmp_path, {1: "core", 2: "tumour edge"})
    assert [found.label(value).statistics("roc_auc").mean for value in (1, 2)] == [1.0, 1.0]
    swapped = evaluate(tmp_path, {2: "core", 1: "tumour edge"})
    assert swapped.label(1).statistics("roc_auc").mean < 0.5


def test_names_of_labels_in_any_script_tell_their_maps_apart(tmp_path):
    write_case(tmp_path, "a", {"_病灶": FIRST * 0.9, "_水肿": SECOND > 0})
    found = evaluate(tmp_path, {1: "病灶", 2: "水肿"})
    assert [found.label(value).statistics("roc_auc").mean for value in (1, 2)] == [1.0, 1.0]


def test_a_derivative_leaves_letters_with_signs_out_of_names(tmp_path):
    write_case(tmp_path, "a", {"_label-dem_probseg": FIRST * 0.9, "_label-core_probseg": SECOND > 0})
    found = evaluate(tmp_path, {1: "Ödem", 2: "core"})
    assert [found.label(value).statistics("roc_auc").mean for value in (1, 2)] == [1.0, 1.0]
    with pytest.raises(DataError, match=r"no file in .* holds the probabilities of Ödem"):
        evaluate(tmp_path, {1: "Ödem", 2: "Ädem"})


def test_a_label_that_is_called_like_the_value_of_another_has_the_map_of_its_name(tmp_path):
    write_case(tmp_path, "a", {"_2": FIRST * 0.9, "_1": SECOND > 0})
    found = evaluate(tmp_path, {1: "2", 2: "1"})
    assert [found.label(value).statistics("roc_auc").mean for value in (1, 2)] == [1.0, 1.0]


def test_the_only_map_of_a_case_is_not_taken_for_a_label_if_it_is_called_after_another(tmp_path):
    write_case(tmp_path, "a", {"_edge": FIRST * 0.9})
    with pytest.raises(DataError, match=r"of core; only a_edge\.nii\.gz"):
        evaluate(tmp_path, {1: "core", 2: "edge"})


def test_several_maps_of_one_label_are_refused(tmp_path):
    write_case(tmp_path, "a", {"_lesion": FIRST * 0.9})
    for fold in ("fold_0", "fold_1"):
        write_labels(tmp_path / "maps" / fold / "a_lesion.nii.gz", (FIRST * 0.5).astype(np.float32))
    with pytest.raises(DataError, match=r"case a: .*a_lesion.*a_lesion.* are maps of one label"):
        evaluate(tmp_path)


def test_maps_of_values_and_of_regions_need_no_further_names(tmp_path):
    write_case(tmp_path, "a", {"_1": FIRST * 0.9, "_2": SECOND > 0, "_whole": FIRST + SECOND > 0})
    targets = Targets(segments=(*label_targets([1, 2]).segments, parse_region("whole=1,2")))
    found = evaluate(tmp_path, targets=targets)
    assert [summary.statistics("roc_auc").mean for summary in found.summary] == [1.0] * 3


def test_maps_lie_in_the_folders_of_their_masks(tmp_path):
    for site, sure in (("north", 0.9), ("south", 0.2)):
        write_case(tmp_path, "a", {"_lesion": FIRST * sure}, under=site)
    assert evaluate(tmp_path).label(1).statistics("roc_auc").mean == 1.0


def test_maps_of_a_derivative_are_called_after_the_same_scan(tmp_path):
    write_case(tmp_path, "sub-1_space-orig_label-L_mask", {})
    write_labels(tmp_path / "maps" / "sub-1_space-orig_label-L_probseg.nii.gz", (FIRST * 0.5).astype(np.float32))
    assert evaluate(tmp_path).label(1).statistics("roc_auc").mean == 1.0


def test_maps_of_a_derivative_may_lie_among_its_masks(tmp_path):
    write_case(tmp_path, "sub-1_space-orig_label-L_mask", {})
    write_labels(tmp_path / "masks" / "sub-1_space-orig_label-L_probseg.nii.gz", (FIRST * 0.5).astype(np.float32))
    pairing = pair_files(tmp_path / "masks", tmp_path / "references")
    maps = find_maps(tmp_path / "masks", pairing, {})
    found = evaluate_pairs(pairing, convention=CONVENTION, maps=maps)
    assert found.label(1).statistics("roc_auc").mean == 1.0
    assert not maps.plain


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (np.zeros((8, 7, 5)), "8x7x5 voxels, or lies elsewhere"),
        (np.full(SHAPE, 3.0), "1 volume with values from 3 to 3. Expected one volume of probabilities"),
        (np.where(FIRST > 0, np.nan, 0.5), "holds 27 voxels that are not finite numbers"),
    ],
)
def test_what_is_no_map_of_the_mask_is_refused(tmp_path, values, message):
    write_case(tmp_path, "a", {"_lesion": values})
    with pytest.raises(DataError, match=message):
        evaluate(tmp_path)


def test_a_label_without_a_map_is_refused_with_what_there_is(tmp_path):
    write_case(tmp_path, "a", {"_core": FIRST * 0.9, "_edge": SECOND > 0})
    with pytest.raises(DataError, match=r"of label 1; only a_core\.nii\.gz, a_edge\.nii\.gz"):
        evaluate(tmp_path)


def test_a_folder_without_maps_of_the_cases_is_refused(tmp_path):
    write_case(tmp_path, "a", {"_lesion": FIRST * 0.9})
    pairing = pair_files(tmp_path / "masks", tmp_path / "references")
    write_labels(tmp_path / "others" / "z.nii.gz", FIRST)
    with pytest.raises(DataError, match="holds no map of a"):
        find_maps(tmp_path / "others", pairing, {})
    with pytest.raises(DataError, match="is not a folder"):
        find_maps(tmp_path / "nowhere", pairing, {})


def test_soft_masks_are_scored_as_they_are_by_the_rules_of_atlas_only(tmp_path):
    write_labels(tmp_path / "masks" / "a.nii.gz", (FIRST * 0.5).astype(np.float32))
    write_labels(tmp_path / "references" / "a.nii.gz", FIRST)
    pairing = pair_files(tmp_path / "masks", tmp_path / "references")
    found = evaluate_pairs(pairing, convention=CONVENTIONS["atlas-r2"]).label(1)
    assert found.statistics("dice").mean == pytest.approx(2 * 13.5 / (13.5 + 27))
    assert found.statistics("volume_difference_voxels").mean == pytest.approx(13.5)
    with pytest.raises(DataError, match="is it a probability map"):
        evaluate_pairs(pairing, convention=CONVENTIONS["isles22"])


def test_soft_masks_that_are_not_numbers_everywhere_are_refused(tmp_path):
    soft = (FIRST * 0.5).astype(np.float32)
    soft[2, 2, 2] = np.nan
    write_labels(tmp_path / "masks" / "a.nii.gz", soft)
    write_labels(tmp_path / "references" / "a.nii.gz", FIRST)
    pairing = pair_files(tmp_path / "masks", tmp_path / "references")
    with pytest.raises(DataError, match="holds 1 voxel that is not a finite number"):
        evaluate_pairs(pairing, convention=CONVENTIONS["atlas-r2"])


def test_soft_masks_have_scores_of_their_maps_too(tmp_path):
    write_case(tmp_path, "a", {"_lesion": FIRST * 0.9})
    write_labels(tmp_path / "masks" / "a.nii.gz", (FIRST * 0.5).astype(np.float32))
    convention = add_metrics(CONVENTIONS["atlas-r2"], ["roc_auc"])
    assert evaluate(tmp_path, convention=convention).label(1).statistics("roc_auc").mean == 1.0


def test_a_case_without_the_label_is_scored_on_its_whole_image_and_with_its_map(tmp_path):
    nothing = np.zeros_like(FIRST)
    for name, labels, values in (("a", FIRST, FIRST * 0.9), ("b", nothing, FIRST * 0.9), ("c", nothing, nothing)):
        for side in ("masks", "references"):
            write_labels(tmp_path / side / f"{name}.nii.gz", labels)
        write_labels(tmp_path / "maps" / f"{name}.nii.gz", values.astype(np.float32))
    convention = add_metrics(CONVENTIONS["isles26"], ["true_negatives"])
    cases = evaluate(tmp_path, convention=convention).cases
    assert [case.labels[0].value("pr_auc") for case in cases] == [1.0, 0.0, 1.0]
    assert [case.labels[0].value("true_negatives") for case in cases] == [8 * 7 * 6 - 27, 8 * 7 * 6, 8 * 7 * 6]
    assert [case.labels[0].presence for case in cases] == ["both", "absent", "absent"]


class CountedNames(dict[str, str]):
    """Names that count how often one is looked up, and all of them are gone through."""

    looks = 0

    def __contains__(self, name):
        type(self).looks += 1
        return super().__contains__(name)

    def __iter__(self):
        type(self).looks += len(self)
        return super().__iter__()


@pytest.mark.parametrize(
    ("file", "owner"),
    [
        (("case_7",), "case_7"),
        (("case_7_core_1",), "case_7"),
        (("case_70",), None),
        (("sub", "case_8_lesion"), "case_8"),
        (("site_a", "scan_lesion"), "site_a/scan"),
        (("other_lesion",), None),
    ],
)
def test_the_case_of_a_map_is_found_without_a_look_at_all_names(file, owner):
    names = CountedNames({name: name for name in ("site_a/scan", *(f"case_{number}" for number in range(60)))})
    CountedNames.looks = 0
    assert probability_maps._find_owner(file, names) == owner
    assert CountedNames.looks < 12
