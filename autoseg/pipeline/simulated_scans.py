"""Whether files that a command is given are of simulated scans."""

from __future__ import annotations

from pathlib import Path

from autoseg.evaluation import Pairing
from autoseg.workspace.workspace import Workspace
from dataset_fingerprints.layouts import find_marks


def are_simulated(pairing: Pairing, prediction: Path, workspace: Workspace | None) -> bool:
    """Return whether the scans are simulated that masks and references are of.

    Args:
        pairing: the masks with their references.
        prediction: the masks as they were given: a record of their prediction lies there.
        workspace: of the labels, or None.
    """
    places = [*(pair.reference for pair in pairing.pairs), *(pair.prediction for pair in pairing.pairs), prediction]
    return find_marks((*places, *([workspace.root] if workspace else []))).simulated
