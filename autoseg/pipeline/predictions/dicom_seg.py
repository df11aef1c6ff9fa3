"""Masks of DICOM series as DICOM SEG objects, which picture archives and their viewers take; by highdicom.

A SEG refers to the slices that it was made of, one by one. What a SEG cannot hold is said; the mask is written anyway.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autoseg.models.bundle import own_version
from dataset_fingerprints.dataset import Label
from dataset_fingerprints.errors import DataError
from dataset_fingerprints.failures import Failure, attempt
from dataset_fingerprints.fault_log import first_line
from dataset_fingerprints.files.atomic import replacing
from dataset_fingerprints.geometry import Grid, find_reorientation, from_canonical
from dataset_fingerprints.installed import advise_extra
from dataset_fingerprints.reading.dicom import order_slices
from dataset_fingerprints.reading.dicom.slices import Slice
from dataset_fingerprints.reading.images import read_label_map

SUFFIX = ".seg.dcm"
_NAME = "autoseg"
_SCHEME, _OWN_SCHEME = "SCT", "99AUTOSEG"
_ABNORMAL = ("49755003", _SCHEME, "Morphologically Abnormal Structure")
_ANATOMY = ("91723000", _SCHEME, "Anatomical Structure")
_LESION = ("52988006", _SCHEME, "Lesion")
# Words in names of labels, and what they are called in SNOMED CT; the first that fits counts.
_TYPES = (
    (r"h(a)?emorrh|bleed", ("50960005", _SCHEME, "Hemorrhage")),
    (r"(o)?edema", ("79654002", _SCHEME, "Edema")),
    (r"necro", ("6574001", _SCHEME, "Necrosis")),
    (r"infarct|stroke|isch(a)?em", ("55641003", _SCHEME, "Infarct")),
    (r"tumou?r|glioma|metasta|neoplas", ("108369006", _SCHEME, "Neoplasm")),
    (r"lesion|wmh|plaque|abnormal", _LESION),
)
# What a file of a scan must hold, if empty, and may lack when its patient's name was taken out.
_MAY_LACK = (
    *("PatientID", "PatientName", "PatientBirthDate", "PatientSex", "StudyID", "StudyDate", "StudyTime"),
    *("AccessionNumber", "ReferringPhysicianName"),
)
_IDENTIFIERS = ("SOPClassUID", "SOPInstanceUID", "SeriesInstanceUID", "StudyInstanceUID")
_log = logging.getLogger(__name__)

Code = tuple[str, str, str]


@dataclass(frozen=True, kw_only=True, slots=True)
class SegSource:
    """The DICOM series that a mask is of.

    Attributes:
        case: its name.
        folder: that it lies in.
        series: the text that names it among several.
        labels: of the mask.
    """

    case: str
    folder: Path
    series: str
    labels: tuple[Label, ...]


def can_write() -> bool:
    """Return whether the libraries are installed that write SEG objects."""
    return find_spec("highdicom") is not None and find_spec("pydicom") is not None


def describe_missing() -> str:
    """Return what to install, in a sentence."""
    return f"Masks of DICOM series are also written as DICOM SEG where highdicom is installed: {advise_extra('dicom')}."


def place_seg(mask: Path, name: str) -> Path:
    """Return where the SEG object of a scan lies: beside its mask."""
    return mask.with_name(f"{Path(name).name}{SUFFIX}")


def is_own(path: Path) -> bool:
    """Return whether a file is a SEG object that this program wrote."""
    import pydicom

    try:
        return bool(pydicom.dcmread(path, stop_before_pixels=True).get("Manufacturer") == _NAME)
    except (pydicom.errors.InvalidDicomError, OSError):
        return False


def write_seg(path: Path, mask: Path, source: SegSource) -> bool:
    """Write a mask file as a SEG object, and return whether that could be done; why it could not is logged.

    Args:
        path: of the object.
        mask: of a DICOM series, as it was written.
        source: the series.
    """
    done = attempt(source.case, "cannot be written as DICOM SEG", lambda: _try(path, mask, source))
    if isinstance(done, Failure):
        _log.warning("case %s: no DICOM SEG was written: %s The mask is there.", source.case, done.message)
        return False
    return True


def _try(path: Path, mask: Path, source: SegSource) -> None:
    if path.exists() and not is_own(path):
        raise DataError(f"{path} is of another program, and is not replaced. Move it away, and predict again.")
    image = read_label_map(mask)
    labels = image.voxels[0].round().astype(np.int64)
    indices = np.zeros(labels.shape, dtype=np.uint8)
    for number, label in enumerate(source.labels, start=1):
        indices[labels == label.value] = number
    slices = order_slices(source.folder, source.series)
    frames = _as_frames(indices, image.source_grid, slices)
    with replacing(path) as temporary:
        sources = _read_sources(slices, image.source_grid.spacing_mm()[2])
        _build(frames, sources, source).save_as(temporary, enforce_file_format=True)


def _as_frames(indices: NDArray[np.uint8], grid: Grid, slices: Sequence[Slice]) -> NDArray[np.uint8]:
    """Return (slice, row, column) in the order of the series' slices, or in that of the frames of its only file."""
    frames = from_canonical(indices, find_reorientation(grid)).transpose(2, 1, 0)
    columns, rows = slices[0].size
    if frames.shape != (len(slices), rows, columns):
        found = " x ".join(map(str, frames.shape))
        raise DataError(f"the mask has {found} voxels, but the series {len(slices)} x {rows} x {columns}.")
    if slices[0].frames == 1:
        return np.ascontiguousarray(frames)
    stored = np.empty_like(frames)
    stored[[one.frame for one in slices]] = frames
    return stored


