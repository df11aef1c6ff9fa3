"""The augmentations a plan can choose, each an options dataclass that draws how one sample is varied."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from typing import Protocol, TypeVar

import numpy as np

from autoseg.sampling.artefacts import sample_bias, sample_ghosts, sample_ringing, sample_thick_slices
from autoseg.sampling.contrast import sample_factor
from autoseg.sampling.intensity import Intensity
from autoseg.sampling.noise import sample_noise
from autoseg.sampling.patches import PatchGeometry
from autoseg.sampling.resolution import sample_sigmas, sample_zooms
from autoseg.sampling.rows import Chance, sample_per_channel
from autoseg.sampling.shown_masks import MaskRanges
from autoseg.sampling.spatial import Spatial, SpatialRanges, find_fixed_axis, is_elongated_slice, sample_spatial
from dataset_fingerprints.geometry import TripleFloat

T = TypeVar("T")


class AugmentationOptions(Protocol):
    """What every entry of `AUGMENTATIONS` offers."""

    def sample(self, rng: np.random.Generator, geometry: PatchGeometry, channels: int) -> tuple[Spatial, Intensity]:
        """Draw everything that varies one sample."""
        ...

    def mask_ranges(self) -> MaskRanges:
        """Return how a cascade's first stage's masks are varied."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class NoAugmentation:
    """Patches as they are."""

    def sample(self, rng: np.random.Generator, geometry: PatchGeometry, channels: int) -> tuple[Spatial, Intensity]:
        """Return what changes nothing."""
        return Spatial(), Intensity()

    def mask_ranges(self) -> MaskRanges:
        """Return what changes nothing."""
        return MaskRanges()


