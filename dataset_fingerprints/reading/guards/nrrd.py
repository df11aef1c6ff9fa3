"""NRRD headers, as far as they say where the voxels lie and how many there are."""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Literal

from dataset_fingerprints.errors import DataError
from dataset_fingerprints.reading.guards.datafiles import find_data_file, number_files, read_integer, share_evenly
from dataset_fingerprints.reading.guards.payloads import Payload
from dataset_fingerprints.reading.stored import RefusedError
from dataset_fingerprints.tolerances import LARGEST_VOXEL_MM

_SPELLINGS = {
    1: "signed char, int8, int8_t, uchar, unsigned char, uint8, uint8_t, char",
    2: "short, short int, signed short, signed short int, int16, int16_t, "
    "ushort, unsigned short, unsigned short int, uint16, uint16_t",
    4: "int, signed int, int32, int32_t, uint, unsigned int, uint32, uint32_t, float",
    8: "longlong, long long, long long int, signed long long, signed long long int, int64, int64_t, "
    "ulonglong, unsigned long long, unsigned long long int, uint64, uint64_t, double",
}
_VALUE_BYTES = {name: size for size, names in _SPELLINGS.items() for name in names.split(", ")}
_PACKINGS: dict[str, Literal["none", "deflate", "text"]] = {
    "raw": "none",
    **dict.fromkeys(("gzip", "gz"), "deflate"),
    **dict.fromkeys(("ascii", "text", "txt", "hex"), "text"),
}
_MOST_AXES = 16
_LONGEST_HEADER = 1 << 22

# The library behind ITK copies a line that it cannot make sense of into 1,000 bytes, and crashes on a longer one.
# Comments, contents and keys with values may be of any length.
_LONGEST_LINE = 900


def find_nrrd_payloads(path: Path) -> list[Payload]:
    """Return where the voxels of an NRRD lie.

    Raises:
        RefusedError: the header cannot be read.
        DataError: it names data files that are not read, or has a line that is too long.
    """
    fields, names, end = _read_fields(path)
    _refuse_endless(path, fields.get("space directions", ""))
    name = fields.get("data file", fields.get("datafile"))
    if name is None:
        return [_make_payload(path, path, end, fields, 1)]
    first, *more = name.split() or [""]
    if _is_list(name):
        files = names
    elif "%" in first and len(more) >= 3:
        files = number_files(path, first, *(read_integer(text) for text in more[:3]))
    else:
        files = [name]
    if not files:
        raise RefusedError("its list of data files is empty")
    return [_make_payload(path, find_data_file(path, each), 0, fields, len(files)) for each in files]


def gives_voxel_size(path: Path) -> bool:
    """Return whether an NRRD's header says how large the voxels are."""
    fields, _, _ = _read_fields(path)
    return "spacings" in fields or "space directions" in fields


def _refuse_endless(path: Path, directions: str) -> None:
    """Refuse voxels so large that ITK cannot square their sizes: it takes 1 mm instead without a word."""
    for number in re.split(r"[\s(),]+", directions):
        try:
            size = abs(float(number))
        except ValueError:
            continue  # none, or what ITK itself refuses
        if not size < LARGEST_VOXEL_MM:
            raise DataError(
                f"{path}: its header has {number[:40]} in its space directions. Expected voxel sizes below "
                f"{LARGEST_VOXEL_MM:g} mm: correct the header, for example with SimpleITK."
            )


def _make_payload(header: Path, file: Path, start: int, fields: dict[str, str], files: int) -> Payload:
    """Describe one of the files that hold the voxels, each as many."""
    size, slice_size = _declared_bytes(fields)
    encoding = fields.get("encoding", "").lower()
    if encoding not in _PACKINGS:
        raise RefusedError(f"its encoding is {encoding[:40]!r}; known are {', '.join(_PACKINGS)}")
    size = share_evenly(header, size, files)
    lines = read_integer(fields.get("line skip", fields.get("lineskip", "0")))
    skipped = read_integer(fields.get("byte skip", fields.get("byteskip", "0")))
    if lines < 0 or skipped < -1 or (skipped and encoding != "raw"):
        raise RefusedError(f"it skips {lines} lines and {skipped} bytes before the voxels")
    start = _skip_lines(file, start, lines)
    length = file.stat().st_size - start
    if skipped == -1:
        skipped = max(0, length - size)
    return Payload(
        path=file,
        start=start + skipped,
        length=length - skipped,
        size=size,
        slice_size=slice_size,
        packing=_PACKINGS[encoding],
    )


def _read_fields(path: Path) -> tuple[dict[str, str], list[str], int]:
    """Return the fields, the data files that follow a list's field, and where the header ends."""
    with path.open("rb") as stream:
        start = stream.read(_LONGEST_HEADER)
    if not start.startswith(b"NRRD"):
        raise RefusedError("it does not begin with NRRD")
    fields: dict[str, str] = {}
    names: list[str] = []
    place = start.find(b"\n") + 1
    while 0 < place < len(start):
        end = start.find(b"\n", place)
        end = len(start) if end < 0 else end
        line = start[place:end].rstrip(b"\r")
        place = end + 1
        if not line:
            return fields, names, place
        _refuse_long(path, line)
        _take_line(line.decode("utf-8", "replace"), fields, names)
    if len(start) == _LONGEST_HEADER or ("data file" not in fields and "datafile" not in fields):
        raise RefusedError("its header does not end")
    return fields, names, len(start)


def _take_line(line: str, fields: dict[str, str], names: list[str]) -> None:
    """Sort a line into fields and names of data files; keys with values and comments say nothing about voxels."""
    if _is_list(fields.get("data file", fields.get("datafile", ""))):
        names.append(line.strip())
    elif not line.startswith("#") and ":=" not in line:
        key, sign, value = line.partition(": ")
        if not sign:
            raise RefusedError(f"its header has a line without a field: {line[:40]!r}")
        fields[key.strip().lower()] = value.strip()


def _is_list(data_file: str) -> bool:
    """Return whether a field of the data file says that names follow it, as ITK's library decides it: by capitals."""
    return data_file.startswith("LIST")


def _refuse_long(path: Path, line: bytes) -> None:
    free = line.startswith((b"#", b"content:")) or b":=" in line
    if len(line) > _LONGEST_LINE and not free:
        raise DataError(
            f"{path}: its header has a line of {len(line)} bytes. Expected at most {_LONGEST_LINE}: store the scan "
            "again, for example with SimpleITK."
        )


def _declared_bytes(fields: dict[str, str]) -> tuple[int, int]:
    """Return the bytes of all voxels, unpacked, and of a slice."""
    axes = read_integer(fields.get("dimension", "0"))
    lengths = [read_integer(length) for length in fields.get("sizes", "").split()]
    kind = fields.get("type", "").lower()
    if not 1 <= axes <= _MOST_AXES or len(lengths) != axes or min(lengths) < 1:
        raise RefusedError(f"its header declares {axes} axes and the lengths {lengths[:_MOST_AXES]}")
    if kind not in _VALUE_BYTES:
        raise RefusedError(f"its number type is {kind[:40]!r}")
    size = math.prod(lengths) * _VALUE_BYTES[kind]
    return size, size // lengths[-1] if axes > 2 else size


def _skip_lines(file: Path, start: int, lines: int) -> int:
    if not lines:
        return start
    with file.open("rb") as stream:
        stream.seek(start)
        for _ in range(lines):
            if not stream.readline(_LONGEST_HEADER):
                raise RefusedError("it ends within the lines to skip")
        return stream.tell()