def _read_sources(slices: Sequence[Slice], distance_mm: float) -> list[Any]:
    """Return the tags of each slice's file, or of the one that holds all.

    Args:
        slices: of the series.
        distance_mm: between slices, taken for their thickness where that is not written.
    """
    import pydicom

    files = dict.fromkeys(one.file for one in slices)
    datasets = [pydicom.dcmread(file, stop_before_pixels=True, force=True) for file in files]
    for dataset in datasets:
        lacking = [name for name in _IDENTIFIERS if not dataset.get(name)]
        if lacking:
            raise DataError(f"its files have no {lacking[0]}, by which a SEG refers to them.")
        for name in _MAY_LACK:
            if name not in dataset:
                setattr(dataset, name, "" if name != "PatientID" else None)
        if len(datasets) > 1 and "SliceThickness" not in dataset:
            dataset.SliceThickness = distance_mm
        if "FrameOfReferenceUID" not in dataset:
            dataset.FrameOfReferenceUID = pydicom.uid.generate_uid(entropy_srcs=[str(dataset.SeriesInstanceUID)])
    return datasets


def _build(frames: NDArray[np.uint8], sources: Sequence[Any], source: SegSource) -> Any:
    import highdicom

    version = own_version()
    program = highdicom.AlgorithmIdentificationSequence(
        name=_NAME, version=version, family=_coded(("123109", "DCM", "Artificial Intelligence"))
    )
    segments = [_describe(number, label, program) for number, label in enumerate(source.labels, start=1)]
    try:
        return highdicom.seg.Segmentation(
            source_images=sources,
            pixel_array=frames,
            segmentation_type=highdicom.seg.SegmentationTypeValues.BINARY,
            segment_descriptions=segments,
            series_instance_uid=highdicom.UID(),
            series_number=_number(sources[0]),
            sop_instance_uid=highdicom.UID(),
            instance_number=1,
            manufacturer=_NAME,
            manufacturer_model_name=_NAME,
            software_versions=version,
            device_serial_number="0",
            series_description=f"Segmentation ({_NAME})",
            content_label="SEGMENTATION",
        )
    except (AttributeError, KeyError, TypeError, ValueError) as error:  # what the series lacks, or cannot be held
        raise DataError(f"its series cannot be referred to ({first_line(error)}).") from error


def _number(source: Any) -> int:
    """Return a number of the new series behind that of its source."""
    number = source.get("SeriesNumber")
    return 1000 + int(number) if number is not None and 0 <= int(number) < 10**6 else 1000


def _describe(number: int, label: Label, program: Any) -> Any:
    import highdicom

    category, kind = choose_codes(label)
    return highdicom.seg.SegmentDescription(
        segment_number=number,
        segment_label=label.name[:64],
        segmented_property_category=_coded(category),
        segmented_property_type=_coded(kind),
        algorithm_type=highdicom.seg.SegmentAlgorithmTypeValues.AUTOMATIC,
        algorithm_identification=program,
    )


def choose_codes(label: Label) -> tuple[Code, Code]:
    """Return the category and the type of a label: codes of SNOMED CT where its name says it, else one of our own."""
    known = next((code for word, code in _TYPES if re.search(word, label.name, re.IGNORECASE)), None)
    if known is not None:
        return _ABNORMAL, known
    return _ANATOMY, (f"LABEL{label.value}"[:16], _OWN_SCHEME, label.name[:64])


def _coded(code: Code) -> Any:
    import highdicom

    value, scheme, meaning = code
    return highdicom.sr.CodedConcept(value=value, scheme_designator=scheme, meaning=meaning)
