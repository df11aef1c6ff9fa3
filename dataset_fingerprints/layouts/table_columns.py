"""Columns of a CSV of paths: which hold images, label maps, patients and places, by the names that people give them."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from dataset_fingerprints.errors import DataError
from dataset_fingerprints.files.places import identify_place
from dataset_fingerprints.layouts.modalities import is_modality
from dataset_fingerprints.layouts.table_text import Table
from dataset_fingerprints.names import some_of
from dataset_fingerprints.reading.images import is_image

SITE_NAMES = ("site", "siteid", "center", "centre", "hospital", "institution", "scannersite")
GROUP_NAMES = ("group", "groupid", "family", "familyid")
# What to write, in every message about columns.
ADVICE = (
    "Columns are 'image' (or 'image:T1w', 'image:FLAIR', one for each channel) and 'label', with paths of files; "
    "'case', 'subject', 'session', 'site', 'group' and 'task' if you have them; others are kept as they are"
)

# meaning -> names without blanks and signs, in lower case; the first is the one to write
_ROLES: dict[str, tuple[str, ...]] = {
    "image": (
        *("image", "images", "img", "imgs", "imagepath", "imagefile", "imgpath", "scan", "scans", "scanpath", "file"),
        *("filepath", "filename", "path", "nifti", "niftipath", "nii", "volume", "input", "mri"),
    ),
    "label": (
        *("label", "labels", "labelpath", "labelfile", "labelmap", "labelimage", "mask", "masks", "maskpath"),
        *("maskfile", "maskimage", "msk", "seg", "segs", "segpath", "segfile", "segmentation", "segmentationpath"),
        *("segmentationfile", "lesion", "lesions", "lesionmask", "lesionpath", "lesionmaskpath", "lesionseg", "gt"),
        *("groundtruth", "truth", "reference", "annotation", "target", "roi"),
    ),
    "case": ("case", "caseid", "casename", "name"),
    "subject": (
        *("subject", "subjectid", "sub", "subid", "patient", "patientid", "patientname", "participant"),
        *("participantid", "person", "pid"),
    ),
    "session": ("session", "sessionid", "ses", "visit", "visitid", "timepoint", "scandate"),
    "site": SITE_NAMES,
    "group": GROUP_NAMES,
    "task": ("task", "taskid"),
}
_FILES = ("image", "label")
_IMAGE_WORD = r"(?:images?|imgs?|scans?|channels?|modality|files?|paths?|nifti|input)"
_NAMED_IMAGE = re.compile(rf"{_IMAGE_WORD}\s*[:_.\-\s]\s*(?P<name>.+)|{_IMAGE_WORD}(?P<number>\d+)", re.IGNORECASE)
_IMAGE_OF = re.compile(rf"(?P<name>.+?)[:_.\-\s]+{_IMAGE_WORD}", re.IGNORECASE)
_EXPLICIT = re.compile(r"image\s*:\s*(?P<name>.+)", re.IGNORECASE)
_NOT_IN_NAMES = re.compile(r"[^a-z0-9]")
# Names of other columns that are so like a known one are mistakes in typing.
_ALIKE = 0.8


@dataclass(frozen=True, kw_only=True, slots=True)
class Columns:
    """Columns by what they hold.

    Attributes:
        images: those with images, in the order of the channels.
        channels: the names of the channels; empty for a lone `image` column, whose files may hold several.
        roles: meaning -> column: `label`, `case`, `subject`, ...; without those that are not there.
        others: those that are only kept.
    """

    images: tuple[str, ...]
    channels: tuple[str, ...]
    roles: Mapping[str, str] = field(default_factory=dict)
    others: tuple[str, ...] = ()


def plain_name(column: str) -> str:
    """Return the name of a column without blanks, signs and upper case, by which spellings are compared."""
    return _NOT_IN_NAMES.sub("", column.casefold())


def read_columns(path: Path, table: Table, needs: Sequence[str]) -> Columns:
    """Find out what the columns of a table hold.

    Args:
        path: of the table; paths in it are relative to its folder.
        table: that was read.
        needs: `image` and `label`, as far as they are asked for.

    Raises:
        DataError: one that is needed is missing, two hold the same, or one holds files that nothing says what they are.
    """
    if any(is_image(Path(column)) for column in table.columns):
        raise DataError(f"{path}: the first line holds paths. Expected the names of the columns in it. {ADVICE}.")
    held = {column: _Held(path.parent, [line.cells[column] for line in table.lines]) for column in table.columns}
    roles: dict[str, str] = {}
    channels: dict[str, str] = {}
    others: list[str] = []
    for column in table.columns:
        role, channel = _read_name(column, different=held[column].are_different), _read_channel(column)
        files = held[column].are_files
        if role is not None and (role not in _FILES or files or column == role or column.casefold() == role):
            if role in roles:
                raise DataError(
                    f"{path}: the columns '{roles[role]}' and '{column}' both hold the {role}. Keep one of them, or "
                    f"rename the other. {ADVICE}."
                )
            roles[role] = column
        elif channel is not None and (files or _EXPLICIT.fullmatch(column) or channel.isdigit()):
            channels[column] = channel
        else:
            others.append(column)
    _refuse_riddles(path, others, held, roles)
    lone = roles.pop("image", None)
    images, names = _choose_images(path, lone, channels)
    _refuse_lack(path, table.columns, needs, images=bool(images), label="label" in roles)
    return Columns(images=images, channels=names, roles=roles, others=tuple(others))


class _Held:
    """What the cells of a column look like, looked at once when it is asked for."""

    def __init__(self, folder: Path, cells: Iterable[str]) -> None:
        named = [cell for cell in cells if cell]
        filled = named[:20]
        self.are_different = len(set(named)) == len(named)
        self.are_files = bool(filled) and all(is_image(Path(cell.replace("\\", "/"))) for cell in filled)
        if filled and not self.are_files:
            # Folders of DICOM series have no suffix.
            paths = [cell.replace("\\", "/") for cell in filled]
            self.are_files = all("/" in cell and identify_place(folder / cell) for cell in paths)


def _read_name(column: str, *, different: bool) -> str | None:
    plain = plain_name(column)
    if plain == "id":
        return "case" if different else "subject"
    return next((role for role, names in _ROLES.items() if plain in names), None)


def _read_channel(column: str) -> str | None:
    """Return the channel that a column is called after, a number where it is numbered; None for no such name."""
    match = _EXPLICIT.fullmatch(column) or _NAMED_IMAGE.fullmatch(column) or _IMAGE_OF.fullmatch(column)
    if match:
        parts = match.groupdict()
        return (parts.get("name") or parts.get("number") or "").strip() or None
    return column if is_modality(column) else None


def _choose_images(
    path: Path, lone: str | None, channels: Mapping[str, str]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the columns of the images in the order of the channels, and the channels' names."""
    if lone is not None and not channels:
        return (lone,), ()
    if not channels:
        return (), ()
    numbers = {column: int(name) for column, name in channels.items() if re.fullmatch(r"\d{1,4}", name)}
    ordered = sorted(numbers, key=lambda column: numbers[column])
    start = numbers[ordered[0]] if ordered else 0
    gap = [numbers[column] for column in ordered] != list(range(start, start + len(ordered)))
    names = [name.casefold() for name in channels.values()]
    if lone is not None or (numbers and (len(numbers) < len(channels) or gap or start > 1)):
        shown = ", ".join(([lone] if lone is not None else []) + list(channels))
        raise DataError(
            f"{path}: has the image columns {shown}. Expected one of: 'image' alone; "
            "'image_0', 'image_1', ... without a gap; 'image:NAME' for every channel. Rename them."
        )
    if len(set(names)) < len(names):
        raise DataError(f"{path}: two columns are of one channel: {', '.join(channels)}. Keep one of them.")
    if numbers:
        return tuple(ordered), tuple(str(index) for index in range(len(ordered)))
    return tuple(channels), tuple(channels.values())


def _refuse_riddles(path: Path, others: Sequence[str], held: Mapping[str, _Held], roles: Mapping[str, str]) -> None:
    """Refuse columns that would be kept, but are more likely meant for something."""
    for column in others:
        missing = [role for role in _ROLES if role not in roles]
        nearest = difflib.get_close_matches(plain_name(column), missing, n=1, cutoff=_ALIKE)
        if nearest:
            raise DataError(f"{path}: has an unknown column '{column}'. Did you mean '{nearest[0]}'? {ADVICE}.")
        if held[column].are_files:
            raise DataError(
                f"{path}: the column '{column}' holds paths of images. Call it 'image:{column}' if they are a channel, "
                f"or 'label' if they are the label maps; else take it out. {ADVICE}."
            )


def _refuse_lack(path: Path, columns: Sequence[str], needs: Sequence[str], *, images: bool, label: bool) -> None:
    missing = [what for what, there in (("image", images), ("label", label)) if what in needs and not there]
    if missing:
        wanted = " and ".join(f"'{name}'" for name in reversed(needs))
        raise DataError(f"{path}: has the columns {some_of(columns, 20)}. Expected {wanted}: add it. {ADVICE}.")
