"""One part in a process of its own: `python -m experiments.gpu.part TASK`, where TASK is a JSON object."""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Mapping
from pathlib import Path

from autoseg.hardware import share_cores_with_others

share_cores_with_others()

import torch  # noqa: E402

from dataset_fingerprints.errors import AutosegError  # noqa: E402
from experiments.gpu.bench import Bench, Row  # noqa: E402
from experiments.gpu.parts import NO_GPU, PARTS  # noqa: E402


def run_part(name: str, rows: Path, bench: Bench) -> None:
    """Run a part and write each of its results as a line, as soon as there is one.

    Args:
        name: of the part.
        rows: the file of lines: a row, or a sentence under "said"; at the end of a part that failed, an "error".
        bench: to run on.
    """
    module, function = PARTS[name].code
    try:
        for found in getattr(importlib.import_module(f"experiments.gpu.{module}"), function)(bench):
            _append(rows, {"said": found} if isinstance(found, str) else found)
    except Exception as error:
        text = (str(error).strip() or type(error).__name__)[-1000:]
        _append(rows, {"error": text if isinstance(error, AutosegError) else f"{type(error).__name__}: {text}"})
        raise


def _append(rows: Path, line: Row | Mapping[str, str]) -> None:
    with rows.open("a", encoding="utf-8") as stream:
        stream.write(json.dumps(line) + "\n")


def main() -> None:
    """Run the part that the task names."""
    task = json.loads(sys.argv[1])
    rows = Path(task["rows"])
    if task["device"] == "cuda" and not torch.cuda.is_available():
        _append(rows, {"skipped": NO_GPU})
        return
    data = Path(task["data"]) if task["data"] else None
    tiny = task["device"] == "cpu"
    run_part(task["part"], rows, Bench(work=Path(task["work"]), data=data, ends=task["ends"], tiny=tiny))


if __name__ == "__main__":
    main()
