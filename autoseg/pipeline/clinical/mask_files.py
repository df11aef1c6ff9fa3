"""Masks as a person names them: one file, a folder of them, or a data set with label maps."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from autoseg.clinical.lesion_files import read_lesion
from autoseg.hardware import count_cores
from autoseg.progress import Progress
from dataset_fingerprints.dataset import LabelScheme
from dataset_fingerprints.errors import DataError
from dataset_fingerprints.failures import Failure, attempt, list_failures
from dataset_fingerprints.geometry import Grid, canonical_grid, show_lengths
from dataset_fingerprints.layouts import Selection, list_references
from dataset_fingerprints.measuring.scans import Scan
from dataset_fingerprints.names import counted, natural_order
from dataset_fingerprints.reading.alignment import same_place
from dataset_fingerprints.reading.file_names import images_in, stem_of
from dataset_fingerprints.reading.images import IMAGE_SUFFIXES, is_image

T = TypeVar("T")
F = TypeVar("F")


def find_masks(place: Path, selection: Selection) -> dict[str, Path]:
    """Return masks by the names of their cases, sorted: 2 before 10.

    Args:
        place: a mask, a folder of masks, or a data set, of which the label maps are meant.
        selection: the kind of label maps of a data set, where there are several.

    Raises:
        DataError: there are none.
    """
    if not place.exists():
        raise DataError(f"{place}: does not exist. Expected a mask, a folder of masks, or a data set with label maps.")
    listed = list_references(place, selection)
    if listed is not None:
        return _sort({case.name: case.label for case in listed.cases})
    if place.is_file():
        if not is_image(place):
            raise DataError(f"{place}: is not an image that can be read ({', '.join(IMAGE_SUFFIXES)}).")
        return {stem_of(place): place}
    files = images_in(place, series=False)
    if not files:
        raise DataError(f"{place}: holds no masks ({', '.join(IMAGE_SUFFIXES)}). Expected one file per case.")
    masks = {stem_of(file): file for file in files}
    if len(masks) < len(files):
        twice = next(file for file in files if masks[stem_of(file)] != file)
        raise DataError(f"{place}: holds {twice.name} and {masks[stem_of(twice)].name}. Keep one file per case.")
    return _sort(masks)


def find_scheme(place: Path, selection: Selection) -> LabelScheme | None:
    """Return the labels that a data set names; None for other masks, and where it names none."""
    listed = list_references(place, selection)
    return None if listed is None else listed.scheme


def find_values(place: Path, values: Sequence[int], selection: Selection) -> tuple[int, ...]:
    """Return the values that mean lesion in masks.

    Args:
        place: as for `find_masks`.
        values: that were given; none for all but 0, and but that of voxels that a data set ignores.
        selection: as for `find_masks`.

    Returns:
        The values; empty for all but 0.
    """
    scheme = None if values else find_scheme(place, selection)
    return tuple(values) if scheme is None or scheme.ignore_value is None else scheme.values()


def group_by_grid(placed: Iterable[tuple[str, Grid]]) -> list[tuple[Grid, list[str]]]:
    """Return the grids that masks lie on, each with the names of its masks.

    Args:
        placed: names of masks with their canonical grids.
    """
    groups: list[tuple[Grid, list[str]]] = []
    for name, grid in placed:
        known = next((names for place, names in groups if same_place(place, grid)), None)
        if known is None:
            groups.append((grid, [name]))
        else:
            known.append(name)
    return groups


def read_region(mask: Path, scan: Scan, values: Sequence[int] = ()) -> NDArray[np.bool_]:
    """Return where a label map has some values, on the whole canonical grid of its scan.

    Args:
        mask: the label map; values that miss whole numbers by rounding are these, as in `read_lesion`.
        scan: that it belongs to.
        values: of the region; empty for all but 0.

    Raises:
        DataError: it cannot be read, holds values that are not whole numbers, or lies on another grid.
    """
    region, grid = read_lesion(mask, values), canonical_grid(scan.source_grid)
    if not same_place(grid, region.grid):
        raise DataError(
            f"{mask}: is {show_lengths(region.grid.shape)} voxels and does not lie on the grid of the scan "
            f"({show_lengths(grid.shape)}). Resample one onto the other."
        )
    return region.mask


def work_on(
    files: Mapping[str, F], title: str, work: Callable[[str, F], T], progress: Progress
) -> tuple[dict[str, T], tuple[Failure, ...]]:
    """Work on all cases, and return what comes of each, and those that failed.

    Args:
        files: by the names of the cases.
        title: of the work, for the progress.
        work: on a case's name and its files.
        progress: receiver of progress reports.

    Raises:
        DataError: all cases failed.
    """
    done: dict[str, T] = {}
    failures: list[Failure] = []
    with progress.task(title, len(files)) as task, ThreadPoolExecutor(max_workers=count_cores()) as pool:

        def try_case(case: str) -> T | Failure:
            outcome = attempt(case, "cannot be measured", lambda: work(case, files[case]))
            task.advance()
            return outcome

        for case, outcome in zip(files, pool.map(try_case, files), strict=True):
            if isinstance(outcome, Failure):
                failures.append(outcome)
            else:
                done[case] = outcome
    if not done:
        message = f"{counted(len(failures), 'case')}: none can be measured.\n{list_failures(failures)}"
        raise DataError(failures[0].describe() if len(failures) == 1 else message)
    return done, tuple(failures)


def _sort(masks: Mapping[str, Path]) -> dict[str, Path]:
    return {name: masks[name] for name in sorted(masks, key=natural_order)}
