"""The scans that patches lie in."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from autoseg.pipeline.scans.new_scans import NewScan
from autoseg.pipeline.weak_labels.table import Patch
from dataset_fingerprints.errors import DataError
from dataset_fingerprints.names import some_of
from dataset_fingerprints.reading.file_names import stem_of


def find_sources(
    table: Path, rows: Sequence[Patch], scans: Mapping[str, NewScan]
) -> tuple[tuple[Patch, ...], Mapping[str, NewScan]]:
    """Return patches with the names of their scans, and these scans.

    Args:
        table: of the patches, for messages.
        rows: patches, which name a scan as masks are called, or by its file with or without folders.
        scans: that there are, by name.

    Raises:
        DataError: a scan is not there, or several could be meant.
    """
    known = _spell(scans)
    found = {patch.scan: known.get(patch.scan) or known.get(stem_of(Path(patch.scan))) for patch in rows}
    lacking = [name for name, scan in found.items() if scan is None]
    if lacking:
        raise DataError(
            f"{table}: has patches of {some_of(lacking, 10)}, and there is no such scan, only {some_of(list(scans))}. "
            "Name the scans as their files are called, or give the place of those of the patches with --patch-scans."
        )
    named = tuple(replace(patch, scan=found[patch.scan] or "") for patch in rows)
    return named, {name: scans[name] for name in dict.fromkeys(patch.scan for patch in named)}


def _spell(scans: Mapping[str, NewScan]) -> Mapping[str, str]:
    """Return the names of scans by all words that mean one of them only."""
    words = [
        (word, name)
        for name, scan in scans.items()
        for word in {name, name.rpartition("/")[2], *(stem_of(file) for file in scan.files())}
    ]
    counts = Counter(word for word, _ in words)
    return {word: name for word, name in words if counts[word] == 1 or word == name}
