"""Every part that a plan can name is built by something, and everything that builds something is named by a plan."""

from __future__ import annotations

import pytest

from autoseg import classification, losses, networks, postprocessing
from autoseg.preprocessing import intensities
from autoseg.sampling import augmentations
from autoseg.sampling.patches import case_choice, placing
from autoseg.training import optimizers, weights
from dataset_fingerprints.errors import PlanError
from planners.builders import BuilderTable
from planners.choices import Choice
from planners.parts import PARTS, POSTPROCESSING

# By the field of a configuration that chooses. A schedule needs no torch, and is a function in planners.parts.
TABLES: dict[str, BuilderTable] = {
    "network": networks.BUILDERS,
    "preprocessing.normalization": intensities.BUILDERS,
    "sampling.cases": case_choice.BUILDERS,
    "sampling.patches": placing.BUILDERS,
    "sampling.augmentations": augmentations.BUILDERS,
    "training.loss": losses.BUILDERS,
    "training.optimizer": optimizers.BUILDERS,
    "training.weights": weights.BUILDERS,
}
# What a model's decision lists, and what a plan gives lesions classes by, is chosen by no field of a configuration.
EVERY_TABLE = {
    **TABLES,
    "postprocessing": postprocessing.BUILDERS,
    "lesion_classes": classification.BUILDERS,
}
# And the function that each of their entries is.
WITHOUT_BUILDERS = {"training.growth": "extents", "training.schedule": "factor"}


def test_every_kind_of_part_has_its_table_of_builders() -> None:
    assert TABLES.keys() | WITHOUT_BUILDERS.keys() == PARTS.keys()
    assert all(builders.table is PARTS[field] for field, builders in TABLES.items())
    assert postprocessing.BUILDERS.table is POSTPROCESSING


@pytest.mark.parametrize("field", EVERY_TABLE)
def test_every_entry_has_a_builder_and_every_builder_an_entry(field: str) -> None:
    entries = list(EVERY_TABLE[field].table.values())
    assert set(entries) == set(EVERY_TABLE[field].own)
    assert len(entries) == len(set(entries)), "two names with the same options would have the same builder"


@pytest.mark.parametrize("field", EVERY_TABLE)
def test_a_misspelt_part_is_refused_with_the_one_that_was_meant(field: str) -> None:
    name = next(iter(EVERY_TABLE[field].table))
    with pytest.raises(PlanError, match=f"Did you mean '{name}'"):
        EVERY_TABLE[field].find(Choice(name=f"{name}x"))


@pytest.mark.parametrize("field", sorted(WITHOUT_BUILDERS))
def test_an_entry_without_a_builder_is_a_function_itself(field: str) -> None:
    assert all(callable(getattr(PARTS[field][name], WITHOUT_BUILDERS[field], None)) for name in PARTS[field])
