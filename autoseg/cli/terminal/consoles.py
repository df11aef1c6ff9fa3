"""Standard output and error as consoles; on a terminal, lines end between words."""

from __future__ import annotations

import re
from typing import IO, Any, cast

from rich.console import Console

from autoseg.cli.terminal.streams import LastingStream

# A command in a message stays in one line, so that it can be copied.
_COMMAND = re.compile(r"`[^`\n]+`")
_TIED = "\N{NO-BREAK SPACE}"


class WordConsole(Console):
    """A console whose soft-wrapped text ends lines between words where it is a terminal.

    Words that are longer than a line, as paths are, stay whole, so that they can be copied.
    """

    def print(self, *objects: Any, **options: Any) -> None:
        """Print objects as rich does."""
        if options.get("soft_wrap") and self.is_terminal and not options.get("markup"):
            objects = tuple(wrap_words(one, self.width) if isinstance(one, str) else one for one in objects)
        super().print(*objects, **options)


def wrap_words(text: str, width: int) -> str:
    """Return a text whose lines are at most `width` characters long where words allow it, indented as they were."""
    return "\n".join(_wrap(line, width) for line in text.split("\n"))


def _wrap(line: str, width: int) -> str:
    tied = _COMMAND.sub(lambda found: found[0].replace(" ", _TIED) if len(found[0]) < width else found[0], line)
    indent = line[: len(line) - len(line.lstrip())]
    lines, current = [], ""
    for word in tied.strip().split(" "):
        longer = f"{current} {word}" if current else f"{indent}{word}"
        if current and len(longer) > width:
            lines.append(current)
            longer = f"{indent}{word}"
        current = longer
    return "\n".join((*lines, current)).replace(_TIED, " ") if tied.strip() else line


def _open(name: Any) -> Console:
    stream = cast("IO[str]", LastingStream(name=name))
    # Names and paths are shown as they are: brackets in them are no markup, `:x:` is no picture.
    return WordConsole(file=stream, markup=False, emoji=False, highlight=False)


console, errors = _open("stdout"), _open("stderr")
