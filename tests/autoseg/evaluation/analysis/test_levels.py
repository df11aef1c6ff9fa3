"""Scan, lesion and voxel level, on scores that are made up."""

from __future__ import annotations

import math
from collections.abc import Mapping

import pytest

from autoseg.evaluation import (
    CONVENTIONS,
    CaseScores,
    Evaluation,
    LabelScores,
    Score,
    summarise,
)
from autoseg.evaluation.analysis.levels import make_levels
from dataset_fingerprints.errors import DataError

HETERO = CONVENTIONS["llambias2024"]
Volumes = Mapping[int, tuple[float, float]]


def make_case(name: str, volumes: Volumes, dice: float = 0.5) -> CaseScores:
    """Return a case with volumes of reference and mask by label, and the same scores for all of them."""
    labels = tuple(
        LabelScores(
            label=label,
            scores=tuple(
                Score(
                    metric=entry.name,
                    value={"reference_volume_ml": true, "prediction_volume_ml": predicted}.get(entry.name, dice),
                )
                for entry in HETERO.metrics
            ),
        )
        for label, (true, predicted) in volumes.items()
    )
    return CaseScores(case=name, labels=labels)


def make_evaluation() -> Evaluation:
    return summarise(
        [
            make_case("right", {1: (4.0, 3.0), 2: (1.0, 2.0)}, dice=0.8),
            make_case("other", {1: (4.0, 1.0), 2: (0.0, 2.0)}, dice=0.2),
            make_case("missed", {1: (4.0, 0.0), 2: (0.0, 0.0)}, dice=0.0),
            make_case("second", {1: (0.0, 0.0), 2: (3.0, 3.0)}, dice=0.6),
            make_case("invented", {1: (0.0, 0.0), 2: (0.0, 0.5)}, dice=0.0),
            make_case("nothing", {1: (0.0, 0.0), 2: (0.0, 0.0)}, dice=1.0),
        ],
        HETERO,
    )


def test_a_scan_has_the_class_of_its_largest_volume() -> None:
    first, second = make_levels(make_evaluation()).rows
    assert (first.scans, first.right, first.other, first.empty, first.called) == (3, 1, 1, 1, 1)
    assert (second.scans, second.right, second.called) == (1, 1, 3)
    assert (first.precision(), first.sensitivity(), first.f1()) == (1, pytest.approx(1 / 3), 0.5)
    assert (second.precision(), second.sensitivity(), second.f1()) == (pytest.approx(1 / 3), 1, 0.5)


def test_lesions_and_voxels_are_those_of_the_scans_of_the_class() -> None:
    first, second = make_levels(make_evaluation()).rows
    dice = first.voxels[0]
    assert (dice.mean, dice.n) == (pytest.approx(1 / 3), 3)
    # Of 0.8, 0.2 and 0: squares of the differences from a third are 98 / 225 and so on, in all 0.3467.
    assert dice.sd == pytest.approx(math.sqrt((0.8**2 + 0.2**2 - 3 / 9) / 2))
    assert len(first.lesions) == 3
    assert (second.voxels[1].mean, second.voxels[1].sd) == (0.6, None)


def test_scans_without_a_prediction_and_those_without_a_reference_are_counted() -> None:
    table = make_levels(make_evaluation())
    assert (table.cases, table.without_prediction, table.without_reference, table.called) == (6, 1, 2, 1)
    shown = " ".join(table.describe())
    assert "Without a predicted lesion: 1 scan, missed at scan level" in shown
    assert "in the reference: 2 scans, of which 1 had one predicted" in shown


def test_a_class_in_no_scan_has_no_figures() -> None:
    (_, second) = make_levels(summarise([make_case("a", {1: (1.0, 1.0), 2: (0.0, 0.0)})], HETERO)).rows
    assert (second.precision(), second.sensitivity(), second.f1(), second.voxels[0].mean) == (None,) * 4


def test_one_class_or_metrics_that_are_missing_are_refused() -> None:
    with pytest.raises(DataError, match="two classes of lesions or more, and 1 alone"):
        make_levels(summarise([make_case("a", {1: (1.0, 1.0)})], HETERO))
    plain = CONVENTIONS["isles22"]
    labels = tuple(
        LabelScores(label=label, scores=tuple(Score(metric=entry.name, value=1.0) for entry in plain.metrics))
        for label in (1, 2)
    )
    with pytest.raises(DataError, match="needs volume_similarity, lesion_precision, lesion_recall, which convention i"):
        make_levels(summarise([CaseScores(case="a", labels=labels)], plain))
