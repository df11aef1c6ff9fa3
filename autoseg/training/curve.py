"""metrics.jsonl: one line per report of a training, never a line twice, whatever interrupts it."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from dataset_fingerprints.errors import FileFormatError
from dataset_fingerprints.files.atomic import write_bytes
from dataset_fingerprints.files.checksums import CHECKSUM, Seal, make_seal
from dataset_fingerprints.files.opening import MOST_TEXT_BYTES, append_to, read_file, refuse_link
from dataset_fingerprints.files.plain import parse_plain
from dataset_fingerprints.names import counted

Line = dict[str, object]
Observer = Callable[[Line], None]

_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class Curve:
    """The file that a training's figures are appended to; every line names its iteration, and has a checksum."""

    path: Path

    def append(self, line: Line) -> None:
        """Add one line; figures that are not finite become null."""
        clean = {key: None if isinstance(value, float) and value - value != 0 else value for key, value in line.items()}
        text = json.dumps({**clean, CHECKSUM: make_seal(json.loads(json.dumps(clean)))})
        append_to(self.path, f"{text}\n".encode())

    def rewind(self, iteration: int) -> None:
        """Drop what was written after `iteration`; half-written and damaged lines are left out too, and reported."""
        refuse_link(self.path)
        if not self.path.is_file():
            return
        kept, damaged = [], 0
        for text, line in self._read_lines():
            if line is None:
                damaged += 1
            elif int(str(line["iteration"])) <= iteration:
                kept.append(text)
        if damaged:
            _log.warning(
                "%s: %s left out. Rounds of validation in them no longer count, for "
                "patience and for schedules that follow them.",
                self.path,
                counted(damaged, "half-written or damaged line is", "half-written or damaged lines are"),
            )
        write_bytes(self.path, b"".join(kept))

    def read(self) -> tuple[Line, ...]:
        """Return all lines that are whole; none before the first."""
        return tuple(line for _, line in self._read_lines() if line is not None) if self.path.is_file() else ()

    def skim(self) -> tuple[Line, ...]:
        """Return the lines as they are, without a look at their checksums: for pictures, which are drawn often."""
        if not self.path.is_file():
            return ()
        lines = []
        for text in read_file(self.path, MOST_TEXT_BYTES).splitlines():
            with suppress(ValueError, RecursionError):
                lines.append(json.loads(text))
        return tuple(line for line in lines if isinstance(line, dict) and _is_numbered(line))

    def _read_lines(self) -> Iterator[tuple[bytes, Line | None]]:
        """Yield the file's lines and what they hold; None for one that does not hold what was written."""
        for text in read_file(self.path, MOST_TEXT_BYTES).splitlines(keepends=True):
            yield text, self._parse(text)

    def _parse(self, text: bytes) -> Line | None:
        try:
            line = parse_plain(text, str(self.path))
        except FileFormatError:
            return None
        seal = Seal(line)
        sound = text.endswith(b"\n") and isinstance(line, dict) and not seal.is_broken()
        known = sound and _is_numbered(line) and isinstance(line.get("kind", ""), str)
        return line if known else None


def _is_numbered(line: Line) -> bool:
    # To Python, true is a whole number.
    return type(line.get("iteration")) is int
