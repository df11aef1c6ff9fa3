"""The simulated data set on disk, in one of several layouts, with what is known of each case beside it."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from math import prod
from pathlib import Path

import numpy as np

from autoseg.hardware import count_cores, memory_limit_gb
from autoseg.simulate.case import CaseRequest, SimulatedScan, request_case, simulate_scan
from autoseg.simulate.defects import CaseFiles
from autoseg.simulate.layouts import LAYOUTS
from autoseg.simulate.oddities import Oddity, list_defects, plan_oddities
from autoseg.simulate.options import DEFAULT_OPTIONS, SimulationOptions, check_options
from autoseg.simulate.real_masks import find_masks
from autoseg.simulate.records import SimulatedCase, SimulatedDataset, SimulationRecord
from autoseg.simulate.stored import store, write_volume
from autoseg.simulate.unfinished import FOLDER, Unfinished
from dataset_fingerprints.errors import AutosegError
from dataset_fingerprints.files.atomic import write_bytes
from dataset_fingerprints.files.jsonfiles import read_json, write_json
from dataset_fingerprints.sizes import GIB

RECORD_FILE = "simulation.json"
CASES_FILE = "cases.csv"

# Memory that a case takes while it is made: measured 118 bytes per voxel with a head.
_VOXEL_BYTES = 130
# A brain with its margins, and a head, at 1 mm.
_BRAIN_VOXELS, _HEAD_VOXELS = 5.5e6, 11.5e6
_MEMORY_SHARE = 0.5


@dataclass(frozen=True, kw_only=True, slots=True)
class _Job:
    """A case to be made; `oddity` spoils it before it is written."""

    request: CaseRequest
    oddity: Oddity | None = None


def simulate_dataset(
    out: Path, options: SimulationOptions, on_case: Callable[[str], None] | None = None
) -> SimulatedDataset:
    """Write T1w-like brains with chronic stroke lesions, and return what was made.

    The same options give the same bytes. A folder that already holds this simulation is returned as it is; where it is
    not finished, it goes on.

    Args:
        on_case: called with the name of each case once it is written, in the order of the cases.

    Raises:
        AutosegError: the options cannot be met, `out` holds anything else, or nothing can be written there.
    """
    check_options(options)
    odd = plan_oddities(options)
    if options.lesion_masks:
        find_masks(Path(options.lesion_masks))
    finished, unfinished = _read_finished(out, options), Unfinished(dataset=out)
    if finished is not None:
        unfinished.end()
        return SimulatedDataset(folder=out, options=options, cases=finished.cases, defects=finished.defects)
    _make_folder(out)
    unfinished.begin(options)
    jobs = [_Job(request=request_case(number)) for number in range(1, options.cases + 1)]
    jobs += [_Job(request=case.request, oddity=case.oddity) for case in odd]
    jobs += [_Job(request=request_case(number, held_out=True)) for number in range(1, options.held_out_cases + 1)]
    cases = _make_cases(out, jobs, options, on_case)
    defects = list_defects(odd)
    write_bytes(out / CASES_FILE, _list_cases(out, cases, options).encode("utf-8"))
    _write_descriptions(out, cases, options)
    write_json(out / RECORD_FILE, SimulationRecord(options=options, cases=cases, defects=defects))
    unfinished.end()
    return SimulatedDataset(folder=out, options=options, cases=cases, defects=defects)


def count_cases(options: SimulationOptions) -> int:
    """Return how many cases are written in all."""
    return options.cases + options.held_out_cases + len(plan_oddities(options))


def image_path(
    folder: Path, case: SimulatedCase, channel: int = 0, options: SimulationOptions = DEFAULT_OPTIONS
) -> Path:
    """Return where a channel of a case lies; the first is the T1w scan."""
    return folder / LAYOUTS[options.layout].image(case, channel, options)


def label_path(folder: Path, case: SimulatedCase, options: SimulationOptions = DEFAULT_OPTIONS) -> Path:
    """Return where a case's reference mask lies."""
    return folder / LAYOUTS[options.layout].label(case)


def held_out_folders(folder: Path, options: SimulationOptions) -> tuple[Path, Path]:
    """Return the folders of the held-out scans and of their masks."""
    scans, masks = LAYOUTS[options.layout].held_out()
    return folder / scans, folder / masks


