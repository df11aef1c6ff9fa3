"""What a person asks the simulator for and what it says it made: the types behind simulation.json."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True, slots=True)
class SimulationOptions:
    """Everything that decides the bytes of a simulated data set.

    Attributes:
        cases: number of training cases.
        held_out_cases: number of further cases, written apart with their masks.
        spacing_mm: edge of the cubic voxels.
        seed: each case is drawn from (seed, its index), whatever the number of cases.
        min_lesion_ml: smallest total lesion volume of a case; one voxel where a voxel is larger.
        max_lesion_ml: largest total lesion volume of a case.
    """

    cases: int = 20
    held_out_cases: int = 5
    spacing_mm: float = 2.0
    seed: int = 0
    min_lesion_ml: float = 0.01
    max_lesion_ml: float = 390.0


@dataclass(frozen=True, kw_only=True, slots=True)
class SimulatedCase:
    """What is known of one simulated case because it was made so.

    Attributes:
        volume_ml: volume of the labelled voxels.
        contrast_to_noise: (mean of the tissue shell around the lesion - mean of the lesion) / SD of the shell.
        location: where the main lesion lies: subcortical, cortical, cerebellar or brainstem.
        lesions: number of lesions grown; two may touch.
        orientation: axis codes of the stored array, RAS or LAS.
    """

    name: str
    volume_ml: float
    contrast_to_noise: float
    location: str
    lesions: int
    site: str
    orientation: str
    held_out: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class SimulationRecord:
    """The content of simulation.json."""

    options: SimulationOptions
    cases: tuple[SimulatedCase, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class SimulatedDataset:
    """A finished simulated data set on disk."""

    folder: Path
    options: SimulationOptions
    cases: tuple[SimulatedCase, ...]
