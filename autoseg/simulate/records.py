"""Records of the simulated cases: the types behind simulation.json."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from autoseg.simulate.options import SimulationOptions


@dataclass(frozen=True, kw_only=True, slots=True)
class SimulatedCase:
    """Known truth about one simulated case.

    Attributes:
        volume_ml: volume of the labelled voxels.
        contrast_to_noise: (mean of the tissue shell around the lesion - mean of the lesion) / SD of the shell, in T1w.
        location: where the main lesion lies: subcortical, cortical, cerebellar or brainstem.
        lesions: number of lesions planned, or of components of the real mask; two may touch in the label map.
        oracle_dice: Dice between the true lesion and the label map, which is drawn by hand.
        orientation: axis codes of the stored arrays.
        spacing_mm: edges of a voxel along right, anterior, superior.
        subject: as in a file name of BIDS where it has several sessions, else the case's name.
        session: as in a file name of BIDS; "" for a subject with one session.
        mask: the file that the lesions' shapes come from; "" for drawn shapes.
    """

    name: str
    volume_ml: float
    contrast_to_noise: float
    location: str
    lesions: int
    oracle_dice: float
    site: str
    orientation: str
    spacing_mm: tuple[float, float, float]
    subject: str
    session: str
    mask: str
    held_out: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class PlantedDefect:
    """A defect that was planted on purpose.

    Attributes:
        kind: as `autoseg check` calls it.
        cases: those that have it.
        what: what was done to them.
    """

    kind: str
    cases: tuple[str, ...]
    what: str


@dataclass(frozen=True, kw_only=True, slots=True)
class SimulationRecord:
    """The content of simulation.json.

    Attributes:
        simulated: the mark by which every reader of the data set knows that no person was scanned.
    """

    options: SimulationOptions
    cases: tuple[SimulatedCase, ...]
    defects: tuple[PlantedDefect, ...] = ()
    simulated: bool = True


@dataclass(frozen=True, kw_only=True, slots=True)
class SimulatedDataset:
    """A finished simulated data set on disk."""

    folder: Path
    options: SimulationOptions
    cases: tuple[SimulatedCase, ...]
    defects: tuple[PlantedDefect, ...] = ()
