"""Where the page goes, and its file."""

from __future__ import annotations

from pathlib import Path

from autoseg.pipeline.outputs import read_dataset_of, refuse_no_place, refuse_raw, refuse_read_only, refuse_reserved
from autoseg.reporting.page import is_page
from autoseg.workspace.workspace import Workspace
from dataset_fingerprints.errors import DataError
from dataset_fingerprints.files.atomic import sweep_partials, write_bytes

_SUFFIXES = (".html", ".htm")
_START_BYTES = 1024


def choose_place(workspace: Workspace, out: Path | None) -> Path:
    """Return the file that the page is written to.

    Args:
        workspace: that the page is about.
        out: a file, or a folder for it; None for the workspace's own place.

    Raises:
        DataError: it cannot be written there, or would replace somebody else's file.
    """
    if out is None:
        place = workspace.report
    elif out.is_dir() or (not out.exists() and not out.suffix):
        place = out / workspace.report.name
    else:
        place = out
    if place.suffix.lower() not in _SUFFIXES:
        raise DataError(f"{place}: is not called .html, which a page is. Name it {place.with_suffix('.html')}.")
    refuse_no_place(place)
    refuse_read_only(place)
    if place.is_dir():
        raise DataError(f"{place}: is a folder. Name a file for the page with -o.")
    refuse_reserved(place)
    for owner in (workspace, workspace.unlabelled):
        refuse_raw(place.parent, read_dataset_of(owner))
    if place.exists() and place.stat().st_size and not _is_own(place):
        raise DataError(
            f"{place}: exists and is not a report of autoseg. It would be replaced: name another file with -o."
        )
    return place


def write_page(place: Path, html: str) -> None:
    """Write the page, atomically."""
    sweep_partials(place)
    write_bytes(place, html.encode(errors="backslashreplace"))


def _is_own(place: Path) -> bool:
    with place.open("rb") as stream:
        return is_page(stream.read(_START_BYTES))
