"""Blocks of code on pages of the documentation, and the commands in them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import zip_longest

# From a fence that names a kind to the one that ends it, both at the beginning of a line.
_FENCED = re.compile(r"^```(?P<kind>\w+)\n(?P<typed>.*?)^```\n", re.MULTILINE | re.DOTALL)
_OUTPUT = "text"
# Behind two spaces, as on the pages: a # alone may stand in a command.
_COMMENT = re.compile(r"(?:^|\s{2,})#")
# A loop over words; one over a pattern of file names is left to the shell.
_LOOP = re.compile(r"for (?P<name>\w+) in (?P<values>[\w./ -]+); do (?P<command>.+); done")


@dataclass(frozen=True, kw_only=True, slots=True)
class Block:
    """A block of a page.

    Attributes:
        kind: `sh` for commands, `python` for a program, `text` for an output, or another word behind the fence.
        typed: the lines between the fences.
        shown: the output in the block directly below; None where none is there.
        place: where the block lies in the page's text, together with that output.
    """

    kind: str
    typed: str
    shown: str | None
    place: tuple[int, int]

    def commands(self) -> tuple[str, ...]:
        """Return the commands of a block that holds some, as `split_commands` does."""
        return split_commands(self.typed) if self.kind == "sh" else ()


def list_blocks(text: str) -> tuple[Block, ...]:
    """Return all blocks of a page, in order; an output is a block of its own, too."""
    found = list(_FENCED.finditer(text))
    blocks = []
    for block, below in zip_longest(found, found[1:]):
        output = _find_output(text, block, below)
        blocks.append(
            Block(
                kind=block["kind"],
                typed=block["typed"],
                shown=None if output is None else output["typed"],
                place=(block.start(), (output or block).end()),
            )
        )
    return tuple(blocks)


def split_commands(typed: str) -> tuple[str, ...]:
    """Return commands one by one: lines that go on put together, comments left out, loops over words written out."""
    lines = typed.replace("\\\n", " ").splitlines()
    bare = (_COMMENT.split(line)[0].strip() for line in lines)
    return tuple(command for line in bare if line for command in _write_out(line))


def _find_output(text: str, block: re.Match[str], below: re.Match[str] | None) -> re.Match[str] | None:
    """Return the next block if it is the output that belongs to this one."""
    if below is None or below["kind"] != _OUTPUT or block["kind"] == _OUTPUT:
        return None
    return below if text[block.end() : below.start()] == "\n" else None


def _write_out(command: str) -> tuple[str, ...]:
    """Return the commands of a loop over words; any other command as it is."""
    loop = _LOOP.fullmatch(command)
    if loop is None:
        return (command,)
    variable = re.compile(rf"\${loop['name']}\b")
    return tuple(variable.sub(value, loop["command"]) for value in loop["values"].split())
