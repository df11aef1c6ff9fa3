"""DICOM files tag by tag, sound and odd ones: what the libraries' own writers would refuse to write."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

CT, MR, PET, SCREEN = (f"1.2.840.10008.5.1.4.1.1.{kind}" for kind in ("2", "4", "128", "7"))
ENHANCED_CT, ENHANCED_MR = (f"1.2.840.10008.5.1.4.1.1.{kind}" for kind in ("2.1", "4.1"))
REPORT, DIRECTORY = "1.2.840.10008.5.1.4.1.1.88.11", "1.2.840.10008.1.3.10"

POSITION, ORIENTATION, SPACING = 0x00200032, 0x00200037, 0x00280030
THICKNESS, DISTANCE, SLOPE, INTERCEPT = 0x00180050, 0x00180088, 0x00281053, 0x00281052
SOP_CLASS, DESCRIPTION, STUDY, SERIES, CHARACTERS = 0x00080016, 0x0008103E, 0x0020000D, 0x0020000E, 0x00080005
ROWS, COLUMNS, FRAMES, COLOURS = 0x00280010, 0x00280011, 0x00280008, 0x00280004
SHARED, PER_FRAME = 0x52009229, 0x52009230
GROUP_OF = {
    POSITION: 0x00209113,
    ORIENTATION: 0x00209116,
    SPACING: 0x00289110,
    THICKNESS: 0x00289110,
    SLOPE: 0x00289145,
    INTERCEPT: 0x00289145,
}

AXIAL = (1, 0, 0, 0, 1, 0)

_EXPLICIT, _IMPLICIT = "1.2.840.10008.1.2.1", "1.2.840.10008.1.2"
_TYPES = {
    **dict.fromkeys((0x00020010, 0x00020002, 0x00020003, SOP_CLASS, 0x00080018, STUDY, SERIES), b"UI"),
    **dict.fromkeys((CHARACTERS, 0x00080060, 0x00280004), b"CS"),
    **dict.fromkeys((0x00280002, ROWS, 0x00280011, 0x00280100, 0x00280101, 0x00280102, 0x00280103), b"US"),
    **dict.fromkeys((FRAMES, 0x00200013), b"IS"),
    DESCRIPTION: b"LO",
}

Value = str | bytes | int | float | Sequence[Any]


def write_slice(
    path: Path, pixels: NDArray[Any], tags: Mapping[int, Value | None] | None = None, *, bare: bool = False
) -> Path:
    """Write (row, column) pixels, or (frame, row, column), as a file.

    Args:
        path: of the file; its folder is made.
        pixels: integers of 16 bits.
        tags: over those of a CT slice at 0, 0, 0 of 3 x 2 x 5 mm; None for one that is left out.
        bare: without the preamble and the first group, implicitly, as old scanners wrote.
    """
    everything: dict[int, Value | None] = {
        SOP_CLASS: CT,
        0x00080018: f"1.2.{abs(hash(str(path))) % 10**12}",
        0x00080060: "CT",
        STUDY: "1.2.3",
        SERIES: "1.2.3.4",
        POSITION: (0, 0, 0),
        ORIENTATION: AXIAL,
        SPACING: (3, 2),
        THICKNESS: 5,
        0x00280002: 1,
        0x00280004: "MONOCHROME2",
        ROWS: pixels.shape[-2],
        0x00280011: pixels.shape[-1],
        0x00280100: 16,
        0x00280101: 16,
        0x00280102: 15,
        0x00280103: int(pixels.dtype.kind == "i"),
        **(tags or {}),
    }
    written = {tag: value for tag, value in sorted(everything.items()) if value is not None}
    path.parent.mkdir(parents=True, exist_ok=True)
    content = b"".join(_element(tag, value, not bare) for tag, value in written.items())
    data = pixels.astype(pixels.dtype.newbyteorder("<")).tobytes()
    head = struct.pack("<HH", 0x7FE0, 0x0010) + (b"" if bare else b"OW\0\0") + struct.pack("<I", len(data))
    path.write_bytes((b"" if bare else _start(str(everything[SOP_CLASS]))) + content + head + data)
    return path


def write_without_pixels(path: Path, sop_class: str) -> Path:
    """Write a DICOM file of another kind: a report, or the directory of a disk."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(_start(sop_class) + _element(SOP_CLASS, sop_class, True) + _element(0x00080060, "SR", True))
    return path


def frame_tags(frames: Sequence[Mapping[int, Value]], shared: Mapping[int, Value]) -> dict[int, Value | None]:
    """Return the tags of a file of several frames, each with its own and all with the shared ones."""
    return {
        SOP_CLASS: ENHANCED_CT,
        POSITION: None,
        ORIENTATION: None,
        SPACING: None,
        THICKNESS: None,
        FRAMES: str(len(frames)),
        SHARED: [_grouped(shared)],
        PER_FRAME: [_grouped(frame) for frame in frames],
    }


def _grouped(tags: Mapping[int, Value]) -> dict[int, Any]:
    groups: dict[int, list[dict[int, Value]]] = {}
    for tag, value in tags.items():
        groups.setdefault(GROUP_OF[tag], [{}])[0][tag] = value
    return groups


def _start(sop_class: str) -> bytes:
    group = _element(0x00020002, sop_class, True) + _element(0x00020003, "1.2.3.9", True)
    group += _element(0x00020010, _EXPLICIT, True)
    return bytes(128) + b"DICM" + struct.pack("<HH2sHI", 2, 0, b"UL", 4, len(group)) + group


def _element(tag: int, value: Any, explicit: bool) -> bytes:
    head = struct.pack("<HH", tag >> 16, tag & 0xFFFF)
    if isinstance(value, list):
        items = [b"".join(_element(key, item[key], explicit) for key in sorted(item)) for item in value]
        content = b"".join(struct.pack("<HHI", 0xFFFE, 0xE000, len(item)) + item for item in items)
        return head + (b"SQ\0\0" if explicit else b"") + struct.pack("<I", len(content)) + content
    kind = _TYPES.get(tag, b"DS")
    content = _content(kind, value)
    if not explicit:
        return head + struct.pack("<I", len(content)) + content
    return head + kind + struct.pack("<H", len(content)) + content


def _content(kind: bytes, value: Any) -> bytes:
    if kind == b"US":
        return struct.pack("<H", value)
    if isinstance(value, bytes):
        content = value
    elif isinstance(value, str | int | float):
        content = str(value).encode()
    else:
        content = "\\".join(f"{number:.8g}" for number in np.asarray(value, dtype=float)).encode()
    return content + (b"\0" if kind == b"UI" else b" ") * (len(content) % 2)
