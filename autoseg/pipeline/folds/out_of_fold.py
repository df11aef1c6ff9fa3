"""Results of a fold's validation: scores, masks and probabilities, and the weights that they are of."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from autoseg.evaluation import CaseScores
from autoseg.prediction import Probabilities, Quantised
from autoseg.preprocessing import read_array
from autoseg.workspace.fold import FoldFolder, ValidationFolder
from dataset_fingerprints.dataset import LabelScheme
from dataset_fingerprints.errors import FileFormatError, WorkspaceError
from dataset_fingerprints.files.jsonfiles import read_json
from dataset_fingerprints.geometry import Box, Grid


@dataclass(frozen=True, kw_only=True, slots=True)
class ValidatedCase:
    """One validated case; its file is written last, so that it stands for mask and probabilities as well.

    Attributes:
        probability_box: where the stored probabilities lie in the scan's canonical grid.
        weights: what `identify_weights` said of the weights that predicted it; empty where that was not written down.
    """

    scores: CaseScores
    probability_box: Box
    weights: str = ""


def identify_weights(folder: FoldFolder) -> str:
    """Return a hash of a fold's final weights, by which results of other weights are told apart."""
    digest = hashlib.sha256()
    for path in folder.weight_files():
        with path.open("rb") as stream:
            digest.update(hashlib.file_digest(stream, "sha256").digest())
    return digest.hexdigest()[:32]


def find_validated(folder: ValidationFolder, case: str, weights: str) -> ValidatedCase | None:
    """Return a case's record if it is of these weights, and its mask and its probabilities are there; else None."""
    with suppress(FileFormatError):
        found = read_json(folder.case_record(case), ValidatedCase)
        files = (folder.mask(case), folder.probabilities(case))
        if found.weights == weights and found.scores.case == case and all(file.is_file() for file in files):
            return found
    return None


def find_scores(folder: FoldFolder, cases: Sequence[str]) -> tuple[CaseScores, ...] | None:
    """Return the scores of cases by a fold's weights, or None if one of them is not validated by these."""
    weights = identify_weights(folder)
    scores = []
    for case in cases:
        found = find_validated(folder.validation, case, weights)
        if found is None:
            return None
        scores.append(found.scores)
    return tuple(scores)


def refuse_link(folder: ValidationFolder) -> None:
    """Make sure that a fold's results lie in the fold: behind a link they may be those of another one.

    Raises:
        WorkspaceError: one of its folders is a link.
    """
    for path in folder.folders():
        if path.is_symlink():
            raise WorkspaceError(
                f"{path}: is a link, so that masks and scores may be those of other weights. Remove the link and give "
                "the same command again: the fold is validated anew."
            )


def read_probabilities(folder: ValidationFolder, case: str, scheme: LabelScheme, source_grid: Grid) -> Probabilities:
    """Return the probabilities that a fold gave a case that it did not train on, rounded to 1/255.

    Args:
        folder: of the fold's validation.
        case: its name.
        scheme: of the labels.
        source_grid: of the scan's file.

    Raises:
        FileFormatError: the case is not validated.
    """
    stored = Quantised(
        box=read_json(folder.case_record(case), ValidatedCase).probability_box,
        values=read_array(folder.probabilities(case)),
    )
    return stored.restore(scheme, source_grid)
