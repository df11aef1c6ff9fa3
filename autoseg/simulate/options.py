"""Options of the simulator, and checks that they can be met."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from dataset_fingerprints.errors import AutosegError

Voxels = Literal["cubic", "thick-slices", "sites"]
LayoutName = Literal["nnunet", "bids", "numbered"]

# A brain is 145 x 180 x 150 mm; a smaller field of view cuts it.
_LEAST_VIEW_MM = 100.0
_LONGEST_AXIS = 512
_MOST_CASES = 1_000_000
MOST_SITES = 10


@dataclass(frozen=True, kw_only=True, slots=True)
class SimulationOptions:
    """Options that decide the bytes of a simulated data set.

    Attributes:
        cases: number of training cases.
        held_out_cases: number of further cases, written apart with their masks.
        spacing_mm: edge of the cubic voxels; other voxels are in proportion to it.
        seed: each case is drawn from (seed, its index), whatever the number of cases.
        min_lesion_ml: smallest total lesion volume of a case; one voxel where a voxel is larger.
        max_lesion_ml: largest total lesion volume of a case.
        voxels: cubic for all scans; or some sites have slices 1.5 times as thick; or voxels as the sites of ATLAS.
        anisotropic_share: share of scans from sites whose voxels are not cubic, unless all are.
        shape: pads or crops every scan to this many voxels along right, anterior, superior; () for no fixed shape.
        head: whether scalp, skull and air are shown, rather than a skull-stripped brain.
        flair: whether there is a second channel.
        lesion_masks: a folder of lesion masks in MNI space to take shapes from; "" to draw shapes.
        lesion_value: the integer that means lesion in the label maps.
        oddities: kinds of defects to plant, each in cases of its own.
        layout: how the files are named and ordered; a scan is the same in all.
        sites: number of sites that the scans come from, 1 to 10, in the order of their sizes.
    """

    cases: int = 20
    held_out_cases: int = 5
    spacing_mm: float = 2.0
    seed: int = 0
    min_lesion_ml: float = 0.01
    max_lesion_ml: float = 390.0
    voxels: Voxels = "cubic"
    anisotropic_share: float = 0.28
    shape: tuple[int, ...] = ()
    head: bool = False
    flair: bool = False
    lesion_masks: str = ""
    lesion_value: int = 1
    oddities: tuple[str, ...] = ()
    layout: LayoutName = "nnunet"
    sites: int = MOST_SITES

    def channels(self) -> tuple[str, ...]:
        """Return the names of the channels."""
        return ("T1w", "FLAIR") if self.flair else ("T1w",)


DEFAULT_OPTIONS = SimulationOptions()


def choose_voxels(cubic: bool, anisotropic_share: float | None) -> Voxels:
    """Return which voxels are meant by two wishes, of which at most one may be made.

    Raises:
        AutosegError: both are made.
    """
    if cubic and anisotropic_share is not None:
        raise AutosegError(
            f"simulate: both one voxel size for all and an anisotropic share of {anisotropic_share:g} were asked for. "
            "Leave one of them out."
        )
    if cubic:
        return "cubic"
    return "sites" if anisotropic_share is None else "thick-slices"


def parse_shape(text: str | None) -> tuple[int, ...]:
    """Return the lengths in a text such as 197,233,189; () for None.

    Raises:
        AutosegError: it is not a list of whole numbers.
    """
    if text is None:
        return ()
    lengths = text.replace("x", ",").split(",")
    if not all(length.strip().isdecimal() and len(length) < 10 for length in lengths):
        raise AutosegError(f"simulate: shape is '{text[:80]}'. Write three numbers of voxels, for example 197,233,189.")
    return tuple(int(length) for length in lengths)


def check_options(options: SimulationOptions) -> None:
    """Refuse what cannot be simulated.

    Raises:
        AutosegError: names the wish, its value and what can be met.
    """
    volumes_ml = (options.min_lesion_ml, options.max_lesion_ml)
    counts = f"{options.cases} training and {options.held_out_cases} held-out cases"
    met = (
        (
            1 <= options.cases <= _MOST_CASES and 0 <= options.held_out_cases <= _MOST_CASES,
            f"{counts} were asked for. Ask for 1 to {_MOST_CASES} training cases and at most as many others.",
        ),
        (options.seed >= 0, f"seed is {options.seed}. Choose a whole number from 0 on."),
        (
            1.0 <= options.spacing_mm <= 6.0,
            f"spacing_mm is {options.spacing_mm}. Choose a spacing from 1 to 6 mm.",
        ),
        (
            0 < volumes_ml[0] <= volumes_ml[1] <= 390,
            f"lesions from {volumes_ml[0]} to {volumes_ml[1]} ml were asked for. Choose a range within 0 to 390 ml.",
        ),
        (
            0 <= options.anisotropic_share <= 1,
            f"anisotropic_share is {options.anisotropic_share}. Choose a share from 0 to 1.",
        ),
        (
            1 <= options.lesion_value <= 255,
            f"lesion_value is {options.lesion_value}. Choose a whole number from 1 to 255.",
        ),
        (1 <= options.sites <= MOST_SITES, f"{options.sites} sites were asked for. Choose 1 to {MOST_SITES}."),
    )
    for can_be_met, message in (*met, *_layouts_met(options)):
        if not can_be_met:
            raise AutosegError(f"simulate: {message}")
    _check_shape(options)


def _layouts_met(options: SimulationOptions) -> tuple[tuple[bool, str], ...]:
    """Return what the layouts ask for, each with whether it is met."""
    plain = options.layout == "nnunet"
    return (
        (
            plain or not options.oddities,
            f"oddities were asked for in the layout {options.layout}. Plant them in the layout nnunet.",
        ),
        (
            plain or options.lesion_value == 1,
            f"lesion_value is {options.lesion_value} in the layout {options.layout}, which does not name labels. "
            "Choose 1, or the layout nnunet.",
        ),
        (
            options.layout != "numbered" or not options.flair,
            "a second channel was asked for in the layout numbered, of one scan per case. Choose nnunet or bids.",
        ),
    )


def _check_shape(options: SimulationOptions) -> None:
    shape = options.shape
    if not shape:
        return
    least = round(_LEAST_VIEW_MM / options.spacing_mm)
    if len(shape) != 3 or not all(least <= length <= _LONGEST_AXIS for length in shape):
        raise AutosegError(
            f"simulate: shape is {','.join(str(length) for length in shape)}. Choose three lengths from {least} (which "
            f"is {_LEAST_VIEW_MM:g} mm) to {_LONGEST_AXIS} voxels, for example 197,233,189."
        )
