"""Archives, as releases are distributed: they are told by name what has to happen to them before an import."""

from __future__ import annotations

from pathlib import Path

from dataset_fingerprints.errors import DataError

_ENDINGS = (".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz", ".zip", ".7z", ".rar", ".enc", ".aes", ".gpg")
# What openssl writes in front, plain and in base64.
_SALTED = (b"Salted__", b"U2FsdGVkX1")


def is_archive(path: Path) -> bool:
    """Return whether a file is called like an archive, or like an encrypted file."""
    return path.name.lower().endswith(_ENDINGS)


def describe_archive(path: Path) -> str:
    """Say what an archive is, and what to do with it."""
    if _is_encrypted(path):
        return (
            "an encrypted archive. Decrypt it with the password that came with the data-use agreement, as described "
            "there, unpack it, and import the folder"
        )
    return "an archive, not unpacked. Unpack it (and the archives in it), and import the folder"


def refuse_archive(path: Path) -> None:
    """Make sure that a source is not a file, such as an archive.

    Raises:
        DataError: it is a file.
    """
    if path.is_file():
        found = describe_archive(path) if is_archive(path) or _is_encrypted(path) else "a file"
        raise DataError(f"{path}: is {found}. Expected the folder of a release of ATLAS, unpacked.")


def _is_encrypted(path: Path) -> bool:
    try:
        with path.open("rb") as stream:
            start = stream.read(16)
    except OSError:
        return "encrypt" in path.name.casefold()
    return start.startswith(_SALTED) or "encrypt" in path.name.casefold() or path.suffix.lower() in (".enc", ".gpg")
