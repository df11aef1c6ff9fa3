"""Ten sites: each with scanner, protocol, voxel size and way of storing of its own, and its share of the scans."""

from __future__ import annotations

from dataclasses import dataclass
from math import floor

import numpy as np

from autoseg.simulate.fields import Lengths
from autoseg.simulate.options import MOST_SITES, SimulationOptions

# Independent random stream of one seed; cases use others.
_SITE_STREAM = 2

# Share of scans that are stored with the slices along the first axis, as 9 of 1453 in ATLAS R3.0 are.
_RARE_FRACTION = 9 / 1453
_RARE_ORIENTATIONS = ("PSR", "PSR", "PSR", "PSR", "PSR", "PSR", "PSR", "PSR", "PSL")
_CUBE = (1.0, 1.0, 1.0)
_THICK_SLICES = (1.0, 1.0, 1.5)


@dataclass(frozen=True, kw_only=True, slots=True)
class Contrast:
    """Appearance of tissue in one channel; intensities are relative to white matter.

    Attributes:
        scar: what is left where tissue was lost but no cavity formed.
        vessels: intensity of vessels and remains of the meninges.
        vessel_level: SD above the mean that a random field has to reach on the brain's surface to show them.
        outside: intensities of what is around the brain, in the order of `head`'s constants.
        gain: intensity of white matter in the stored file.
        texture: share of the template's own T1w intensities in the image, 0 to 1.
        bias: SD of the log of the coil's sensitivity.
        noise: SD of the noise in each of the two quadrature channels.
        blur_voxels: SD of the point spread.
    """

    csf: float
    gm: float
    scar: float
    vessels: float
    vessel_level: float
    outside: tuple[float, ...]
    gain: float
    texture: float
    bias: float
    noise: float
    blur_voxels: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Site:
    """A scanner and its protocol.

    Attributes:
        channels: T1w, then FLAIR.
        voxel: edges of a voxel in units of the requested spacing.
        orientation: axis codes of the stored arrays.
        coil_seed: of the sensitivity that all its scans share.
    """

    name: str
    channels: tuple[Contrast, ...]
    voxel: Lengths
    orientation: str
    coil_seed: int


@dataclass(frozen=True, kw_only=True, slots=True)
class _Cohort:
    """Properties of a site that no seed changes: its number of scans differs as in the cohorts of ATLAS R2.0."""

    scans: int
    orientation: str
    voxel: Lengths = _CUBE


_COHORTS = (
    _Cohort(scans=111, orientation="LAS"),
    _Cohort(scans=49, orientation="RAS"),
    _Cohort(scans=45, orientation="RAS"),
    _Cohort(scans=38, orientation="LAS"),
    _Cohort(scans=37, orientation="RAS"),
    _Cohort(scans=37, orientation="RAS"),
    _Cohort(scans=29, orientation="LAS"),
    _Cohort(scans=24, orientation="RAS", voxel=_THICK_SLICES),
    _Cohort(scans=20, orientation="LAS", voxel=(0.94, 0.94, 1.2)),
    _Cohort(scans=10, orientation="LAS", voxel=(0.94, 3.0, 0.94)),
)
assert len(_COHORTS) == MOST_SITES


def choose_site(rng: np.random.Generator, number: int, options: SimulationOptions) -> Site:
    """Return the site of case `number`.

    The share of cases from sites with anisotropic voxels is exact, to one case, among the first n cases for every n,
    where there are sites of both kinds.
    """
    offset = np.random.default_rng([options.seed, _SITE_STREAM]).uniform()
    share = options.anisotropic_share
    anisotropic = floor(number * share + offset) > floor((number - 1) * share + offset)
    cohorts = _COHORTS[: options.sites]
    weights = np.array([cohort.scans * ((cohort.voxel != _CUBE) == anisotropic) for cohort in cohorts], np.float64)
    if not weights.any():  # the largest sites have cubic voxels only
        weights = np.array([cohort.scans for cohort in cohorts], np.float64)
    index = int(rng.choice(len(cohorts), p=weights / weights.sum()))
    return build_site(index, options)


def build_site(index: int, options: SimulationOptions) -> Site:
    """Return one site of a seed."""
    cohort = _COHORTS[index]
    rng = np.random.default_rng([options.seed, _SITE_STREAM, index])
    voxel = _CUBE if options.voxels == "cubic" else cohort.voxel
    if options.voxels == "thick-slices" and voxel != _CUBE:
        voxel = _THICK_SLICES
    return Site(
        name=f"site_{index + 1:02d}",
        channels=(_sample_t1(rng), _sample_flair(rng)),
        voxel=voxel,
        orientation=cohort.orientation,
        coil_seed=int(rng.integers(2**31)),
    )


def sample_orientation(rng: np.random.Generator, site: Site) -> str:
    """Draw how a scan is stored: nearly always as its site does."""
    rare = rng.uniform() < _RARE_FRACTION
    code = _RARE_ORIENTATIONS[int(rng.integers(len(_RARE_ORIENTATIONS)))]
    return code if rare else site.orientation


def _sample_t1(rng: np.random.Generator) -> Contrast:
    """Draw a T1w protocol; gains span five orders of magnitude, as the native ATLAS scans do."""
    csf = float(rng.uniform(0.22, 0.38))
    return Contrast(
        csf=csf,
        gm=float(rng.uniform(0.66, 0.80)),
        scar=csf,
        gain=float(10.0 ** rng.uniform(-1.0, 4.0)),
        texture=float(rng.uniform(0.25, 0.5)),
        bias=float(rng.uniform(0.04, 0.18)),
        noise=float(rng.uniform(0.015, 0.045)),
        blur_voxels=float(rng.uniform(0.0, 0.45)),
        vessels=float(rng.uniform(1.2, 2.1)),
        vessel_level=float(rng.uniform(0.6, 1.8)),
        outside=(0.0, csf, 0.12, float(rng.uniform(0.5, 0.9)), float(rng.uniform(1.0, 1.6)), 0.55),
    )


def _sample_flair(rng: np.random.Generator) -> Contrast:
    """Draw a FLAIR protocol: fluid is dark, grey matter brighter than white, scars brightest."""
    csf = float(rng.uniform(0.12, 0.25))
    return Contrast(
        csf=csf,
        gm=float(rng.uniform(1.1, 1.35)),
        scar=float(rng.uniform(1.9, 2.5)),
        gain=float(10.0 ** rng.uniform(-1.0, 4.0)),
        texture=0.0,
        bias=float(rng.uniform(0.04, 0.18)),
        noise=float(rng.uniform(0.03, 0.06)),
        blur_voxels=float(rng.uniform(0.3, 0.6)),
        vessels=float(rng.uniform(1.1, 1.6)),
        vessel_level=float(rng.uniform(1.2, 2.0)),
        outside=(0.0, csf, 0.12, float(rng.uniform(0.5, 0.8)), float(rng.uniform(1.0, 1.5)), 0.7),
    )
