"""All parts, one after the other: deadlines, what each found, and one file of it that is whole at any time."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Literal

from autoseg.hardware import count_cores, may_have_gpu
from dataset_fingerprints.errors import AutosegError, did_you_mean
from dataset_fingerprints.files.jsonfiles import write_json
from experiments.gpu.checkout import ROOT, environment
from experiments.gpu.parts import NO_GPU, PARTS

DATA_SET = "Task04_Hippocampus"
SIMULATED = "simulated"
# Where the data lie beside a checkout, or in it.
_PLACES = ("shared/data", "../shared/data")
RESULTS = "gpu.json"
# Between asking a part to end and ending it.
_GRACE_SECONDS = 4.0
_SHOWN = 500
_HIDDEN = {"CUDA_VISIBLE_DEVICES": ""}

State = Literal["done", "skipped", "failed", "out of time"]
Line = dict[str, str | float | None]


@dataclass(frozen=True, kw_only=True, slots=True)
class Settings:
    """Settings of the experiment.

    Attributes:
        minutes: for all parts.
        out: the folder for results and logs.
        parts: to run, in order.
        data: a raw data set for the part "training", or None for simulated scans.
        device: cuda; or cpu, where every part is as small as possible and only shows that its code runs.
    """

    minutes: float
    out: Path
    parts: tuple[str, ...]
    data: Path | None
    device: Literal["cuda", "cpu"]


@dataclass(frozen=True, kw_only=True, slots=True)
class PartReport:
    """Results of one part.

    Attributes:
        rows: of its table.
        said: sentences beside it.
        error: why it ended early, else empty.
    """

    part: str
    state: State
    seconds: float
    rows: list[Line] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    error: str = ""

    def columns(self) -> tuple[str, ...]:
        """Return the table's columns."""
        return tuple(dict.fromkeys(name for row in self.rows for name in row))

    def texts(self) -> list[tuple[str, ...]]:
        """Return the table's cells."""
        return [tuple(_show(row.get(column)) for column in self.columns()) for row in self.rows]


def choose_parts(names: str) -> tuple[str, ...]:
    """Return parts by their names, separated by commas; all of them for an empty text.

    Raises:
        AutosegError: there is no such part.
    """
    chosen = [name.strip() for name in names.split(",") if name.strip()] or list(PARTS)
    for name in chosen:
        if name not in PARTS:
            raise AutosegError(f"--parts: there is no part '{name}'. {did_you_mean(name, PARTS)}")
    return tuple(name for name in PARTS if name in chosen)


def find_data(given: str) -> Path | None:
    """Return a data set by its path, or by its name where data lie; None for simulated scans, or without the default.

    Raises:
        AutosegError: another one than the default is nowhere.
    """
    if given == SIMULATED:
        return None
    places = [Path(given), *(ROOT / place / given for place in _PLACES)]
    found = next((place.resolve() for place in places if (place / "dataset.json").is_file()), None)
    if found is None and given != DATA_SET:
        looked = ", ".join(str(place) for place in places)
        raise AutosegError(f"--data: there is no data set at {looked}. Expected a folder with a dataset.json.")
    return found


def run_parts(settings: Settings, show: Callable[[PartReport], None]) -> list[PartReport]:
    """Run the parts, and write `gpu.json` after each.

    Args:
        settings: which parts, how long, and where results go.
        show: takes each report when there is one.
    """
    settings.out.mkdir(parents=True, exist_ok=True)
    about = describe_machine(settings)
    reports: list[PartReport] = []
    shares = sum(PARTS[name].share for name in settings.parts)
    ends = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="autoseg-gpu-", ignore_cleanup_errors=True) as work:
        for name in settings.parts:
            ends += 60 * settings.minutes * PARTS[name].share / shares
            if settings.device == "cuda" and not may_have_gpu():
                report = PartReport(part=name, state="skipped", seconds=0.0, said=[NO_GPU])
            else:
                report = _run_part(name, settings, Path(work), ends)
            reports.append(report)
            write_json(settings.out / RESULTS, {"about": about, "parts": [asdict(report) for report in reports]})
            show(report)
    return reports


