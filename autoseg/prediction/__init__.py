"""Predicting new scans with trained networks."""

from autoseg.prediction.models import Ensemble, load_ensemble, make_window
from autoseg.prediction.restore import Probabilities, mark, restore_logits, restore_probabilities
from autoseg.prediction.sliding_window import Window, predict_logits

__all__ = [
    "Ensemble",
    "Probabilities",
    "Window",
    "load_ensemble",
    "make_window",
    "mark",
    "predict_logits",
    "restore_logits",
    "restore_probabilities",
]
