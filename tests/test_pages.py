"""Commands on the documentation's pages are commands, and have the options that they are typed with."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from experiments.reference.blocks import list_blocks, split_commands
from experiments.reference.commands import list_commands, list_options

ROOT = Path(__file__).parents[1]
PAGES = sorted((ROOT / "docs" / "pages").rglob("*.md"))
# A line of code without a fence around it, as Markdown knows it.
INDENTED = re.compile(r"^    (autoseg .*)$", re.MULTILINE)
INLINE = re.compile(r"`(autoseg [^`]+)`")
KNOWN = {name: list_options(command) for name, command in list_commands().items()}
# Beside those of the command itself.
OF_ALL = {"--help", "--version", "--install-completion", "--show-completion"}


def list_typed(text: str) -> Iterator[str]:
    """Yield the commands of a page, in blocks, in indented lines and in sentences."""
    blocks = (command for block in list_blocks(text) for command in block.commands())
    indented = split_commands("\n".join(INDENTED.findall(text)))
    yield from (command for command in (*blocks, *indented) if command.startswith("autoseg "))
    yield from INLINE.findall(text)


def find_problems(typed: str) -> list[str]:
    """Return what of a command is not there."""
    words = shlex.split(re.sub(r"\[|\]|\.\.\.|\|", " ", typed))
    if words[1] in OF_ALL:
        return []
    name = next((" ".join(words[:count]) for count in (3, 2) if " ".join(words[:count]) in KNOWN), None)
    if name is None:
        groups = {known.rsplit(" ", 1)[0] for known in KNOWN}
        # A group of commands alone, as sentences name it.
        return [] if " ".join(words) in groups else [f"no command: {typed}"]
    options = [word.partition("=")[0] for word in words if re.match(r"--?[a-z]", word)]
    return [f"{name} has no {option}" for option in options if option not in KNOWN[name] | OF_ALL]


@pytest.mark.parametrize("page", [*PAGES, ROOT / "README.md", ROOT / "CONTRIBUTING.md"], ids=lambda path: path.stem)
def test_what_is_typed_on_a_page_is_there(page: Path) -> None:
    assert [problem for typed in list_typed(page.read_text(encoding="utf-8")) for problem in find_problems(typed)] == []


def test_a_wrong_command_or_option_is_found() -> None:
    assert find_problems("autoseg trian 0") == ["no command: autoseg trian 0"]
    assert find_problems("autoseg label") == []
    assert find_problems("autoseg label acept masks") == ["no command: autoseg label acept masks"]
    assert find_problems("autoseg train 0 --max-minutse 3 -w ws") == ["autoseg train has no --max-minutse"]
    assert len(list(list_typed("```sh\nautoseg train 0 \\\n  --max-minutes 3  # quick\n```\n"))) == 1
