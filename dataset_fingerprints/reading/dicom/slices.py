"""Slices of DICOM files: one per file, or one per frame of a file, each with its own tags."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from dataset_fingerprints.errors import DataError
from dataset_fingerprints.names import counted
from dataset_fingerprints.reading.dicom import tags as dicom_tags
from dataset_fingerprints.reading.dicom.tags import Tags
from dataset_fingerprints.reading.kept_locale import keeping_locale
from dataset_fingerprints.reading.stored import cannot_open, itk_reason

if TYPE_CHECKING:
    import SimpleITK

Floats = tuple[float, ...]

# Files of these formats are never looked into: a folder may hold thousands.
_OTHER_SUFFIXES = (".nii", ".nii.gz", ".nrrd", ".mha", ".mhd", ".png", ".json", ".csv", ".txt", ".zip", ".npz", ".npy")

# Where a file of these kinds has no pixels, it is damaged; other files without pixels are reports, plans and the like.
_IMAGE_CLASSES = tuple(f"1.2.840.10008.5.1.4.1.1.{kind}" for kind in ("1", "2", "4", "4.1", "7", "20", "128", "130"))

# Segmentations, registrations and other things that are derived of images: they have frames, but are not scans.
_DERIVED_CLASSES = "1.2.840.10008.5.1.4.1.1.66"

_CHARACTER_SETS = {"ISO_IR 192": "utf-8", "GB18030": "gb18030", "ISO_IR 144": "iso8859-5", "ISO_IR 101": "iso8859-2"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Tag:
    """A tag that holds numbers.

    Attributes:
        number: as one integer, the group in the upper half.
        count: of its numbers.
    """

    name: str
    number: int
    count: int = 1

    def __str__(self) -> str:
        return f"{self.name} ({self.number >> 16:04X},{self.number & 0xFFFF:04X})"

    def key(self) -> str:
        """Return the tag as SimpleITK writes it."""
        return f"{self.number >> 16:04x}|{self.number & 0xFFFF:04x}"


POSITION = Tag(name="ImagePositionPatient", number=0x00200032, count=3)
ORIENTATION = Tag(name="ImageOrientationPatient", number=0x00200037, count=6)
SPACING = Tag(name="PixelSpacing", number=0x00280030, count=2)
THICKNESS = Tag(name="SliceThickness", number=0x00180050)
DISTANCE = Tag(name="SpacingBetweenSlices", number=0x00180088)
SLOPE = Tag(name="RescaleSlope", number=0x00281053)
INTERCEPT = Tag(name="RescaleIntercept", number=0x00281052)
# Without these there is no image.
_NEEDED = (
    Tag(name="Rows", number=dicom_tags.ROWS),
    Tag(name="Columns", number=0x00280011),
    Tag(name="BitsAllocated", number=0x00280100),
    Tag(name="PixelData", number=dicom_tags.PIXELS),
)
_GEOMETRY = (POSITION, ORIENTATION, SPACING, THICKNESS, DISTANCE)

# The sequence that holds each tag of a frame.
_GROUP_OF = {
    POSITION: dicom_tags.PLANE_POSITION,
    ORIENTATION: dicom_tags.PLANE_ORIENTATION,
    SPACING: dicom_tags.PIXEL_MEASURES,
    THICKNESS: dicom_tags.PIXEL_MEASURES,
    DISTANCE: dicom_tags.PIXEL_MEASURES,
    SLOPE: dicom_tags.VALUE_TRANSFORMATION,
    INTERCEPT: dicom_tags.VALUE_TRANSFORMATION,
}

_STUDY, _SERIES, _DESCRIPTION = "0020|000d", "0020|000e", "0008|103e"
_CLASS, _CHARACTERS, _FRAMES = "0008|0016", "0008|0005", "0028|0008"
_SAMPLES, _BITS, _PHOTOMETRIC = "0028|0002", "0028|0100", "0028|0004"

# The tag of pixels, as files of the usual byte order hold it.
_PIXEL_TAG = b"\xe0\x7f\x10\x00"

# No scan is compressed to a smaller share of its size.
_BEST_COMPRESSION = 2000


@dataclass(frozen=True, kw_only=True, slots=True)
class Slice:
    """One slice as its file describes it; None for a tag that is not there.

    Attributes:
        frame: its place in the file, from 0.
        frames: how many slices the file holds.
        size: columns and rows.
        channels: values per pixel.
        colours: what the values stand for; GDCM turns MONOCHROME1 round, so that low values are dark.
        number_type: of the pixels as SimpleITK gives them.
        position: of the first pixel in LPS mm.
        orientation: directions in which columns and rows are counted, three numbers each.
        spacing_mm: between rows and between columns.
        thickness_mm: of the slice, or the distance between slices where that is written.
        rescale: slope and intercept.
    """

    file: Path
    frame: int
    frames: int
    size: tuple[int, int]
    channels: int
    colours: str
    number_type: np.dtype[np.generic]
    position: Floats | None
    orientation: Floats | None
    spacing_mm: Floats | None
    thickness_mm: float | None
    rescale: tuple[float, float]
    sop_class: str

    def name(self) -> str:
        """Return the name of its file, with the frame where there are several."""
        return self.file.name if self.frames == 1 else f"frame {self.frame + 1} of {self.file.name}"


@dataclass(frozen=True, kw_only=True, slots=True)
class SliceFile:
    """A file of a series with its slices."""

    path: Path
    study: str
    series: str
    description: str
    slices: tuple[Slice, ...]


def list_files(folder: Path) -> list[Path]:
    """Return the files of a folder that may be DICOM, by name.

    Raises:
        DataError: the folder cannot be listed.
    """
    try:
        entries = sorted(folder.iterdir())
        return [file for file in entries if not file.name.startswith(".") and file.is_file() and _may_be(file)]
    except OSError as error:
        raise DataError(f"{folder}: cannot be read ({error.strerror}). See that you may read its files.") from error


def open_file(file: Path) -> SimpleITK.ImageFileReader | None:
    """Return a reader that has read the tags of a file, or None where it is not a DICOM image.

    Raises:
        DataError: the file is a DICOM image that cannot be read.
    """
    import SimpleITK

    reader = SimpleITK.ImageFileReader()
    reader.SetImageIO("GDCMImageIO")
    reader.SetFileName(str(file))
    try:
        with keeping_locale():
            reader.ReadImageInformation()
    except RuntimeError as error:
        damage = _find_damage(file)
        if damage is None:
            return None
        raise DataError(
            f"{file}: is a DICOM file that cannot be read: it {damage or f'is damaged ({itk_reason(error)})'}. "
            "Copy or export it again from its source."
        ) from error
    return None if _text(reader, _CLASS).startswith(_DERIVED_CLASSES) else reader


def read_slices(file: Path) -> SliceFile | None:
    """Read what a file says of its slices, or return None where it is not a DICOM image.

    Raises:
        DataError: the file cannot be read, or a tag cannot be understood.
    """
    reader = open_file(file)
    if reader is None:
        return None
    return SliceFile(
        path=file,
        study=_text(reader, _STUDY),
        series=_text(reader, _SERIES),
        description=_text(reader, _DESCRIPTION),
        slices=tuple(_slices_of(file, reader)),
    )


def _may_be(file: Path) -> bool:
    if file.name.lower().endswith(_OTHER_SUFFIXES):
        return False
    with file.open("rb") as stream:
        return dicom_tags.may_be_dicom(stream.read(dicom_tags.PREAMBLE_BYTES + 4))


def _find_damage(file: Path) -> str | None:
    """Return what is wrong with a file that GDCM refuses, "" where that is not known, or None where it is no image."""
    try:
        tags = dicom_tags.read_tags(file)
        with file.open("rb") as stream:
            marked = dicom_tags.MAGIC in stream.read(dicom_tags.PREAMBLE_BYTES + 4)
    except OSError as error:
        return f"cannot be opened ({error.strerror})"
    if tags.broken:
        return f"breaks off or is damaged ({tags.broken})" if marked or tags.sop_class() else None
    held = tags.all_numbers()
    if not {dicom_tags.PIXELS, dicom_tags.ROWS} & held:
        nameless = marked and not tags.sop_class()
        return "has no pixels" if nameless or tags.sop_class() in _IMAGE_CLASSES else None
    needed = (*_NEEDED, POSITION, ORIENTATION, SPACING) if dicom_tags.FRAME_GROUPS in held else _NEEDED
    lacking = [str(tag) for tag in needed if tag.number not in held]
    return f"has no {' and no '.join(lacking)}" if lacking else ""


def _slices_of(file: Path, reader: SimpleITK.ImageFileReader) -> Iterator[Slice]:
    columns, rows, *depth = reader.GetSize()
    frames = math.prod(depth)
    _refuse_wrong_length(file, reader, columns * rows * frames)
    groups = _read_groups(file, frames) if reader.HasMetaDataKey(_FRAMES) else None
    own = {tag: _text(reader, tag.key()) if reader.HasMetaDataKey(tag.key()) else None for tag in _GROUP_OF}
    for frame in range(frames):
        values = {tag: _frame_value(groups, frame, tag, own[tag]) for tag in _GROUP_OF} if groups else dict(own)
        if frames > 1 and not groups:
            values[POSITION] = None  # that of the file is not that of each frame
        where = file if frames == 1 else f"{file}, frame {frame + 1}"
        numbers = {tag: _numbers(where, tag, values[tag]) for tag in _GEOMETRY}
        yield Slice(
            file=file,
            frame=frame,
            frames=frames,
            size=(columns, rows),
            channels=reader.GetNumberOfComponents(),
            colours=_text(reader, _PHOTOMETRIC),
            number_type=_number_type(reader),
            position=numbers[POSITION],
            orientation=numbers[ORIENTATION],
            spacing_mm=numbers[SPACING],
            thickness_mm=_thickness(where, numbers),
            rescale=_rescale(where, values),
            sop_class=_text(reader, _CLASS),
        )


def _refuse_wrong_length(file: Path, reader: SimpleITK.ImageFileReader, pixels: int) -> None:
    """Refuse tags that declare more or fewer pixels than the file holds: GDCM reads noise then.

    Where pixels are the last thing in a file and as many as declared, their tag lies where it should; other files are
    looked through.
    """
    bits = [_number(reader, key) for key in (_SAMPLES, _BITS)]
    declared = -(-pixels * math.prod(bits) // 8)
    size = file.stat().st_size
    place = size - declared - declared % 2
    with file.open("rb") as stream:
        for head in (12, 8):
            stream.seek(max(place - head, 0))
            if place >= head and stream.read(4) == _PIXEL_TAG:
                return
    found = dicom_tags.read_tags(file).pixel_bytes()
    if found is None:
        wrong = declared > _BEST_COMPRESSION * size
    else:
        least = declared // 2 if "42" in _text(reader, _PHOTOMETRIC) else declared
        row = min(reader.GetSize()[:2]) * math.prod(bits) // 8
        wrong = not least <= found < declared + max(row, 2)
    if wrong:
        held = f"{size} bytes, compressed" if found is None else f"{found} bytes"
        raise DataError(
            f"{file}: its tags declare {'x'.join(map(str, reader.GetSize()))} pixels, {declared} bytes, but it holds "
            f"{held}. The file is damaged: copy it again from its source."
        )


def _number(reader: SimpleITK.ImageFileReader, key: str) -> int:
    text = _text(reader, key)
    return int(text) if text.isdecimal() else 1


def _read_groups(file: Path, frames: int) -> tuple[Tags, list[Tags]] | None:
    """Return the functional groups that all frames share and those of each frame; None for a file without any."""
    try:
        tags = dicom_tags.read_tags(file)
    except OSError as error:
        raise cannot_open(file, error) from error
    if tags.broken:
        raise DataError(f"{file}: the tags of its frames cannot be read ({tags.broken}). Copy it again.")
    shared = tags.sequences.get(dicom_tags.SHARED_GROUPS, [])
    own = tags.sequences.get(dicom_tags.FRAME_GROUPS, [])
    if not shared and not own:
        return None
    if own and len(own) != frames:
        raise DataError(
            f"{file}: holds {counted(frames, 'frame')} but places {len(own)} (PerFrameFunctionalGroupsSequence). "
            "Expected as many: export it again."
        )
    return shared[0] if shared else Tags(), own or [Tags()] * frames


def _frame_value(groups: tuple[Tags, list[Tags]], frame: int, tag: Tag, otherwise: str | None) -> str | None:
    shared, own = groups
    for source in (own[frame], shared):
        for item in source.sequences.get(_GROUP_OF[tag], []):
            value = item.text(tag.number)
            if value is not None:
                return value
    return otherwise


def _numbers(where: Path | str, tag: Tag, text: str | None) -> Floats | None:
    """Return the numbers of a tag, or None where it is missing or empty.

    Raises:
        DataError: it holds something else.
    """
    if not text:
        return None
    try:
        values = tuple(float(value) for value in text.split("\\"))
    except ValueError:
        values = ()
    if len(values) != tag.count or not all(map(math.isfinite, values)):
        raise DataError(f"{where}: {tag} is {text[:80]!r}. Expected {tag.count} numbers: export the series again.")
    return values


def _rescale(where: Path | str, values: dict[Tag, str | None]) -> tuple[float, float]:
    slope, intercept = (_numbers(where, tag, values[tag]) for tag in (SLOPE, INTERCEPT))
    if slope == (0.0,):
        raise DataError(f"{where}: {SLOPE} is 0, which would make all values one. Export the series again.")
    return (slope or (1.0,))[0], (intercept or (0.0,))[0]


def _thickness(where: Path | str, numbers: dict[Tag, Floats | None]) -> float | None:
    """Return a thickness in mm; a distance counted against the order of the slices is negative."""
    if numbers[DISTANCE] == (0.0,):
        raise DataError(f"{where}: {DISTANCE} is 0. Expected a distance in mm, or no such tag: correct or remove it.")
    found = numbers[DISTANCE] or numbers[THICKNESS]
    return abs(found[0]) or None if found else None


def _number_type(reader: SimpleITK.ImageFileReader) -> np.dtype[np.generic]:
    import SimpleITK

    name = str(SimpleITK.GetPixelIDValueAsString(reader.GetPixelID()))
    kind = "f" if "float" in name else "u" if "unsigned" in name else "i"
    return np.dtype(f"{kind}{int(''.join(filter(str.isdigit, name))) // 8}")


def _text(reader: SimpleITK.ImageFileReader, key: str) -> str:
    """Return a tag as text in the file's own characters, without what fills it up; empty where it is missing."""
    if not reader.HasMetaDataKey(key):
        return ""
    found = str(reader.GetMetaData(key)).strip(" \0")
    if found.isascii():
        return found
    characters = reader.GetMetaData(_CHARACTERS).strip() if reader.HasMetaDataKey(_CHARACTERS) else ""
    stored = found.encode("utf-8", "surrogateescape")
    return stored.decode(_CHARACTER_SETS.get(characters, "latin-1"), "replace")
