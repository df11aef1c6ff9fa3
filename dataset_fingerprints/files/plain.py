"""JSON text as plain values; whatever the text holds, one message says what is wrong with it."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

from dataset_fingerprints.errors import FileFormatError
from dataset_fingerprints.files.text import decode_text

# Of a key that a message shows.
_SHOWN = 40
# A whole number beyond any that can be meant, perhaps within a text.
_MOST_DIGITS = 30
_LONG = re.compile(rf"[0-9]{{{_MOST_DIGITS + 1}}}")


class _DoubledKeyError(ValueError):
    """A key stands twice in an object."""


def parse_plain(content: bytes, where: str) -> Any:
    """Return the values of JSON text.

    Args:
        content: UTF-8, or what its byte-order mark says.
        where: the text comes from, for messages.

    Raises:
        FileFormatError: it is not JSON in UTF-8, a key stands twice, it is nested too deep, a number is too long, or a
            text holds half a character.
    """
    try:
        text = decode_text(content)
        value = json.loads(text, object_pairs_hook=_refuse_doubled)
        if _LONG.search(text):
            json.loads(text, parse_int=_refuse_long)
        if "\\ud" in text.lower():
            json.dumps(value, ensure_ascii=False).encode()
    except UnicodeDecodeError as error:
        raise FileFormatError(
            f"{where}: is not text in {error.encoding.upper()} (byte {error.start}). Save it as UTF-8 JSON."
        ) from error
    except UnicodeEncodeError as error:
        half = ascii(error.object[error.start])
        raise FileFormatError(f"{where}: holds half a character ({half}). Correct the text there.") from error
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        raise FileFormatError(f"{where}: is not valid JSON ({error.msg}, {place}). Correct the file there.") from error
    except RecursionError as error:
        raise FileFormatError(f"{where}: is nested too deep to be a file of ours. Take another file.") from error
    except ValueError as error:
        raise FileFormatError(f"{where}: {_describe(error)} Correct the file there.") from error
    return value


def canonical(value: Any) -> bytes:
    """Return plain values as JSON text without blanks, the same for the same values."""
    return json.dumps(value, separators=(",", ":")).encode()


def _describe(error: ValueError) -> str:
    if isinstance(error, _DoubledKeyError):
        return str(error)
    return "holds a number of more digits than can be meant."


def _refuse_long(digits: str) -> int:
    if len(digits) > _MOST_DIGITS + 1:
        raise ValueError(digits)
    return int(digits)


def _refuse_doubled(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    plain = dict(pairs)
    if len(plain) != len(pairs):
        keys = [key for key, _ in pairs]
        doubled = next(key for key in keys if keys.count(key) > 1)
        raise _DoubledKeyError(f"has the key '{doubled[:_SHOWN]}' twice, of which only one can count.")
    return plain
