"""All changes of intensity, in the order in which they are applied."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

import torch

from autoseg.sampling.augmentations.artefacts import (
    AxisEffect,
    Bias,
    apply_bias,
    apply_ghosts,
    apply_ringing,
    apply_thick_slices,
)
from autoseg.sampling.augmentations.contrast import apply_brightness, apply_contrast, apply_gamma, apply_inverted_gamma
from autoseg.sampling.augmentations.noise import Noise, apply_noise
from autoseg.sampling.augmentations.resolution import apply_blur, apply_low_resolution
from autoseg.sampling.augmentations.rows import change_rows


@dataclass(frozen=True, kw_only=True, slots=True)
class Intensity:
    """Changes of one sample: per transform, one value or None for each channel; empty leaves the sample alone.

    Attributes:
        blur: standard deviations in voxels along the axes that the network sees.
        low_resolution: the share of voxels kept along those axes.
    """

    noise: tuple[Noise | None, ...] = ()
    blur: tuple[tuple[float, ...] | None, ...] = ()
    brightness: tuple[float | None, ...] = ()
    contrast: tuple[float | None, ...] = ()
    low_resolution: tuple[tuple[float, ...] | None, ...] = ()
    inverted_gamma: tuple[float | None, ...] = ()
    gamma: tuple[float | None, ...] = ()
    bias: tuple[Bias | None, ...] = ()
    thick_slices: tuple[AxisEffect | None, ...] = ()
    ringing: tuple[AxisEffect | None, ...] = ()
    ghosts: tuple[AxisEffect | None, ...] = ()


def repeat_for_slices(change: Intensity, slices: int) -> Intensity:
    """Return the changes of a sample whose channels come once for each of some slices.

    Each slice of a channel is changed by the same values, but by noise of its own.
    """
    if slices == 1:
        return change
    values = {entry.name: getattr(change, entry.name) * slices for entry in fields(change)}
    noises = enumerate(change.noise * slices)
    values["noise"] = tuple(noise and replace(noise, seed=noise.seed + number) for number, noise in noises)
    return Intensity(**values)


def apply_intensity(images: torch.Tensor, changes: Sequence[Intensity]) -> None:
    """Change images (batch, channel, *axes) in place, one batch per transform.

    What a scanner does comes first, in the order in which it does it; then nnU-Net's transforms in their order (Isensee
    2021).
    """
    change_rows(images, [change.bias for change in changes], apply_bias)
    change_rows(images, [change.thick_slices for change in changes], apply_thick_slices)
    change_rows(images, [change.ringing for change in changes], apply_ringing)
    change_rows(images, [change.ghosts for change in changes], apply_ghosts)
    change_rows(images, [change.noise for change in changes], apply_noise)
    change_rows(images, [change.blur for change in changes], apply_blur)
    change_rows(images, [change.brightness for change in changes], apply_brightness)
    change_rows(images, [change.contrast for change in changes], apply_contrast)
    change_rows(images, [change.low_resolution for change in changes], apply_low_resolution)
    change_rows(images, [change.inverted_gamma for change in changes], apply_inverted_gamma)
    change_rows(images, [change.gamma for change in changes], apply_gamma)
