"""Typed JSON files, the only door between autoseg's dataclasses and the disk; writing is atomic everywhere."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from pydantic import JsonValue, TypeAdapter, ValidationError

from dataset_fingerprints.errors import AutosegError, FileFormatError, did_you_mean
from dataset_fingerprints.files.atomic import write_bytes
from dataset_fingerprints.files.checksums import CHECKSUM, Seal, describe_damage, make_seal
from dataset_fingerprints.files.opening import MOST_TEXT_BYTES, read_file
from dataset_fingerprints.files.plain import parse_plain
from dataset_fingerprints.names import counted

T = TypeVar("T")
OLDER = (
    "It was made by an older version: run `autoseg plan_and_preprocess DATASET -w FOLDER` for a new workspace, or use "
    "the version that made it."
)

REMEDY = "Give the command again that wrote it."

__all__ = [
    "JsonValue",
    "from_plain",
    "parse_json",
    "parse_sealed",
    "read_json",
    "read_plain_json",
    "refuse_newer",
    "to_json",
    "to_line",
    "to_sealed_json",
    "to_sealed_line",
    "write_json",
]


def write_json(path: Path, value: Any) -> None:
    """Write a dataclass with its checksum, or plain JSON values, atomically; NaN and infinity become null."""
    write_bytes(path, (to_sealed_json(value) if is_dataclass(value) else to_json(value)).encode())


def to_sealed_json(value: Any) -> str:
    """Return indented JSON text of a dataclass with its checksum; NaN and infinity become null."""
    return _seal(to_json(value), ",\n ", "\n}\n")


def to_json(value: Any) -> str:
    """Return indented JSON text of a dataclass or of plain JSON values; NaN and infinity become null."""
    return _adapter(_kind_of(value)).dump_json(value, indent=1).decode() + "\n"


def to_line(value: Any) -> bytes:
    """Return JSON of a dataclass on one line; NaN and infinity become null."""
    return _adapter(_kind_of(value)).dump_json(value) + b"\n"


def to_sealed_line(value: Any) -> bytes:
    """Return JSON of a dataclass and its checksum on one line, for files that grow by lines."""
    return _seal(to_line(value).decode(), ",", "}\n").encode()


def read_json(path: Path, kind: type[T], remedy: str = REMEDY, check: Callable[[T], None] | None = None) -> T:
    """Read a file as the dataclass `kind`, strictly: unknown keys and wrong types are errors.

    Args:
        path: of the file.
        kind: the dataclass.
        remedy: what to do about a damaged file, in sentences.
        check: finds out whether the values fit together, and raises an `AutosegError` if they do not; it is asked
            before the checksum is, so that what a person got wrong is named.

    Raises:
        FileFormatError: the file is missing, is not JSON, was written by a version with another schema, differs from
            `kind`, or is damaged; the message names the field.
    """
    try:
        text = read_file(path, MOST_TEXT_BYTES)
    except OSError as error:
        raise FileFormatError(f"{path}: cannot be read ({error.strerror}). Expected {name_kind(kind)}.") from error
    return parse_json(text, kind, str(path), remedy, check)


def parse_json(
    text: bytes, kind: type[T], where: str, remedy: str = REMEDY, check: Callable[[T], None] | None = None
) -> T:
    """Build the dataclass `kind` from JSON text with the same strictness as `read_json`.

    Args:
        text: with or without a checksum.
        kind: the dataclass.
        where: the text comes from, for messages.
        remedy: as for `read_json`.
        check: as for `read_json`.

    Raises:
        FileFormatError: the text is not JSON, differs from `kind`, or from its checksum; the message names the field.
    """
    version, seal = _take_apart(_parse_file(text, kind, where, remedy))
    return _parse((version, seal), kind, where, remedy, check)


def parse_sealed(text: bytes, kind: type[T], where: str, remedy: str, check: Callable[[T], None] | None = None) -> T:
    """Build the dataclass `kind` from JSON text that nobody changes by hand: damage is said, not what came of it.

    Args:
        text: as for `parse_json`.
        kind: as for `parse_json`.
        where: as for `parse_json`.
        remedy: as for `parse_json`.
        check: as for `parse_json`.

    Raises:
        FileFormatError: as for `parse_json`.
    """
    try:
        version, seal = _take_apart(parse_plain(text, where))
    except FileFormatError as error:
        raise FileFormatError(f"{where}: is damaged: it is not the JSON that autoseg wrote. {remedy}") from error
    if seal.is_broken():
        raise FileFormatError(f"{where}: does not hold what autoseg wrote: it was damaged or changed. {remedy}")
    return _parse((version, seal), kind, where, remedy, check)


def _take_apart(plain: Any) -> tuple[object, Seal]:
    """Return the version and the seal of a file's values, which are not held while its dataclasses are built."""
    return plain.get("schema_version") if isinstance(plain, dict) else None, Seal(plain)


