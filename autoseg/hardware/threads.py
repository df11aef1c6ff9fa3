"""OpenMP threads that leave their core to others while they wait."""

from __future__ import annotations

import os
import threading
from functools import cache

from autoseg.hardware.limits import count_cores

SPIN_COUNT = "GOMP_SPINCOUNT"


def share_cores_with_others() -> None:
    """Let waiting OpenMP threads give their core up soon; call it before torch is imported.

    By default they spin for so long that two trainings on the same cores slow each other down many times over
    (experiments/LOG.md, "Waiting threads"). A setting of the user's own is kept.
    """
    if "OMP_WAIT_POLICY" not in os.environ:
        os.environ.setdefault(SPIN_COUNT, "2000")
    # A library that blosc2 brings along, and that nothing here uses, fails on settings of OpenMP such as "4,2" or 128.
    os.environ.update(NUMEXPR_NUM_THREADS="1", NUMEXPR_MAX_THREADS="1")


@cache
def calm_threads() -> None:
    """Let waiting OpenMP threads give their core up soon, without the environment: for use as a library.

    The OpenMP library reads its settings once, when torch loads it, which may be over. But it lets threads spin only
    shortly as long as there are more of them than cores: so a second, idle team of threads is kept (experiments/LOG.md,
    "Waiting threads, without the environment").
    """
    import torch

    if not {"OMP_WAIT_POLICY", SPIN_COUNT}.isdisjoint(os.environ) or count_cores() == 1:
        return
    started = threading.Event()

    def wait_for_ever() -> None:
        # Large enough to be shared among threads, which then belong to this one.
        torch.ones(1 << 18).add_(1)
        started.set()
        threading.Event().wait()

    threading.Thread(target=wait_for_ever, name="idle OpenMP team", daemon=True).start()
    started.wait()
