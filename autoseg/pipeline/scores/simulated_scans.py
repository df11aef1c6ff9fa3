"""Whether files that a command is given are of simulated scans."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from autoseg.evaluation import Pairing
from autoseg.pipeline.predictions.record import find_records
from autoseg.workspace.workspace import Workspace
from dataset_fingerprints.layouts import find_marks


def are_simulated(pairing: Pairing, prediction: Path, workspace: Workspace | None = None) -> bool:
    """Return whether the scans are simulated that masks and references are of.

    Args:
        pairing: the masks with their references.
        prediction: the masks as they were given.
        workspace: of the labels, or None.
    """
    files = [file for pair in pairing.pairs for file in (pair.reference, pair.prediction)]
    return is_marked(prediction, (*files, *([workspace.root] if workspace else [])))


def is_marked(masks: Path, files: Iterable[Path]) -> bool:
    """Return whether masks, or files that belong to them, are of simulated scans.

    Args:
        masks: as they were given, a file or a folder: the record of their prediction lies beside them.
        files: the masks one by one, each of which may have a record of its own, and others.
    """
    every = tuple(files)
    return any(record.simulated for _, record in find_records(masks, every)) or find_marks(every).simulated
