"""The files that people correct: masks for ITK-SNAP and 3D Slicer, names of labels, a table for their minutes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from autoseg.labelling.descriptions import describe_for_itk_snap, make_segments
from autoseg.labelling.minutes import COLUMNS
from autoseg.pipeline.labelling.looking import Looker
from autoseg.pipeline.labelling.loop_state import OpenLoop
from autoseg.pipeline.scores.case_tables import Table, write_table
from autoseg.progress import Progress
from autoseg.workspace.loop import RoundFolder
from dataset_fingerprints.dataset import Case
from dataset_fingerprints.errors import DataError
from dataset_fingerprints.failures import Failure, attempt, list_failures
from dataset_fingerprints.files.atomic import sweep, write_bytes
from dataset_fingerprints.geometry import canonical_grid
from dataset_fingerprints.names import counted
from dataset_fingerprints.reading.alignment import same_place
from dataset_fingerprints.reading.images import read_grid, read_label_map, write_label_map
from dataset_fingerprints.reading.segmentations import write_segmentation

_ADVICE = """Masks to correct

Each scan has its mask twice, with the same voxels: correct one of the two, in the program that you like better, and
save it under its own name.

- ITK-SNAP: open the scan, Segmentation > Open Segmentation: CASE.nii.gz; Segmentation > Import Label Descriptions:
  labels.txt.
- 3D Slicer: open the scan, then CASE.seg.nrrd; correct it in the Segment Editor; keep the names of the segments.

Write the minutes that each label took into minutes.csv if you like: 12.5 or 12:30.

The scans:
"""


def write_for_people(opened: OpenLoop, load: Callable[[], Looker], names: Sequence[str], progress: Progress) -> None:
    """Write the masks of scans for people; files that are there stay as they are, for somebody may have edited them.

    Args:
        opened: the loop.
        load: returns the round's model; it is not asked for where all masks were made before.
        names: of the scans.
        progress: receiver of progress reports.

    Raises:
        DataError: a scan cannot be predicted; all others are done first.
    """
    place = opened.now()
    sweep(place.presegmented, place.to_correct)
    failures = []
    with progress.task("Masks to correct", len(names)) as task:
        for name in names:
            case = opened.loop.case(name)
            done = attempt(name, "cannot be predicted", partial(_write, opened, load, case))
            if isinstance(done, Failure):
                failures.append(done)
            task.advance()
    _write_texts(opened, place, names)
    if failures:
        raise DataError(
            f"{len(failures)} of {counted(len(names), 'chosen scan')} cannot be predicted:\n{list_failures(failures)}\n"
            "Correct the scans and give the same command again, or give them up with `autoseg label next --without "
            "SCAN`; the others are ready to be corrected."
        )


def _write(opened: OpenLoop, load: Callable[[], Looker], case: Case) -> None:
    place = opened.now()
    made = place.presegmentation(case.name)
    if not _is_sound(made, case):
        looker = load()
        scan = looker.read(case)
        write_label_map(made, looker.segment(scan).labels, scan.source_grid, scan.header)
    mask = read_label_map(made)
    plain, segmentation = place.editable(case.name)
    if not plain.exists():
        write_label_map(plain, mask.voxels[0], mask.source_grid, mask.header)
    if not segmentation.exists():
        write_segmentation(segmentation, mask.voxels[0], mask.source_grid, make_segments(opened.loop.labels))


def _is_sound(made: Path, case: Case) -> bool:
    """Return whether a mask that was made before can be read, and lies on its scan's grid."""
    if not made.is_file():
        return False
    try:
        grid = read_label_map(made).grid()
    except DataError:
        return False
    return same_place(grid, canonical_grid(read_grid(case.image_paths()[0])))


def _write_texts(opened: OpenLoop, place: RoundFolder, names: Sequence[str]) -> None:
    loop = opened.loop
    write_bytes(place.labels, describe_for_itk_snap(make_segments(loop.labels)).encode())
    scans = [f"  {name}: {', '.join(loop.case(name).images)}" for name in names]
    write_bytes(place.advice, (_ADVICE + "\n".join(scans) + "\n").encode(errors="backslashreplace"))
    if not place.minutes.exists():
        rows = [{"case": name, "structure": label.name} for name in names for label in loop.labels.labels]
        write_table(place.minutes, Table(columns=COLUMNS, rows=tuple(rows)))
