"""Trained models, read from the folder of a fold or from a bundle; what is chosen of several."""

from autoseg.models.bundle import Bundle, Cover, is_bundle, write_bundle
from autoseg.models.model import Model, Weights, read_fold, read_settings
from autoseg.models.model_set import ModelSet, Rule, Stages
from autoseg.models.selection import MeasuredFold, Selection
from autoseg.models.tensors import load_weights

__all__ = [
    "Bundle",
    "Cover",
    "MeasuredFold",
    "Model",
    "ModelSet",
    "Rule",
    "Selection",
    "Stages",
    "Weights",
    "is_bundle",
    "load_weights",
    "read_fold",
    "read_settings",
    "write_bundle",
]
