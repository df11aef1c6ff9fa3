"""Zip files that hold exactly what their list says; nothing is ever unpacked to a disk.

A file from somebody else may be made to do harm: names that lead out of a folder, links, a small file that unpacks to
all memory there is, contents that are not what the list says. Each is refused before its content is used.
"""

from __future__ import annotations

import hashlib
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from dataset_fingerprints.errors import DataError
from dataset_fingerprints.files.atomic import replacing
from dataset_fingerprints.names import some_of

# The file that lists the others.
LIST = "model.json"
# Files of text may be packed; others are stored as they are, so that nothing unpacks to more than the zip file holds.
_TEXTS = (".json", ".md", ".py")
_MOST_FILES, _MOST_TEXT_BYTES = 4096, 1 << 26
_ENCRYPTED = 0x1
# What every zip file with a file in it begins with.
_START = b"PK\x03\x04"
# Equal contents make equal files.
_TIME = (1980, 1, 1, 0, 0, 0)
_READABLE = 0o644 << 16
REMEDY = "Get it again from where it came, or export the model anew."
# A zip file that is cut, changed or of an unusual kind, as Python's module says it.
_BROKEN = (
    zipfile.BadZipFile,
    zipfile.LargeZipFile,
    zlib.error,
    struct.error,
    EOFError,
    LookupError,
    OSError,
    OverflowError,
    RuntimeError,
    ValueError,
)
# How files in it may be packed, as one of ours is.
_PACKINGS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)

Pieces = Sequence[bytes | memoryview]


@dataclass(frozen=True, kw_only=True, slots=True)
class ListedFile:
    """A file in an archive, its size and its content's hash."""

    path: str
    size_bytes: int
    sha256: str


class Archive:
    """A zip file of which every name was looked at.

    Args:
        path: of the zip file.

    Raises:
        DataError: it is not a zip file, or one that no export writes.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        with self._reporting(), zipfile.ZipFile(path) as opened:
            entries = opened.infolist()
        problem = _find_problem(entries)
        if problem:
            raise DataError(f"{path}: is not a model as autoseg exports them ({problem}). {REMEDY}")
        self._entries = {entry.filename: entry for entry in entries}

    def read_list(self) -> bytes:
        """Return the text that lists the files."""
        return self._read(LIST)

    def refuse_unlisted(self, listed: Sequence[ListedFile]) -> None:
        """Make sure that the archive holds what is listed, and nothing else.

        Raises:
            DataError: it does not.
        """
        names = {file.path for file in listed}
        missing = sorted(names - self._entries.keys())
        others = sorted(self._entries.keys() - names - {LIST})
        sizes = [file.path for file in listed if file.path in self._entries and self._differs(file)]
        for found, what in ((missing, "lacks"), (others, "holds what is not listed:"), (sizes, "has another size of")):
            if found:
                raise DataError(f"{self.path}: {what} {some_of(found)}. {REMEDY}")

    def read(self, file: ListedFile) -> bytes:
        """Return the content of a listed file.

        Raises:
            DataError: it is not what is listed.
        """
        content = self._read(file.path)
        if hashlib.sha256(content).hexdigest() != file.sha256:
            raise DataError(f"{self.path}: {file.path} does not have the content that is listed. {REMEDY}")
        return content

    def _differs(self, file: ListedFile) -> bool:
        return self._entries[file.path].file_size != file.size_bytes

    def _read(self, name: str) -> bytes:
        with self._reporting(), zipfile.ZipFile(self.path) as opened:
            return opened.read(self._entries[name])

    @contextmanager
    def _reporting(self) -> Iterator[None]:
        try:
            yield
        except FileNotFoundError as error:
            raise DataError(f"{self.path}: does not exist.") from error
        except _BROKEN as error:
            reason = _describe_other(self.path) or (str(error) or type(error).__name__).splitlines()[0]
            raise DataError(f"{self.path}: cannot be read as a model ({reason}). {REMEDY}") from error


class ArchiveWriter:
    """Writes files into a new archive and lists them; the list comes last."""

    def __init__(self, opened: zipfile.ZipFile) -> None:
        self._opened = opened
        self.listed: list[ListedFile] = []

    def write(self, path: str, pieces: Pieces) -> None:
        """Write a file whose content is given in pieces."""
        digest, size = hashlib.sha256(), 0
        with self._opened.open(_make_entry(path), "w", force_zip64=True) as stream:
            for piece in pieces:
                stream.write(piece)
                digest.update(piece)
                size += len(piece)
        self.listed.append(ListedFile(path=path, size_bytes=size, sha256=digest.hexdigest()))

    def write_list(self, text: str) -> None:
        """Write the list, which is not in itself."""
        self._opened.writestr(_make_entry(LIST), text)


@contextmanager
def writing_archive(path: Path) -> Iterator[ArchiveWriter]:
    """Give a writer of an archive that takes its name when the block ends without an error."""
    with replacing(path) as temporary, zipfile.ZipFile(temporary, "w") as opened:
        yield ArchiveWriter(opened)


def _describe_other(path: Path) -> str:
    """Return what a file is that no zip file was found in; empty of one whose end is there."""
    if zipfile.is_zipfile(path):
        return ""
    with path.open("rb") as stream:
        start = stream.read(len(_START))
    if not start:
        return "it is empty"
    return "its end is missing: it was cut off" if start == _START else "it is not a zip file"


def _make_entry(path: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(path, _TIME)
    entry.compress_type = zipfile.ZIP_DEFLATED if path.endswith(_TEXTS) else zipfile.ZIP_STORED
    entry.external_attr = _READABLE
    return entry


def _find_problem(entries: Sequence[zipfile.ZipInfo]) -> str:
    """Return what is wrong with the entries of a zip file before any is read; empty where nothing is."""
    names = [entry.filename for entry in entries]
    if len(entries) > _MOST_FILES:
        return f"it holds {len(entries)} files, expected {_MOST_FILES} at most"
    if LIST not in names:
        return f"it holds no {LIST}"
    return next(_list_problems(entries), "") or _find_doubled(names)


def _find_doubled(names: Sequence[str]) -> str:
    doubled = sorted(name for name in set(names) if names.count(name) > 1)
    return f"{doubled[0]} is in it twice" if doubled else ""


def _list_problems(entries: Iterable[zipfile.ZipInfo]) -> Iterator[str]:
    for entry in entries:
        place = PurePosixPath(entry.filename)
        if place.is_absolute() or ".." in place.parts or "\\" in entry.filename or ":" in entry.filename:
            yield f"the name {entry.filename!r} leads out of it"
        if entry.is_dir() or stat.S_IFMT(entry.external_attr >> 16) not in (0, stat.S_IFREG):
            yield f"{entry.filename} is a link or a folder, not a file"
        if entry.flag_bits & _ENCRYPTED:
            yield f"{entry.filename} is encrypted"
        if entry.compress_type not in _PACKINGS:
            yield f"{entry.filename} is packed in a way that no export uses"
        if entry.filename.endswith(_TEXTS):
            if entry.file_size > _MOST_TEXT_BYTES:
                yield f"{entry.filename} would unpack to {entry.file_size} bytes"
        elif entry.compress_type != zipfile.ZIP_STORED or entry.file_size != entry.compress_size:
            yield f"{entry.filename} is packed, which weights never are"
