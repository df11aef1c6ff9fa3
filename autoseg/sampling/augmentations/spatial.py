"""Rotation, scaling and mirroring of patches, as they are cut out of their cases.

Rotations are in voxels, not in millimetres: after preprocessing the spacing is nearly the same along the axes that
turn into each other (along a much coarser axis the patch is short, and that axis is left alone).
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray

from autoseg.sampling.augmentations.rows import to_device
from autoseg.sampling.augmentations.splines import spread_control_points
from autoseg.sampling.cases.voxels import Cutout
from autoseg.sampling.patches.geometry import Flips, Patch, PatchGeometry, copy_box
from dataset_fingerprints.geometry import Triple, TripleFloat

FLAT_PATCH_RATIO = 3.0
ELONGATED_SLICE_RATIO = 1.5
ELASTIC_POINTS = 7  # control points along an axis that is deformed
LEAST_POINTS = 4  # of a cubic spline
TIE_SHARE = 1e-3  # of a voxel: labels whose shares differ by less are decided by the nearest voxel
ROUNDING = 1e-6  # voxels: keeps a rounding error from enlarging a box by one


@dataclass(frozen=True, kw_only=True, slots=True)
class Elastic:
    """A smooth deformation.

    Attributes:
        displacements: in voxels of the case along x, y and z, at control points evenly over the patch, in C order.
        points: control points along each axis of the patch.
    """

    displacements: tuple[float, ...]
    points: Triple

    def reach(self) -> TripleFloat:
        """Return the largest displacement along each axis."""
        x, y, z = np.abs(np.reshape(self.displacements, (3, -1))).max(axis=1).tolist()
        return (x, y, z)


@dataclass(frozen=True, kw_only=True, slots=True)
class Spatial:
    """Mirroring, scaling, rotation about its centre, and deformation of one patch.

    Attributes:
        angles_deg: about the x, y and z axis.
        scales: voxels of the case per voxel of the patch; above 1 things look smaller.
        elastic: None for none.
    """

    angles_deg: TripleFloat = (0.0, 0.0, 0.0)
    scales: TripleFloat = (1.0, 1.0, 1.0)
    flips: Flips = (False, False, False)
    elastic: Elastic | None = None

    def interpolates(self) -> bool:
        """Say whether values between voxels are needed."""
        return any(self.angles_deg) or self.scales != (1.0, 1.0, 1.0) or self.elastic is not None

    def matrix(self) -> NDArray[np.float64]:
        """Return the (3, 3) map from an offset to the patch's centre to the offset in the case."""
        signs = np.where(self.flips, -1.0, 1.0)
        turn = np.eye(3)
        for axis, angle in enumerate(self.angles_deg):
            turn = _rotation(axis, angle) @ turn
        return turn @ np.diag(signs * np.array(self.scales))


@dataclass(frozen=True, kw_only=True, slots=True)
class SpatialRanges:
    """Ranges that `sample_spatial` draws from.

    Attributes:
        angles_deg: the largest rotation about each axis, to both sides.
        scaled: whether an axis takes part in the scaling, which has one factor for all that do.
        mirrored: whether an axis is mirrored, with probability 0.5.
        elastic_voxels: the highest standard deviation of a deformation's displacements.
    """

    rotation_probability: float
    angles_deg: TripleFloat
    scaling_probability: float
    scale_range: tuple[float, float]
    scaled: Flips
    mirrored: Flips
    elastic_probability: float = 0.0
    elastic_voxels: float = 0.0


def sample_spatial(rng: np.random.Generator, ranges: SpatialRanges) -> Spatial:
    """Draw how one patch is turned, scaled and mirrored."""
    angles, scale = [0.0, 0.0, 0.0], 1.0
    if rng.random() < ranges.rotation_probability:
        angles = [float(limit * rng.uniform(-1, 1)) for limit in ranges.angles_deg]
    if rng.random() < ranges.scaling_probability:
        scale = float(rng.uniform(*ranges.scale_range))
    scales = [scale if moves else 1.0 for moves in ranges.scaled]
    flips = [bool(allowed and rng.random() < 0.5) for allowed in ranges.mirrored]
    return Spatial(
        angles_deg=(angles[0], angles[1], angles[2]),
        scales=(scales[0], scales[1], scales[2]),
        flips=(flips[0], flips[1], flips[2]),
        elastic=_sample_elastic(rng, ranges),
    )


