"""Choice of configurations and of the rules that make masks, cross-fitted on out-of-fold probabilities."""

from autoseg.selection.cases import HeldOut, Setting, Source
from autoseg.selection.choosing import Choices, choose_all, list_sources
from autoseg.selection.measuring import measure_case, name_targets
from autoseg.selection.rules import PLAIN, Rule, list_rules

__all__ = [
    "PLAIN",
    "Choices",
    "HeldOut",
    "Rule",
    "Setting",
    "Source",
    "choose_all",
    "list_rules",
    "list_sources",
    "measure_case",
    "name_targets",
]
