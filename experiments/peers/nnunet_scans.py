"""Small data sets and scans for models of nnU-Net: balls in tissue, stored along different axes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import nibabel
import numpy as np
from numpy.typing import NDArray

from dataset_fingerprints.files.jsonfiles import write_json
from dataset_fingerprints.geometry import Triple, TripleFloat

# Files of one data set differ in them: nnU-Net takes arrays as they are stored.
ORIENTATIONS = ("RAS", "LPS", "LAS", "PIR")


@dataclass(frozen=True, kw_only=True, slots=True)
class ScanKind:
    """Scans of one data set.

    Attributes:
        channels: names; one called CT has values of CT.
        regions: whether labels are two nested regions, or two labels that compete.
        shape: of a scan in canonical axes; cases differ from it by a few voxels.
        skull_stripped: whether a wide margin around the tissue is 0.
    """

    channels: tuple[str, ...]
    regions: bool
    shape: Triple
    spacing_mm: TripleFloat
    skull_stripped: bool
    orientations: tuple[str, ...] = ORIENTATIONS


def write_raw(folder: Path, kind: ScanKind, cases: int) -> None:
    """Write a data set in nnU-Net's layout."""
    for case in range(cases):
        orientation = kind.orientations[case % len(kind.orientations)]
        volumes, labels = draw(kind, seed=case)
        write_scan(folder / "imagesTr", f"case{case:02d}", volumes, kind.spacing_mm, orientation)
        write_volume(folder / "labelsTr" / f"case{case:02d}.nii.gz", labels, kind.spacing_mm, orientation)
    labels_of = {"whole": [1, 2], "core": [2]} if kind.regions else {"dark": 1, "bright": 2}
    description = {
        "channel_names": {str(index): name for index, name in enumerate(kind.channels)},
        "labels": {"background": 0, **labels_of},
        "numTraining": cases,
        "file_ending": ".nii.gz",
        **({"regions_class_order": [1, 2]} if kind.regions else {}),
    }
    write_json(folder / "dataset.json", description)


def write_scan(
    folder: Path, name: str, volumes: Sequence[NDArray[np.float32]], spacing_mm: TripleFloat, orientation: str
) -> list[str]:
    """Write the channels of a scan, and return their paths."""
    files = [folder / f"{name}_{channel:04d}.nii.gz" for channel in range(len(volumes))]
    for file, volume in zip(files, volumes, strict=True):
        write_volume(file, volume, spacing_mm, orientation)
    return list(map(str, files))


def write_volume(file: Path, volume: NDArray[np.generic], spacing_mm: TripleFloat, orientation: str) -> None:
    """Write a volume (x, y, z) along the axes that an orientation names."""
    file.parent.mkdir(parents=True, exist_ok=True)
    image = nibabel.Nifti1Image(volume, np.diag([*spacing_mm, 1.0]))
    target = nibabel.orientations.axcodes2ornt(tuple(orientation))
    turned = image.as_reoriented(nibabel.orientations.ornt_transform(nibabel.orientations.axcodes2ornt("RAS"), target))
    nibabel.save(turned, file)


def draw(kind: ScanKind, seed: int, shape: Triple | None = None) -> tuple[list[NDArray[np.float32]], NDArray[np.uint8]]:
    """Return the channels (x, y, z) of a scan of balls in tissue, and their labels."""
    random = np.random.default_rng(seed)
    lengths = np.array(shape or [length + random.integers(-2, 3) for length in kind.shape])
    places = np.stack(np.meshgrid(*map(np.arange, lengths), indexing="ij"), axis=-1) * kind.spacing_mm
    size = lengths * kind.spacing_mm
    labels = np.zeros(lengths, dtype=np.uint8)
    for label in (1, 2, 1, 2):
        centre = size * random.uniform(0.3, 0.7, 3)
        radius = size.min() * random.uniform(0.1, 0.2)
        ball = np.linalg.norm(places - centre, axis=-1) < radius
        labels[ball] = label
        if kind.regions and label == 2:
            labels[(np.linalg.norm(places - centre, axis=-1) < 1.6 * radius) & ~ball] = 1
    tissue = np.ones(lengths, dtype=bool)
    if kind.skull_stripped:
        tissue = (np.abs((places - size / 2) / size) ** 2).sum(axis=-1) < 0.42**2
        labels[~tissue] = 0
    return [_paint(name, labels, tissue, random) for name in kind.channels], labels


def _paint(
    name: str, labels: NDArray[np.uint8], tissue: NDArray[np.bool_], random: np.random.Generator
) -> NDArray[np.float32]:
    levels = (40, -20, 110) if name == "CT" else (300, 150, 500)
    # One side is brighter than the other: what is left and right in the array shows.
    slope = np.linspace(0.9, 1.1, labels.shape[0])[:, None, None]
    volume = np.array(levels)[labels] * slope + random.normal(0, 0.12 * np.ptp(levels), labels.shape)
    return np.where(tissue, volume, 0).astype(np.float32)
