"""Choice of the configurations that are planned: each has a resolution, a patch and a network."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from dataset_fingerprints.fingerprint import DatasetFingerprint
from dataset_fingerprints.geometry import Triple
from dataset_fingerprints.names import counted
from planners.choices import Choice, choose
from planners.halves import Halves
from planners.networks.topology import reorder_axes
from planners.plan import Configuration, Decision, Preprocessing, Sampling, Training
from planners.rules.schedule import choose_prediction
from planners.rules.spacing import Resolution, choose_coarse_axis
from planners.rules.strategies import MARGIN_MM
from planners.sizing.batches import Size, View, choose_size
from planners.sizing.budgets import DeviceRules, Resources
from planners.sizing.low_resolution import COVERED_SHARE, FEWER_VOXELS, LowResolution, Wish, choose_low_resolution
from planners.sizing.size_decisions import explain_size
from planners.stage_inputs import CropTo, MaskOf


@dataclass(frozen=True, kw_only=True, slots=True)
class Planned:
    """Configurations, the reasons for them, and the name of the one to use by default."""

    configurations: tuple[Configuration, ...]
    decisions: tuple[Decision, ...]
    default: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Basis:
    """Values that all configurations of a plan have in common.

    Attributes:
        cases: in the data set; where scans are divided, their halves.
        preprocessing: of the full resolution.
        context_mm: the edge that patches of one configuration should have; 0 for no such wish.
        pools_dice: as in `planners.planner.RulePlanner`.
        fixed: the same.
        crops: whether a configuration looks at the box around what another one found: one of a low resolution, where it
            is planned, or of the full resolution where it is not.
        slices_first: whether 2D is the configuration to use by default.
        halves: that scans are divided into, or None.
    """

    cases: int
    rules: DeviceRules
    resources: Resources
    resolution: Resolution
    preprocessing: Preprocessing
    sampling: Sampling
    training: Training
    context_mm: float
    pools_dice: bool
    fixed: bool
    crops: Literal["", "low", "any"] = ""
    slices_first: bool = False
    halves: Halves | None = None

    def divide(self, halves: Halves) -> Basis:
        """Return the same of the halves of all scans."""
        resolution = self.resolution.halve(halves.axis)
        return replace(self, cases=2 * self.cases, resolution=resolution, halves=halves)

    def has_wishes(self) -> bool:
        """Return whether another configuration than 3D at full resolution is to be the default."""
        return bool(self.crops) or self.slices_first

    def count_cases(self) -> str:
        """Return in words how many cases there are."""
        return counted(self.cases, "scan") if self.halves is None else counted(self.cases, "half", "halves of scans")


def plan_configurations(fingerprint: DatasetFingerprint, basis: Basis) -> Planned:
    """Plan 2D always, 3D unless every scan is a single slice, low resolution and cascade where patches are small.

    Raises:
        PlanError: the memory is too small for any network.
    """
    flat = _size("2d", basis)
    slices = _pool_dice(_configure("2d", basis.resolution, flat, basis), basis, pooled=True)
    reasons = [_decide("2d", planned=True, rule=_WHY_2D, evidence=basis.count_cases())]
    if basis.resolution.flat:
        rule = "Not for scans of a single slice."
        reasons += [_decide(name, planned=False, rule=rule, evidence="one slice per scan") for name in _IN_3D]
        reasons += explain_size(slices, flat.network, basis.resolution)
        return Planned(configurations=(slices,), decisions=tuple(reasons), default="2d")
    size = _size("3d_fullres", basis)
    fullres = _configure("3d_fullres", basis.resolution, size, basis)
    low = _choose_low_resolution(size, basis)
    reasons.append(_decide("3d_fullres", planned=True, rule=_WHY_3D, evidence=basis.count_cases()))
    reasons += [_decide_low("3d_lowres", low), _decide_low("3d_cascade_fullres", low)]
    reasons += explain_size(slices, flat.network, basis.resolution)
    reasons += explain_size(fullres, size.network, basis.resolution)
    if low.size is None:
        others: tuple[Configuration, ...] = (_pool_dice(fullres, basis, pooled=False),)
    else:
        fullres = _pool_dice(fullres, basis, pooled=True)
        lowres = _pool_dice(_configure_low(fingerprint, low, low.size, basis), basis, pooled=False)
        cascade = replace(fullres, name="3d_cascade_fullres", inputs=(MaskOf(configuration="3d_lowres"),))
        others = (fullres, lowres, cascade)
        reasons += explain_size(lowres, low.size.network, low.resolution)
    cropped = _crop(others, basis)
    if cropped:
        reasons.append(_decide(CROPPED, planned=True, rule=_WHY_CROP, evidence=f"found by {cropped[0].needs()[0]}"))
    default = "2d" if basis.slices_first else CROPPED if cropped else "3d_fullres"
    if default != "3d_fullres":
        rule = "A rule of strategy asks for it (--rule)."
        reasons.append(Decision(field="default_configuration", value=default, rule=rule, evidence="see the rules"))
    return Planned(configurations=(slices, *others, *cropped), decisions=tuple(reasons), default=default)


CROPPED = "3d_crop_fullres"
_IN_3D: tuple[str, ...] = ("3d_fullres", "3d_lowres", "3d_cascade_fullres")
# All that planners plan which follow the size of scans and memory.
GENERAL = ("2d", *_IN_3D, CROPPED)
_WHY_2D = "Always: slices need the least memory and time, and suit scans with very thick slices."
_WHY_3D = "The scans are volumes: a lesion continues from slice to slice, noise does not."
_WHY_LOW = (
    "Its patches see more of the body at once; planned where a patch covers less than "
    f"{COVERED_SHARE:.0%} of the median body, and a voxel size that changes this leaves at most half of the voxels."
)
_WHY_CROP = "The box around what another configuration found, at full resolution: a rule of strategy asks for it."
_WHY_CASCADE = "Corrects the low resolution's masks at full resolution; planned where there is a low resolution."


def _size(name: str, basis: Basis) -> Size:
    axes = _sizing_axes(name, basis.resolution)
    spacing = tuple(basis.resolution.spacing_mm[axis] for axis in axes)
    shape = tuple(basis.resolution.median_shape[axis] for axis in axes)
    return _size_at(spacing, shape, math.prod(basis.resolution.median_shape) * basis.cases, basis)


def _size_at(spacing: tuple[float, ...], shape: tuple[float, ...], voxels: float, basis: Basis) -> Size:
    axes = len(spacing)
    view = View(spacing_mm=spacing, median_shape=shape, data_set_voxels=voxels)
    return choose_size(view, basis.rules.sizes(axes), basis.rules.budget(axes, basis.resources))


def _sizing_axes(name: str, resolution: Resolution) -> tuple[int, ...]:
    return tuple(axis for axis in resolution.anchor_axes() if name != "2d" or axis != resolution.slice_axis)


def _configure(name: str, resolution: Resolution, size: Size, basis: Basis) -> Configuration:
    axes = _sizing_axes(name, resolution)
    return Configuration(
        name=name,
        halves=basis.halves,
        slice_axis=resolution.slice_axis if name == "2d" else -1,
        preprocessing=basis.preprocessing,
        patch_shape=_canonical_shape(size, axes),
        batch_size=size.batch_size,
        network=choose("unet", reorder_axes(size.network, axes)),
        sampling=basis.sampling,
        training=basis.training,
        prediction=choose_prediction(tuple(sorted(axes))),
    )


def _choose_low_resolution(size: Size, basis: Basis) -> LowResolution:
    def size_at(spacing: tuple[float, ...], shape: tuple[float, ...], voxels: float) -> Size:
        return _size_at(spacing, shape, voxels, basis)

    most_voxels = basis.rules.budget(3, basis.resources).most_voxels()
    wish = Wish(most_voxels=most_voxels, context_mm=basis.context_mm)
    return choose_low_resolution(basis.resolution, size.patch_shape, wish, basis.cases, size_at)


def _crop(others: Sequence[Configuration], basis: Basis) -> tuple[Configuration, ...]:
    """Return the configuration that looks at the box around what another one found, where that is wished for."""
    known = {entry.name: entry for entry in others}
    finder = "3d_lowres" if "3d_lowres" in known else "3d_fullres"
    if not basis.crops or (basis.crops == "low" and finder == "3d_fullres"):
        return ()
    box = CropTo(configuration=finder, margin_mm=MARGIN_MM)
    return (replace(known["3d_fullres"], name=CROPPED, inputs=(box,)),)


def _configure_low(fingerprint: DatasetFingerprint, low: LowResolution, size: Size, basis: Basis) -> Configuration:
    spacing = low.resolution.spacing_mm
    scans = np.array([case.spacing_mm for case in fingerprint.cases], dtype=np.float64)
    preprocessing = replace(basis.preprocessing, spacing_mm=spacing, coarse_axis=choose_coarse_axis(scans, spacing))
    return replace(_configure("3d_lowres", low.resolution, size, basis), preprocessing=preprocessing)


def _pool_dice(configuration: Configuration, basis: Basis, *, pooled: bool) -> Configuration:
    if not basis.pools_dice:
        return configuration
    loss = configuration.training.loss
    # What a rule has chosen stays.
    pooling = Choice(name=loss.name, options={"batch_dice": pooled, **loss.options})
    return replace(configuration, training=replace(configuration.training, loss=pooling))


def _canonical_shape(size: Size, axes: tuple[int, ...]) -> Triple:
    lengths = dict(zip(axes, size.patch_shape, strict=True))
    return (lengths.get(0, 1), lengths.get(1, 1), lengths.get(2, 1))


def _decide_low(name: str, low: LowResolution) -> Decision:
    evidence = f"the full resolution's patch covers {low.covered:.1%} of the median body"
    if low.fewer > 1:
        evidence += (
            f"; a low resolution would have {low.fewer:.2g} times fewer voxels (at least {FEWER_VOXELS:g} asked)"
        )
    rule = _WHY_LOW if name == "3d_lowres" else _WHY_CASCADE
    return _decide(name, planned=low.size is not None, rule=rule, evidence=evidence)


def _decide(name: str, *, planned: bool, rule: str, evidence: str) -> Decision:
    value = "planned" if planned else "not planned"
    change = "" if name == "2d" else "scans of other sizes, or more or less memory"
    return Decision(field=f"configurations.{name}", value=value, rule=rule, evidence=evidence, change=change)
