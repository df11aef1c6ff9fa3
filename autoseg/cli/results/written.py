"""The first line of a command's output, and its end: where everything lies that it wrote."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from autoseg.cli.terminal.display import console
from dataset_fingerprints.errors import PartlyDoneError
from dataset_fingerprints.files.hashes import hash_file
from dataset_fingerprints.files.places import shorten_path
from dataset_fingerprints.names import counted

if TYPE_CHECKING:
    from autoseg.pipeline.scans.existing_masks import Masks


def show_start() -> None:
    """Show that the command was heard, before its libraries are loaded."""
    console.print("Starting, which takes some seconds ...")


def show_masks(masks: Masks) -> None:
    """Show how many masks were made, where they lie, and the report on them."""
    place = masks[0] if len(masks) == 1 else masks.folder or masks[0].parent
    console.print(f"{masks.describe()}: {shorten_path(place)}", soft_wrap=True)
    if masks.segmentations:
        are = counted(len(masks.segmentations), "mask is", "masks are")
        console.print(f"{are} there as DICOM SEG, too (.seg.dcm).", soft_wrap=True)
    folders = dict.fromkeys(path.parent for path in masks.maps if masks.folder not in path.parents)
    maps = [folder for folder in folders if not any(above in folders for above in folder.parents)]
    pictures = (("Picture", picture) for picture in masks.pictures)
    show_written(
        (
            ("Table", masks.table),
            ("Lesions", masks.lesions),
            *pictures,
            *(("Maps", folder) for folder in maps),
            ("Record", masks.record),
        )
    )


@contextmanager
def showing_what_is_done() -> Iterator[None]:
    """Show the masks that were made also where some scans failed, before that is reported."""
    try:
        yield
    except PartlyDoneError as error:
        show_masks(error.result)
        raise


def show_written(written: Iterable[tuple[str, Path | None]]) -> None:
    """Show a line per file or folder that is there, each with what it is."""
    there = [(what, path) for what, path in written if path is not None and path.exists()]
    width = max((len(what) for what, _ in there), default=0)
    for what, path in there:
        console.print(f"{what + ':':<{width + 1}} {shorten_path(path)}", soft_wrap=True)


def hash_if_there(path: Path) -> str | None:
    """Return the SHA-256 of a file, by which one that is replaced is told from one that is as before; None for none."""
    return hash_file(path) if path.is_file() else None
