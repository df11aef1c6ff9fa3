"""`radiomics-compare`: features of two kinds of masks, and a classifier on each."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

import autoseg
from autoseg.pipeline.radiomics.comparing import ALL, ComparingOptions, RadiomicsComparison, compare_radiomics, describe
from autoseg.pipeline.radiomics.outcomes import OutcomeChoice
from autoseg.pipeline.radiomics.tables import FeatureRow, read_rows, show_number, write_features
from dataset_fingerprints.errors import DataError
from tests.synthetic.commands import run

NAMES = ("morph_volume", "stat_mean", "cm_contrast_3d", "cm_energy_3d", "wavelet_coif1_lll_stat_mean")
CASES = 40


def write(path: Path, values: np.ndarray, cases: Sequence[str] = ()) -> Path:
    rows = {}
    for case, row in zip(cases or [f"case_{number}" for number in range(len(values))], values, strict=True):
        features = {name: show_number(value) for name, value in zip(NAMES, row, strict=True)}
        rows[case] = FeatureRow(features=features, made_from="x")
    write_features(path, rows, simulated=False)
    return path


def make(root: Path) -> tuple[Path, Path, Path]:
    """Write features of two kinds of masks that agree on all but one, and outcomes that three of them tell."""
    rng = np.random.default_rng(0)
    outcomes = np.arange(CASES) % 2
    values = rng.normal(size=(CASES, len(NAMES)))
    values[:, :3] += 3.0 * outcomes[:, None]
    other = values + 0.05 * rng.normal(size=values.shape)
    other[:, 3] = rng.normal(size=CASES)
    table = "\n".join(f"case_{n},{'yes' if outcomes[n] else 'no'},{'pre' if n < 24 else 'post'}" for n in range(CASES))
    (root / "outcomes.csv").write_text(f"case,responded,time\n{table}\n")
    return write(root / "one.csv", values), write(root / "two.csv", other), root / "outcomes.csv"


@pytest.fixture(scope="module")
def compared(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, RadiomicsComparison]:
    """The files of a comparison, and what was found."""
    root = tmp_path_factory.mktemp("compared")
    one, two, outcomes = make(root)
    choice = OutcomeChoice(path=outcomes, column="responded", by="time")
    return root, compare_radiomics(one, two, root / "found.json", ComparingOptions(outcome=choice))


def test_features_that_agree_are_kept_by_family_and_by_group(
    compared: tuple[Path, RadiomicsComparison],
) -> None:
    _, found = compared
    assert list(found.shares) == [ALL, "post", "pre"]
    shares = {share.family: (share.kept, share.of) for share in found.shares[ALL]}
    assert shares == {"shape": (1, 1), "first_order": (1, 1), "texture": (1, 2), "wavelet": (1, 1)}
    assert {share.family: share.kept for share in found.shares["post"]}["texture"] == 1


def test_classifiers_on_both_kinds_of_masks_see_the_kept_features_alone(
    compared: tuple[Path, RadiomicsComparison],
) -> None:
    _, found = compared
    assert found.used == 4
    whole = found.areas[ALL]
    assert (whole.first.positives, whole.first.negatives) == (20, 20)
    assert whole.first.value > 0.95
    assert abs(whole.difference) < 0.05
    assert (found.areas["pre"].first.positives, found.areas["post"].first.positives) == (12, 8)


def test_masks_that_destroy_what_tells_the_outcome_are_noticed(tmp_path: Path) -> None:
    one, two, outcomes = make(tmp_path)
    rng = np.random.default_rng(5)
    values = rng.normal(size=(CASES, len(NAMES)))
    write(two, values)
    choice = OutcomeChoice(path=outcomes, column="responded")
    options = ComparingOptions(outcome=choice, cutoff=0.0, coefficient="icc")
    # With a low cut-off, features that agree by chance are kept.
    found = compare_radiomics(one, two, tmp_path / "found.json", options)
    assert found.areas[ALL].p is not None
    assert found.areas[ALL].difference < 0
    assert found.areas[ALL].p < 0.05


def test_everything_is_written_as_json_table_and_text(compared: tuple[Path, RadiomicsComparison]) -> None:
    root, found = compared
    plain = json.loads((root / "found.json").read_text(encoding="utf-8"))
    assert "simulated" not in plain
    assert plain["areas"][ALL]["first"]["value"] == found.areas[ALL].first.value
    lines = (root / "found.csv").read_text(encoding="utf-8").splitlines()
    assert lines[0] == "feature,family,CCC,CCC low,CCC high,ICC,cases,kept"
    assert [line.split(",")[-1] for line in lines[1:]] == ["yes", "yes", "yes", "no", "yes"]
    assert (root / "found.md").read_text(encoding="utf-8").endswith(describe(found))
    assert "| all | texture | 1 | 2 | 50.0 |" in describe(found)


def test_cases_and_outcomes_that_are_not_there_are_left_out_and_said(tmp_path: Path) -> None:
    one, two, outcomes = make(tmp_path)
    lines = outcomes.read_text(encoding="utf-8").splitlines()
    outcomes.write_text("\n".join([*lines[:-3], "case_37,,post", *lines[-2:]]))
    text = two.read_text(encoding="utf-8").splitlines()
    two.write_text("\n".join([*text[:-1], text[-1].replace("case_39", "case_99")]))
    choice = OutcomeChoice(path=outcomes, column="responded")
    found = compare_radiomics(one, two, tmp_path / "found.json", ComparingOptions(outcome=choice))
    assert len(found.cases) == 39
    assert found.remarks == (
        "2 cases in one table only: left out (case_39, case_99).",
        "With the outcome are cases whose responded is yes.",
        "1 case without a known outcome: not classified.",
    )
    assert found.areas[ALL].first.positives + found.areas[ALL].first.negatives == 38


WRONG = {
    "a column": ({"column": "respond"}, "Did you mean 'responded'"),
    "three values": ({"column": "case"}, "case has 40 values"),
    "a value": ({"column": "responded", "positive": "maybe"}, "has it in responded. Expected no or yes"),
    "a group": ({"column": "responded", "by": "tim"}, "Did you mean 'time'"),
}


@pytest.mark.parametrize("what", WRONG)
def test_outcomes_that_cannot_be_used_are_refused(tmp_path: Path, what: str) -> None:
    one, two, outcomes = make(tmp_path)
    columns, said = WRONG[what]
    options = ComparingOptions(outcome=OutcomeChoice(path=outcomes, **columns))
    with pytest.raises(DataError) as error:
        compare_radiomics(one, two, tmp_path / "found.json", options)
    assert said in str(error.value)


def test_tables_of_other_scans_or_of_something_else_are_refused(tmp_path: Path) -> None:
    one, two, outcomes = make(tmp_path)
    with pytest.raises(DataError, match=r"no column 'case', or no features"):
        compare_radiomics(outcomes, two, tmp_path / "found.json", ComparingOptions())
    write(two, np.zeros((2, len(NAMES))), ["a", "b"])
    with pytest.raises(DataError, match="have no case in common"):
        compare_radiomics(one, two, tmp_path / "found.json", ComparingOptions())
    outcomes.write_text("case,responded\ncase_0,yes\ncase_0,no\n")
    options = ComparingOptions(outcome=OutcomeChoice(path=outcomes, column="responded"))
    with pytest.raises(DataError, match="line 3: lists the case case_0 again"):
        compare_radiomics(one, one, tmp_path / "found.json", options)
    outcomes.write_text("case,responded\nsub-1,yes\nsub-2,no\n")
    with pytest.raises(DataError, match=r"lists none of the cases that have features \(sub-1, sub-2 there; case_0"):
        compare_radiomics(one, one, tmp_path / "found.json", options)
    with pytest.raises(DataError, match=r"--cutoff is 1\.5"):
        compare_radiomics(one, two, tmp_path / "found.json", ComparingOptions(cutoff=1.5))


def test_the_function_compares_as_the_command_and_names_its_arguments(
    compared: tuple[Path, RadiomicsComparison], tmp_path: Path
) -> None:
    one, two, outcomes = make(tmp_path)
    out = tmp_path / "found.json"
    found = autoseg.compare_radiomics(one, two, out, outcomes=outcomes, outcome="responded", by="time")
    assert (found.shares, found.used) == (compared[1].shares, compared[1].used)
    assert out.is_file()
    with pytest.raises(DataError, match=r"^outcome, positive and by are about a table.*with outcomes="):
        autoseg.compare_radiomics(one, two, out, outcome="responded")
    with pytest.raises(DataError, match=r"^cutoff is 1\.5"):
        autoseg.compare_radiomics(one, two, out, cutoff=1.5)


def test_the_command_shows_shares_and_areas(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    one, two, outcomes = make(tmp_path)
    out = tmp_path / "found.json"
    words = ("radiomics-compare", one, two, "-o", out)
    assert run(monkeypatch, *words, "--outcomes", outcomes, "--outcome", "responded", "--by", "time") == 0
    said = capsys.readouterr().out
    assert "features of CCC above 0.8" in said
    assert "Area under the ROC curve, 4 features" in said
    assert run(monkeypatch, *words, "--outcome", "responded") == 2
    capsys.readouterr()
    for options, said in {
        ("--positive", "yes"): "Give the table with --outcomes",
        ("--outcomes", outcomes, "--by", "time", "--positive", "yes"): "Name its column with --outcome",
        ("--outcomes", outcomes): "nothing is asked of it",
    }.items():
        assert run(monkeypatch, *words, *options) == 2
        assert said in " ".join(capsys.readouterr().err.split())


def test_the_table_is_not_written_over_the_features_and_is_named_where_it_lies(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    one, two, _ = make(tmp_path)
    monkeypatch.chdir(tmp_path)
    before = one.read_text(encoding="utf-8")
    assert run(monkeypatch, "radiomics-compare", one, two, "-o", one.with_suffix(".json")) == 0
    assert one.read_text(encoding="utf-8") == before
    assert "one-2.csv" in capsys.readouterr().out
    assert (tmp_path / "one-2.csv").read_text(encoding="utf-8").startswith("feature,family")


def test_the_mark_of_simulated_scans_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    one, two, _ = make(tmp_path)
    write_features(two, read_rows(two), simulated=True)
    out = tmp_path / "found.json"
    assert run(monkeypatch, "radiomics-compare", one, two, "-o", out) == 0
    assert "SIMULATED: 40 cases" in " ".join(capsys.readouterr().out.split())
    assert json.loads(out.read_text(encoding="utf-8"))["simulated"] is True
    assert out.with_suffix(".csv").read_text(encoding="utf-8").splitlines()[0].endswith(",simulated")
    assert "# SIMULATED: Features of two kinds of masks" in out.with_suffix(".md").read_text(encoding="utf-8")
