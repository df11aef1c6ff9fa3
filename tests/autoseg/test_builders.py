"""Every part that a plan can name is built by something, and everything that builds something is named by a plan."""

from __future__ import annotations

import pytest

from autoseg import losses, networks
from autoseg.preprocessing import intensities
from autoseg.sampling import augmentations
from autoseg.sampling.patches import case_choice, placing
from autoseg.training import optimizers, weights
from dataset_fingerprints.errors import PlanError
from planners.builders import BuilderTable
from planners.choices import Choice
from planners.parts import PARTS

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
WITHOUT_BUILDERS = {"training.schedule"}


def test_every_kind_of_part_has_its_table_of_builders() -> None:
    assert TABLES.keys() | WITHOUT_BUILDERS == PARTS.keys()
    assert all(builders.table is PARTS[field] for field, builders in TABLES.items())


@pytest.mark.parametrize("field", TABLES)
def test_every_entry_has_a_builder_and_every_builder_an_entry(field: str) -> None:
    entries = [PARTS[field][name] for name in PARTS[field]]
    assert set(entries) == set(TABLES[field].own)
    assert len(entries) == len(set(entries)), "two names with the same options would have the same builder"


@pytest.mark.parametrize("field", TABLES)
def test_a_misspelt_part_is_refused_with_the_one_that_was_meant(field: str) -> None:
    name = next(iter(PARTS[field]))
    with pytest.raises(PlanError, match=f"Did you mean '{name}'"):
        TABLES[field].find(Choice(name=f"{name}x"))


@pytest.mark.parametrize("field", sorted(WITHOUT_BUILDERS))
def test_an_entry_without_a_builder_is_a_function_itself(field: str) -> None:
    assert all(callable(getattr(PARTS[field][name], "factor", None)) for name in PARTS[field])
