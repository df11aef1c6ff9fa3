"""`lesion-map`: in how many cases each voxel of a template lies in a lesion, as images and as a picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Lock

import numpy as np
from nilearn import datasets
from numpy.typing import NDArray

from autoseg.clinical.lesion_files import read_lesion
from autoseg.clinical.same_space import is_mni
from autoseg.pipeline.clinical.mask_files import find_masks, find_values, group_by_grid, work_on
from autoseg.pipeline.clinical.places import refuse_results_folder
from autoseg.pipeline.scores.simulated_scans import is_marked
from autoseg.progress import Progress
from autoseg.reporting import is_drawn
from autoseg.reporting.lesion_map import draw_lesion_map
from dataset_fingerprints.errors import DataError
from dataset_fingerprints.failures import Failure
from dataset_fingerprints.geometry import Grid, canonical_grid, make_grid, show_lengths, show_spacing
from dataset_fingerprints.layouts import AUTOMATIC, Selection
from dataset_fingerprints.names import counted, some_of
from dataset_fingerprints.reading.alignment import overlap, resample_onto, same_place
from dataset_fingerprints.reading.images import read_grid, read_image, write_label_map, write_map
from dataset_fingerprints.simulated import mark_title

COUNT, FRACTION, PICTURE = "count.nii.gz", "fraction.nii.gz", "lesion_map.png"
_SHOWN = 4


@dataclass(frozen=True, kw_only=True, slots=True)
class MapOptions:
    """Options of the map; all have a default.

    Attributes:
        values: of labels that mean lesion; empty for all but 0, and but that of voxels that a data set ignores.
        same_space: masks are in one space though their grids differ, and are laid over each other by their headers.
        selection: the kind of label maps of a data set.
    """

    values: tuple[int, ...] = ()
    same_space: bool = False
    selection: Selection = AUTOMATIC


@dataclass(frozen=True, kw_only=True, slots=True)
class LesionMap:
    """An overlap map.

    Attributes:
        counts: (x, y, z) number of cases with a lesion, in canonical RAS+ axes.
        cases: that were counted, those without a lesion as well.
        most_at_mm: a place where most lesions lie.
        drawn_on: the brain behind the picture, in words; empty for none.
        simulated: whether the scans are simulated.
    """

    counts: NDArray[np.int32]
    cases: tuple[str, ...]
    empty: tuple[str, ...]
    most_at_mm: tuple[float, float, float]
    drawn_on: str
    files: tuple[Path, ...]
    failures: tuple[Failure, ...] = ()
    simulated: bool = False


@dataclass(kw_only=True, slots=True)
class _Sum:
    counts: NDArray[np.int32]
    lock: Lock

    def add(self, mask: NDArray[np.bool_]) -> bool:
        """Count a case, and return whether it has a lesion."""
        with self.lock:
            self.counts[mask] += 1
        return bool(mask.any())


def map_lesions(masks: Path, template: Path | None, out: Path, options: MapOptions, progress: Progress) -> LesionMap:
    """Count lesions voxel by voxel, and write the number and the share of cases and a picture into a folder.

    Args:
        masks: a folder of masks, or a data set.
        template: a brain in the same space to draw on; None for MNI152 where the masks lie in it.
        out: the folder.
        options: of the map.
        progress: receiver of progress reports.

    Raises:
        DataError: the masks lie on several grids, or cannot be read, or the folder holds other people's files.
    """
    files = find_masks(masks, options.selection)
    values = find_values(masks, options.values, options.selection)
    inputs = (*files.values(), *((template,) if template else ()))
    refuse_results_folder(out, inputs, (COUNT, FRACTION, PICTURE))
    _refuse_foreign(out)
    source_grid = _choose_grid(template) if options.same_space else _find_grid(files)
    grid = canonical_grid(source_grid)
    brain = None if template is None else _read_template(template, grid)
    total = _Sum(counts=np.zeros(grid.shape, dtype=np.int32), lock=Lock())
    read, failures = work_on(
        files, "Counting lesions", lambda case, path: total.add(_read(path, values, grid)), progress
    )
    if not total.counts.any():
        raise DataError(f"{masks}: {counted(len(read), 'mask')} without a lesion. Expected at least one with some.")
    drawn_on = "" if brain is None or template is None else template.name
    if brain is None and is_mni(total.counts > 0, grid):
        brain, drawn_on = _read_mni(grid), "MNI152"
    _write(out, total.counts, len(read), source_grid)
    simulated = is_marked(masks, files.values())
    _draw(out / PICTURE, total.counts, _name(total.counts, len(read), simulated), brain, grid)
    place = np.unravel_index(int(total.counts.argmax()), total.counts.shape)
    x, y, z = (float(value) for value in (grid.matrix() @ np.append(place, 1.0))[:3])
    return LesionMap(
        counts=total.counts,
        cases=tuple(read),
        empty=tuple(case for case, holds in read.items() if not holds),
        most_at_mm=(x, y, z),
        drawn_on=drawn_on,
        files=tuple(out / name for name in (COUNT, FRACTION, PICTURE)),
        failures=failures,
        simulated=simulated,
    )


def _find_grid(files: Mapping[str, Path]) -> Grid:
    """Return the grid that all masks share, as the first of them stores it.

    Raises:
        DataError: they lie on several.
    """
    groups = group_by_grid((case, canonical_grid(read_grid(path))) for case, path in files.items())
    if len(groups) > 1:
        groups.sort(key=lambda group: -len(group[1]))
        shown = [
            f"{counted(len(cases), 'mask')} of {show_lengths(grid.shape)} voxels, {show_spacing(grid.spacing_mm())} mm "
            f"({some_of(cases, 2)})"
            for grid, cases in groups
        ]
        raise DataError(
            f"the masks lie on {len(groups)} grids: {some_of(shown, _SHOWN, '; ')}. Expected one, that of a template: "
            "lesions of scans in their own space cannot be laid over each other. Register the scans to a template such "
            "as MNI152 (ANTs, FSL, SPM), warp the masks along with nearest neighbours, and give those. If they are in "
            "one space already, and only cut differently, give --same-space."
        )
    return read_grid(next(iter(files.values())))


def _choose_grid(template: Path | None) -> Grid:
    """Return the grid that masks of one space are laid onto: the template's, of 2 mm in MNI152 without one."""
    if template is not None:
        return read_grid(template)
    brain = datasets.load_mni152_brain_mask(resolution=2)
    return make_grid(brain.shape, np.asarray(brain.affine))