def _sample_elastic(rng: np.random.Generator, ranges: SpatialRanges) -> Elastic | None:
    """Draw a deformation along the axes that take part in the scaling."""
    if ranges.elastic_probability == 0 or rng.random() >= ranges.elastic_probability:
        return None
    x, y, z = (ELASTIC_POINTS if moves else LEAST_POINTS for moves in ranges.scaled)
    deviation = rng.uniform(0.0, ranges.elastic_voxels)
    displacements = rng.normal(0.0, deviation, (3, x, y, z))
    displacements[[not moves for moves in ranges.scaled]] = 0.0
    return Elastic(displacements=tuple(displacements.ravel().tolist()), points=(x, y, z))


def find_fixed_axis(patch_shape: Triple, slice_axis: int) -> int:
    """Return the axis that patches are turned about and not scaled along, or -1 if they move freely.

    It is the sliced axis in 2D, and in 3D the shortest edge of a patch more than three times as long elsewhere
    (nnU-Net's rule, Isensee 2021).
    """
    if slice_axis >= 0 or max(patch_shape) <= FLAT_PATCH_RATIO * min(patch_shape):
        return slice_axis
    return patch_shape.index(min(patch_shape))


def is_elongated_slice(patch_shape: Triple, slice_axis: int) -> bool:
    """Say whether a 2D patch is so long that large rotations would look mostly beside it (nnU-Net's rule)."""
    edges = [edge for axis, edge in enumerate(patch_shape) if axis != slice_axis]
    return slice_axis >= 0 and max(edges) > ELONGATED_SLICE_RATIO * min(edges)


def find_box(patch: Patch, spatial: Spatial, shape: Triple) -> tuple[Triple, Triple]:
    """Return the start and the edges of the box of a case that a patch is made from; it may reach out of the case."""
    if not spatial.interpolates():
        return patch.start, shape
    window = _find_window(patch.start, spatial, shape)
    return window.start, window.edges