def _make_cases(
    out: Path, jobs: Sequence[_Job], options: SimulationOptions, on_case: Callable[[str], None] | None
) -> tuple[SimulatedCase, ...]:
    unfinished = Unfinished(dataset=out)

    def make(job: _Job) -> SimulatedCase:
        made = unfinished.find(job.request.name)
        if made is not None:
            return made
        scan = simulate_scan(job.request, options)
        case = LAYOUTS[options.layout].rename(scan.record, job.request.number, options)
        files = _files_of(scan, options)
        _write_files(out, case, files if job.oddity is None else job.oddity.plant(files), options)
        unfinished.add(job.request.name, case)
        return case

    cases = []
    with ThreadPoolExecutor(max_workers=_workers(options)) as pool:
        for case in pool.map(make, jobs):
            cases.append(case)
            if on_case is not None:
                on_case(case.name)
    return tuple(cases)


def _workers(options: SimulationOptions) -> int:
    usual = (_HEAD_VOXELS if options.head else _BRAIN_VOXELS) / options.spacing_mm**3
    case_gb = (prod(options.shape) if options.shape else usual) * _VOXEL_BYTES / GIB
    return max(1, min(count_cores(), int(_MEMORY_SHARE * memory_limit_gb() / case_gb)))


def _files_of(scan: SimulatedScan, options: SimulationOptions) -> CaseFiles:
    label = (scan.label * options.lesion_value).astype(np.uint8)
    code = scan.record.orientation
    return CaseFiles(
        channels=tuple(store(channel, scan.affine, code) for channel in scan.channels),
        label=store(label, scan.affine, code),
    )


def _write_files(out: Path, case: SimulatedCase, files: CaseFiles, options: SimulationOptions) -> None:
    for channel, volume in enumerate(files.channels):
        if volume is not None:
            write_volume(image_path(out, case, channel, options), volume)
    if files.label is not None:
        write_volume(label_path(out, case, options), files.label)


def _write_descriptions(out: Path, cases: Sequence[SimulatedCase], options: SimulationOptions) -> None:
    for name, content in LAYOUTS[options.layout].describe(cases, options).items():
        if isinstance(content, str):
            write_bytes(out / name, content.encode("utf-8"))
        else:
            write_json(out / name, content)


def _make_folder(out: Path) -> None:
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise AutosegError(
            f"{out}: cannot be made ({error.strerror}). Choose a folder that you may write to."
        ) from error
    if not os.access(out, os.W_OK | os.X_OK):
        raise AutosegError(f"{out}: cannot be written to. Choose a folder that you may write to.")


def _read_finished(out: Path, options: SimulationOptions) -> SimulationRecord | None:
    if not out.exists():
        return None
    advice = "Choose another folder, or delete this one"
    if not out.is_dir():
        raise AutosegError(f"{out}: is a file. The simulation needs a folder that is new or empty. {advice}.")
    if (out / RECORD_FILE).is_file():
        record = read_json(out / RECORD_FILE, SimulationRecord)
        if record.options == options:
            return record
        differing = _differences(record.options, options)
        raise AutosegError(f"{out}: holds another simulation ({differing}). {advice}.")
    content = sorted(path.name for path in out.iterdir())
    begun = Unfinished(dataset=out).options()
    if begun is not None and begun != options:
        raise AutosegError(f"{out}: holds an unfinished simulation ({_differences(begun, options)}). {advice}.")
    if begun is None and content not in ([], [FOLDER]):
        listed = ", ".join(content[:3]) + (", ..." if len(content) > 3 else "")
        raise AutosegError(f"{out}: is not empty ({listed}) and holds no finished simulation. {advice}.")
    return None


def _differences(found: SimulationOptions, asked: SimulationOptions) -> str:
    names = [name for name in SimulationOptions.__slots__ if getattr(found, name) != getattr(asked, name)]
    return ", ".join(f"{name} is {getattr(found, name)}, asked for {getattr(asked, name)}" for name in names)


def _list_cases(out: Path, cases: Sequence[SimulatedCase], options: SimulationOptions) -> str:
    """Return the training cases as a CSV of paths, with what the layouts do not all say: subject, session, site."""
    names = options.channels()
    columns = ["image"] if len(names) == 1 else [f"image:{name}" for name in names]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([*columns, "label", "case", "subject", "session", "site", "group"])
    for case in cases:
        if not case.held_out:
            images = [image_path(out, case, channel, options) for channel in range(len(names))]
            files = [path.relative_to(out).as_posix() for path in (*images, label_path(out, case, options))]
            writer.writerow([*files, case.name, case.subject, case.session, case.site, ""])
    return text.getvalue()
