from __future__ import annotations

import json
import re
import shlex
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from autoseg.progress import SilentProgress
from autoseg.simulate import SimulationOptions
from autoseg.workspace.workspace import Workspace
from dataset_fingerprints.errors import AutosegError
from experiments.rivals import Contest, Run, Side, hold_contest, parse_side
from experiments.rivals_figures import Outcome, compare, name_columns
from tests.synthetic.scans import head, write_description, write_nifti, write_nnunet_dataset

SILENT = SilentProgress()
TINY = SimulationOptions(cases=5, held_out_cases=2, spacing_mm=6.0, seed=3)


def outcome(side: str, dice: list[float], found: list[int]) -> Outcome:
    return Outcome(
        side=side,
        seed=0,
        dice=tuple(np.repeat(dice, 3).tolist()),
        volume_ml=tuple(np.repeat([1.0, 5.0, 20.0, 80.0], 3).tolist()),
        found=tuple(np.repeat(found, 3).tolist()),
        lesions=(2,) * 12,
        false=(0,) * 6 + (1,) * 6,
    )


def thrice(rows: Sequence[tuple[float, ...]]) -> tuple[tuple[float, ...], ...]:
    return tuple(row for row in rows for _ in range(3))


def test_sides_are_compared_with_the_first_scan_by_scan_and_in_the_smallest_quarter() -> None:
    first = outcome("a", [0.1, 0.5, 0.6, 0.7], [0, 1, 1, 2])
    second = outcome("b", [0.5, 0.6, 0.7, 0.8], [2, 2, 2, 2])
    third = outcome("c", [0.1, 0.5, 0.6, 0.7], [0, 1, 1, 2])
    rows = {row[:3]: row[3:] for row in compare([first, second, third])}
    assert rows["all (12)", "Dice", "a"][1] == "-"
    assert rows["all (12)", "Dice", "b"][0].startswith("0.650 (")
    assert rows["all (12)", "Dice", "b"][1].startswith("+0.175 (+0.100 to")
    assert rows["all (12)", "Dice", "c"][1] == "+0.000 (+0.000 to +0.000)"
    assert rows["all (12)", "lesion recall", "a"][0].startswith("0.500 (")
    assert rows["all (12)", "lesion precision", "b"][0].startswith("0.800 (")
    smallest = rows["smallest quarter (3)", "Dice", "b"]
    assert smallest == ("0.500", "+0.400", "+0.400"), "three scans have no interval"
    assert {len(row) for row in compare([first, second])} == {len(name_columns("a"))}
    assert rows["smallest quarter (3)", "lesion precision", "a"][0] == "-"


def test_the_smallest_quarter_of_the_lesions_is_counted_whatever_else_their_scans_hold() -> None:
    lesions = ((0.1, 9.0), (0.2, 3.0), (4.0,), (5.0, 6.0, 7.0))
    first, second = outcome("a", [0.5] * 4, [1, 1, 1, 2]), outcome("b", [0.5] * 4, [2, 1, 1, 2])
    held = ((9.0,), (3.0,), (4.0,), (5.0, 6.0)), ((0.1, 9.0), (3.0,), (4.0,), (5.0, 6.0))
    first, second = (
        replace(side, lesion_ml=thrice(lesions), found_ml=thrice(found))
        for side, found in zip((first, second), held, strict=True)
    )
    rows = [row for row in compare([first, second]) if row[0].startswith("lesions up to")]
    # Six of 24 lie below the quartile of 0.1, 0.2, 3, 4, 5, 6, 7 and 9, each thrice.
    assert [row[:3] for row in rows] == [("lesions up to 2.3 ml (6)", "lesion recall", name) for name in "ab"]
    assert [row[3].split(" ")[0] for row in rows] == ["0.000", "0.500"]
    assert rows[1][4].startswith("+0.500 (")


def test_scans_without_a_lesion_have_no_recall() -> None:
    sides = [replace(outcome(side, [1.0, 0.5, 0.6, 0.7], [0, 1, 1, 2]), lesions=(0,) * 3 + (2,) * 9) for side in "ab"]
    rows = {row[:3]: row[3:] for row in compare(sides)}
    assert rows["smallest quarter (3)", "lesion recall", "b"] == ("-", "-", "-")
    assert rows["all (12)", "lesion recall", "b"][1] == "+0.000 (+0.000 to +0.000)"


def test_each_training_stands_beside_the_mean_over_them() -> None:
    gains = {0: 0.3, 1: -0.1, 2: 0.1}
    first = [replace(outcome("a", [0.4] * 4, [1] * 4), seed=seed) for seed in gains]
    second = [replace(outcome("b", [0.4 + gain] * 4, [2] * 4), seed=seed) for seed, gain in gains.items()]
    rows = {row[:3]: row[3:] for row in compare([*first, *second])}
    # All scans say the same, which tells nothing of another training.
    assert rows["all (12)", "Dice", "b"][1:] == ("+0.100 (+0.100 to +0.100)", "+0.300, -0.100, +0.100")
    assert rows["all (12)", "lesion recall", "b"][2] == "+0.500, +0.500, +0.500"


