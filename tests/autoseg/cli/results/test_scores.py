"""The table of scores: labels by name, missed lesions counted beside the mean, and why there is no interval."""

from __future__ import annotations

import numpy as np
import pytest

from autoseg.cli.results.scores import show_scores
from autoseg.evaluation import CONVENTIONS, label_targets, score_case, summarise
from tests.autoseg.evaluation.masks import ONE_MM, make_box

BOX = make_box((10, 10, 10), (2, 2, 2), (6, 6, 6))
NOTHING = np.zeros_like(BOX)


def show(capsys: pytest.CaptureFixture[str], pairs: list, monkeypatch: pytest.MonkeyPatch, width: int = 80) -> str:
    monkeypatch.setenv("COLUMNS", str(width))
    cases = [score_case(*pair, label_targets([1, 2]), ONE_MM, str(number)) for number, pair in enumerate(pairs)]
    show_scores("Fold 0", summarise(cases), {1: "lesion", 2: "oedema"})
    out = capsys.readouterr().out
    assert max(map(len, out.splitlines()[:-3])) <= max(width, 80)
    return " ".join(out.split())


def test_missed_lesions_are_counted_beside_the_mean(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    said = show(capsys, [(BOX, BOX), (NOTHING, BOX), (NOTHING, BOX), (NOTHING, NOTHING), (BOX, NOTHING)], monkeypatch)
    assert "missed" in said.partition("Dice")[0]
    assert "looks better than all cases are" in said
    assert "Not in HD95 of lesion: 2 cases missed" in said
    assert "1 case only predicted" in said
    assert "1 case without the label in either mask" in said
    assert "Not in HD95 of oedema: 5 cases without" not in said  # nothing was measured or missed: it has no row
    assert "No 95 % interval" not in said


@pytest.mark.parametrize(("cases", "words"), [(1, "1 is here"), (2, "2 are here"), (4, "4 are here")])
def test_too_few_cases_for_an_interval_are_said(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, cases: int, words: str
) -> None:
    said = show(capsys, [(BOX, BOX)] * cases, monkeypatch)
    assert f"No 95 % interval: it needs 5 cases, and {words}." in said
    assert f"Mean Dice over labels: 1.0000, of {cases} case{'s' * (cases > 1)}" in said
    assert "lesion" in said
    assert "oedema" in said


def test_a_convention_of_others_is_named_and_a_mean_says_of_how_many_cases_it_is(
    capsys: pytest.CaptureFixture[str],
) -> None:
    convention = CONVENTIONS["nnunet"]
    pairs = [(BOX, BOX), (NOTHING, NOTHING)]
    cases = [score_case(*pair, label_targets([1]), ONE_MM, str(n), convention) for n, pair in enumerate(pairs)]
    show_scores("2 cases", summarise(cases, convention))
    said = " ".join(capsys.readouterr().out.split())
    assert said.startswith("2 cases, scored by nnunet")
    assert "Mean Dice: 1.0000, of 1 case of 2, those that have one" in said
    show_scores("1 case", summarise(cases[1:], convention))
    assert "No mean Dice: no case has one." in capsys.readouterr().out


def test_where_every_case_is_missed_no_other_is_spoken_of(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    said = show(capsys, [(NOTHING, BOX)] * 2, monkeypatch)
    assert "2 cases missed: the prediction does not hold the label at all. No other case is left." in said
    assert "looks better" not in said
