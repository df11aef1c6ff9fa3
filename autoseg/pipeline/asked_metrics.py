"""Metrics that a caller names: whether there can be scores by them, and whether there were."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

from autoseg.evaluation import Convention, Evaluation
from autoseg.evaluation.metrics import describe_empty
from autoseg.pipeline.predictions.places import report_folder, report_of_mask
from autoseg.workspace.fold import find_validation
from dataset_fingerprints.errors import DataError

_log = logging.getLogger(__name__)


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
