"""A trained fold, read from its folder."""

from autoseg.models.model import Model, Weights, read_fold, read_settings
from autoseg.models.tensors import load_weights

__all__ = ["Model", "Weights", "load_weights", "read_fold", "read_settings"]
