"""What `predict` says of the trust in new masks, in tables, in the record and in words."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path

import pytest

import autoseg
from autoseg.models.predicted_dice import PredictedDiceFile
from autoseg.pipeline.confidence.assessing import DICE, is_dice_column, sort_by_dice
from autoseg.pipeline.confidence.lesion_table import COLUMNS, list_lesions, write_lesions
from autoseg.pipeline.confidence.predicted_dice import measure_predicted_dice
from autoseg.pipeline.confidence.ways import Way, choose_way
from autoseg.pipeline.models.sources import ModelChoice, find_source
from autoseg.prediction import Decision
from autoseg.progress import SilentProgress
from dataset_fingerprints.files.jsonfiles import write_json
from tests.autoseg.confidence.builders import lesion_probabilities, segment
from tests.autoseg.confidence.test_signs import two_lesions
from tests.synthetic.scans import head, write_nifti
from tests.synthetic.tiny import CONFIGURATION, SHAPE, Tiny


class Listening(SilentProgress):
    """Keeps what is said."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def say(self, message: str) -> None:
        self.said.append(message)


def write_scans(folder: Path, *names: str) -> Path:
    for number, name in enumerate(names):
        write_nifti(folder / f"{name}.nii.gz", head(70 + number, SHAPE)[0])
    return folder


def rows_of(table: Path) -> list[dict[str, str]]:
    with table.open(encoding="utf-8-sig", newline="") as stream:
        return list(csv.DictReader(stream))


def test_scans_of_the_lowest_predicted_dice_come_first_and_are_named(own: Tiny, tmp_path):
    measure_predicted_dice(own.workspace, "default", (CONFIGURATION,), Decision(), SilentProgress())
    listening = Listening()
    scans = write_scans(tmp_path / "scans", "a", "b", "c")
    masks = autoseg.predict(
        scans, tmp_path / "out", own.workspace.root, configurations=[CONFIGURATION], progress=listening
    )
    rows = rows_of(masks.table)
    values = [float(row[DICE]) for row in rows]
    assert values == sorted(values)
    assert all(float(row["predicted Dice from"]) <= float(row[DICE]) <= float(row["predicted Dice to"]) for row in rows)
    first = rows[0]["case"]
    assert any(said.startswith(f"Lowest predicted Dice, to look at first: {first} ") for said in listening.said)
    assert any("mean error" in said and "on 12 cases not trained on" in said for said in listening.said)
    record = {case["case"]: case for case in json.loads(masks.record.read_text(encoding="utf-8"))["cases"]}
    for row in rows:
        noted = record[row["case"]]["predicted_dice"]
        assert noted["value"] == pytest.approx(float(row[DICE]), abs=1e-3)
        assert noted["low"] <= noted["value"] <= noted["high"]
    lesions = rows_of(masks.lesions)
    counts = {row["case"]: int(row["dark: lesions"]) for row in rows}
    assert {case: sum(row["case"] == case for row in lesions) for case in counts} == counts
    # Masks that stay keep what was predicted of them, and their lesions.
    (tmp_path / "out" / "b.nii.gz").unlink()
    again = autoseg.predict(scans, tmp_path / "out", own.workspace.root, configurations=[CONFIGURATION])
    assert [row[DICE] for row in rows_of(again.table)] == [row[DICE] for row in rows]
    assert sorted(map(tuple, map(dict.items, rows_of(again.lesions)))) == sorted(map(tuple, map(dict.items, lesions)))


@pytest.mark.parametrize("correlation", [-0.4, 0.05, None])
def test_a_predicted_dice_that_says_nothing_orders_nothing(own: Tiny, tmp_path, correlation):
    found = measure_predicted_dice(own.workspace, "default", (CONFIGURATION,), Decision(), SilentProgress())
    useless = replace(found, scan=replace(found.scan, correlation=correlation))
    assert "it tells nothing about which masks are bad" in useless.describe()
    assert "tells nothing" not in replace(found, scan=replace(found.scan, correlation=0.6)).describe()
    write_json(own.workspace.predicted_dice("default"), PredictedDiceFile(calibrations=(useless,)))
    scans = write_scans(tmp_path / "scans", "a", "b", "c")
    options = {"configurations": [CONFIGURATION], "progress": (listening := Listening())}
    rows = rows_of(autoseg.predict(scans, tmp_path / "out", own.workspace.root, **options).table)
    assert [row["case"] for row in rows] == ["a", "b", "c"]
    assert all(row[DICE] for row in rows)
    assert not any("to look at first" in said for said in listening.said)
    assert any("it tells nothing about which masks are bad" in said for said in listening.said)
    assert "it tells nothing about which masks are bad" in str(autoseg.explain(own.workspace))