def apply_spatial(
    places: Sequence[tuple[Patch, Spatial]],
    cutouts: Sequence[Cutout],
    geometry: PatchGeometry,
    device: torch.device,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Make a batch of patches, turned, scaled and mirrored; 0 outside of the case.

    Patches that are neither turned nor scaled are copied exactly; the others are interpolated together: images
    linearly, labels likewise one by one, of which the largest share wins, and other maps from the nearest voxel.

    Args:
        places: of the patches.
        cutouts: the box of each that `find_box` names, on the device.
        geometry: of the batch.
        device: where the batch is made.

    Returns:
        images (batch, channel, x, y, z) float32 and maps (batch, map, x, y, z) in their own type; with the slices
        beside each patch that the geometry names.
    """
    places = [(geometry.see(patch), spatial) for patch, spatial in places]
    shape, maps_of_one = geometry.seen_shape(), cutouts[0].maps
    images = torch.zeros((len(places), cutouts[0].image.shape[0], *shape), device=device)
    # The last map has the widest type.
    maps = torch.zeros((len(places), len(maps_of_one), *shape), dtype=maps_of_one[-1].dtype, device=device)
    moved = [row for row, (_, spatial) in enumerate(places) if spatial.interpolates()]
    for row, (patch, spatial) in enumerate(places):
        if row not in moved:
            _fill(cutouts[row], patch.start, spatial.flips, images[row], maps[row])
    if moved:
        values, nearest = interpolate_patches(
            [places[row] for row in moved], [cutouts[row] for row in moved], shape, device, geometry.slice_axis
        )
        for position, row in enumerate(moved):
            images[row].copy_(values[position])
            maps[row].copy_(nearest[position])
    return images, maps


def interpolate_patches(
    places: Sequence[tuple[Patch, Spatial]],
    cutouts: Sequence[Cutout],
    shape: Triple,
    device: torch.device,
    slice_axis: int = -1,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return turned and scaled patches, interpolated in one batch; all slices of one are deformed alike.

    Returns:
        images (batch, channel, x, y, z) float32 and maps (batch, map, x, y, z) float32.
    """
    windows = [_find_window(patch.start, spatial, shape) for patch, spatial in places]
    box = tuple(max(edges) for edges in zip(*(window.edges for window in windows), strict=True))
    images = torch.zeros((len(places), cutouts[0].image.shape[0], *box), device=device)
    maps = torch.zeros((len(places), len(cutouts[0].maps), *box), device=device)
    for row, (cutout, window) in enumerate(zip(cutouts, windows, strict=True)):
        _fill(cutout, window.start, (False, False, False), images[row], maps[row])
    affine = to_device(np.stack([_make_grid_map(window, shape, box) for window in windows]), device)
    grid = F.affine_grid(affine, [len(places), 1, *shape], align_corners=False)
    for row, (_, spatial) in enumerate(places):
        if spatial.elastic is not None:
            x, y, z = (1 if axis == slice_axis else length for axis, length in enumerate(shape))
            grid[row].add_(_make_displacement(spatial.elastic, (x, y, z), box, device))
    values = F.grid_sample(images, grid, mode="bilinear", padding_mode="zeros", align_corners=False)
    nearest = F.grid_sample(maps, grid, mode="nearest", padding_mode="zeros", align_corners=False)
    nearest[:, 0] = _choose_labels(maps[:, :1], grid, {index for one in cutouts for index in one.labels}, nearest[:, 0])
    return values, nearest


def _choose_labels(
    maps: torch.Tensor, grid: torch.Tensor, labels: Collection[int], nearest: torch.Tensor
) -> torch.Tensor:
    """Return the label with the largest share of each place, its indicator interpolated linearly.

    That is closer to where outlines belong than the nearest voxel's label (experiments/LOG.md, "Augmentation beside
    batchgeneratorsv2").

    Args:
        maps: (batch, 1, x, y, z) label indices; 0 lies around them.
        grid: where they are wanted, as `grid_sample` takes it.
        labels: all indices that occur but 0.
        nearest: (batch, x, y, z) the nearest voxel's label, which settles ties.
    """
    chosen, best, rest = torch.zeros_like(nearest), torch.zeros_like(nearest), torch.ones_like(nearest)
    for label in sorted(labels):
        share = F.grid_sample((maps == label).float(), grid, padding_mode="zeros", align_corners=False)[:, 0]
        rest -= share
        share += TIE_SHARE * (nearest == label)
        chosen = torch.where(share > best, float(label), chosen)
        best = torch.maximum(best, share)
    return torch.where(rest + TIE_SHARE * (nearest == 0) > best, 0.0, chosen)


def _fill(cutout: Cutout, start: Triple, flips: Flips, image: torch.Tensor, maps: torch.Tensor) -> None:
    """Copy a cutout to where it lies in a box that begins at `start` of the case."""
    x, y, z = (low - first for low, first in zip(start, cutout.start, strict=True))
    copy_box(cutout.image, (x, y, z), flips, image)
    for source, target in zip(cutout.maps, maps, strict=True):
        copy_box(source, (x, y, z), flips, target)


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class _Window:
    """The box of a case that a turned patch looks at.

    Attributes:
        start: the box's first voxel in the case.
        edges: the box's shape.
        centre: of the patch, in voxels from the box's first.
        matrix: (3, 3) from offsets in the patch to offsets in the box.
    """

    start: Triple
    edges: Triple
    centre: NDArray[np.float64]
    matrix: NDArray[np.float64]


def _find_window(start: Triple, spatial: Spatial, shape: Triple) -> _Window:
    half = (np.array(shape) - 1) / 2
    centre, matrix = np.array(start) + half, spatial.matrix()
    reach = np.abs(matrix) @ half
    if spatial.elastic is not None:
        reach = reach + spatial.elastic.reach()
    first = np.floor(centre - reach + ROUNDING).astype(int)
    edges = np.ceil(centre + reach - ROUNDING).astype(int) - first + 1
    return _Window(start=_triple(first), edges=_triple(edges), centre=centre - first, matrix=matrix)


def _make_grid_map(window: _Window, shape: Triple, box: tuple[int, ...]) -> NDArray[np.float32]:
    """Return the (3, 4) map for `affine_grid`: -1 and 1 are the outer faces of the end voxels, axes run z, y, x."""
    unit = 2 / np.array(box)
    linear = unit[:, None] * window.matrix * (np.array(shape) / 2)
    offset = unit * (window.centre + 0.5) - 1
    return np.concatenate([linear[::-1, ::-1], offset[::-1, None]], axis=1).astype(np.float32)


def _make_displacement(elastic: Elastic, shape: Triple, box: tuple[int, ...], device: torch.device) -> torch.Tensor:
    """Return what a deformation adds to a sampling grid (x, y, z, 3), whose coordinates run z, y, x from -1 to 1."""
    points = to_device(np.reshape(elastic.displacements, (3, *elastic.points)), device)
    unit = to_device(2 / np.array(box), device)
    moved = spread_control_points(points, shape) * unit.view(3, 1, 1, 1)
    return moved.flip(0).permute(1, 2, 3, 0)


def _rotation(axis: int, angle_deg: float) -> NDArray[np.float64]:
    angle = math.radians(angle_deg)
    first, second = (other for other in range(3) if other != axis)
    turn = np.eye(3)
    turn[first, first] = turn[second, second] = math.cos(angle)
    turn[first, second] = -math.sin(angle)
    turn[second, first] = math.sin(angle)
    return turn


def _triple(values: NDArray[np.integer]) -> Triple:
    return (int(values[0]), int(values[1]), int(values[2]))
