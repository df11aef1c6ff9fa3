"""Scans that are held-out ones under another name, by the content of their files."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from dataset_fingerprints.dataset import Case, is_there
from dataset_fingerprints.files.hashes import hash_file
from dataset_fingerprints.measuring.identity import files_behind


def find_copies(cases: Iterable[Case], held_out: Sequence[Case]) -> set[str]:
    """Return the names of the cases of which some channel is that of a held-out case.

    An image of several files is a copy where most of its bytes are in files of held-out cases: headers, and what else
    lies in a folder of DICOM slices, are alike for many scans. Files that are not there are left to who reads them.
    """
    sizes = {file.stat().st_size for image in _list_images(held_out) for file in files_behind(image)}
    hashes = {hash_file(file) for image in _list_images(held_out) for file in files_behind(image)}

    def is_copy(image: Path) -> bool:
        files = {file: file.stat().st_size for file in files_behind(image)}
        same = sum(size for file, size in files.items() if size in sizes and hash_file(file) in hashes)
        return 2 * same > sum(files.values())

    return {case.name for case in cases if any(map(is_copy, _list_images((case,))))}


def _list_images(cases: Iterable[Case]) -> Iterator[Path]:
    return (Path(image) for case in cases for image in case.images if is_there(image))
