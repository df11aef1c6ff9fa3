"""metrics.jsonl: one line per report of a training, never a line twice, whatever interrupts it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from dataset_fingerprints.files.atomic import write_bytes

Line = dict[str, object]
Observer = Callable[[Line], None]


@dataclass(frozen=True, kw_only=True, slots=True)
class Curve:
    """The file that a training's figures are appended to; every line names its iteration."""

    path: Path

    def append(self, line: Line) -> None:
        """Add one line; figures that are not finite become null."""
        clean = {key: None if isinstance(value, float) and value - value != 0 else value for key, value in line.items()}
        with self.path.open("a", encoding="utf-8") as stream:
            stream.write(json.dumps(clean) + "\n")

    def rewind(self, iteration: int) -> None:
        """Drop what was written after `iteration`, and a line that a killed process left half written."""
        if not self.path.is_file():
            return
        kept = []
        for text in self.path.read_text(encoding="utf-8").splitlines():
            try:
                line = json.loads(text)
            except json.JSONDecodeError:
                continue
            if line["iteration"] <= iteration:
                kept.append(text)
        write_bytes(self.path, "".join(f"{text}\n" for text in kept).encode())

    def read(self) -> tuple[Line, ...]:
        """Return all lines; none before the first."""
        if not self.path.is_file():
            return ()
        return tuple(json.loads(text) for text in self.path.read_text(encoding="utf-8").splitlines())
