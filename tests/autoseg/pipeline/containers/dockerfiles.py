"""Instructions of a Dockerfile, as far as a file can be checked without docker."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path

WORDS = frozenset(
    {"ADD", "ARG", "CMD", "COPY", "ENTRYPOINT", "ENV", "EXPOSE", "FROM", "HEALTHCHECK", "LABEL", "RUN", "SHELL"}
    | {"STOPSIGNAL", "USER", "VOLUME", "WORKDIR"}
)
STAGE = re.compile(r"FROM (?:--platform=\S+ )?(\S+) AS ([a-z][a-z0-9_-]*)")


@dataclass(frozen=True, kw_only=True, slots=True)
class Instruction:
    """An instruction, its continued lines joined."""

    word: str
    rest: str

    def parts(self) -> list[str]:
        """Return a list in the form of JSON, or the words."""
        return json.loads(self.rest) if self.rest.startswith("[") else self.rest.split()


def read_dockerfile(path: Path) -> list[Instruction]:
    """Return the instructions of a file, each of a kind that docker knows.

    Raises:
        ValueError: a line is none.
    """
    lines = [line for line in path.read_text(encoding="utf-8").splitlines() if line.strip() and line[0] != "#"]
    found = []
    for text in re.sub(r"\\\n\s*", "", "\n".join(lines)).splitlines():
        word, _, rest = text.partition(" ")
        if word not in WORDS or not rest.strip():
            raise ValueError(f"{text!r} is no instruction")
        found.append(Instruction(word=word, rest=rest.strip()))
    return found


def find_stages(instructions: list[Instruction]) -> dict[str, tuple[str, list[Instruction]]]:
    """Return the base and the instructions of each stage by its name, in order."""
    stages: dict[str, tuple[str, list[Instruction]]] = {}
    own: list[Instruction] = []
    for instruction in instructions:
        if instruction.word == "FROM":
            match = STAGE.fullmatch(f"FROM {instruction.rest}")
            if match is None:
                raise ValueError(f"FROM {instruction.rest} names no base and stage")
            own = []
            stages[match[2]] = (match[1], own)
        else:
            own.append(instruction)
    return stages
