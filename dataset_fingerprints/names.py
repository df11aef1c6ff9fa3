"""Names out of files and options that become names of files and folders."""

from __future__ import annotations

import os
import re
import sys
import unicodedata
from collections.abc import Iterable, Sequence
from pathlib import Path

from dataset_fingerprints.errors import DataError

# Behind and in front of a name come the kind of its file and what marks a half-written one; together 255 at most.
MOST_BYTES = 200
# What Linux takes, with the zero behind it; a longer path is also slow to look up.
_PATH_BYTES = 4096
# Of a plan or a configuration.
FOLDER = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
FOLD = re.compile(r"0|[1-9][0-9]{0,5}|full")
_SHOWN = 60
# Longer ones are no numbers that somebody counts with.
_DIGITS = re.compile(r"(?<![0-9])([0-9]{1,18})(?![0-9])")


class WrongNameError(DataError, ValueError):
    """A name cannot be that of a file; also a ValueError, so that a file's reader adds where it stands."""


def is_case_name(name: str) -> bool:
    """Return whether a case's name can begin the names of files, in the folder that they belong in."""
    bad = any(part in name for part in ("/", "\\", "..")) or any(map(_is_control, name))
    return bool(name) and not bad and not name.startswith(".") and not _is_too_long(name)


def check_case_name(name: str) -> None:
    """Make sure of a case's name; see `is_case_name`.

    Raises:
        WrongNameError: it is of no use.
    """
    if not is_case_name(name):
        raise WrongNameError(
            f"'{show_name(name)}' cannot name the files of a case. Expected at most {MOST_BYTES} bytes of text that "
            "does not begin with a dot and holds no /, no \\, no two dots together and no control characters."
        )


def refuse_undecodable(path: Path) -> None:
    """Make sure that a path is text in UTF-8, as other files and libraries hold it.

    Raises:
        DataError: it is not, or Python takes it for another encoding.
    """
    shown = os.fsencode(path).decode("utf-8", "backslashreplace")
    if shown == str(path):
        return
    encoding = sys.getfilesystemencoding()
    if encoding != "utf-8":
        raise DataError(
            f"{shown}: Python takes names of files for {encoding} here, as the locale says. Start it with the "
            "environment variable PYTHONUTF8=1."
        )
    raise DataError(f"{shown}: its name is not valid UTF-8, which not all libraries can open. Rename it.")


def check_paths(case: str, paths: Iterable[str]) -> None:
    """Make sure that a case's paths can be those of files, whether there are any or not.

    Raises:
        WrongNameError: one cannot.
    """
    for path in paths:
        try:
            usable = "\0" not in path and len(os.fsencode(path)) < _PATH_BYTES
        except UnicodeEncodeError:
            usable = False
        if not usable:
            raise WrongNameError(
                f"case {case}: '{show_name(path)}' cannot be the path of a file. Expected less than {_PATH_BYTES} "
                "bytes of text without zeros and halves of characters: correct it where the case is listed."
            )


def is_folder_name(name: str) -> bool:
    """Return whether the name of a plan or of a configuration can be a folder's name."""
    return bool(FOLDER.fullmatch(name)) and ".." not in name and not _is_too_long(name)


def check_folder_name(name: str, what: str = "a folder") -> None:
    """Make sure that the name of a plan or of a configuration can be a folder's name.

    Raises:
        WrongNameError: it cannot.
    """
    if not is_folder_name(name):
        raise WrongNameError(
            f"'{show_name(name)}' cannot name {what}: it cannot be a folder's name. Expected at most {MOST_BYTES} "
            "letters, digits, dots, dashes and underscores that begin with a letter or digit."
        )


def name_folder(text: str, otherwise: str) -> str:
    """Return a text as it can name a plan or a configuration: what cannot be in a folder's name becomes underscores.

    Args:
        text: such as a label's name.
        otherwise: what is returned where nothing is left of it.
    """
    name = re.sub(r"[^A-Za-z0-9.-]+", "_", text.replace("..", "_"))[:_SHOWN].strip("._-")
    return name if is_folder_name(name) else otherwise


def check_fold_name(name: str) -> None:
    """Make sure that a fold's name is one.

    Raises:
        WrongNameError: it is not.
    """
    if not FOLD.fullmatch(name):
        raise WrongNameError(f"'{show_name(name)}' is not a fold. Expected its number, or `full`.")


def check_case_names(*lists: Iterable[str]) -> None:
    """Make sure of all names in lists of cases; see `check_case_name`."""
    for names in lists:
        for name in names:
            check_case_name(name)


def _is_too_long(name: str) -> bool:
    return len(name.encode("utf-8", errors="surrogatepass")) > MOST_BYTES


def _is_control(character: str) -> bool:
    """Return whether a character is a control character, the end of a line or half a character."""
    return unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp")


def show_name(name: str) -> str:
    """Return a name as it can be shown: cut, with control characters spelled out."""
    cut = name[:_SHOWN] + ("..." if len(name) > _SHOWN else "")
    return ascii(cut)[1:-1] if any(map(_is_control, cut)) else cut


def natural_order(name: str) -> tuple[list[str | int], str]:
    """Return a key that sorts names as people do, numbers in them by their values: 2 comes before 10."""
    parts = _DIGITS.split(name)
    return [int(part) if number % 2 else part for number, part in enumerate(parts)], name


def counted(number: int, noun: str, plural: str = "") -> str:
    """Return a number with its noun: `1 case`, `3 cases`.

    Args:
        number: of things.
        noun: for one of them.
        plural: for several; empty for the noun with an s.
    """
    return f"{number} {noun if number == 1 else plural or f'{noun}s'}"


def some_of(names: Sequence[str], most: int = 3, between: str = ", ") -> str:
    """Return the first names for a message, and how many more there are."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return between.join(names[:most]) + more


def plain_name(column: str) -> str:
    """Return the name of a column without blanks, signs and upper case, by which spellings are compared.

    Letters that are not Latin ones count where there are no others: without them, all such names would be one.
    """
    plain = re.sub(r"[^a-z0-9]", "", column.casefold())
    return plain if re.search("[a-z]", plain) else re.sub(r"[\W_]", "", column.casefold())
