"""Trained models, read from the folder of a fold or from a bundle."""

from autoseg.models.bundle import Bundle, Cover, is_bundle, write_bundle
from autoseg.models.model import Model, Weights, read_fold, read_settings
from autoseg.models.model_set import ModelSet, Rule, Stages
from autoseg.models.tensors import load_weights

__all__ = [
    "Bundle",
    "Cover",
    "Model",
    "ModelSet",
    "Rule",
    "Stages",
    "Weights",
    "is_bundle",
    "load_weights",
    "read_fold",
    "read_settings",
    "write_bundle",
]