def test_scans_of_one_subject_are_drawn_together() -> None:
    dice = tuple((1 + number // 2) / 10 for number in range(16))
    apart = Outcome(
        side="a", seed=0, dice=dice, volume_ml=(1.0,) * 16, found=(1,) * 16, lesions=(2,) * 16, false=(0,) * 16
    )
    together = replace(apart, units=tuple(f"s{number // 2}" for number in range(16)))

    def width(one: Outcome) -> float:
        low, high = re.findall(r"\d\.\d+", compare([one])[0][3])[1:]
        return float(high) - float(low)

    # Half as many subjects as scans: wider by the root of two, and by the tails of t.
    assert width(together) > 1.4 * width(apart)


def test_two_sides_of_one_name_are_refused(tmp_path: Path) -> None:
    sides = (Side(name="a"), Side(name="a", options="--planner nnunet"))
    with pytest.raises(AutosegError, match="have one name"):
        hold_contest(Contest(sides=sides, minutes=0.02, seeds=1, simulation=TINY), tmp_path, SILENT)


def test_a_side_has_a_name_and_options() -> None:
    assert parse_side("default") == Side(name="default")
    assert parse_side("pooled=--rule pooled_dice=on") == Side(name="pooled", options="--rule pooled_dice=on")
    with pytest.raises(AutosegError, match="expected NAME=OPTIONS"):
        parse_side("a/b=--seed 3")


def test_paths_with_spaces_are_one_word_each(tmp_path: Path) -> None:
    work = tmp_path / "my work"
    own = Run(side=Side(name="a"), seed=0, folder=work)
    assert str(work / "raw") in shlex.split(own.planning(1.0).text)
    assert str(work / "a-0-masks") in shlex.split(own.training(1.0).text)


@pytest.mark.parametrize("file", ["judged/labelsTr/sub-001.nii.gz", "labelsTr/sub-000.nii.gz", "labelsTr/other.nii.gz"])
def test_a_folder_of_a_contest_with_other_judges_is_refused(tmp_path: Path, file: str) -> None:
    data, laid_out = write_nnunet_dataset(tmp_path / "data", 6), tmp_path / "work" / "raw" / file
    laid_out.parent.mkdir(parents=True)
    laid_out.touch()
    contest = Contest(sides=(Side(name="default"),), minutes=0.02, seeds=1, simulation=TINY, data=data)
    with pytest.raises(AutosegError, match="judged on other cases"):
        hold_contest(contest, tmp_path / "work", SILENT)


def test_a_contest_that_was_killed_while_scans_were_laid_out_goes_on(tmp_path: Path) -> None:
    data, raw = write_nnunet_dataset(tmp_path / "data", 6), tmp_path / "work" / "raw"
    (raw / "labelsTr").mkdir(parents=True)
    (raw / "labelsTr" / "sub-001.nii.gz").symlink_to(data / "labelsTr" / "sub-001.nii.gz")
    contest = Contest(sides=(Side(name="default"),), minutes=0.02, seeds=0, simulation=TINY, data=data)
    assert hold_contest(contest, tmp_path / "work", SILENT) == []
    assert sorted(path.name for path in (raw / "labelsTs").iterdir()) == ["sub-000.nii.gz", "sub-005.nii.gz"]
    assert len(list((raw / "labelsTr").iterdir())) == 4


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:This process")
def test_a_contest_trains_all_sides_and_judges_them_on_the_same_scans(tmp_path: Path) -> None:
    sides = (Side(name="default"), Side(name="cascade", options="--planner box_cascade"))
    outcomes = hold_contest(Contest(sides=sides, minutes=0.02, seeds=1, simulation=TINY), tmp_path, SILENT)
    assert [entry.side for entry in outcomes] == ["default", "cascade"]
    # One time for both networks of the cascade.
    cascade = Workspace(root=tmp_path / "cascade-0-autoseg")
    trained = [cascade.fold("default", name, "full") for name in ("locate", "refine")]
    minutes = [json.loads(fold.record.read_text(encoding="utf-8"))["max_minutes"] for fold in trained]
    assert sum(minutes) == pytest.approx(0.02)
    assert [len(volumes) for volumes in outcomes[0].lesion_ml] == list(outcomes[0].lesions)
    assert len(outcomes[0].dice) == 2
    assert outcomes[0].volume_ml == outcomes[1].volume_ml
    assert (tmp_path / "outcomes.json").is_file()
    (plan,) = tmp_path.glob("cascade-0-autoseg/plans/*/plan.json")
    assert json.loads(plan.read_text(encoding="utf-8"))["planner"] == "box_cascade"


@pytest.mark.slow
def test_a_side_that_fails_is_reported_with_its_log(tmp_path: Path) -> None:
    contest = Contest(sides=(Side(name="wrong", options="--planner none"),), minutes=0.02, seeds=1, simulation=TINY)
    with pytest.raises(AutosegError, match=r"wrong, seed 0: failed: autoseg: There is no planner .*See .*wrong-0\.log"):
        hold_contest(contest, tmp_path, SILENT)
    assert "none" in (tmp_path / "wrong-0.log").read_text(encoding="utf-8")


@pytest.mark.long
@pytest.mark.filterwarnings("ignore:This process")
def test_a_contest_on_real_data_judges_on_every_fifth_subject(tmp_path: Path) -> None:
    data = tmp_path / "data"
    for index in range(6):
        image, labels = head(index, (20, 24, 16))
        write_nifti(data / "imagesTr" / f"sub-{index}_0000.nii.gz", image)
        write_nifti(data / "labelsTr" / f"sub-{index}.nii.gz", labels)
    write_description(data, {"background": 0, "dark": 1, "bright": 2}, ("T1w",), 6)
    sides = (Side(name="default"), Side(name="again"))
    work = tmp_path / "work"
    outcomes = hold_contest(Contest(sides=sides, minutes=0.02, seeds=1, simulation=TINY, data=data), work, SILENT)
    assert [len(entry.dice) for entry in outcomes] == [2, 2]
    assert sorted(path.name for path in (work / "raw" / "labelsTs").iterdir()) == ["sub-0.nii.gz", "sub-5.nii.gz"]
    assert len(list((work / "raw" / "imagesTr").iterdir())) == 4
    assert min(outcomes[0].lesions) >= 2
