"""autoseg's augmentation beside batchgeneratorsv2's, which nnU-Net uses; runs where both can be imported.

`python -m experiments augmentation` starts this module in nnU-Net's own environment and shows what it prints.
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage

from autoseg.sampling import Patch, TrainingCase, make_resident_case
from autoseg.sampling.augmentations.contrast import (
    apply_brightness,
    apply_contrast,
    apply_gamma,
    apply_inverted_gamma,
    sample_factor,
)
from autoseg.sampling.augmentations.noise import apply_noise, sample_noise
from autoseg.sampling.augmentations.resolution import apply_blur, apply_low_resolution, sample_sigmas, sample_zooms
from autoseg.sampling.augmentations.spatial import Spatial, find_box, interpolate_patches
from dataset_fingerprints.dataset import Label, LabelScheme
from dataset_fingerprints.geometry import Box, Triple, TripleFloat
from planners.parts.augmentations import StandardOptions

CPU = torch.device("cpu")
TURNS, DRAWS, EDGE = 40, 400, 24
RADII = (1.5, 2.0, 3.0, 5.0, 8.0)
STATISTICS: Mapping[str, Callable[[NDArray[np.float64], NDArray[np.float64]], float]] = {
    "mean": lambda before, after: float(after.mean()),
    "SD": lambda before, after: float(after.std()),
    "5th percentile": lambda before, after: float(np.percentile(after, 5)),
    "95th percentile": lambda before, after: float(np.percentile(after, 95)),
    "mean absolute change": lambda before, after: float(np.abs(after - before).mean()),
    "SD of the change": lambda before, after: float((after - before).std()),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Turned:
    """The same turned and scaled patches, made by both.

    Attributes:
        images: the largest difference of a value, of images with a standard deviation of 1.
        transposed: the same, were the matrix transposed.
        nearest: share of voxels whose labels differ from those that the peer takes from the nearest voxel.
        linear: the same from the peer's default, linear interpolation label by label.
    """

    images: float
    transposed: float
    nearest: float
    linear: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Statistic:
    """A statistic of a transform's results over many draws: means, and how many standard errors apart."""

    transform: str
    name: str
    ours: float
    theirs: float
    errors: float

    def row(self) -> tuple[str, ...]:
        """Return the figures as texts."""
        return (self.transform, self.name, f"{self.ours:.4f}", f"{self.theirs:.4f}", f"{self.errors:+.1f}")


def make_case(shape: Triple) -> TrainingCase:
    """Return smooth noise with three labels in thick layers."""
    noise = ndimage.gaussian_filter(np.random.default_rng(0).normal(size=shape), 2.0)
    noise = (noise - noise.mean()) / noise.std()
    label = np.digitize(noise, [0.0, 0.7, 1.4]).astype(np.uint8)
    scheme = LabelScheme(labels=tuple(Label(name=f"l{value}", value=value) for value in (1, 2, 3)))
    return make_resident_case("noise", noise[None].astype(np.float16), label, scheme.heads(), CPU)


def compare_turns(case_edge: int, patch_edge: int) -> Turned:
    """Turn and scale patches in the middle of a case; larger patches than cases also show what lies outside."""
    rng = np.random.default_rng(1)
    case, shape = make_case((case_edge,) * 3), (patch_edge,) * 3
    worst: list[Turned] = []
    for _ in range(TURNS):
        x, y, z = (float(angle) for angle in rng.uniform(-30, 30, 3))
        scale = float(rng.uniform(0.7, 1.4))
        image, label = _turn(case, shape, Spatial(angles_deg=(x, y, z), scales=(scale,) * 3))
        # About y, the peer turns the other way round.
        theirs, nearest = _turn_by_peer(case, shape, (x, -y, z), scale, "nearest")
        _, linear = _turn_by_peer(case, shape, (x, -y, z), scale, "bilinear")
        back, _ = _turn_back(case, shape, (x, -y, z), scale)
        worst.append(
            Turned(
                images=float((image - theirs).abs().max()),
                transposed=float((back - theirs).abs().max()),
                nearest=float((label != nearest).float().mean()),
                linear=float((label != linear).float().mean()),
            )
        )
    return Turned(
        images=max(one.images for one in worst),
        transposed=min(one.transposed for one in worst),
        nearest=float(np.mean([one.nearest for one in worst])),
        linear=float(np.mean([one.linear for one in worst])),
    )


