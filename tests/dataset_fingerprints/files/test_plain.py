from __future__ import annotations

import pytest

from dataset_fingerprints.errors import FileFormatError
from dataset_fingerprints.files.plain import parse_plain


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"[" * 100_000 + b"]" * 100_000, "nested too deep"),
        (b'{"a": ' * 100_000 + b"1" + b"}" * 100_000, "nested too deep"),
        (b'{"a": ' + b"9" * 5_000 + b"}", "more digits"),
        (b'{"a": 1, "a": 2}', "key 'a' twice"),
        (b'{"x": {"a": 1, "b": 2, "a": 1}}', "key 'a' twice"),
        (b'"\\ud800"', "half a character"),
        (b'{"\\uDC00": 1}', "half a character"),
        (b"\xff\xfe{", "not text in UTF-8"),
        (b"", "not valid JSON"),
        (b"{\x00}", "not valid JSON"),
        (b'{"a": 1,}', "line 1, column"),
    ],
)
def test_text_that_is_not_json_is_one_message(content: bytes, message: str) -> None:
    with pytest.raises(FileFormatError, match=rf"^here: .*{message}"):
        parse_plain(content, "here")


def test_a_byte_order_mark_and_whole_characters_are_read() -> None:
    assert parse_plain(b'\xef\xbb\xbf{"a": "\\ud83d\\ude00"}', "here") == {"a": "\U0001f600"}
