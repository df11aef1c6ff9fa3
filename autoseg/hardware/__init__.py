"""Device, memory and cores that this process may use."""

from autoseg.hardware.allocation import give_freed_memory_back, keep_freed_memory
from autoseg.hardware.devices import (
    autocast_type,
    choose_device,
    limit_memory,
    may_have_gpu,
    profile_machine,
    ran_out_of_memory,
    release_memory,
)
from autoseg.hardware.limits import SHARERS, count_cores, free_memory_gb, memory_limit_gb
from autoseg.hardware.speed import measure_speed
from autoseg.hardware.threads import calm_threads, share_cores_with_others

__all__ = [
    "SHARERS",
    "autocast_type",
    "calm_threads",
    "choose_device",
    "count_cores",
    "free_memory_gb",
    "give_freed_memory_back",
    "keep_freed_memory",
    "limit_memory",
    "may_have_gpu",
    "measure_speed",
    "memory_limit_gb",
    "profile_machine",
    "ran_out_of_memory",
    "release_memory",
    "share_cores_with_others",
]
