"""Where the tables, maps and pictures of these commands may be written: on no input, and on nobody else's file."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from autoseg.pipeline.outputs import (
    refuse_inputs,
    refuse_names,
    refuse_no_folder,
    refuse_no_place,
    refuse_raw,
    refuse_read_only,
    refuse_reserved,
)
from autoseg.pipeline.scores.case_tables import CASE, read_table
from autoseg.workspace.reserved import find_reserved
from dataset_fingerprints.errors import DataError

TABLE_SUFFIX = ".csv"


def refuse_table_place(out: Path, inputs: Iterable[Path], columns: Sequence[str]) -> None:
    """Make sure that a table can be written to a file without a loss.

    Args:
        out: the file.
        inputs: files that are read.
        columns: of which an earlier table of the same kind has all.

    Raises:
        DataError: it is an input, or anything else but an earlier table of this kind.
    """
    refuse_no_place(out)
    refuse_read_only(out)
    if out.is_dir():
        raise DataError(f"{out}: is a folder. Name a file for the table with -o, for example {out / 'table.csv'}.")
    if out.suffix.lower() != TABLE_SUFFIX:
        raise DataError(f"{out}: is not called .csv, which the table is. Name it {out.with_suffix(TABLE_SUFFIX)}.")
    refuse_names(out.parent, [out.name])
    _refuse_kept(out)
    refuse_inputs([out], inputs, "one of the files that are read")
    _refuse_foreign(out, columns)


def refuse_results_folder(out: Path, inputs: Iterable[Path], files: Sequence[str]) -> None:
    """Make sure that results can be written into a folder without a loss.

    Args:
        out: the folder.
        inputs: files that are read.
        files: names of those that are written.

    Raises:
        DataError: it is none, or belongs to a workspace or a raw data set, or a file would replace an input.
    """
    refuse_no_place(out)
    refuse_read_only(out)
    refuse_no_folder(out, "for the results", len(files))
    refuse_reserved(out)
    refuse_raw(out, None)
    refuse_names(out, files)
    refuse_inputs([out / name for name in files], inputs, "one of the files that are read")


def beside(out: Path, what: str, suffix: str = TABLE_SUFFIX) -> Path:
    """Return the path of a further result beside a table: `load.csv` has `load-slices.csv`."""
    return out.with_name(f"{out.stem}-{what}{suffix}")


def _refuse_kept(out: Path) -> None:
    """Refuse the folders of a workspace; beside them, in its own folder, tables may lie as scores may."""
    reserved = find_reserved(out)
    if reserved is not None:
        raise DataError(
            f"{out}: lies in {reserved}, where a workspace keeps its own files. Name another place with -o."
        )


def _refuse_foreign(out: Path, columns: Sequence[str]) -> None:
    if not out.exists() or not out.stat().st_size:
        return
    table = read_table(out)
    if table is None or not {CASE, *columns} <= set(table.columns):
        raise DataError(f"{out}: exists and is no earlier table of this kind. It would be replaced: name another file.")
