"""Hashes of files that are asked for again and again: each content is read once per process."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

_KNOWN = 4096


def hash_file(path: Path) -> str:
    """Return the SHA-256 of a file, as `sha256sum` says it.

    It is read again only where it is another file by now, or has another size or modification time.
    """
    status = path.stat()
    return _hash(str(path), (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns))


def hash_files(paths: Sequence[Path]) -> str:
    """Return the SHA-256 over those of several files, in their order."""
    return hashlib.sha256(b"".join(bytes.fromhex(hash_file(path)) for path in paths)).hexdigest()


@lru_cache(maxsize=_KNOWN)
def _hash(path: str, _identity: tuple[int, ...]) -> str:
    with Path(path).open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
