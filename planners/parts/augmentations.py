"""The augmentations that a plan can name; `autoseg.sampling` draws and applies them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from typing import Literal, Protocol

from planners.choices import Choice, PartTable
from planners.parts.limits import find_outside

# Of the canonical axes x, y and z.
Direction = Literal["left_right", "anterior_posterior", "inferior_superior"]
DIRECTIONS: tuple[Direction, ...] = ("left_right", "anterior_posterior", "inferior_superior")


class AugmentationOptions(Protocol):
    """Interface of the entries of `AUGMENTATIONS`."""

    def turns_patches(self) -> bool:
        """Return whether it turns, scales or mirrors patches as they are cut; of a plan's list only one may."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class NoneOptions:
    """Patches as they are."""

    def turns_patches(self) -> bool:
        """Return whether it turns, scales or mirrors patches as they are cut."""
        return False


@dataclass(frozen=True, kw_only=True, slots=True)
class StandardOptions:
    """nnU-Net's augmentation for 2D and 3D patches (Isensee 2021, constants of its current release).

    Attributes:
        rotation_deg: the largest angle about each axis of a 3D patch.
        in_plane_rotation_deg: the same for 2D patches and for 3D patches that are flat.
        elongated_rotation_deg: the same for 2D patches with one edge more than 1.5 times the other.
        mirror: along those of `mirror_axes` that the network sees.
        mirror_axes: by the body's directions: `left_right` alone where top and bottom differ.
        noise_deviation: the highest standard deviation; nnU-Net calls it a variance but uses it so.
        blur_sigma_low: in voxels, drawn for each axis.
        channel_probability: of each channel, where a sample is blurred or loses resolution.
        elastic_voxels: the highest standard deviation of a deformation's displacements; off by default, as in nnU-Net.
        bias_deviation: the highest standard deviation of the logarithm of a coil's sensitivity. It and what follows are
            what scanners do, off here and on in `StrongOptions`.
        thick_slices_factor: how many times thicker slices along one axis may become.
        ringing_share: the least share of an axis' frequencies that is kept.
        ghosts_strength: of the weakened frequencies, at most.
        mask_change_probability: that outlines of another configuration's masks move, where the network sees such
            (`MaskOf`), and `mask_drop_probability` that one of their components is left out.
    """

    rotation_probability: float = 0.2
    rotation_deg: float = 30.0
    in_plane_rotation_deg: float = 180.0
    elongated_rotation_deg: float = 15.0
    scaling_probability: float = 0.2
    scaling_low: float = 0.7
    scaling_high: float = 1.4
    mirror: bool = True
    mirror_axes: tuple[Direction, ...] = DIRECTIONS
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

    def turns_patches(self) -> bool:
        """Return whether it turns, scales or mirrors patches as they are cut."""
        return True

    def find_problems(self) -> Iterator[str]:
        """Yield what is wrong with the options."""
        for entry in fields(self):
            value = getattr(self, entry.name)
            if entry.name.endswith("_probability") and not 0 <= value <= 1:
                yield f"{entry.name} is {value}. Expected 0 to 1."
        yield from find_outside(
            self,
            scaling_low="more than 0",
            scaling_high="more than 0",
            noise_deviation="0 or more",
            blur_sigma_low="more than 0",
            blur_sigma_high="more than 0",
            gamma_low="more than 0",
            gamma_high="more than 0",
            elastic_voxels="0 or more",
            bias_deviation="0 or more",
            thick_slices_factor="1 or more",
        )

    def mirrors(self, axis: int) -> bool:
        """Return whether patches are mirrored along a canonical axis."""
        return self.mirror and DIRECTIONS[axis] in self.mirror_axes


# In the spirit of nnU-Net's DA5 (more and wider changes of shape) and of yucca (what MRI scanners do).
_STRONG = StandardOptions(
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
class StrongOptions:
    """More and wider changes of shape than the standard, and what MRI scanners do: for few cases or many sites.

    Attributes:
        probability_factor: on the probability of every change.
    """

    probability_factor: float = 1.0

    def turns_patches(self) -> bool:
        """Return whether it turns, scales or mirrors patches as they are cut."""
        return True

    def find_problems(self) -> Iterator[str]:
        """Yield what is wrong with the options."""
        if self.probability_factor < 0:
            yield f"probability_factor is {self.probability_factor}. Expected 0 or more."

    def as_standard(self) -> StandardOptions:
        """Return the options of the standard augmentation that do the same."""
        changed = {
            entry.name: min(1.0, getattr(_STRONG, entry.name) * self.probability_factor)
            for entry in fields(StandardOptions)
            if entry.name.endswith("_probability") and entry.name != "channel_probability"
        }
        return replace(_STRONG, **changed)


@dataclass(frozen=True, kw_only=True, slots=True)
class BatchgeneratorsOptions:
    """Transforms of the package batchgenerators, applied on the host, so that published pipelines run as published.

    Attributes:
        transforms: class names from `batchgenerators.transforms` and their arguments, in the order of application;
            each sees a sample's images as `data` and its label indices as `seg`. The argument `patch_size` is the
            patch's own shape where it is left out.
    """

    transforms: tuple[Choice, ...]

    def turns_patches(self) -> bool:
        """Return whether patches are turned as they are cut: these transforms only change what was cut."""
        return False

    def find_problems(self) -> Iterator[str]:
        """Yield what is wrong with the options."""
        if not self.transforms:
            yield "transforms is empty. Expected at least one transform of batchgenerators."


AUGMENTATIONS: PartTable[type[AugmentationOptions]] = PartTable(
    "augmentations",
    "augmentation",
    {
        "batchgenerators": BatchgeneratorsOptions,
        "none": NoneOptions,
        "standard": StandardOptions,
        "strong": StrongOptions,
    },
)