def _parse(parts: tuple[object, Seal], kind: type[T], where: str, remedy: str, check: Callable[[T], None] | None) -> T:
    version, seal_of_text = parts
    damage = f" It may be damaged: {describe_damage(where, remedy)}" if seal_of_text.is_broken() else ""
    try:
        value = _validate(kind, seal_of_text.text)
        _refuse_other_schema(where, kind, getattr(value, "schema_version", None))
        if check is not None:
            check(value)
    except ValidationError as error:
        _refuse_other_schema(where, kind, version, damage)
        raise FileFormatError(_first_problem(where, kind, error) + damage) from error
    except AutosegError as error:
        # What a dataclass itself refuses does not know the file.
        named = str(error) if where in str(error) else f"{where}: {error}"
        raise type(error)(f"{named}{damage}") from error
    seal_of_text.refuse_broken(where, remedy)
    return value


def refuse_newer(path: Path, kind: type) -> None:
    """Make sure that a file, where there is one, may be replaced: that it was not written by a newer version.

    Raises:
        FileFormatError: it was.
    """
    found = _schema_version(path) if path.is_file() else None
    known = _known_version(kind)
    if isinstance(found, int) and known is not None and found > known:
        raise FileFormatError(_other_schema(path, found, known))


def read_plain_json(path: Path) -> Any:
    """Read a JSON file of another program as plain values.

    Raises:
        FileFormatError: the file is missing or is not JSON; the message gives line and column.
    """
    try:
        content = read_file(path, MOST_TEXT_BYTES)
    except OSError as error:
        raise FileFormatError(f"{path}: cannot be read ({error.strerror}).") from error
    return parse_plain(content, str(path))


def from_plain(value: Any, kind: type[T], where: str) -> T:
    """Build the dataclass `kind` from plain values with the same strictness as `read_json`."""
    try:
        return _validate(kind, json.dumps(value).encode())
    except ValidationError as error:
        raise FileFormatError(_first_problem(where, kind, error)) from error


def _seal(text: str, between: str, end: str) -> str:
    """Return the JSON text of a dataclass with its checksum behind its last value."""
    return f'{text.rstrip()[:-1].rstrip()}{between}"{CHECKSUM}": "{make_seal(json.loads(text))}"{end}'


@cache
def _adapter(kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(kind)


def _kind_of(value: Any) -> Any:
    return Any if isinstance(value, dict | list) else type(value)


def _validate(kind: type[T], text: bytes) -> T:
    key: Any = kind
    value: T = _adapter(key).validate_json(text, strict=True, extra="forbid")
    return value


def _parse_file(text: bytes, kind: type, where: str, remedy: str) -> Any:
    """Return the plain values of a file of ours; what is not JSON says what it should be."""
    try:
        return parse_plain(text, where)
    except FileFormatError as error:
        raise FileFormatError(f"{error} Expected {name_kind(kind)}. {remedy}") from error


def name_kind(kind: type) -> str:
    """Return what files hold a dataclass, in words: `a plan file`."""
    # What may be null is a union of types, which has no name.
    name = getattr(kind, "__name__", "value").removesuffix("File")
    words = re.sub(r"(?<!^)(?=[A-Z])", " ", name).lower().replace("nnunet", "nnU-Net")
    return f"{'an' if words.startswith(('a', 'e', 'i', 'o', 'u', 'nn')) else 'a'} {words} file"


def _schema_version(path: Path) -> object:
    """Return the version that a file states, or None."""
    try:
        plain = parse_plain(read_file(path, MOST_TEXT_BYTES), str(path))
    except (OSError, FileFormatError):
        return None
    return plain.get("schema_version") if isinstance(plain, dict) else None


def _known_version(kind: type) -> int | None:
    defaults = [field.default for field in fields(kind) if field.name == "schema_version"]
    return defaults[0] if defaults and isinstance(defaults[0], int) else None


def _refuse_other_schema(where: object, kind: type, found: object, damage: str = "") -> None:
    known = _known_version(kind)
    if isinstance(found, int) and known is not None and found != known:
        raise FileFormatError(_other_schema(where, found, known) + damage)


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
    message = first["msg"].removeprefix("Value error, ")
    more = f" ({counted(len(details) - 1, 'more problem')}.)" if len(details) > 1 else ""
    value = first["input"].decode(errors="replace") if isinstance(first["input"], bytes) else str(first["input"])
    found = "" if first["type"] == "missing" else f", found {value[:80]!r}"
    return f"{where}: {field}: {message}{found}. Expected {name_kind(kind)}.{more}"
