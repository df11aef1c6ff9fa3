"""The documents name files that are there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
# A file or folder of the source in backticks; behind a folder, names of what is in it may follow. `here` is an example.
NAMED = re.compile(r"(?<!here )`([\w/]+(?:\.py|/))`")
# A link to a file of the repository, without the place in it.
LINK = re.compile(r"\]\((?!https?:|#)([^)#]+)")


def find_missing(text: str) -> list[str]:
    """Return the files that a text names and that are not there."""
    missing = []
    for line in text.splitlines():
        folder = ROOT
        for name in NAMED.findall(line):
            if (ROOT / name).exists():
                folder = ROOT / name
            elif not (folder / name).exists():
                missing.append(name)
    return missing


@pytest.mark.parametrize("document", ["ARCHITECTURE.md", "CONTRIBUTING.md", "README.md"])
def test_every_file_that_a_document_names_is_there(document: str) -> None:
    text = (ROOT / document).read_text(encoding="utf-8")
    assert find_missing(text) == []


@pytest.mark.parametrize("document", ["ARCHITECTURE.md", "CHANGELOG.md", "CONTRIBUTING.md", "README.md"])
def test_links_lead_to_files(document: str) -> None:
    links = LINK.findall((ROOT / document).read_text(encoding="utf-8"))
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_a_file_that_is_not_there_is_found() -> None:
    assert find_missing("| x | `planners/` (`plan.py`, `layers.py`) |") == ["layers.py"]


def test_the_architecture_fits_on_three_pages() -> None:
    assert len((ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8").splitlines()) <= 120
