"""Check for changed raw files: size and modification time first, their content where only the time differs."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from dataset_fingerprints.dataset import Case, is_there
from dataset_fingerprints.errors import DataError
from dataset_fingerprints.files.hashes import hash_files
from dataset_fingerprints.fingerprint import FileIdentity
from dataset_fingerprints.reading import nifti_header
from dataset_fingerprints.reading.dicom import series_folders
from dataset_fingerprints.reading.guards import find_data_files
from dataset_fingerprints.reading.images import find_masks
from dataset_fingerprints.reading.mapped_labels import find_target, is_mapped, read_mapping


def identify_case(case: Case) -> tuple[FileIdentity, ...]:
    """Return the identities of a case's scans in the order of its channels, and of its label map if one is named."""
    return tuple(identify(Path(file)) for file in case.files())


def identify(path: Path) -> FileIdentity:
    """Return size, modification time and content hash of a file, or of all files that make up an image together."""
    files = files_behind(path)
    digests = []
    for file in files:
        with file.open("rb") as stream:
            digests.append(hashlib.file_digest(stream, "sha256").digest())
    # Sorted: the order of the slices of a DICOM series is not that of their names.
    whole = digests[0] if len(digests) == 1 else hashlib.sha256(b"".join(sorted(digests))).digest()
    size_bytes, mtime_ns = _size_and_time(files)
    return FileIdentity(size_bytes=size_bytes, mtime_ns=mtime_ns, sha256=whole.hex())


def confirm(
    case: Case, identities: Sequence[FileIdentity], before_reading: Callable[[], None] = lambda: None
) -> tuple[FileIdentity, ...] | None:
    """Return the identities of a case's files today if they are what they were, with today's times; else None.

    Args:
        case: whose files are looked at.
        identities: that they had.
        before_reading: called before the content of a file is read, for only its time differs.
    """
    files = case.files()
    if len(files) != len(identities) or not all(is_there(file) for file in files):
        return None
    confirmed = []
    for file, known in zip(files, identities, strict=True):
        size_bytes, mtime_ns = _size_and_time(files_behind(Path(file)))
        today = known
        if size_bytes == known.size_bytes and mtime_ns != known.mtime_ns:
            before_reading()
            today = identify(Path(file))
        if (size_bytes, today.sha256) != (known.size_bytes, known.sha256):
            return None
        confirmed.append(today)
    return tuple(confirmed)


def files_behind(path: Path) -> tuple[Path, ...]:
    """Return the files that hold an image: slices of DICOM, or masks, in a folder; a header and the files it names.

    Of a label map with new values they are the file that says so and those of the label map.
    """
    if is_mapped(path):
        return (path, *files_behind(find_target(path, read_mapping(path))))
    if (masks := find_masks(path)) is not None:
        return masks.all()
    if path.is_dir():
        return tuple(
            sorted(file for folder in series_folders(path) or (path,) for file in folder.iterdir() if file.is_file())
        )
    if path.suffix.lower() in nifti_header.PAIR_SUFFIXES:
        with suppress(DataError):
            return nifti_header.find_pair(path)
    if path.suffix.lower() in (".mha", ".mhd", ".nrrd"):
        return (path, *find_data_files(path))
    return (path,)


def hash_images(paths: Sequence[Path]) -> str:
    """Return the SHA-256 over the contents of images in their order, of all files that each consists of."""
    return hash_files([file for path in paths for file in files_behind(path)])


def _size_and_time(files: Sequence[Path]) -> tuple[int, int]:
    """Return the sum of the files' sizes, and of their times, so that a change of any of them shows."""
    statuses = [file.stat() for file in files]
    return sum(status.st_size for status in statuses), sum(status.st_mtime_ns for status in statuses)
