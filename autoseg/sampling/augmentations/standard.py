"""Sampling and applying of nnU-Net's augmentation and of scanner artefacts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from autoseg.sampling.augmentations.artefacts import sample_bias, sample_ghosts, sample_ringing, sample_thick_slices
from autoseg.sampling.augmentations.augmenter import Cut, Drawn, Patches, SampleView
from autoseg.sampling.augmentations.contrast import sample_factor
from autoseg.sampling.augmentations.intensity import Intensity, apply_intensity, repeat_for_slices
from autoseg.sampling.augmentations.mask_variation import MaskRanges, sample_variation
from autoseg.sampling.augmentations.noise import sample_noise
from autoseg.sampling.augmentations.resolution import sample_sigmas, sample_zooms
from autoseg.sampling.augmentations.rows import Chance, sample_per_channel
from autoseg.sampling.augmentations.spatial import (
    SpatialRanges,
    find_fixed_axis,
    is_elongated_slice,
    sample_spatial,
)
from autoseg.sampling.patches.geometry import PatchGeometry
from dataset_fingerprints.geometry import TripleFloat
from planners.parts.augmentations import StandardOptions

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class StandardAugmenter:
    """nnU-Net's augmentation and what scanners do, by the options' probabilities."""

    options: StandardOptions

    def sample(self, rng: np.random.Generator, view: SampleView) -> Drawn:
        """Draw how one patch is cut, what happens to its intensities, and how each of its masks errs."""
        spatial = sample_spatial(rng, self.spatial_ranges(view.geometry))
        intensity = self._sample_intensity(rng, view.geometry, view.channels)
        ranges = MaskRanges(
            change_probability=self.options.mask_change_probability,
            drop_probability=self.options.mask_drop_probability,
        )
        shape = view.geometry.patch_shape
        masks = tuple(sample_variation(rng, mask, view.start, shape, ranges) for mask in view.masks)
        return Drawn(cut=Cut(spatial=spatial, masks=masks), change=intensity)

    def apply(self, patches: Patches, changes: Sequence[Intensity]) -> None:
        """Change the intensities of the images; neighbouring slices of a channel alike, but for noise."""
        apply_intensity(patches.images, [repeat_for_slices(change, patches.slices) for change in changes])

    def spatial_ranges(self, geometry: PatchGeometry) -> SpatialRanges:
        """Return what rotation, scaling and mirroring are drawn from for patches of this shape."""
        options = self.options
        fixed = find_fixed_axis(geometry.patch_shape, geometry.slice_axis)
        return SpatialRanges(
            rotation_probability=options.rotation_probability,
            angles_deg=self._angle_limits_deg(geometry, fixed),
            scaling_probability=options.scaling_probability,
            scale_range=(options.scaling_low, options.scaling_high),
            scaled=(fixed != 0, fixed != 1, fixed != 2),
            mirrored=(
                options.mirror and geometry.slice_axis != 0,
                options.mirror and geometry.slice_axis != 1,
                options.mirror and geometry.slice_axis != 2,
            ),
            elastic_probability=options.elastic_probability,
            elastic_voxels=options.elastic_voxels,
        )

    def _angle_limits_deg(self, geometry: PatchGeometry, fixed: int) -> TripleFloat:
        options = self.options
        if fixed < 0:
            return (options.rotation_deg, options.rotation_deg, options.rotation_deg)
        elongated = is_elongated_slice(geometry.patch_shape, geometry.slice_axis)
        limit = options.elongated_rotation_deg if elongated else options.in_plane_rotation_deg
        return (limit if fixed == 0 else 0.0, limit if fixed == 1 else 0.0, limit if fixed == 2 else 0.0)

    def _sample_intensity(self, rng: np.random.Generator, geometry: PatchGeometry, channels: int) -> Intensity:
        options = self.options
        fixed = find_fixed_axis(geometry.patch_shape, geometry.slice_axis)
        zoomed = [axis != fixed for axis in range(3) if axis != geometry.slice_axis]
        thickened = [position for position, moves in enumerate(zoomed) if moves]
        smoothing = Chance(sample=options.blur_probability, channel=options.channel_probability)
        coarsening = Chance(sample=options.low_resolution_probability, channel=options.channel_probability)
        sigmas = (options.blur_sigma_low, options.blur_sigma_high)
        zooms = (options.low_resolution_low, options.low_resolution_high)

        def draw(chance: Chance, sample_value: Callable[[], T]) -> tuple[T | None, ...]:
            return sample_per_channel(rng, chance, channels, sample_value)

        def draw_factors(probability: float, low: float, high: float) -> tuple[float | None, ...]:
            return draw(Chance(sample=probability), lambda: sample_factor(rng, low, high))

        return Intensity(
            noise=draw(Chance(sample=options.noise_probability), lambda: sample_noise(rng, options.noise_deviation)),
            blur=draw(smoothing, lambda: sample_sigmas(rng, *sigmas, axes=len(zoomed))),
            brightness=draw_factors(options.brightness_probability, options.brightness_low, options.brightness_high),
            contrast=draw_factors(options.contrast_probability, options.contrast_low, options.contrast_high),
            low_resolution=draw(coarsening, lambda: sample_zooms(rng, *zooms, zoomed=zoomed)),
            inverted_gamma=draw_factors(options.inverted_gamma_probability, options.gamma_low, options.gamma_high),
            gamma=draw_factors(options.gamma_probability, options.gamma_low, options.gamma_high),
            bias=draw(
                Chance(sample=options.bias_probability),
                lambda: sample_bias(rng, options.bias_deviation, len(zoomed)),
            ),
            thick_slices=draw(
                Chance(sample=options.thick_slices_probability),
                lambda: sample_thick_slices(rng, options.thick_slices_factor, thickened),
            ),
            ringing=draw(
                Chance(sample=options.ringing_probability),
                lambda: sample_ringing(rng, options.ringing_share, len(zoomed)),
            ),
            ghosts=draw(
                Chance(sample=options.ghosts_probability),
                lambda: sample_ghosts(rng, options.ghosts_strength, len(zoomed)),
            ),
        )