def _turn(case: TrainingCase, shape: Triple, spatial: Spatial) -> tuple[torch.Tensor, torch.Tensor]:
    x, y, z = ((length - edge) // 2 for length, edge in zip(case.voxels.shape, shape, strict=True))
    patch = Patch(case=0, start=(x, y, z), target=0)
    images, maps = interpolate_patches([(patch, spatial)], [case.cut(*find_box(patch, spatial, shape))], shape, CPU)
    return images[0, 0], maps[0, 0]


def _turn_back(
    case: TrainingCase, shape: Triple, angles_deg: TripleFloat, scale: float
) -> tuple[torch.Tensor, torch.Tensor]:
    return _turn_by_peer(case, shape, angles_deg, scale, "nearest", transposed=True)


def _turn_by_peer(
    case: TrainingCase, shape: Triple, angles_deg: TripleFloat, scale: float, mode: str, *, transposed: bool = False
) -> tuple[torch.Tensor, torch.Tensor]:
    from batchgeneratorsv2.transforms.spatial import spatial as peer

    transform = peer.SpatialTransform(
        shape,
        patch_center_dist_from_border=0,
        random_crop=False,
        p_rotation=1.0,
        rotation=lambda *_, dim, **__: math.radians(angles_deg[dim]),
        p_scaling=1.0,
        scaling=(scale, scale),
        p_synchronize_scaling_across_axes=1.0,
        mode_seg=mode,
    )
    image, (label,) = case.voxels.read_box(Box(start=(0, 0, 0), stop=case.voxels.shape))
    values = {"image": image.float(), "segmentation": label[None].to(torch.int16)}
    if not transposed:
        made = transform(**values)
        return made["image"][0], made["segmentation"][0]
    parameters = transform.get_parameters(**values)
    matrix = parameters["affine"]
    lines = torch.stack(torch.meshgrid([torch.linspace((1 - e) / 2, (e - 1) / 2, e) for e in shape], indexing="ij"), -1)
    grid = peer._convert_my_grid_to_grid_sample_grid(lines @ torch.from_numpy(matrix).float(), case.voxels.shape)
    return transform._apply_to_image(values["image"], grid=grid)[0], label


def compare_intensities() -> list[Statistic]:
    """Draw every transform of intensities many times from nnU-Net's ranges, on one image."""
    case = make_case((EDGE,) * 3)
    image, _ = case.voxels.read_box(Box(start=(0, 0, 0), stop=case.voxels.shape))
    rows = image.float()
    ours, theirs = _our_transforms(), _peer_transforms()
    torch.manual_seed(2)
    np.random.seed(2)
    found = []
    for name, transform in ours.items():
        rng = np.random.default_rng(3)
        mine = [_describe(rows, transform(rng, rows)) for _ in range(DRAWS)]
        peers = [_describe(rows, theirs[name](rows.clone())) for _ in range(DRAWS)]
        for position, statistic in enumerate(STATISTICS):
            first, second = (np.array(side)[:, position] for side in (mine, peers))
            error = math.sqrt((first.var() + second.var()) / DRAWS)
            apart = float(first.mean() - second.mean())
            # Statistics that a transform keeps have no spread but rounding.
            errors = apart / error if error > 1e-5 else 0.0
            found.append(
                Statistic(
                    transform=name,
                    name=statistic,
                    ours=float(first.mean()),
                    theirs=float(second.mean()),
                    errors=errors,
                )
            )
    return found


def _describe(before: torch.Tensor, after: torch.Tensor) -> list[float]:
    first, second = before.double().numpy(), after.double().numpy()
    return [statistic(first, second) for statistic in STATISTICS.values()]


def _our_transforms() -> dict[str, Callable[[np.random.Generator, torch.Tensor], torch.Tensor]]:
    ranges, all_axes = StandardOptions(), (True, True, True)
    gammas = (ranges.gamma_low, ranges.gamma_high)
    zooms = (ranges.low_resolution_low, ranges.low_resolution_high)
    sigmas = (ranges.blur_sigma_low, ranges.blur_sigma_high)
    bright = (ranges.brightness_low, ranges.brightness_high)
    contrast = (ranges.contrast_low, ranges.contrast_high)
    return {
        "noise": lambda rng, rows: apply_noise(rows, [sample_noise(rng, ranges.noise_deviation)]),
        "blur": lambda rng, rows: apply_blur(rows, [sample_sigmas(rng, *sigmas, axes=3)]),
        "brightness": lambda rng, rows: apply_brightness(rows, [sample_factor(rng, *bright)]),
        "contrast": lambda rng, rows: apply_contrast(rows, [sample_factor(rng, *contrast)]),
        "low resolution": lambda rng, rows: apply_low_resolution(rows, [sample_zooms(rng, *zooms, zoomed=all_axes)]),
        "gamma": lambda rng, rows: apply_gamma(rows, [sample_factor(rng, *gammas)]),
        "inverted gamma": lambda rng, rows: apply_inverted_gamma(rows, [sample_factor(rng, *gammas)]),
    }


def _peer_transforms() -> dict[str, Callable[[torch.Tensor], torch.Tensor]]:
    from batchgeneratorsv2.transforms.intensity.brightness import MultiplicativeBrightnessTransform
    from batchgeneratorsv2.transforms.intensity.contrast import BGContrast, ContrastTransform
    from batchgeneratorsv2.transforms.intensity.gamma import GammaTransform
    from batchgeneratorsv2.transforms.intensity.gaussian_noise import GaussianNoiseTransform
    from batchgeneratorsv2.transforms.noise.gaussian_blur import GaussianBlurTransform
    from batchgeneratorsv2.transforms.spatial.low_resolution import SimulateLowResolutionTransform

    # As nnU-Net's trainer builds them.
    made = {
        "noise": GaussianNoiseTransform((0, 0.1), 1, True),
        "blur": GaussianBlurTransform((0.5, 1.0), False, False, 1),
        "brightness": MultiplicativeBrightnessTransform(BGContrast((0.75, 1.25)), False, 1),
        "contrast": ContrastTransform(BGContrast((0.75, 1.25)), True, False, 1),
        "low resolution": SimulateLowResolutionTransform((0.5, 1), False, True, None, None, 1),
        "gamma": GammaTransform(BGContrast((0.7, 1.5)), 0, False, 1, 1),
        "inverted gamma": GammaTransform(BGContrast((0.7, 1.5)), 1, False, 1, 1),
    }
    return {name: _on_images(transform) for name, transform in made.items()}


def _on_images(transform: Any) -> Callable[[torch.Tensor], torch.Tensor]:
    def apply(rows: torch.Tensor) -> torch.Tensor:
        changed: torch.Tensor = transform(image=rows)["image"]
        return changed

    return apply


def compare_labels() -> list[tuple[float, float, float]]:
    """Return per radius the mean Dice of a turned ball with the ball drawn where it belongs: ours, and the peer's."""
    rng, shape = np.random.default_rng(4), (EDGE, EDGE, EDGE)
    scheme = LabelScheme(labels=(Label(name="ball", value=1),))
    found = []
    for radius in RADII:
        scores = []
        for _ in range(TURNS):
            centre, x, y, z = rng.uniform(-0.5, 0.5, 3), *(float(angle) for angle in rng.uniform(-30, 30, 3))
            scale = float(rng.uniform(0.7, 1.4))
            spatial = Spatial(angles_deg=(x, y, z), scales=(scale, scale, scale))
            places = np.stack(np.meshgrid(*[np.arange(EDGE) - (EDGE - 1) / 2] * 3, indexing="ij"), -1)
            ball = ((places - centre) ** 2).sum(-1) <= radius**2
            truth = ((places @ spatial.matrix().T - centre) ** 2).sum(-1) <= radius**2
            case = make_resident_case("ball", np.zeros((1, *shape)), ball.astype(np.uint8), scheme.heads(), CPU)
            _, label = _turn(case, shape, spatial)
            _, linear = _turn_by_peer(case, shape, (x, -y, z), scale, "bilinear")
            scores.append([_dice(drawn.numpy() > 0, truth) for drawn in (label, linear)])
        ours, theirs = np.mean(scores, axis=0).tolist()
        found.append((radius, ours, theirs))
    return found


def _dice(first: NDArray[np.bool_], second: NDArray[np.bool_]) -> float:
    return float(2 * (first & second).sum() / max(first.sum() + second.sum(), 1))


def main(arguments: Sequence[str] = ()) -> None:
    """Print all comparisons as JSON: tables of texts by their title."""
    turns = [("inside of the case", compare_turns(64, EDGE)), ("larger than the case", compare_turns(EDGE, 2 * EDGE))]
    tables = {
        "turns": [
            (where, f"{one.images:.1e}", f"{one.transposed:.2f}", f"{one.nearest:.2%}", f"{one.linear:.2%}")
            for where, one in turns
        ],
        "intensities": [statistic.row() for statistic in compare_intensities()],
        "labels": [(f"{radius:g}", f"{ours:.3f}", f"{theirs:.3f}") for radius, ours, theirs in compare_labels()],
    }
    sys.stdout.write(json.dumps(tables))


if __name__ == "__main__":
    main()
