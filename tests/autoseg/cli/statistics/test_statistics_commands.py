"""`evaluate --by`, `compare` and `agreement` from the command line, on tiny masks."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import autoseg
from autoseg.evaluation import read_evaluation
from dataset_fingerprints.errors import DataError
from tests.autoseg.evaluation.masks import write_labels
from tests.synthetic.commands import run
from tests.synthetic.scans import write_nifti

SHAPE = (16, 16, 16)
CASES = 12


def write_ball(path: Path, radius: float, shift: float) -> None:
    centre = np.array([8.0 + shift, 8.0, 8.0]).reshape(3, 1, 1, 1)
    inside = ((np.indices(SHAPE) - centre) ** 2).sum(axis=0) <= radius**2
    write_labels(path, inside.astype(np.uint8), np.diag([2.0, 2.0, 2.0, 1.0]))


@pytest.fixture(scope="module")
def masks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """References of growing balls, a good system `near`, a bad one `far`, and a second reader, and a table."""
    root = tmp_path_factory.mktemp("masks")
    lines = ["subject,Site,DAYS_POST_STROKE"]
    for number in range(CASES):
        name, radius = f"sub-{number // 2:02d}_ses-{number % 2}.nii.gz", 2.0 + number / 4
        for folder, shift in (("refs", 0.0), ("near", 0.5), ("far", 1.5), ("reader", -0.5)):
            write_ball(root / folder / name, radius, shift + (number % 3) / 10)
        lines.append(f"sub-{number // 2:02d},S{number // 6},{40 * number}")
    (root / "table.csv").write_text("\n".join(dict.fromkeys(lines)), encoding="utf-8")
    for system in ("near", "far"):
        (root / f"scores_{system}").mkdir()
        autoseg.evaluate(root / system, root / "refs", out=root / f"scores_{system}" / "metrics.json")
    return root


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def test_scores_are_shown_by_size_and_site(masks, tmp_path, monkeypatch, capsys) -> None:
    out = tmp_path / "m.json"
    command = (
        "evaluate",
        masks / "near",
        masks / "refs",
        "-o",
        out,
        "--by",
        "size,quartile",
        "--by",
        "SITE,chronicity",
    )
    assert run(monkeypatch, *command, "--traits", masks / "table.csv") == 0
    said = capsys.readouterr().out
    for text in (
        "by quartile: means",
        "by site: means",
        "by chronicity: means",
        "Volumes, prediction minus",
        "Dice changes",
    ):
        assert text in said
    rows = rows_of(tmp_path / "m-groups.csv")
    assert {row["by"] for row in rows} == {"size", "quartile", "site", "chronicity"}
    sites = [row for row in rows if row["by"] == "site" and row["metric"] == "dice"]
    assert [(row["group"], row["cases"]) for row in sites] == [("S0", "6"), ("S1", "6")]
    with Image.open(tmp_path / "m-volumes.png") as picture:
        assert picture.size == (960, 380)
    evaluation = read_evaluation(out)
    assert evaluation.traits[0].known["site"] == "S0"
    assert "one subject drawn together" in evaluation.convention.ci95


def test_what_is_unknown_is_refused_before_scoring(masks, tmp_path, monkeypatch, capsys) -> None:
    out = tmp_path / "m.json"
    assert run(monkeypatch, "evaluate", masks / "near", masks / "refs", "-o", out, "--by", "age") == 2
    assert "--by age: is known of no case. Known are size, quartile." in " ".join(capsys.readouterr().err.split())
    assert not out.exists()


def test_systems_are_compared_with_a_plain_sentence(masks, tmp_path, monkeypatch, capsys) -> None:
    out = tmp_path / "c.json"
    assert run(monkeypatch, "compare", masks / "scores_far", masks / "scores_near", "-o", out) == 0
    said = capsys.readouterr().out
    assert "scores_near is better than scores_far in Dice" in said
    found = json.loads(out.read_text(encoding="utf-8"))
    assert found["conclusion"].startswith("On 12 cases, scores_near is better than scores_far in Dice")
    assert (found["subjects"], found["tested"], len(found["differences"])) == (6, 4, 4)
    dice = rows_of(tmp_path / "c.csv")[0]
    near, far = (read_evaluation(masks / f"scores_{name}/metrics.json").label(1) for name in ("near", "far"))
    gain = near.statistics("dice").mean - far.statistics("dice").mean
    assert float(dice["difference"]) == pytest.approx(gain, abs=1e-6)
    assert "# Comparison of scores_far and scores_near" in (tmp_path / "c.md").read_text(encoding="utf-8")


def test_too_few_cases_for_tests_are_said_in_the_heading(masks, tmp_path, monkeypatch, capsys) -> None:
    for system in ("near", "far"):
        one = tmp_path / system
        one.mkdir()
        (one / "sub-00_ses-0.nii.gz").write_bytes((masks / system / "sub-00_ses-0.nii.gz").read_bytes())
        autoseg.evaluate(one, masks / "refs", out=tmp_path / f"{system}.json")

    run(monkeypatch, "compare", tmp_path / "near.json", tmp_path / "far.json", "-o", tmp_path / "c.json")

    said = capsys.readouterr().out
    assert "far minus near (too few cases for tests)" in said
    assert "0 tests" not in said


def test_a_comparison_replaces_an_earlier_one_and_nothing_else(masks, tmp_path) -> None:
    scores = [masks / "scores_far", masks / "scores_near"]
    out, own = tmp_path / "c.json", tmp_path / "c.md"
    own.write_text("my notes", encoding="utf-8")
    (tmp_path / "c.csv").write_text("a,b\n1,2\n", encoding="utf-8")
    for _ in range(2):
        autoseg.compare(scores, out=out, metrics=["dice"])
    assert own.read_text(encoding="utf-8") == "my notes"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["c-2.csv", "c-2.md", "c.csv", "c.json", "c.md"]
    with pytest.raises(DataError, match="one of the inputs"):
        autoseg.compare(scores, out=masks / "scores_far/metrics.json")
    other = tmp_path / "other.json"
    other.write_text("{}", encoding="utf-8")
    with pytest.raises(DataError, match="exists and is not an earlier comparison"):
        autoseg.compare(scores, out=other)
    with pytest.raises(DataError, match=r"is not called .json"):
        autoseg.compare(scores, out=tmp_path / "c.txt")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["scores_far"], "1 system to compare. Expected at least two"),
        (["scores_far", "refs"], "holds no scores"),
        (["scores_far", "table.csv"], "table.csv: "),
        (["scores_far", "scores_near", "--metric", "dyce"], "Did you mean 'dice'?"),
        (["scores_far", "scores_near", "--name", "x"], "--name is given 1 time for 2 systems"),
    ],
)
def test_bad_input_is_one_message(masks, tmp_path, monkeypatch, capsys, words, message) -> None:
    given = [masks / word if (masks / word).exists() else word for word in words]
    assert run(monkeypatch, "compare", *given, "-o", tmp_path / "c.json") == 2
    said = capsys.readouterr().err
    assert message in " ".join(said.split())
    assert "Traceback" not in said
    assert not (tmp_path / "c.json").exists()


def test_readers_and_a_model_are_compared(masks, tmp_path, monkeypatch, capsys) -> None:
    out = tmp_path / "a.json"
    readers = ("--reader", masks / "refs", "--reader", masks / "reader")
    assert run(monkeypatch, "agreement", masks / "far", *readers, "-o", out) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "The model agrees with readers less than they do with each other." in said
    assert "Volumes of label 1 by 2 readers: ICC(2,1)" in said
    found = json.loads(out.read_text(encoding="utf-8"))
    assert (found["readers"], found["model"], len(found["cases"])) == (["refs", "reader"], "model", CASES)
    assert {row["figure"] for row in rows_of(tmp_path / "a.csv")} >= {"dice", "volume CCC", "volume bias ml"}
    assert "# Agreement of refs, reader, model (model)" in (tmp_path / "a.md").read_text(encoding="utf-8")
    with Image.open(tmp_path / "a.png") as picture:
        assert picture.size == (960, 760)


def test_one_reader_alone_is_refused(masks, tmp_path, monkeypatch, capsys) -> None:
    assert run(monkeypatch, "agreement", "--reader", masks / "refs", "-o", tmp_path / "a.json") == 2
    assert "1 folder of masks to compare. Expected at least two" in " ".join(capsys.readouterr().err.split())
    assert run(monkeypatch, "agreement", "-o", tmp_path / "a.json") == 2


def test_an_agreement_never_replaces_a_mask(masks) -> None:
    mask = next((masks / "refs").glob("*.nii.gz"))
    with pytest.raises(DataError, match="has the suffix of an image"):
        autoseg.agreement([masks / "refs", masks / "reader"], out=mask)


def test_label_shares_shows_sources_groups_and_differences(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for number, source in enumerate(("one", "two")):
        for case in range(6):
            voxels = np.ones((6, 6, 2), dtype=np.uint8)
            voxels[: number + case % 2 + 1] = 2
            write_nifti(tmp_path / source / f"scan-{case}.nii.gz", voxels)
    kinds = [f"scan-{case},{('COP', 'UIP')[case % 2]}" for case in range(6)]
    (tmp_path / "kinds.csv").write_text("\n".join(["case,kind", *kinds]) + "\n", encoding="utf-8")
    out = tmp_path / "shares.csv"
    places = (tmp_path / "one", tmp_path / "two")
    assert run(monkeypatch, "label-shares", *places, "--by", "kind", "--traits", tmp_path / "kinds.csv", "-o", out) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "Shares of labels in 6 scans" in shown
    assert "signed rank" in shown
    assert "rank sum" in shown
    assert "label 2" in shown
    assert all((tmp_path / f"shares{end}.csv").is_file() for end in ("", "-groups", "-differences"))
    # Of one source without groups, there is nothing to compare.
    assert run(monkeypatch, "label-shares", tmp_path / "one", "-o", tmp_path / "alone.csv") == 0
    assert not (tmp_path / "alone-differences.csv").exists()
    assert run(monkeypatch, "label-shares", tmp_path / "none", "-o", out) == 2


def test_agreement_has_kappa_and_the_dice_of_all_labels_together(masks: Path, monkeypatch, tmp_path: Path) -> None:
    readers = ("--reader", masks / "refs", "--reader", masks / "reader")
    assert run(monkeypatch, "agreement", *readers, "-o", tmp_path / "both.json") == 0
    plain = json.loads((tmp_path / "both.json").read_text(encoding="utf-8"))
    found = {one["measure"]: one["statistics"] for one in plain["voxels"]}
    # Of one label, all labels together are that one.
    (dice,) = (one["statistics"]["mean"] for one in plain["pairs"] if one["metric"] == "dice")
    assert found["dice_all_labels"]["mean"] == pytest.approx(dice)
    assert set(found) == {"dice_all_labels", "agreement", "kappa"}
    assert "Cohen's kappa" not in (tmp_path / "both.md").read_text(encoding="utf-8"), "of one label it misleads"
    assert ",kappa," in (tmp_path / "both.csv").read_text(encoding="utf-8")


def test_what_was_written_is_named_also_where_files_of_others_have_the_usual_names(
    masks, tmp_path, monkeypatch, capsys
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("c.csv", "c.md", "a.csv", "a.md", "a.png", "s-groups.csv"):
        (tmp_path / name).write_text("mine", encoding="utf-8")
    assert run(monkeypatch, "compare", masks / "scores_far", masks / "scores_near", "-o", "c.json") == 0
    readers = ("--reader", masks / "refs", "--reader", masks / "reader")
    assert run(monkeypatch, "agreement", *readers, "-o", "a.json") == 0
    write_nifti(tmp_path / "two" / "scan.nii.gz", np.arange(8, dtype=np.uint8).reshape(2, 2, 2) % 3)
    assert run(monkeypatch, "label-shares", tmp_path / "two", "-o", "s.csv") == 0
    said = capsys.readouterr().out.split()
    assert {"c-2.csv", "c-2.md", "a-2.csv", "a-2.md", "a-2.png", "s-groups-2.csv"} <= set(said)
    assert not {"c.csv", "c.md", "a.csv", "a.md", "a.png", "s-groups.csv"} & set(said)
