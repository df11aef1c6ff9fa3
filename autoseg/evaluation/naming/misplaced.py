"""Messages on masks that are not where they were said to be: a data set instead, a folder too high or too deep."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

from dataset_fingerprints.errors import AutosegError, DataError
from dataset_fingerprints.layouts import Selection, list_references
from dataset_fingerprints.layouts.table_text import is_table
from dataset_fingerprints.names import counted, some_of
from dataset_fingerprints.reading.file_names import images_in, stem_of
from dataset_fingerprints.reading.images import IMAGE_SUFFIXES, is_image

# Folders that are looked into below the given one, and how deep they may lie.
_MOST_FOLDERS, _DEEPEST = 500, 3
_MASKS = "the folder with the masks, one image file per case"


def refuse_data_set(prediction: Path, reference: Path, selection: Selection) -> None:
    """Refuse a table or a data set where masks are expected; folders with images pass.

    Raises:
        DataError: it is one.
    """
    if prediction.is_file():
        if is_table(prediction):
            _refuse_found(prediction, "is a table of files", reference)
        return
    if images_in(prediction, series=False):
        return
    try:
        listed = list_references(prediction, selection)
    except AutosegError:
        return
    if listed is not None and listed.cases:
        cases = counted(len(listed.cases), "case")
        _refuse_found(prediction, f"is the folder of a data set with label maps of {cases}", reference)


def _refuse_found(prediction: Path, found: str, reference: Path) -> NoReturn:
    masks = reference.is_dir() and images_in(reference, series=False)
    swap = (
        f"{reference} holds {counted(len(masks), 'image file')}: were the two swapped? Masks come first, references "
        f"second: `autoseg evaluate {reference} {prediction}`."
        if masks
        else "References may be such; if these are the references, give them as the second argument."
    )
    raise DataError(f"{prediction}: {found}. Expected {_MASKS}. {swap}")


def refuse_no_images(folder: Path) -> NoReturn:
    """Refuse a folder without image files, and say where some are nearby.

    Raises:
        DataError: always.
    """
    near = [(place, len(files)) for place in _folders_near(folder) if (files := images_in(place, series=False))]
    if not near:
        raise DataError(f"{folder}: holds no image file ({', '.join(IMAGE_SUFFIXES)}). Expected one per case.")
    shown = some_of([f"{place} ({counted(count, 'file')})" for place, count in near], 3)
    does = "does" if len(near) == 1 else "do"
    raise DataError(f"{folder}: holds no image file itself, but {shown} {does}. Expected {_MASKS}: give that folder.")


def _folders_near(folder: Path) -> Iterator[Path]:
    """Yield the folder above and those below, the highest first."""
    above = folder.absolute().parent
    yield above if folder.is_absolute() or len(folder.parts) < 2 else folder.parent
    level, seen = [folder], 0
    for _ in range(_DEEPEST):
        level = [below for one in level for below in _folders_in(one)][: _MOST_FOLDERS - seen]
        seen += len(level)
        yield from level


def _folders_in(folder: Path) -> list[Path]:
    try:
        return sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))
    except OSError:
        return []


def refuse_file_with_folder(prediction: Path, reference: Path) -> NoReturn:
    """Refuse a file on one side and a folder on the other, and name the file of the folder that fits.

    Raises:
        DataError: always.
    """
    folder, file = (prediction, reference) if prediction.is_dir() else (reference, prediction)
    if not is_image(file):
        raise DataError(f"{file}: is no image of masks ({', '.join(IMAGE_SUFFIXES)}). Expected {_MASKS}.")
    fitting = [path for path in images_in(folder, series=False) if stem_of(path) == stem_of(file)]
    advice = f" The file of this case there is {fitting[0]}." if fitting else ""
    raise DataError(f"{folder}: is a folder but {file} is a file. Expected two files or two folders.{advice}")
