"""Predicting scans: predictors turn a scan into probabilities, `decide` turns these into labels."""

from autoseg.prediction.cascade import Cascade, Stage, build_cascade
from autoseg.prediction.deciding import Decision, SlabReader, choose_labels, decide, decision_of
from autoseg.prediction.ensemble import Ensemble, merge
from autoseg.prediction.inputs import NetworkInput, SharedInputs, find_box
from autoseg.prediction.joining import Joined, combine, join_predictors
from autoseg.prediction.loaded import LoadedModel, Prediction
from autoseg.prediction.members import Member, make_members, make_window
from autoseg.prediction.memory import Memory
from autoseg.prediction.probabilities import (
    Fallback,
    Layers,
    Predictor,
    Probabilities,
    Slab,
    StoredLayers,
    select_targets,
)
from autoseg.prediction.quantised import Quantised, Quantiser, quantise
from autoseg.prediction.segmented import Segmented, list_members
from autoseg.prediction.sliding.efforts import count_passes, describe_effort, list_efforts
from autoseg.prediction.sliding.tiles import Window
from autoseg.prediction.sliding.watching import watching
from autoseg.prediction.sliding.window import predict_logits
from autoseg.prediction.spread import Uncertainty, spread

__all__ = [
    "Cascade",
    "Decision",
    "Ensemble",
    "Fallback",
    "Joined",
    "Layers",
    "LoadedModel",
    "Member",
    "Memory",
    "NetworkInput",
    "Prediction",
    "Predictor",
    "Probabilities",
    "Quantised",
    "Quantiser",
    "Segmented",
    "SharedInputs",
    "Slab",
    "SlabReader",
    "Stage",
    "StoredLayers",
    "Uncertainty",
    "Window",
    "build_cascade",
    "choose_labels",
    "combine",
    "count_passes",
    "decide",
    "decision_of",
    "describe_effort",
    "find_box",
    "join_predictors",
    "list_efforts",
    "list_members",
    "make_members",
    "make_window",
    "merge",
    "predict_logits",
    "quantise",
    "select_targets",
    "spread",
    "watching",
]
