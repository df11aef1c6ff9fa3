"""A trained fold, read from its folder; what is chosen of several."""

from autoseg.models.model import Model, Weights, read_fold, read_settings
from autoseg.models.selection import MeasuredFold, Selection
from autoseg.models.tensors import load_weights

__all__ = ["MeasuredFold", "Model", "Selection", "Weights", "load_weights", "read_fold", "read_settings"]
