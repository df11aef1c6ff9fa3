"""Words of the command line that cannot be meant, whatever the command."""

from __future__ import annotations

import re
from collections.abc import Sequence

from dataset_fingerprints.errors import AutosegError

_EMPTY_VALUE = re.compile(r"--[a-z-]+=")
# Options for which no text stands for a choice.
_MAY_BE_EMPTY = ("--series", "--series=")


def refuse_empty(words: Sequence[str]) -> None:
    """Make sure that no word is empty: as a path it would be the current directory.

    Raises:
        AutosegError: one is; the message names the word before it.
    """
    for before, word in zip(("", *words), words, strict=False):
        option = word if word else before
        if (not word or _EMPTY_VALUE.fullmatch(word)) and option not in _MAY_BE_EMPTY:
            where = f" ({option.removesuffix('=')})" if option else ""
            raise AutosegError(
                f"an argument is empty{where}. Expected a value, such as a path: perhaps a variable of the shell is "
                "not set. Give the value, or leave the option out."
            )