def describe_machine(settings: Settings) -> dict[str, object]:
    """Return what the results are of."""
    query = "--query-gpu=name,driver_version,memory.total,compute_cap"
    return {
        "card": _ask("nvidia-smi", query, "--format=csv,noheader") or "none",
        "torch": version("torch"),
        "cores": count_cores(),
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": _ask("git", "-C", str(ROOT), "rev-parse", "HEAD") or "unknown",
        "device": settings.device,
        "minutes": settings.minutes,
        "data": settings.data.name if settings.data else SIMULATED,
    }


def _ask(*command: str) -> str:
    """Return what a command prints; empty where it is not there or fails."""
    try:
        done = subprocess.run(command, capture_output=True, encoding="utf-8", errors="replace", timeout=20, check=True)
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.strip()


def _run_part(name: str, settings: Settings, work: Path, ends: float) -> PartReport:
    """Run one part in a process of its own until its time is up."""
    rows, log = settings.out / f"{name}.jsonl", settings.out / f"{name}.log"
    rows.unlink(missing_ok=True)
    task = {
        "part": name,
        "rows": str(rows.resolve()),
        "work": str(work),
        "ends": ends,
        "device": settings.device,
        "data": str(settings.data) if settings.data else "",
    }
    hidden = _HIDDEN if settings.device == "cpu" else {}
    start = time.monotonic()
    with log.open("wb") as stream:
        process = subprocess.Popen(
            (sys.executable, "-m", "experiments.gpu.part", json.dumps(task)),
            cwd=ROOT,
            env=environment(hidden),
            stdout=stream,
            stderr=stream,
            start_new_session=True,
        )
        in_time = _wait(process, ends)
    ended = ""
    if not in_time:
        ended = "its time was up, and what it had found by then is kept"
    elif process.returncode:
        ended = f"ended with exit code {process.returncode}: {log.read_text(errors='replace')[-_SHOWN:].strip()}"
    report = _make_report(name, list(_read(rows)), round(time.monotonic() - start, 1), ended)
    return report if in_time else replace(report, state="out of time")


def _make_report(name: str, lines: Sequence[Line], seconds: float, ended: str) -> PartReport:
    """Return a part's report from the lines that it wrote, and from how it ended where that was not well."""
    error = next((str(line["error"]) for line in lines if "error" in line), ended)
    skipped = any("skipped" in line for line in lines)
    return PartReport(
        part=name,
        state="skipped" if skipped else "failed" if error else "done",
        seconds=seconds,
        rows=[line for line in lines if not line.keys() & {"said", "error", "skipped"}],
        said=[str(line[key]) for line in lines for key in ("said", "skipped") if key in line],
        error=error,
    )


def _wait(process: subprocess.Popen[bytes], ends: float) -> bool:
    """Wait for a part; return whether it ended in its time. All processes that it has started end with it."""
    try:
        process.wait(timeout=max(1.0, ends - time.monotonic()))
        return True
    except subprocess.TimeoutExpired:
        return False
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGTERM)
            with suppress(subprocess.TimeoutExpired):
                process.wait(timeout=_GRACE_SECONDS)
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _read(rows: Path) -> Iterator[Line]:
    """Yield the lines of a part; the last one may be half written."""
    for text in rows.read_text(encoding="utf-8").splitlines() if rows.is_file() else ():
        with suppress(json.JSONDecodeError):
            yield json.loads(text)


def summarise(reports: Sequence[PartReport]) -> list[tuple[str, ...]]:
    """Return a row per part: its state, its seconds, and the last that it said."""
    return [
        (report.part, report.state, f"{report.seconds:.0f}", (report.error or (report.said or [""])[-1])[:160])
        for report in reports
    ]


def _show(value: str | float | None) -> str:
    if value is None:
        return "-"
    if isinstance(value, str):
        return value
    return f"{value:g}" if float(value).is_integer() else f"{value:.3g}"
