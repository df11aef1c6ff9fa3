"""The examples of CONTRIBUTING.md, carried out on a copy of the source.

Every piece of code says in a comment where it goes: `# FILE` for a new file, or for imports and definitions of one that
is there; `# FILE, in TABLE` for rows of a table.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
COPIED = ("autoseg", "dataset_fingerprints", "experiments", "planners", "tests", "pyproject.toml", "setup.py")
EXAMPLE = "test_the_example"
FUTURE = "from __future__ import annotations\n"


@dataclass(frozen=True, kw_only=True, slots=True)
class Piece:
    """Code and its place; `table` is empty but for rows."""

    file: str
    table: str
    code: str


def read_pieces(title: str) -> Iterator[Piece]:
    """Yield the pieces of code of a section of CONTRIBUTING.md."""
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    section = text.split(f"\n## {title}\n")[1].split("\n## ")[0]
    for block in re.findall(r"```python\n(.*?)```", section, flags=re.DOTALL):
        parts = re.split(r"^# (\S+\.py)(?:, in (\w+))?\n", textwrap.dedent(block), flags=re.MULTILINE)
        assert not parts[0].strip(), "every piece begins with its place"
        for file, table, code in zip(*(parts[start::3] for start in (1, 2, 3)), strict=True):
            yield Piece(file=file, table=table or "", code=code.strip("\n") + "\n")


def carry_out(title: str, copy: Path) -> list[str]:
    """Copy the source to a new folder, change it as a section says, and return the files touched."""
    copy.mkdir()
    for name in COPIED:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / name, copy / name)
    pieces = list(read_pieces(title))
    for piece in pieces:
        path = copy / piece.file
        before = path.read_text(encoding="utf-8") if path.is_file() else ""
        path.write_text(insert(piece, before) if before else piece.code, encoding="utf-8")
    return list(dict.fromkeys(piece.file for piece in pieces))


def insert(piece: Piece, text: str) -> str:
    """Return a file's text with rows at the end of their table, or with imports on top and definitions below them."""
    if piece.table:
        start = text.index(f"\n{piece.table}:")
        end = text.index("\n    },\n", start) + 1
        return text[:end] + textwrap.indent(piece.code, " " * 8) + text[end:]
    lines = piece.code.splitlines(keepends=True)
    imports = "".join(line for line in lines if line.startswith(("from ", "import ")))
    others = "".join(line for line in lines if not line.startswith(("from ", "import "))).strip("\n")
    text = text.replace(FUTURE, f"{FUTURE}\n{imports}", 1)
    if not others:
        return text
    first = re.search(r"^(?:@|class |def |[A-Z_]+:)", text, flags=re.MULTILINE)
    assert first is not None
    return f"{text[: first.start()]}{others}\n\n\n{text[first.start() :]}"


def run_in(copy: Path, *arguments: object) -> str:
    """Run Python in the copy, and return what it printed; it must end well."""
    done = subprocess.run(
        (sys.executable, *map(str, arguments)),
        cwd=copy,
        env={**os.environ, "PYTHONPATH": str(copy)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, done.stdout[-5000:]
    return done.stdout


def run_tests(copy: Path, code: str, *arguments: object) -> str:
    """Run tests of the copy and, in the same process, some code in a folder of its own; return what pytest printed."""
    body = textwrap.indent(code.strip("\n"), "    ")
    test = f"def {EXAMPLE}(tmp_path, monkeypatch):\n    monkeypatch.chdir(tmp_path)\n{body}\n"
    (copy / "tests" / f"{EXAMPLE}.py").write_text(test, encoding="utf-8")
    return run_in(copy, "-m", "pytest", "-v", f"tests/{EXAMPLE}.py", *arguments)
