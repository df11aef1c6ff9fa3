"""The picture of a selection: whatever was taken or not, of any number of labels with names of any kind."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from matplotlib.figure import Figure
from PIL import Image

from autoseg.models.selection import Change, Evidence, Gain, Selection, Trial, Tried
from autoseg.reporting import choices, draw_selection, is_drawn

CHANGE = Change(
    score=(0.6, 0.63), gain=Gain(mean=0.03, low=0.01, high=0.05), dice=-0.001, large_recall=0.0, small_recall=-0.04
)


def tried(threshold: float | None, volume: float | None, score: float) -> Tried:
    return Tried(
        threshold=threshold,
        removal="" if volume == 0 else "some",
        volume_mm3=volume,
        filled=False,
        dice=score + 0.1,
        lesion_f1=score - 0.1,
        score=score,
    )


TRIED = (
    tried(None, 0.0, 0.6),
    tried(None, 10.0, 0.63),
    tried(None, None, 0.62),
    tried(0.3, 0.0, 0.58),
    tried(0.3, 10.0, 0.6),
)
TRIAL = Trial(
    subject="lesion",
    before="the usual rule, no post-processing",
    best="components of at least 10 mm3",
    taken=True,
    reason="its gain is more than chance",
    candidates=5,
    agreeing=4,
    change=CHANGE,
    tried=TRIED,
    place=1,
)
EVIDENCE = Evidence(score="mean", level=0.95, cases=60, subjects=58, folds=("0", "1"), trials=(TRIAL,))
SELECTION = Selection(configurations=("3d_fullres",), measured_on=(), evidence=EVIDENCE)


def of(*trials: Trial) -> Selection:
    return replace(SELECTION, evidence=replace(EVIDENCE, trials=trials))


@pytest.mark.parametrize("place", range(len(TRIED)))
@pytest.mark.parametrize("taken", [True, False])
def test_the_best_rule_is_drawn_whatever_kind_it_is_of(tmp_path: Path, place: int, taken: bool) -> None:
    draw_selection(of(replace(TRIAL, place=place, taken=taken)), tmp_path / "selection.png")
    assert is_drawn(tmp_path / "selection.png")


def test_many_labels_with_odd_names_and_without_lesions_fit(tmp_path: Path) -> None:
    unmeasured = replace(CHANGE, large_recall=None, small_recall=None)
    trials = [replace(TRIAL, subject=f"$label_{number} {'x' * 60}", change=unmeasured) for number in range(9)]
    configurations = replace(TRIAL, subject="", tried=(), place=0)
    draw_selection(of(configurations, *trials), tmp_path / "selection.png")
    with Image.open(tmp_path / "selection.png") as picture:
        one_row = 92 + 330 + 110
        assert picture.size == (1200, one_row + 330 * (choices.MOST_ROWS - 1))


def test_without_a_trial_there_is_a_picture_as_well(tmp_path: Path) -> None:
    draw_selection(of(), tmp_path / "selection.png")
    assert is_drawn(tmp_path / "selection.png")


def test_the_chosen_volume_is_marked_where_it_lies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[Figure] = []
    monkeypatch.setattr(choices, "save_png", lambda figure, path: drawn.append(figure))
    draw_selection(of(TRIAL), tmp_path / "selection.png")
    thresholds, volumes, gain = drawn[0].axes
    marks = [line for line in volumes.lines if line.get_label() == "taken"]
    assert [mark.get_xydata().tolist() for mark in marks] == [[[10.0, 0.63]]]
    # Volumes are shown at the threshold of the best rule, thresholds without post-processing.
    (score,) = (line for line in volumes.lines if line.get_label() == "score")
    assert score.get_xydata().tolist() == [[0.0, 0.6], [10.0, 0.63]]
    (by_threshold,) = (line for line in thresholds.lines if line.get_label() == "score")
    assert by_threshold.get_xydata().tolist() == [[0.3, 0.58], [0.5, 0.6]]
    assert gain.get_title(loc="left").startswith("Taken: components")
