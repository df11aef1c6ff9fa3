"""Results of a fold's validation for a case: scores, mask and probabilities, written and read back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from autoseg.evaluation import CaseScores, read_evaluation
from autoseg.prediction import Probabilities, Quantised
from autoseg.preprocessing import is_sound, read_array, reported
from autoseg.workspace.fold import ValidationFolder
from dataset_fingerprints.dataset import LabelScheme
from dataset_fingerprints.errors import AutosegError
from dataset_fingerprints.files.checksums import FileSum
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
    """

    scores: CaseScores
    probability_box: Box
    mask: FileSum | None = None
    probabilities: FileSum | None = None


def read_validated(folder: ValidationFolder, case: str) -> ValidatedCase:
    """Return the record of a validated case.

    Raises:
        FileFormatError: the case is not validated, or its record is damaged.
    """
    return read_json(folder.case_record(case), ValidatedCase, REMEDY)


def find_validated(folder: ValidationFolder, case: str) -> ValidatedCase | None:
    """Return the record of a case of which all files are there and undamaged, else None."""
    try:
        validated = read_validated(folder, case)
        files = ((folder.mask(case), validated.mask), (folder.probabilities(case), validated.probabilities))
        sound = all(path.is_file() and (written is None or written.fits(path)) for path, written in files)
    except (AutosegError, OSError):
        return None
    return validated if sound and validated.scores.case == case else None


def is_validated(folder: ValidationFolder, cases: Sequence[str]) -> bool:
    """Return whether a fold's validation is there as a whole, and undamaged."""
    try:
        scored = [scores.case for scores in read_evaluation(folder.metrics).cases] if cases else []
    except AutosegError:
        return False
    return sorted(scored) == sorted(cases) and all(find_validated(folder, case) is not None for case in cases)


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
