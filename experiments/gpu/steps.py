"""Milliseconds of training steps: the bare network's, with and without augmentation, on all cores and on two."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence

from experiments.gpu.bench import Bench, Row, read_rows
from experiments.gpu.checkout import ROOT, environment

FEW_CORES = 2
# Cores (0 for all), kinds as `experiments.gpu.step_times` names them, and the share of the time that is left.
ROUNDS: tuple[tuple[int, tuple[str, ...], float], ...] = (
    (
        0,
        (
            "bare network",
            "step, not augmented",
            "step, augmented",
            "step, cases in memory",
            "bare, channels first",
            "bare, channels last",
            "bare, float32",
        ),
        0.5,
    ),
    (FEW_CORES, ("step, not augmented", "step, augmented", "step, cases in memory"), 0.4),
    (0, ("bare, compiled",), 1.0),
)


def time_steps(bench: Bench) -> Iterator[Row | str]:
    """Yield a row per kind of step, with its ratio to the bare network's as the training lays it out."""
    every = sorted(os.sched_getaffinity(0))
    bare: float | None = None
    for cores, kinds, share in ROUNDS:
        seconds = share * bench.left()
        if seconds < 2 and not bench.tiny:
            yield f"No time was left for {', '.join(kinds)}."
            continue
        chosen = every[: cores or len(every)]
        missing = set(kinds)
        for found in run_worker(kinds, chosen, seconds, bench):
            missing.discard(str(found["what"]))
            ms = found.get("ms")
            if bare is None and isinstance(ms, float):
                bare = ms
            ratio = ms / bare if isinstance(ms, float) and bare else None
            peak, steps = found.get("peak GiB"), found.get("steps")
            where = {"what": found["what"], "cores": len(chosen), "ms": ms, "to bare": ratio}
            yield {**where, "peak GiB": peak, "steps": steps, "": found[""]}
        if missing:
            yield f"No answer in the time on {len(chosen)} cores: {', '.join(sorted(missing))}."


def run_worker(kinds: Sequence[str], cores: Sequence[int], seconds: float, bench: Bench) -> Iterator[Row]:
    """Yield the rows of a worker on some cores as it prints them, until its time is up."""
    size = "tiny" if bench.tiny else "large"
    process = subprocess.Popen(
        (sys.executable, "-m", "experiments.gpu.step_times", f"{seconds:.1f}", size, *kinds),
        cwd=ROOT,
        env=environment(),
        stdout=subprocess.PIPE,
        encoding="utf-8",
        errors="replace",
        preexec_fn=lambda: os.sched_setaffinity(0, cores),
    )
    # Compiling, and a card that hangs, know no time.
    guard = threading.Timer(max(1.0, min(bench.left(), 2 * seconds + 20)), process.kill)
    guard.start()
    try:
        assert process.stdout is not None
        for line in process.stdout:
            yield from read_rows(line)
    finally:
        guard.cancel()
        process.kill()
        with process:
            pass
