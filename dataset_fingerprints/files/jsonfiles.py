"""Typed JSON files, the only door between autoseg's dataclasses and the disk; writing is atomic everywhere."""

from __future__ import annotations

import json
from dataclasses import fields
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from pydantic import JsonValue, TypeAdapter, ValidationError

from dataset_fingerprints.errors import FileFormatError, did_you_mean
from dataset_fingerprints.files.atomic import replacing

T = TypeVar("T")
OLDER = (
    "It was made by an older version: run `autoseg plan_and_preprocess DATASET -w FOLDER` for a new workspace, or use "
    "the version that made it."
)

__all__ = [
    "JsonValue",
    "from_plain",
    "parse_json",
    "read_json",
    "read_plain_json",
    "refuse_newer",
    "to_json",
    "to_line",
    "write_json",
]


def write_json(path: Path, value: Any) -> None:
    """Write a dataclass, or plain JSON values, atomically; NaN and infinity become null."""
    with replacing(path) as temporary, temporary.open("wb") as stream:
        stream.write(_adapter(_kind_of(value)).dump_json(value, indent=1))
        stream.write(b"\n")


def to_json(value: Any) -> str:
    """Return indented JSON text of a dataclass or of plain JSON values; NaN and infinity become null."""
    return _adapter(_kind_of(value)).dump_json(value, indent=1).decode() + "\n"


def to_line(value: Any) -> bytes:
    """Return JSON of a dataclass on one line, for files that grow by lines; NaN and infinity become null."""
    return _adapter(_kind_of(value)).dump_json(value) + b"\n"


def read_json(path: Path, kind: type[T]) -> T:
    """Read a file as the dataclass `kind`, strictly: unknown keys and wrong types are errors.

    Raises:
        FileFormatError: the file is missing, is not JSON, was written by a version with another schema, or differs from
            `kind`; the message names the field.
    """
    try:
        text = path.read_bytes()
    except OSError as error:
        raise FileFormatError(f"{path}: cannot be read ({error.strerror}). Expected a {kind.__name__} file.") from error
    return parse_json(text, kind, str(path))


def parse_json(text: bytes, kind: type[T], where: str) -> T:
    """Build the dataclass `kind` from JSON text with the same strictness as `read_json`.

    Args:
        where: the text comes from, for messages.

    Raises:
        FileFormatError: the text is not JSON, or differs from `kind`; the message names the field.
    """
    try:
        value = _validate(kind, text)
    except ValidationError as error:
        _refuse_other_schema(where, kind, _schema_version(text))
        raise FileFormatError(_first_problem(where, kind, error)) from error
    _refuse_other_schema(where, kind, getattr(value, "schema_version", None))
    return value


def refuse_newer(path: Path, kind: type) -> None:
    """Make sure that a file, where there is one, may be replaced: that it was not written by a newer version.

    Raises:
        FileFormatError: it was.
    """
    found = _schema_version(path.read_bytes()) if path.is_file() else None
    known = _known_version(kind)
    if isinstance(found, int) and known is not None and found > known:
        raise FileFormatError(_other_schema(path, found, known))


def read_plain_json(path: Path) -> Any:
    """Read a JSON file of another program as plain values.

    Raises:
        FileFormatError: the file is missing or is not JSON; the message gives line and column.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise FileFormatError(f"{path}: cannot be read ({error.strerror}).") from error
    except UnicodeDecodeError as error:
        raise FileFormatError(f"{path}: is not text in UTF-8 (byte {error.start}). Save it as UTF-8 JSON.") from error
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise FileFormatError(f"{path}: is not valid JSON ({error.msg}, {where}). Correct the file there.") from error


def from_plain(value: Any, kind: type[T], where: str) -> T:
    """Build the dataclass `kind` from plain values with the same strictness as `read_json`."""
    try:
        return _validate(kind, json.dumps(value).encode())
    except ValidationError as error:
        raise FileFormatError(_first_problem(where, kind, error)) from error


@cache
def _adapter(kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(kind)


def _kind_of(value: Any) -> Any:
    return Any if isinstance(value, dict | list) else type(value)


def _validate(kind: type[T], text: bytes) -> T:
    key: Any = kind
    value: T = _adapter(key).validate_json(text, strict=True, extra="forbid")
    return value


def _schema_version(text: bytes) -> object:
    """Return the version that a file states, or None."""
    try:
        plain = json.loads(text)
    except ValueError:
        return None
    return plain.get("schema_version") if isinstance(plain, dict) else None


def _known_version(kind: type) -> int | None:
    defaults = [field.default for field in fields(kind) if field.name == "schema_version"]
    return defaults[0] if defaults and isinstance(defaults[0], int) else None


def _refuse_other_schema(where: object, kind: type, found: object) -> None:
    known = _known_version(kind)
    if isinstance(found, int) and known is not None and found != known:
        raise FileFormatError(_other_schema(where, found, known))


def _other_schema(where: object, found: int, known: int) -> str:
    cure = "Update autoseg, or name another folder." if found > known else OLDER
    return f"{where}: has schema version {found}, but this version of autoseg knows {known}. {cure}"


def _first_problem(where: object, kind: type, error: ValidationError) -> str:
    details = error.errors(include_url=False)
    first = details[0]
    field = ".".join(str(part) for part in first["loc"]) or "the file"
    if first["type"] == "unexpected_keyword_argument":
        known = getattr(kind, "__dataclass_fields__", {})
        advice = did_you_mean(str(first["loc"][-1]), known) if len(first["loc"]) == 1 else "Remove it."
        return f"{where}: has an unknown field '{field}'. {advice}"
    more = f" ({len(details) - 1} more problems.)" if len(details) > 1 else ""
    value = first["input"].decode(errors="replace") if isinstance(first["input"], bytes) else str(first["input"])
    found = "" if first["type"] == "missing" else f", found {value[:80]!r}"
    return f"{where}: {field}: {first['msg']}{found}. Expected a {kind.__name__} file.{more}"
