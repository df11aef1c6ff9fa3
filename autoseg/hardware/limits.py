"""Cores and memory that this process may use: by affinity and control groups, not by what is built in."""

from __future__ import annotations

import logging
import os
import re
from functools import cache
from pathlib import Path

from dataset_fingerprints.control_groups import core_limit, memory_left_bytes, memory_limit_bytes
from dataset_fingerprints.reading.guards.memory import free_of_data, free_of_machine
from dataset_fingerprints.sizes import GIB

# Number of our processes that share the machine, this one included. Pinning it to some of the cores instead would
# leave it waiting wherever a stranger keeps one of these busy.
SHARERS = "AUTOSEG_SHARERS"

_log = logging.getLogger(__name__)


def count_cores() -> int:
    """Count the CPU cores that this process may use: by affinity, its groups' quotas, and how many share them."""
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, int(min(allowed, max(1.0, core_limit()))) // _count_sharers())


def memory_limit_gb() -> float:
    """Return the memory in GiB that this process may use: the machine's, or less by the limits of its groups."""
    total = float(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    return round(min(total, memory_limit_bytes()) / GIB, 1)


def free_memory_gb() -> float:
    """Return the memory in GiB that this process could take now: what the machine has left, or less by its limits.

    Of the limits, those of control groups are shared with other processes, that for data (ulimit -d) is not.
    """
    shared = min(memory_limit_gb() * GIB, memory_left_bytes(), free_of_machine()) / _count_sharers()
    return max(min(shared, free_of_data()), 0.0) / GIB


def read_field(information: Path, name: str) -> str:
    """Return what stands behind a name and a colon in a file of the kernel's; empty where it is not there."""
    if not information.is_file():
        return ""
    for line in information.read_text(encoding="utf-8").splitlines():
        key, _, value = line.partition(":")
        if key.strip() == name:
            return value.strip()
    return ""


def _count_sharers() -> int:
    return _parse_sharers(os.environ.get(SHARERS, "1"))


@cache
def _parse_sharers(text: str) -> int:
    """Return how many processes share the machine; what is not a number above 0 is said once and does not count."""
    if re.fullmatch(r"\s*0*[1-9][0-9]{0,5}\s*", text, flags=re.ASCII):
        return int(text)
    _log.warning("%s is %r and is ignored. Expected the number of processes that share this machine.", SHARERS, text)
    return 1
