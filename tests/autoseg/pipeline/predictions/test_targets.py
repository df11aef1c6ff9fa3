"""Places of masks of several inputs, of folders in folders, and of BIDS trees."""

from __future__ import annotations

from pathlib import Path, PurePath

import pytest

from autoseg.pipeline.predictions.inputs import Search, find_inputs
from autoseg.pipeline.predictions.targets import Targets, choose_targets
from dataset_fingerprints.dataset import Label, LabelScheme
from dataset_fingerprints.errors import DataError
from tests.autoseg.pipeline.predictions.scans import ONE, touch
from tests.synthetic.trees import bids, write_tree

LESION = LabelScheme(labels=(Label(name="lesion", value=1),))
SEVERAL = LabelScheme(labels=(Label(name="core", value=1), Label(name="rim", value=2)))


def choose(out: Path, *places: Path, scheme: LabelScheme | None = LESION) -> Targets:
    return choose_targets(find_inputs(places, ONE, Search(), out), out, None, scheme)


def below(targets: Targets) -> list[str]:
    return [path.relative_to(targets.folder).as_posix() for path in targets.paths]


def test_masks_lie_in_the_sub_folders_of_their_scans(tmp_path: Path) -> None:
    touch(tmp_path / "scans", "a.nii.gz", "x/a.nii", "y/z/a.mha")
    targets = choose(tmp_path / "out", tmp_path / "scans")
    assert below(targets) == ["a.nii.gz", "x/a.nii", "y/z/a.mha"]
    inside = choose(tmp_path / "scans" / "out", tmp_path / "scans")
    assert below(inside) == below(targets)
    # A run that was killed left masks there, and no report beside them yet.
    touch(tmp_path / "scans" / "out", *below(inside)[:2])
    assert choose(tmp_path / "scans" / "out", tmp_path / "scans") == inside
    touch(tmp_path / "scans" / "out", "another.nii.gz")
    with pytest.raises(DataError, match="holds the scans"):
        choose(tmp_path / "scans" / "out", tmp_path / "scans")
    touch(tmp_path / "scans" / "out-report", "prediction.json")
    assert choose(tmp_path / "scans" / "out", tmp_path / "scans") == inside


@pytest.mark.parametrize("places", [("scans",), ("other", "scans"), ("scans", "other")])
def test_no_mask_lies_among_scans_of_any_input(tmp_path: Path, places: tuple[str, ...]) -> None:
    touch(tmp_path, "scans/x/a.nii.gz", "other/b.nii.gz")
    for out in ("scans/x", "scans"):
        with pytest.raises(DataError, match=r"holds the scans|is one of the scans"):
            choose(tmp_path / out, *(tmp_path / place for place in places))


def test_a_file_in_the_place_of_a_sub_folder_is_refused(tmp_path: Path) -> None:
    touch(tmp_path, "scans/x/a.nii.gz", "out/x")
    with pytest.raises(DataError, match=r"out/x: is a file"):
        choose(tmp_path / "out", tmp_path / "scans")


def test_a_mask_has_a_name_of_its_own_only_where_there_is_one_scan(tmp_path: Path) -> None:
    touch(tmp_path, "scans/a.nii.gz", "b.nii.gz")
    assert choose(tmp_path / "mask.nii.gz", tmp_path / "b.nii.gz").named
    with pytest.raises(DataError, match=r"mask\.nii\.gz: looks like a file, but there are 2 results. Give a folder"):
        choose(tmp_path / "mask.nii.gz", tmp_path / "b.nii.gz", tmp_path / "scans")


def test_masks_of_a_bids_tree_make_a_derivative_unless_it_is_not_wanted_or_not_alone(tmp_path: Path) -> None:
    write_tree(tmp_path / "tree", *bids(["sub-01", "sub-02"], "T1w", session="ses-1"))
    touch(tmp_path, "a.nii.gz")
    folder = "sub-01/ses-1/anat/sub-01_ses-1_space-orig"
    assert below(choose(tmp_path / "out", tmp_path / "tree"))[0] == f"{folder}_label-L_mask.nii.gz"
    assert below(choose(tmp_path / "out", tmp_path / "tree", scheme=SEVERAL))[0] == f"{folder}_dseg.nii.gz"
    assert below(choose(tmp_path / "out", tmp_path / "tree", scheme=None))[0] == "sub-01_ses-1.nii.gz"
    mixed = choose(tmp_path / "out", tmp_path / "tree", tmp_path / "a.nii.gz")
    assert below(mixed) == ["sub-01_ses-1.nii.gz", "sub-02_ses-1.nii.gz", "a.nii.gz"]


def test_a_derivative_lies_in_no_other_data_set(tmp_path: Path) -> None:
    write_tree(tmp_path / "tree", *bids(["sub-01"], "T1w"))
    assert choose(tmp_path / "tree" / "derivatives" / "autoseg", tmp_path / "tree").derivative is not None
    with pytest.raises(DataError, match="lies in the data set"):
        choose(tmp_path / "tree" / "masks", tmp_path / "tree")
    touch(tmp_path, "others/dataset_description.json")
    with pytest.raises(DataError, match=r"holds dataset_description\.json of another data set.*others/autoseg"):
        choose(tmp_path / "others", tmp_path / "tree")


def test_looking_for_places_takes_steps_as_there_are_scans_also_with_a_folder_for_each(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps: list[object] = []
    look, compare = Path.stat, PurePath.__eq__
    counts = []
    for number in (10, 80):
        scans, out = tmp_path / f"scans-{number}", tmp_path / f"out-{number}"
        touch(scans, *(f"{patient}/a.nii.gz" for patient in range(number)))
        found = find_inputs((scans,), ONE, Search(), out)
        with monkeypatch.context() as watched:
            watched.setattr(Path, "stat", lambda *args, **options: steps.append(args) or look(*args, **options))
            watched.setattr(PurePath, "__eq__", lambda *paths: steps.append(paths) or compare(*paths))
            choose_targets(found, out, None, LESION)
        counts.append(len(steps))
        steps.clear()
    # Eight times as many scans: 64 times the steps would be each folder beside each other one.
    assert counts[1] < 16 * counts[0]
