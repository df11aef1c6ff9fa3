"""Masks: the choice of labels from probabilities, what is changed of them afterwards, and their files."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
from scipy import ndimage

from autoseg.models.portable.program.files import Array, Heads, Json, RefusedError
from autoseg.models.portable.program.networks import Probabilities, slabs_of
from autoseg.models.portable.program.scans import Scan, bounding_box
from dataset_fingerprints.geometry import Box, canonical_grid, find_reorientation, from_canonical

# Volumes may lie this share below what is asked for, by rounding.
VOLUME_ROUNDING = 1e-6
RANKS = {6: 1, 18: 2, 26: 3}
# What a mask takes over from its scan's header: where the voxels lie, twice, and in which unit.
PLACE = (
    *("xyzt_units", "qform_code", "sform_code", "quatern_b", "quatern_c", "quatern_d"),
    *("qoffset_x", "qoffset_y", "qoffset_z", "srow_x", "srow_y", "srow_z", "pixdim"),
)


def decide(probabilities: Probabilities, scan: Scan, heads: Heads, decision: Json) -> Array:
    """Return (x, y, z) indices of labels on the whole canonical grid.

    Args:
        probabilities: of the scan.
        scan: that they are of.
        heads: what the outputs stand for.
        decision: `thresholds` and `postprocessing`, where they are not the usual ones.
    """
    grid, outputs = canonical_grid(scan.source_grid), len(heads.targets) + heads.exclusive
    indices = np.zeros(grid.shape, dtype=np.uint8)
    for slab, values in slabs_of(probabilities, probabilities.box, outputs):
        indices[slab.slices()] = choose_labels(values, heads, decision.get("thresholds", ()))
    for choice in decision.get("postprocessing", ()):
        options = choice["options"]
        name = options.get("label", "")
        for target in range(len(heads.names)) if not name else [heads.names.index(name)]:

            def find_peaks(box: Box, components: Array, target: int = target) -> Array:
                return measure_peaks(probabilities, target + heads.exclusive, box, components, outputs)

            change(indices, target, heads, choice, math.prod(grid.spacing_mm()), find_peaks)
    return indices


def choose_labels(values: Array, heads: Heads, thresholds: Sequence[float]) -> Array:
    """Return the indices of labels (...) that probabilities (output, ...) stand for."""
    targets = values[int(heads.exclusive) :]
    if heads.exclusive and not thresholds:
        chosen: Array = values.argmax(axis=0).astype(np.uint8)
        return chosen
    limits = np.array(thresholds or [0.5] * len(targets), dtype=np.float32)
    marks = targets > limits.reshape(-1, *[1] * (targets.ndim - 1))
    if heads.exclusive:
        best: Array = np.where(marks, targets, 0).argmax(axis=0).astype(np.uint8) + np.uint8(1)
        return best * marks.any(axis=0)
    indices = np.zeros(targets.shape[1:], dtype=np.uint8)
    for mark, index in zip(marks, heads.written, strict=True):
        indices[mark] = index
    return indices


def measure_peaks(probabilities: Probabilities, output: int, box: Box, components: Array, outputs: int) -> Array:
    """Return the largest probability in each component (x, y, z) of a box, by number."""
    peaks = np.zeros(int(components.max()) + 1, dtype=np.float32)
    for slab, values in slabs_of(probabilities, box, outputs):
        numbers = components[slab.start[0] - box.start[0] : slab.stop[0] - box.start[0]]
        inside = numbers > 0
        np.maximum.at(peaks, numbers[inside], values[output][inside])
    return peaks


def change(
    indices: Array,
    target: int,
    heads: Heads,
    choice: Json,
    voxel_mm3: float,
    find_peaks: Callable[[Box, Array], Array],
) -> None:
    """Change the mask of one label or region in indices (x, y, z) by one of `POSTPROCESSING`."""
    mask = np.isin(indices, heads.targets[target])
    if not mask.any():
        return
    box = bounding_box(mask)
    mask, inside = mask[box.slices()], indices[box.slices()]
    if choice["name"] == "fill_holes":
        added = fill_holes(mask, [length == 1 for length in indices.shape]) & ~mask
        inside[added] = indices_with(target, heads)[inside[added]]
        return
    options = choice["options"]
    numbers, count = ndimage.label(mask, ndimage.generate_binary_structure(3, RANKS[options.get("connectivity", 26)]))
    volumes = np.bincount(numbers.ravel(), minlength=count + 1) * voxel_mm3
    volumes[0] = 0
    kept = choose_components(choice["name"], options, volumes, lambda: find_peaks(box, numbers))
    removed = mask & ~kept[numbers]
    inside[removed] = indices_without(target, heads)[inside[removed]]


def choose_components(name: str, options: Json, volumes: Array, find_peaks: Callable[[], Array]) -> Array:
    """Return which components stay, by number."""
    if name == "largest_component":
        largest: Array = np.arange(len(volumes)) == volumes.argmax()
        return largest
    large = np.zeros(len(volumes), dtype=bool)
    if "volume_mm3" in options:
        large = volumes >= options["volume_mm3"] * (1 - VOLUME_ROUNDING)
    return large | (find_peaks() >= options["probability"]) if "probability" in options else large


def fill_holes(mask: Array, flat: Sequence[bool]) -> Array:
    """Return a mask (x, y, z) with what it encloses; along flat axes the image is one voxel long."""
    sides = [(0, 0) if axis else (1, 1) for axis in flat]
    numbers, _ = ndimage.label(~np.pad(mask, sides))
    inner = tuple(slice(low, length - high) for (low, high), length in zip(sides, numbers.shape, strict=True))
    filled: Array = mask | (numbers != numbers[0, 0, 0])[inner]
    return filled


def indices_without(target: int, heads: Heads) -> Array:
    """Return, for every index, the one that stays when a label or region is taken out of a voxel."""
    table = np.arange(len(heads.values), dtype=np.uint8)
    for index in heads.targets[target]:
        around = [
            new
            for other, new in enumerate(heads.written)
            if other != target and index in heads.targets[other] and new not in heads.targets[target]
        ]
        table[index] = around[-1] if around else 0
    return table


def indices_with(target: int, heads: Heads) -> Array:
    """Return, for every index, the one that there is when a label or region is added to a voxel."""
    marked = [{place for place, on in enumerate(heads.targets) if index in on} for index in range(len(heads.values))]
    table, new = np.arange(len(heads.values), dtype=np.uint8), heads.written[target]
    for index, marks in enumerate(marked):
        if index != heads.ignored and target in marked[new] and marks <= marked[new]:
            table[index] = new
    return table


def write_mask(path: Path, indices: Array, scan: Scan, heads: Heads) -> None:
    """Write a mask on its scan's own grid, with the place that the scan's header gives.

    Raises:
        RefusedError: it cannot be written.
    """
    values = np.ascontiguousarray(from_canonical(heads.to_values(indices), find_reorientation(scan.source_grid)))
    values = values[:, :, 0] if scan.image.ndim == 2 else values
    header: Any = type(scan.image.header)()
    header.set_data_dtype(values.dtype)
    for name in PLACE:
        header[name] = scan.image.header[name]
    header["pixdim"][4:] = 1
    suffix = ".nii.gz" if path.name.endswith(".gz") else ".nii"
    unfinished = path.with_name(f".{path.name}.{os.getpid()}{suffix}")
    try:
        # Without an affine, the header's stay as they are.
        nibabel.save(type(scan.image)(values, None, header), unfinished)
        unfinished.replace(path)
    except OSError as error:
        raise RefusedError(f"{path}: cannot be written ({error}).") from error
    finally:
        unfinished.unlink(missing_ok=True)
