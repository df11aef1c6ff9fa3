"""Metrics that a caller names: whether there can be scores by them, and whether there were."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

from autoseg.evaluation import Convention, Evaluation, MapSource
from autoseg.evaluation.metrics import describe_empty
from autoseg.evaluation.probability_maps import ProbabilityMaps
from autoseg.pipeline.predictions.places import report_folder, report_of_mask
from autoseg.workspace.fold import find_validation
from dataset_fingerprints.dataset import Label
from dataset_fingerprints.errors import DataError

_log = logging.getLogger(__name__)

BEST = "maximal_dice"
# By so much the best Dice may be below that of the masks, where several labels compete.
_LOWER = 0.05


def choose_maps(given: Path | None, prediction: Path, asked: Sequence[str], convention: Convention) -> Path | None:
    """Return the folder of probabilities for the metrics that are asked for; None where none of these needs it.

    Args:
        given: the folder that is named; None for none.
        prediction: the masks; those of a fold's validation have their probabilities beside them.
        asked: names of metrics that are to be scored beside those of a convention.
        convention: with these metrics.

    Raises:
        DataError: one needs probabilities, and there are none; the message says where they come from.
    """
    abouts = convention.describe()
    needing = [name for name in asked if name in abouts and abouts[name].needs_probabilities]
    if given is not None and not any(about.needs_probabilities for about in abouts.values()):
        _log.warning(
            "--probability-maps %s: no metric that is scored needs them. Add --metric roc_auc,pr_auc,maximal_dice",
            given,
        )
    if given is not None or not needing:
        return given
    if find_validation(prediction.absolute()) is not None:
        return prediction
    own = report_of_mask(prediction) if prediction.is_file() else report_folder(prediction)
    beside = prediction.parent / own.name
    where = f"--probability-maps {beside}" if beside.is_dir() else "--probability-maps FOLDER"
    raise DataError(
        f"--metric {','.join(needing)}: cannot be scored by masks alone, and no probabilities are given. "
        f"`autoseg predict SCANS -o {prediction} --probabilities` writes them into {beside}; then add {where}."
    )


def warn_of_other_maps(evaluation: Evaluation, maps: MapSource | None) -> None:
    """Say where maps are no probabilities, or of other masks: their best Dice is far below that of the masks."""
    if isinstance(maps, ProbabilityMaps) and (plain := maps.describe_plain()):
        _log.warning("%s", plain)
    names = {entry.name for entry in evaluation.convention.metrics}
    if not {BEST, "dice"} <= names:
        return
    for label in evaluation.summary:
        best, own = (label.statistics(name).mean for name in (BEST, "dice"))
        if best is not None and own is not None and best < own - _LOWER:
            _log.warning(
                "--probability-maps: the best Dice of %s over all thresholds is %.3f, that of the masks %.3f: the maps "
                "do not belong to these masks, or are of another label",
                evaluation.name_of(label.label),
                best,
                own,
            )


def warn_of_names(names: Sequence[Label], evaluation: Evaluation) -> None:
    """Say which names that were given are of values that no file holds."""
    scored = {summary.label for summary in evaluation.summary}
    for label in names:
        if label.value not in scored:
            _log.warning("--name %s=%d: the label %d is not scored", label.name, label.value, label.value)


def warn_without_scores(evaluation: Evaluation, asked: Sequence[str]) -> None:
    """Say which metrics that were asked for have no score in any case, with the rule that leaves the cases out.

    Args:
        evaluation: the scores.
        asked: names of metrics.
    """
    metrics = evaluation.convention.build()
    for name in asked:
        if name in metrics and not any(label.statistics(name).n for label in evaluation.summary):
            _log.warning("%s: no case has a score. Its rule: %s", name, describe_empty(metrics[name]))
