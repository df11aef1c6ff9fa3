"""Small scans and data sets on disk, as people would bring them."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import nibabel
import numpy as np
from numpy.typing import NDArray

AXES = np.eye(3)


def affine_of(
    permutation: tuple[int, int, int] = (0, 1, 2),
    flips: tuple[int, int, int] = (1, 1, 1),
    spacing_mm: tuple[float, float, float] = (1.0, 1.0, 1.0),
    rotation_degrees: float = 0.0,
) -> NDArray[np.float64]:
    """Return an affine whose array axis i runs along world axis permutation[i], turned about two axes."""
    directions = np.stack([AXES[axis] * flip for axis, flip in zip(permutation, flips, strict=True)], axis=1)
    angle = np.deg2rad(rotation_degrees)
    about_z = np.array([[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1]])
    about_x = np.array([[1, 0, 0], [0, np.cos(angle), -np.sin(angle)], [0, np.sin(angle), np.cos(angle)]])
    affine = np.eye(4)
    affine[:3, :3] = about_z @ about_x @ directions @ np.diag(spacing_mm)
    affine[:3, 3] = (-12.5, 7.0, 30.25)
    return affine


def all_orientations() -> list[tuple[tuple[int, int, int], tuple[int, int, int]]]:
    """Return the 48 ways in which array axes can run along world axes."""
    permutations = list(itertools.permutations(range(3)))
    return [(p, f) for p in permutations for f in itertools.product((1, -1), repeat=3)]  # type: ignore[misc]


def write_nifti(path: Path, voxels: NDArray, affine: NDArray[np.float64] | None = None) -> Path:
    """Write voxels as they are."""
    path.parent.mkdir(parents=True, exist_ok=True)
    image = nibabel.Nifti1Image(voxels, affine_of() if affine is None else affine, dtype=voxels.dtype)
    nibabel.save(image, path)
    return path


def blob(shape: tuple[int, int, int], centre: tuple[float, float, float], radius: float) -> NDArray[np.bool_]:
    """Return the mask of a ball in voxels."""
    grid = np.indices(shape)
    distance = sum((grid[axis] - centre[axis]) ** 2 for axis in range(3))
    return np.asarray(distance <= radius**2)


def head(seed: int, shape: tuple[int, int, int] = (24, 28, 20)) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    """Return a bright ball on a background of 0, and two labels in it: a dark ball (1) and a brighter one (2)."""
    rng = np.random.default_rng(seed)
    centre = tuple(length / 2 for length in shape)
    body = blob(shape, centre, min(shape) * 0.45)
    labels = np.zeros(shape, dtype=np.uint8)
    for value in (1, 2):
        offset = rng.uniform(-3, 3, 3)
        place = (centre[0] + offset[0] + (3 if value == 1 else -3), centre[1] + offset[1], centre[2] + offset[2])
        labels[blob(shape, place, rng.uniform(2, 3))] = value
    labels[~body] = 0
    image = np.where(body, 100.0, 0.0)
    image[labels == 1] = 40.0
    image[labels == 2] = 160.0
    image[body] += rng.normal(0, 5, int(body.sum()))
    return image.astype(np.float32), labels


def write_nnunet_dataset(
    root: Path,
    cases: int = 6,
    labels: dict[str, int] | None = None,
    channels: tuple[str, ...] = ("T1w",),
    affine: NDArray[np.float64] | None = None,
) -> Path:
    """Write an nnU-Net raw folder of small heads; further channels are the first one, inverted."""
    named = labels or {"background": 0, "dark": 1, "bright": 2}
    values = np.array([0, *sorted(value for value in named.values() if value)])
    kind = np.uint8 if values.min() >= 0 and values.max() < 256 else np.int16
    for index in range(cases):
        image, mask = head(index)
        name = f"sub-{index:03d}"
        for channel in range(len(channels)):
            voxels = image if channel == 0 else np.where(image > 0, 200 - image, 0)
            write_nifti(root / "imagesTr" / f"{name}_{channel:04d}.nii.gz", voxels, affine)
        write_nifti(
            root / "labelsTr" / f"{name}.nii.gz", values[np.minimum(mask, len(values) - 1)].astype(kind), affine
        )
    write_description(root, named, channels, cases)
    return root


def write_description(root: Path, labels: dict[str, int], channels: tuple[str, ...], cases: int) -> None:
    """Write nnU-Net's dataset.json."""
    description = {
        "channel_names": {str(index): name for index, name in enumerate(channels)},
        "labels": labels,
        "numTraining": cases,
        "file_ending": ".nii.gz",
    }
    (root / "dataset.json").write_text(json.dumps(description))


def write_pairs(
    images: Path, labels: Path, cases: int = 4, image_suffix: str = "", label_suffix: str = ""
) -> tuple[Path, Path]:
    """Write scans into one folder and label maps into another: the heads of `write_nnunet_dataset`."""
    for index in range(cases):
        image, mask = head(index)
        write_nifti(images / f"sub-{index:03d}{image_suffix}.nii.gz", image)
        write_nifti(labels / f"sub-{index:03d}{label_suffix}.nii.gz", mask)
    return images, labels


def write_csv(path: Path, rows: list[dict[str, str]]) -> Path:
    """Write a CSV; the first row's keys are the columns."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [",".join(rows[0])] + [",".join(row.values()) for row in rows]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path