@dataclass(frozen=True, kw_only=True, slots=True)
class StandardAugmentation:
    """nnU-Net's augmentation for 2D and 3D patches (Isensee 2021, constants of its current release).

    Attributes:
        rotation_deg: the largest angle about each axis of a 3D patch.
        in_plane_rotation_deg: the same for 2D patches and for 3D patches that are flat.
        elongated_rotation_deg: the same for 2D patches with one edge more than 1.5 times the other.
        mirror: along every axis that the network sees.
        noise_deviation: the highest standard deviation; nnU-Net calls it a variance but uses it so.
        blur_sigma_low: in voxels, drawn for each axis.
        channel_probability: of each channel, where a sample is blurred or loses resolution.
        elastic_voxels: the highest standard deviation of a deformation's displacements; off by default, as in nnU-Net.
        bias_deviation: the highest standard deviation of the logarithm of a coil's sensitivity. It and what follows are
            what scanners do, off here and on in `StrongAugmentation`.
        thick_slices_factor: how many times thicker slices along one axis may become.
        ringing_share: the least share of an axis' frequencies that is kept.
        ghosts_strength: of the weakened frequencies, at most.
        mask_change_probability: that outlines of a first stage's mask move (cascades only), and `mask_drop_probability`
            that one of its components is left out.
    """

    rotation_probability: float = 0.2
    rotation_deg: float = 30.0
    in_plane_rotation_deg: float = 180.0
    elongated_rotation_deg: float = 15.0
    scaling_probability: float = 0.2
    scaling_low: float = 0.7
    scaling_high: float = 1.4
    mirror: bool = True
    noise_probability: float = 0.1
    noise_deviation: float = 0.1
    blur_probability: float = 0.2
    blur_sigma_low: float = 0.5
    blur_sigma_high: float = 1.0
    brightness_probability: float = 0.15
    brightness_low: float = 0.75
    brightness_high: float = 1.25
    contrast_probability: float = 0.15
    contrast_low: float = 0.75
    contrast_high: float = 1.25
    low_resolution_probability: float = 0.25
    low_resolution_low: float = 0.5
    low_resolution_high: float = 1.0
    channel_probability: float = 0.5
    inverted_gamma_probability: float = 0.1
    gamma_probability: float = 0.3
    gamma_low: float = 0.7
    gamma_high: float = 1.5
    elastic_probability: float = 0.0
    elastic_voxels: float = 2.0
    bias_probability: float = 0.0
    bias_deviation: float = 0.3
    thick_slices_probability: float = 0.0
    thick_slices_factor: float = 4.0
    ringing_probability: float = 0.0
    ringing_share: float = 0.4
    ghosts_probability: float = 0.0
    ghosts_strength: float = 0.5
    mask_change_probability: float = 0.4
    mask_drop_probability: float = 0.2

    def sample(self, rng: np.random.Generator, geometry: PatchGeometry, channels: int) -> tuple[Spatial, Intensity]:
        """Draw everything that varies one sample."""
        return sample_spatial(rng, self.spatial_ranges(geometry)), self._sample_intensity(rng, geometry, channels)

    def spatial_ranges(self, geometry: PatchGeometry) -> SpatialRanges:
        """Return what rotation, scaling and mirroring are drawn from for patches of this shape."""
        fixed = find_fixed_axis(geometry.patch_shape, geometry.slice_axis)
        return SpatialRanges(
            rotation_probability=self.rotation_probability,
            angles_deg=self._angle_limits_deg(geometry, fixed),
            scaling_probability=self.scaling_probability,
            scale_range=(self.scaling_low, self.scaling_high),
            scaled=(fixed != 0, fixed != 1, fixed != 2),
            mirrored=(
                self.mirror and geometry.slice_axis != 0,
                self.mirror and geometry.slice_axis != 1,
                self.mirror and geometry.slice_axis != 2,
            ),
            elastic_probability=self.elastic_probability,
            elastic_voxels=self.elastic_voxels,
        )

    def mask_ranges(self) -> MaskRanges:
        """Return how a cascade's first stage's masks are varied."""
        return MaskRanges(change_probability=self.mask_change_probability, drop_probability=self.mask_drop_probability)

    def _angle_limits_deg(self, geometry: PatchGeometry, fixed: int) -> TripleFloat:
        if fixed < 0:
            return (self.rotation_deg, self.rotation_deg, self.rotation_deg)
        elongated = is_elongated_slice(geometry.patch_shape, geometry.slice_axis)
        limit = self.elongated_rotation_deg if elongated else self.in_plane_rotation_deg
        return (limit if fixed == 0 else 0.0, limit if fixed == 1 else 0.0, limit if fixed == 2 else 0.0)

    def _sample_intensity(self, rng: np.random.Generator, geometry: PatchGeometry, channels: int) -> Intensity:
        fixed = find_fixed_axis(geometry.patch_shape, geometry.slice_axis)
        zoomed = [axis != fixed for axis in range(3) if axis != geometry.slice_axis]
        thickened = [position for position, moves in enumerate(zoomed) if moves]
        smoothing = Chance(sample=self.blur_probability, channel=self.channel_probability)
        coarsening = Chance(sample=self.low_resolution_probability, channel=self.channel_probability)
        sigmas = (self.blur_sigma_low, self.blur_sigma_high)
        zooms = (self.low_resolution_low, self.low_resolution_high)

        def draw(chance: Chance, sample_value: Callable[[], T]) -> tuple[T | None, ...]:
            return sample_per_channel(rng, chance, channels, sample_value)

        def draw_factors(probability: float, low: float, high: float) -> tuple[float | None, ...]:
            return draw(Chance(sample=probability), lambda: sample_factor(rng, low, high))

        return Intensity(
            noise=draw(Chance(sample=self.noise_probability), lambda: sample_noise(rng, self.noise_deviation)),
            blur=draw(smoothing, lambda: sample_sigmas(rng, *sigmas, axes=len(zoomed))),
            brightness=draw_factors(self.brightness_probability, self.brightness_low, self.brightness_high),
            contrast=draw_factors(self.contrast_probability, self.contrast_low, self.contrast_high),
            low_resolution=draw(coarsening, lambda: sample_zooms(rng, *zooms, zoomed=zoomed)),
            inverted_gamma=draw_factors(self.inverted_gamma_probability, self.gamma_low, self.gamma_high),
            gamma=draw_factors(self.gamma_probability, self.gamma_low, self.gamma_high),
            bias=draw(Chance(sample=self.bias_probability), lambda: sample_bias(rng, self.bias_deviation, len(zoomed))),
            thick_slices=draw(
                Chance(sample=self.thick_slices_probability),
                lambda: sample_thick_slices(rng, self.thick_slices_factor, thickened),
            ),
            ringing=draw(
                Chance(sample=self.ringing_probability), lambda: sample_ringing(rng, self.ringing_share, len(zoomed))
            ),
            ghosts=draw(
                Chance(sample=self.ghosts_probability), lambda: sample_ghosts(rng, self.ghosts_strength, len(zoomed))
            ),
        )


# In the spirit of nnU-Net's DA5 (more and wider changes of shape) and of yucca (what MRI scanners do).
_STRONG = StandardAugmentation(
    rotation_probability=0.4,
    scaling_probability=0.4,
    scaling_low=0.6,
    scaling_high=1.6,
    elastic_probability=0.2,
    noise_probability=0.2,
    blur_probability=0.2,
    brightness_probability=0.2,
    contrast_probability=0.2,
    low_resolution_probability=0.25,
    inverted_gamma_probability=0.15,
    gamma_probability=0.3,
    bias_probability=0.3,
    thick_slices_probability=0.2,
    ringing_probability=0.15,
    ghosts_probability=0.15,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class StrongAugmentation:
    """More and wider changes of shape than the standard, and what MRI scanners do: for few cases or many sites.

    Attributes:
        probability_factor: on the probability of every change.
    """

    probability_factor: float = 1.0

    def sample(self, rng: np.random.Generator, geometry: PatchGeometry, channels: int) -> tuple[Spatial, Intensity]:
        """Draw everything that varies one sample."""
        return self._changed().sample(rng, geometry, channels)

    def mask_ranges(self) -> MaskRanges:
        """Return how a cascade's first stage's masks are varied."""
        return self._changed().mask_ranges()

    def _changed(self) -> StandardAugmentation:
        changed = {
            field.name: min(1.0, getattr(_STRONG, field.name) * self.probability_factor)
            for field in fields(StandardAugmentation)
            if field.name.endswith("_probability") and field.name != "channel_probability"
        }
        return replace(_STRONG, **changed)
