"""Results of a fold's validation: scores, masks and probabilities, and the weights that they are of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from autoseg.evaluation import CaseScores
from autoseg.prediction import Probabilities, Quantised
from autoseg.preprocessing import is_sound, read_array, reported
from autoseg.workspace.fold import FoldFolder, ValidationFolder
from dataset_fingerprints.dataset import LabelScheme
from dataset_fingerprints.errors import AutosegError, WorkspaceError
from dataset_fingerprints.files.checksums import FileSum
from dataset_fingerprints.files.hashes import hash_files
from dataset_fingerprints.files.jsonfiles import read_json
from dataset_fingerprints.geometry import Box, Grid, canonical_grid
from dataset_fingerprints.reading.images import read_label_map

REMEDY = "Give `autoseg train` for the fold that it belongs to again: it makes what is missing or damaged."


@dataclass(frozen=True, kw_only=True, slots=True)
class ValidatedCase:
    """One validated case; its file is written last, so that it stands for mask and probabilities as well.

    Attributes:
        probability_box: where the stored probabilities lie in the scan's canonical grid.
        mask: the file of the mask, by which damage is noticed; null, as the next, where it was not measured.
        probabilities: that of the probabilities.
        weights: what `identify_weights` said of the weights that predicted it; empty where that was not written down.
    """

    scores: CaseScores
    probability_box: Box
    mask: FileSum | None = None
    probabilities: FileSum | None = None
    weights: str = ""


def read_validated(folder: ValidationFolder, case: str) -> ValidatedCase:
    """Return the record of a validated case.

    Raises:
        FileFormatError: the case is not validated, or its record is damaged.
    """
    return read_json(folder.case_record(case), ValidatedCase, REMEDY)


def identify_weights(folder: FoldFolder) -> str:
    """Return a hash of a fold's final weights, by which results of other weights are told apart."""
    return hash_files(folder.weight_files())[:32]


def find_validated(folder: ValidationFolder, case: str, weights: str) -> ValidatedCase | None:
    """Return a case's record if it is of these weights, and all of its files are there and undamaged; else None."""
    try:
        found = read_validated(folder, case)
        files = ((folder.mask(case), found.mask), (folder.probabilities(case), found.probabilities))
        sound = all(path.is_file() and (written is None or written.fits(path)) for path, written in files)
    except (AutosegError, OSError):
        return None
    return found if sound and found.weights == weights and found.scores.case == case else None


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
        WorkspaceError: its probabilities are damaged.
    """
    validated, path = read_validated(folder, case), folder.probabilities(case)
    shape = (len(scheme.heads().targets()), *validated.probability_box.shape())
    with reported(f"{path}: the probabilities of case {case}", REMEDY):
        if not is_sound(path, validated.probabilities):
            raise ValueError("the file does not hold what autoseg wrote")
        if not _lies_in(validated.probability_box, source_grid):
            raise ValueError("they lie outside of the scan")
        values = read_array(path, shape=shape, kinds=(np.uint8,))
    return Quantised(box=validated.probability_box, values=values).restore(scheme, source_grid)


def read_mask(folder: ValidationFolder, case: str, scheme: LabelScheme) -> NDArray[np.uint8]:
    """Return the mask that a fold gave a case that it did not train on, as label indices on the scan's canonical grid.

    Raises:
        FileFormatError: the case is not validated.
        WorkspaceError: its mask is damaged.
    """
    validated, path = read_validated(folder, case), folder.mask(case)
    with reported(f"{path}: the mask of case {case}", REMEDY):
        if validated.mask is not None and not validated.mask.fits(path):
            raise ValueError("the file does not hold what autoseg wrote")
        labels = read_label_map(path).voxels[0]
        return scheme.to_indices(labels.round().astype(np.int64))


def _lies_in(box: Box, source_grid: Grid) -> bool:
    whole = Box(start=(0, 0, 0), stop=canonical_grid(source_grid).shape)
    return box.overlap(whole) == box
