"""Classes of lesions: what out-of-fold components are, a classifier trained on them, and its honest judgement."""

from autoseg.classification.components import CaseComponents, LesionReference, measure_case
from autoseg.classification.cross_fitting import Judge, count_found, make_judges
from autoseg.classification.training import BUILDERS, Trained, train_classifier

__all__ = [
    "BUILDERS",
    "CaseComponents",
    "Judge",
    "LesionReference",
    "Trained",
    "count_found",
    "make_judges",
    "measure_case",
    "train_classifier",
]
