"""Packages as users install them: a module and the entry points that its metadata names."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path


def write_package(folder: Path, name: str, code: str, entries: Mapping[str, Sequence[str]]) -> None:
    """Write a module and its metadata into a folder that can be put on PYTHONPATH.

    Args:
        folder: an empty or new folder.
        name: of the module and the distribution.
        code: of the module.
        entries: per entry-point group, lines such as `mine = module:object`.
    """
    metadata = folder / f"{name}-1.0.dist-info"
    metadata.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.py").write_text(code, encoding="utf-8")
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n", encoding="utf-8")
    groups = (f"[{group}]\n" + "".join(f"{line}\n" for line in lines) for group, lines in entries.items())
    (metadata / "entry_points.txt").write_text("\n".join(groups), encoding="utf-8")


def run_with_package(
    folder: Path, *arguments: object, code: str | None = None, module: str = "autoseg"
) -> subprocess.CompletedProcess[str]:
    """Run autoseg, another module, or a piece of Python, in a process that finds the package."""
    checkout = Path(__file__).parents[2]
    path = os.pathsep.join((str(folder), str(checkout)))
    command = ("-c", code) if code is not None else ("-m", module)
    return subprocess.run(
        (sys.executable, *command, *map(str, arguments)),
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )


def do_in_turn(
    package: Path, moment: str, *commands: Sequence[object], place: Sequence[object] = (), code: int = 0
) -> str:
    """Run commands one after the other in a process that kills itself at a moment, and return what they said.

    Args:
        package: a folder whose packages the process finds.
        moment: as `tests.synthetic.ended` reads it.
        commands: of autoseg.
        place: words behind each of them.
        code: that the process has to end with.
    """
    words = [word for command in commands for word in ("then", *command, *place)]
    done = run_with_package(package, signal.SIGKILL.value, moment, *words[1:], module="tests.synthetic.ended")
    assert done.returncode == code, done.stderr[-3000:]
    return done.stdout + done.stderr
