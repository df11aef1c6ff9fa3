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
        (b"\xff{", "not text in UTF-8"),
        (b"\xff\xfe{", "not text in UTF-16"),
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


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_json_of_every_program_is_read_by_its_byte_order_mark(encoding: str) -> None:
    text = '{"labels": {"L\u00e4sion": 1,\r\n "\u0394": 2}}'
    assert parse_plain(text.encode(encoding), "here") == {"labels": {"L\u00e4sion": 1, "\u0394": 2}}


def test_big_endian_text_is_read_by_its_mark() -> None:
    assert parse_plain(b"\xfe\xff" + '{"a": "\u0394"}'.encode("utf-16-be"), "here") == {"a": "\u0394"}


def test_a_long_number_and_half_a_character_are_found_behind_a_mark_too() -> None:
    for text, message in ((f'{{"a": {"9" * 40}}}', "more digits"), ('"\\ud800"', "half a character")):
        with pytest.raises(FileFormatError, match=message):
            parse_plain(text.encode("utf-16"), "here")