def test_an_exported_model_predicts_the_same_dice(own: Tiny, tmp_path):
    calibration = measure_predicted_dice(own.workspace, "default", (CONFIGURATION,), Decision(), SilentProgress())
    bundle = autoseg.export(own.workspace.root, tmp_path / "model.zip", configurations=[CONFIGURATION])
    models = find_source(bundle).read()
    assert models.predicted_dice == calibration
    scans = write_scans(tmp_path / "scans", "a")
    tables = [
        rows_of(autoseg.predict(scans, tmp_path / name, **source).table)
        for name, source in {
            "x": {"model": bundle},
            "y": {"workspace": own.workspace.root, "configurations": [CONFIGURATION]},
        }.items()
    ]
    assert [row[DICE] for row in tables[0]] == [row[DICE] for row in tables[1]]
    assert tables[0][0][DICE]


def test_fast_takes_one_network_and_mirror_overrides_the_quality(judged: Tiny):
    models = find_source(judged.workspace, ModelChoice(configurations=(CONFIGURATION,))).read()
    fast = choose_way(models, Way(quality="fast"))
    assert [len(group) for one in fast.models.stages for group in one.values()] == [1]
    assert fast.predictions[CONFIGURATION].mirror_axes == ()
    assert fast.predictions[CONFIGURATION].step_share == 0.75
    flipped = choose_way(models, Way(quality="fast", mirror=True))
    assert flipped.predictions[CONFIGURATION].mirror_axes == (0,)
    standard = choose_way(models, Way())
    assert standard.predictions[CONFIGURATION] == models.run().own().prediction
    assert "flips along x only" in standard.description
    assert choose_way(models, Way(mirror=False)).predictions[CONFIGURATION].mirror_axes == ()
    both = replace(models, stages=(*models.stages, *models.stages))
    assert len(choose_way(both, Way(quality="fast")).models.stages) == 1


def test_the_table_of_lesions_leaves_files_of_others_alone_and_keeps_earlier_scans(tmp_path):
    from autoseg.confidence import measure_signs

    signs = measure_signs(segment([lesion_probabilities(two_lesions(), (1, 2, 3))]))
    rows = list_lesions("a", ("lesion",), signs)
    assert [row["lesion"] for row in rows] == ["1", "2"]
    assert (rows[0]["volume mm3"], rows[0]["y mm"], rows[0]["agreement"]) == ("48.0", "1.0", "")
    place = write_lesions(tmp_path, rows, ())
    assert write_lesions(tmp_path, list_lesions("b", ("lesion",), signs), ["a"]) == place
    assert [row["case"] for row in rows_of(place)] == ["b", "b", "a", "a"]
    assert write_lesions(tmp_path, rows, ()) == place
    assert [row["case"] for row in rows_of(place)] == ["a", "a"]
    place.write_text(",".join((*COLUMNS, "my notes")) + "\n", encoding="utf-8")
    assert write_lesions(tmp_path, rows, ()).name == "lesions-2.csv"


def test_rows_without_a_predicted_dice_come_first_and_columns_are_known_again():
    rows = [{"case": "a", DICE: "0.9"}, {"case": "b", DICE: ""}, {"case": "c", DICE: "0.1"}]
    assert [row["case"] for row in sort_by_dice(rows)] == ["b", "c", "a"]
    assert sort_by_dice([{"case": "b"}, {"case": "a"}]) == [{"case": "b"}, {"case": "a"}]
    assert all(map(is_dice_column, (DICE, "predicted Dice to", "core: predicted Dice")))
    assert not is_dice_column("dark: ml")
