"""MetaImage headers (.mha, .mhd), as far as they say where the voxels lie and how many there are."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Literal

from dataset_fingerprints.errors import DataError
from dataset_fingerprints.reading.guards.datafiles import find_data_file, number_files, read_integer, share_evenly
from dataset_fingerprints.reading.guards.payloads import Payload
from dataset_fingerprints.reading.stored import RefusedError

_VALUE_BYTES = {
    **dict.fromkeys(("CHAR", "UCHAR", "ASCII_CHAR"), 1),
    **dict.fromkeys(("SHORT", "USHORT"), 2),
    **dict.fromkeys(("INT", "UINT", "LONG", "ULONG", "FLOAT"), 4),
    **dict.fromkeys(("LONG_LONG", "ULONG_LONG", "DOUBLE"), 8),
}
_LAST_KEY = "ElementDataFile"
_LONGEST_HEADER = 1 << 20
_MOST_AXES = 5


def find_metaimage_payloads(path: Path) -> list[Payload]:
    """Return where the voxels of a MetaImage lie.

    Raises:
        RefusedError: the header cannot be read.
        DataError: it names data files that are not read.
    """
    fields, end = _read_fields(path)
    name = fields[_LAST_KEY]
    if name.upper() == "LOCAL":
        return [_make_payload(path, path, end, fields, 1)]
    names = _name_files(path, end, name)
    if len(names) > 1 and _is_true(fields, "CompressedData"):
        raise DataError(f"{path}: keeps compressed voxels in {len(names)} files. Store the scan in one file.")
    return [_make_payload(path, find_data_file(path, each), 0, fields, len(names)) for each in names]


def gives_voxel_size(path: Path) -> bool:
    """Return whether a MetaImage's header says how large the voxels are."""
    fields, _ = _read_fields(path)
    return "ElementSpacing" in fields or "ElementSize" in fields


def _make_payload(header: Path, file: Path, start: int, fields: dict[str, str], files: int) -> Payload:
    """Describe one of the files that hold the voxels, each as many."""
    size, slice_size = _declared_bytes(fields)
    size = share_evenly(header, size, files)
    length = file.stat().st_size - start
    packing: Literal["none", "deflate", "text"] = "none"
    if _is_true(fields, "CompressedData"):
        packing = "deflate"
        length = _packed_length(header, length, read_integer(fields.get("CompressedDataSize", "0")), file == header)
    elif fields.get("BinaryData", "True")[:1] not in "Tt1":
        packing = "text"
    skipped = read_integer(fields.get("HeaderSize", "0"))
    if skipped == -1 and packing == "none":
        skipped = max(0, length - size)
    start, length = start + max(0, skipped), length - max(0, skipped)
    return Payload(path=file, start=start, length=length, size=size, slice_size=slice_size, packing=packing)


def _packed_length(header: Path, there: int, declared: int, attached: bool) -> int:
    """Return the length of the compressed voxels; ITK finds it by itself only where they have a file of their own."""
    if attached and declared < 1:
        raise RefusedError("its header lacks CompressedDataSize")
    if declared > there:
        raise DataError(
            f"{header}: is truncated: {there} of {declared} compressed bytes of voxels are there. "
            "Copy the file again from its source."
        )
    return declared if declared > 0 else there


def _name_files(path: Path, end: int, name: str) -> list[str]:
    """Return the names of the data files: one, a list after the header, or a pattern with numbers."""
    if name.upper().startswith("LIST"):
        with path.open("rb") as stream:
            stream.seek(end)
            lines = stream.read(_LONGEST_HEADER).decode("utf-8", "replace").splitlines()
        names = [line.strip() for line in lines if line.strip()]
        if not names:
            raise RefusedError("its list of data files is empty")
        return names
    if "%" in name:
        pattern, *numbers = name.split()
        first, last, step = (*map(read_integer, numbers), *(1, 1, 1)[len(numbers) :])[:3]
        return number_files(path, pattern, first, last, step)
    return [name]


def _read_fields(path: Path) -> tuple[dict[str, str], int]:
    """Return the fields up to the one that names the data file, and where the header ends."""
    with path.open("rb") as stream:
        start = stream.read(_LONGEST_HEADER)
    fields: dict[str, str] = {}
    place = 0
    while _LAST_KEY not in fields:
        end = start.find(b"\n", place)
        if end < 0:
            end = len(start)
        key, sign, value = start[place:end].decode("utf-8", "replace").partition("=")
        place = end + 1
        if sign:
            fields[key.strip()] = value.strip()
        elif end == len(start):
            raise RefusedError(f"its header has no {_LAST_KEY}")
    return fields, place


def _declared_bytes(fields: dict[str, str]) -> tuple[int, int]:
    """Return the bytes of all voxels, unpacked, and of a slice."""
    try:
        axes = read_integer(fields["NDims"])
        lengths = [read_integer(length) for length in fields["DimSize"].split()]
        value_bytes = _VALUE_BYTES[fields["ElementType"].removeprefix("MET_").removesuffix("_ARRAY")]
    except KeyError as error:
        raise RefusedError(f"its header lacks or has an unknown {error}") from error
    if not 1 <= axes <= _MOST_AXES or len(lengths) != axes or min(lengths) < 1:
        raise RefusedError(f"its header declares {axes} axes and the lengths {lengths}")
    voxel_bytes = value_bytes * read_integer(fields.get("ElementNumberOfChannels", "1"))
    if voxel_bytes < 1:
        raise RefusedError("its header declares less than one value per voxel")
    return math.prod(lengths) * voxel_bytes, math.prod(lengths[:2]) * voxel_bytes


def _is_true(fields: dict[str, str], key: str) -> bool:
    return fields.get(key, "False")[:1] in ("T", "t", "1")
