"""The simulated data set on disk, in nnU-Net's layout, with what is known of each case beside it."""

from __future__ import annotations

import gzip
import io
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
from numpy.typing import NDArray

from autoseg.simulate.case import SimulatedScan, simulate_scan
from autoseg.simulate.records import SimulatedCase, SimulatedDataset, SimulationOptions, SimulationRecord
from dataset_fingerprints.atomic import write_bytes
from dataset_fingerprints.errors import AutosegError
from dataset_fingerprints.jsonfiles import read_json, write_json

RECORD_FILE = "simulation.json"


@dataclass(frozen=True, kw_only=True, slots=True)
class _Split:
    images: str
    labels: str


_TRAINING = _Split(images="imagesTr", labels="labelsTr")
_HELD_OUT = _Split(images="imagesTs", labels="labelsTs")


def simulate_dataset(
    out: Path, options: SimulationOptions, on_case: Callable[[str], None] | None = None
) -> SimulatedDataset:
    """Write T1w-like skull-stripped brains with chronic stroke lesions, and return what was made.

    The same options give the same bytes. A folder that already holds this simulation is returned as it is.

    Args:
        on_case: called with the name of each case once it is written.

    Raises:
        AutosegError: the options cannot be met, or `out` holds anything else.
    """
    _check_options(options)
    finished = _read_finished(out, options)
    if finished is not None:
        return SimulatedDataset(folder=out, options=options, cases=finished.cases)
    numbers = [(number, False) for number in range(1, options.cases + 1)]
    numbers += [(number, True) for number in range(1, options.held_out_cases + 1)]
    cases = []
    for number, held_out in numbers:
        scan = simulate_scan(number, options, held_out=held_out)
        _write_case(out, scan)
        cases.append(scan.record)
        if on_case is not None:
            on_case(scan.record.name)
    write_json(out / "dataset.json", _dataset_description(options))
    write_json(out / RECORD_FILE, SimulationRecord(options=options, cases=tuple(cases)))
    return SimulatedDataset(folder=out, options=options, cases=tuple(cases))


def image_path(folder: Path, case: SimulatedCase) -> Path:
    """Return where a case's T1w scan lies."""
    return folder / _split_of(case).images / f"{case.name}_0000.nii.gz"


def label_path(folder: Path, case: SimulatedCase) -> Path:
    """Return where a case's reference mask lies."""
    return folder / _split_of(case).labels / f"{case.name}.nii.gz"


def _split_of(case: SimulatedCase) -> _Split:
    return _HELD_OUT if case.held_out else _TRAINING


def _check_options(options: SimulationOptions) -> None:
    if options.cases < 1 or options.held_out_cases < 0:
        found = f"{options.cases} training and {options.held_out_cases} held-out cases"
        raise AutosegError(f"simulate: {found} were asked for. Ask for at least 1 training case and 0 held-out ones.")
    if options.seed < 0:
        raise AutosegError(f"simulate: seed is {options.seed}. Choose a whole number from 0 on.")
    if not 1.0 <= options.spacing_mm <= 6.0:
        raise AutosegError(f"simulate: spacing_mm is {options.spacing_mm}. Choose a spacing from 1 to 6 mm.")
    if not 0 < options.min_lesion_ml <= options.max_lesion_ml <= 390:
        found = f"from {options.min_lesion_ml} to {options.max_lesion_ml} ml"
        raise AutosegError(f"simulate: lesions {found} were asked for. Choose a range within 0 to 390 ml.")


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
    if content:
        listed = ", ".join(content[:3]) + (", ..." if len(content) > 3 else "")
        raise AutosegError(f"{out}: is not empty ({listed}) and holds no finished simulation. {advice}.")
    return None


def _differences(found: SimulationOptions, asked: SimulationOptions) -> str:
    names = [name for name in SimulationOptions.__slots__ if getattr(found, name) != getattr(asked, name)]
    return ", ".join(f"{name} is {getattr(found, name)}, asked for {getattr(asked, name)}" for name in names)


def _write_case(out: Path, scan: SimulatedScan) -> None:
    _write_nifti(image_path(out, scan.record), scan.image, scan.affine)
    _write_nifti(label_path(out, scan.record), scan.label, scan.affine)


def _write_nifti(path: Path, voxels: NDArray[Any], affine: NDArray[np.float64]) -> None:
    image = nibabel.Nifti1Image(voxels, affine, dtype=voxels.dtype)
    image.header.set_xyzt_units("mm")
    image.set_qform(affine, code="scanner")
    image.set_sform(affine, code="scanner")
    content = io.BytesIO()
    # A name or a time in the gzip header would make two runs differ.
    with gzip.GzipFile(filename="", mode="wb", compresslevel=3, fileobj=content, mtime=0) as stream:
        stream.write(image.to_bytes())
    write_bytes(path, content.getvalue())


def _dataset_description(options: SimulationOptions) -> dict[str, Any]:
    return {
        "name": "SimulatedStroke",
        "description": "Simulated T1w brains with chronic stroke lesions. No scan of a person.",
        "channel_names": {"0": "T1w"},
        "labels": {"background": 0, "lesion": 1},
        "numTraining": options.cases,
        "file_ending": ".nii.gz",
    }