def _read(path: Path, values: Sequence[int], grid: Grid) -> NDArray[np.bool_]:
    """Return the lesion of a mask on the grid of the map: its own, or that which its header says it covers."""
    lesion = read_lesion(path, values)
    if same_place(lesion.grid, grid):
        return lesion.mask
    if not overlap(lesion.grid, grid):
        raise DataError(f"{path}: does not meet the template in space. Expected a mask in the template's space.")
    moved = resample_onto(lesion.mask[None].astype(np.float32), lesion.grid, grid, outside=0.0)[0]
    return np.asarray(moved > 0.5)


def _read_template(template: Path, grid: Grid) -> NDArray[np.float32]:
    image = read_image([template])
    if not overlap(image.grid(), grid):
        raise DataError(f"{template}: does not meet the masks in space. Expected a brain in their space.")
    if same_place(image.grid(), grid):
        return np.asarray(image.voxels[0])
    return np.asarray(resample_onto(image.voxels[:1], image.grid(), grid)[0])


def _read_mni(grid: Grid) -> NDArray[np.float32]:
    """Return the MNI152 brain, which nilearn ships, on the grid of the masks."""
    stored = datasets.load_mni152_template(resolution=2)
    mask = datasets.load_mni152_brain_mask(resolution=2)
    brain = stored.get_fdata(dtype=np.float32) * (mask.get_fdata(dtype=np.float32) > 0)
    place = make_grid(stored.shape, np.asarray(stored.affine))
    return np.asarray(resample_onto(brain[None], place, grid, outside=0.0)[0])


def _write(out: Path, counts: NDArray[np.int32], cases: int, source_grid: Grid) -> None:
    out.mkdir(parents=True, exist_ok=True)
    write_label_map(out / COUNT, counts, source_grid)
    write_map(out / FRACTION, (counts / cases).astype(np.float32), source_grid)


def _name(counts: NDArray[np.int32], cases: int, simulated: bool) -> str:
    most = int(counts.max())
    title = f"Lesion overlap of {counted(cases, 'case')}; at most {most} ({100 * most / cases:.0f} %) in one place"
    return mark_title(title, simulated)


def _draw(path: Path, counts: NDArray[np.int32], title: str, brain: NDArray[np.float32] | None, grid: Grid) -> None:
    middle = (np.array(grid.shape) - 1) / 2
    matrix = grid.matrix()
    heights_mm = matrix[2, :2] @ middle[:2] + matrix[2, 2] * np.arange(grid.shape[2]) + matrix[2, 3]
    draw_lesion_map(counts, brain, heights_mm, title, path)


def _refuse_foreign(out: Path) -> None:
    """Refuse to replace images that no earlier map is beside: its picture bears our mark."""
    there = [name for name in (COUNT, FRACTION, PICTURE) if (out / name).exists()]
    if there and not ((out / PICTURE).is_file() and is_drawn(out / PICTURE)):
        raise DataError(f"{out}: holds {there[0]}, which is not of an earlier lesion map. Name another folder with -o.")
