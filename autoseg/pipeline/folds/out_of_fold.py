"""Results of a fold's validation for a case: scores, mask and probabilities, written and read back."""

from __future__ import annotations

from dataclasses import dataclass

from autoseg.evaluation import CaseScores
from autoseg.prediction import Probabilities, Quantised
from autoseg.preprocessing import read_array
from autoseg.workspace.fold import ValidationFolder
from dataset_fingerprints.dataset import LabelScheme
from dataset_fingerprints.files.jsonfiles import read_json
from dataset_fingerprints.geometry import Box, Grid


@dataclass(frozen=True, kw_only=True, slots=True)
class ValidatedCase:
    """One validated case; its file is written last, so that it stands for mask and probabilities as well.

    Attributes:
        probability_box: where the stored probabilities lie in the scan's canonical grid.
    """

    scores: CaseScores
    probability_box: Box


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
