"""The locale of the process, which SimpleITK changes when it reads or writes some kinds of files."""

from __future__ import annotations

import locale
import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

_log = logging.getLogger(__name__)
_lock = threading.Lock()


@dataclass(slots=True)
class _Remembered:
    """The locale as it was before the blocks that run now.

    Attributes:
        everything: the name of all its categories together.
        characters: the name of the one that says how text is encoded.
        blocks: number of those that run now.
    """

    everything: str = ""
    characters: str = ""
    blocks: int = 0


_remembered = _Remembered()


@contextmanager
def keeping_locale() -> Iterator[None]:
    """Put the locale of the process back after the block, in which numbers have a decimal point.

    SimpleITK leaves the locale "C" behind after some files, DICOM among them. From then on `open` takes text for ASCII
    wherever no encoding is named, also in the notebook that called this package. And it reads the numbers of some
    headers by the locale: "0.9" becomes 0 where decimals have a comma.

    A locale belongs to the process and not to a thread. Where blocks of several threads overlap, the first one to
    begin remembers it and the last one to end restores it: the library may need its own until then.
    """
    with _lock:
        if not _remembered.blocks:
            _remembered.everything = locale.setlocale(locale.LC_ALL)
            _remembered.characters = locale.setlocale(locale.LC_CTYPE)
            if locale.setlocale(locale.LC_NUMERIC) != "C":
                locale.setlocale(locale.LC_NUMERIC, "C")
        _remembered.blocks += 1
    try:
        yield
    finally:
        with _lock:
            _remembered.blocks -= 1
            if not _remembered.blocks:
                _restore(_remembered.everything, _remembered.characters)


def _restore(everything: str, characters: str) -> None:
    # A system may not take all categories in one, if each has another name.
    for category, name in ((locale.LC_ALL, everything), (locale.LC_CTYPE, characters)):
        if locale.setlocale(category) == name or _can_set(category, name):
            return
    _log.warning(
        "The locale %s cannot be set again after SimpleITK has changed it: name the encoding of every text file that "
        "you open from now on.",
        characters,
    )


def _can_set(category: int, name: str) -> bool:
    try:
        locale.setlocale(category, name)
    except locale.Error:
        return False
    return True
