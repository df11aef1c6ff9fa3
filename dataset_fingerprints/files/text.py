"""Text of files that people made: UTF-8 or UTF-16, as what their programs write in front of it says."""

from __future__ import annotations

import codecs

# Excel's "Unicode text" and PowerShell's `>` write UTF-16, Notepad and Excel's "CSV UTF-8" a mark in front of UTF-8.
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def decode_text(content: bytes) -> str:
    """Return the text of a file, by the byte-order mark that it begins with; UTF-8 without one.

    Raises:
        UnicodeDecodeError: it is not text in that encoding.
    """
    encoding = next((name for mark, name in _MARKS if content.startswith(mark)), "utf-8")
    return content.decode(encoding)
