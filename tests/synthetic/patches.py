"""Scans of fields of known textures, with a table of patches of them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tests.synthetic.scans import write_nifti
from tests.synthetic.textures import TEXTURES, make_texture

# Two fields side by side, with air around them.
FIELD, AIR = 30, 4
SIZE = 10


@dataclass(frozen=True, kw_only=True)
class FieldScans:
    """What was written.

    Attributes:
        scans: the folder of the scans.
        lungs: of masks of both fields.
        patches: the table.
        true: of every scan, the classes from 1 on in the order of the table, (x, y, z); 0 for air.
    """

    scans: Path
    lungs: Path
    patches: Path
    true: dict[str, NDArray[np.uint8]]


def write_field_scans(
    folder: Path, count: int, affine: NDArray[np.float64] | None = None, names: tuple[str, ...] = ("fine", "striped")
) -> FieldScans:
    """Write scans of two slices, whose two fields change places from slice to slice, and patches of the first one."""
    shape = (2 * FIELD + 2 * AIR, FIELD + 2 * AIR, 2)
    true, lines = {}, ["scan,class,x,y,z"]
    for index in range(count):
        name = f"scan-{index}"
        voxels, labels = np.zeros(shape, dtype=np.float32), np.zeros(shape, dtype=np.uint8)
        for across in range(2):
            for place in range(2):
                value = (place + across) % 2
                start = AIR + place * FIELD
                box = (slice(start, start + FIELD), slice(AIR, AIR + FIELD), across)
                voxels[box] = make_texture(names[value], (FIELD, FIELD), 100 * index + 10 * across + place)
                labels[box] = value + 1
                middles = [(start + part, AIR + FIELD // 2) for part in (8, 22)]
                lines += [f"{name},{names[value]},{x},{y},{across}" for x, y in middles]
        write_nifti(folder / "scans" / f"{name}.nii.gz", voxels, affine)
        write_nifti(folder / "lungs" / f"{name}.nii.gz", (labels > 0).astype(np.uint8), affine)
        true[name] = labels
    table = folder / "patches.csv"
    table.write_text("\n".join(lines) + "\n", encoding="utf-8")
    assert set(names) <= set(TEXTURES)
    return FieldScans(scans=folder / "scans", lungs=folder / "lungs", patches=table, true=true)
