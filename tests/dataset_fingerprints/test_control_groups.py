"""Limits of control groups, on trees of files as kernels, container engines and Slurm lay them out."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from dataset_fingerprints.control_groups import core_limit, memory_left_bytes, memory_limit_bytes

V2 = "30 23 0:26 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate"
V1_MEMORY = "35 31 0:32 / /sys/fs/cgroup/memory rw,relatime shared:9 - cgroup cgroup rw,memory"
V1_CPU = "33 31 0:30 / /sys/fs/cgroup/cpu,cpuacct rw,relatime - cgroup cgroup rw,cpu,cpuacct"
DISK = "22 1 8:1 / / rw,relatime - ext4 /dev/sda1 rw"
UNLIMITED_V1 = "9223372036854771712"
GIB = 2**30


@dataclass(frozen=True, kw_only=True, slots=True)
class Tree:
    """Files below `/`, and the limits that follow from them.

    Attributes:
        own: /proc/self/cgroup.
        mounts: lines of /proc/self/mountinfo.
        files: below /sys/fs/cgroup.
    """

    own: str
    mounts: tuple[str, ...]
    files: Mapping[str, object]
    memory: float = math.inf
    left: float = math.inf
    cores: float = math.inf


TREES = {
    "v2, no limit": Tree(own="0::/", mounts=(DISK, V2), files={"memory.max": "max", "cpu.max": "max 100000"}),
    "v2, a limit of the own group": Tree(
        own="0::/user.slice/a",
        mounts=(DISK, V2),
        files={
            "user.slice/a/memory.max": 4 * GIB,
            "user.slice/a/memory.current": 3 * GIB,
            "user.slice/a/memory.stat": f"anon 5\ninactive_file {GIB}\nactive_file 7",
            "user.slice/a/cpu.max": "250000 100000",
        },
        memory=4 * GIB,
        left=2 * GIB,
        cores=2.5,
    ),
    "v2, Slurm: an ancestor is the tightest": Tree(
        own="0::/system.slice/slurmstepd.scope/job_7/step_0/user/task_0",
        mounts=(DISK, V2),
        files={
            "system.slice/slurmstepd.scope/job_7/memory.max": 8 * GIB,
            "system.slice/slurmstepd.scope/job_7/memory.current": 6 * GIB,
            "system.slice/slurmstepd.scope/job_7/cpu.max": "400000 100000",
            "system.slice/slurmstepd.scope/job_7/step_0/memory.max": 16 * GIB,
            "system.slice/slurmstepd.scope/job_7/step_0/user/task_0/memory.max": "max",
            "system.slice/slurmstepd.scope/job_7/step_0/user/task_0/cpu.max": "max 100000",
        },
        memory=8 * GIB,
        left=2 * GIB,
        cores=4,
    ),
    "v2, the least is left where others share the outer group": Tree(
        own="0::/pod/one",
        mounts=(DISK, V2),
        files={
            "pod/memory.max": 10 * GIB,
            "pod/memory.current": 9 * GIB,
            "pod/one/memory.max": 6 * GIB,
            "pod/one/memory.current": 2 * GIB,
        },
        memory=6 * GIB,
        left=GIB,
    ),
    "v2, Docker without a name space of its own": Tree(
        own="0::/docker/abc",
        mounts=(DISK, "30 23 0:26 /docker/abc /sys/fs/cgroup ro - cgroup2 cgroup rw"),
        files={"memory.max": 2 * GIB, "cpu.max": "50000 100000"},
        memory=2 * GIB,
        left=2 * GIB,
        cores=0.5,
    ),
    "v2, a group beside the name space's": Tree(
        own="0::/../sibling", mounts=(DISK, V2), files={"memory.max": 2 * GIB}, memory=2 * GIB, left=2 * GIB
    ),
    "v1, no limit": Tree(
        own="4:memory:/\n3:cpu,cpuacct:/",
        mounts=(DISK, V1_MEMORY, V1_CPU),
        files={
            "memory/memory.limit_in_bytes": UNLIMITED_V1,
            "cpu,cpuacct/cpu.cfs_quota_us": -1,
            "cpu,cpuacct/cpu.cfs_period_us": 100000,
        },
        memory=float(UNLIMITED_V1),
        left=float(UNLIMITED_V1),
    ),
    "v1, Slurm: limits of the job around a step without": Tree(
        own="4:memory:/slurm/uid_1/job_7/step_0\n3:cpuacct,cpu:/slurm/uid_1/job_7",
        mounts=(DISK, V1_MEMORY, V1_CPU),
        files={
            "memory/slurm/uid_1/job_7/memory.limit_in_bytes": 8 * GIB,
            "memory/slurm/uid_1/job_7/memory.usage_in_bytes": 7 * GIB,
            "memory/slurm/uid_1/job_7/memory.stat": f"total_inactive_file {2 * GIB}",
            "memory/slurm/uid_1/job_7/step_0/memory.limit_in_bytes": UNLIMITED_V1,
            "cpu,cpuacct/slurm/uid_1/cpu.cfs_quota_us": 300000,
            "cpu,cpuacct/slurm/uid_1/cpu.cfs_period_us": 100000,
            "cpu,cpuacct/slurm/uid_1/job_7/cpu.cfs_quota_us": -1,
        },
        memory=8 * GIB,
        left=3 * GIB,
        cores=3,
    ),
    "v1, Docker": Tree(
        own="4:memory:/docker/abc\n3:cpu,cpuacct:/docker/abc",
        mounts=(
            DISK,
            "35 31 0:32 /docker/abc /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory",
            "33 31 0:30 /docker/abc /sys/fs/cgroup/cpu,cpuacct ro - cgroup cgroup rw,cpu,cpuacct",
        ),
        files={
            "memory/memory.limit_in_bytes": GIB,
            "memory/memory.usage_in_bytes": GIB // 4,
            "cpu,cpuacct/cpu.cfs_quota_us": 150000,
            "cpu,cpuacct/cpu.cfs_period_us": 100000,
        },
        memory=GIB,
        left=GIB * 3 // 4,
        cores=1.5,
    ),
    "v1, a limit of ancestors out of sight": Tree(
        own="4:memory:/",
        mounts=(DISK, V1_MEMORY),
        files={
            "memory/memory.limit_in_bytes": UNLIMITED_V1,
            "memory/memory.stat": f"cache 5\nhierarchical_memory_limit {5 * GIB}",
        },
        memory=5 * GIB,
        left=5 * GIB,
    ),
    "hybrid: v1 limits memory, v2 only names groups": Tree(
        own="4:memory:/job\n0::/init.scope",
        mounts=(DISK, V1_MEMORY, "41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw"),
        files={"memory/job/memory.limit_in_bytes": 3 * GIB, "unified/init.scope/cgroup.procs": 1},
        memory=3 * GIB,
        left=3 * GIB,
    ),
    "hybrid: both limit": Tree(
        own="4:memory:/job\n0::/job",
        mounts=(DISK, V1_MEMORY, "41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw"),
        files={"memory/job/memory.limit_in_bytes": 3 * GIB, "unified/job/memory.max": 2 * GIB},
        memory=2 * GIB,
        left=2 * GIB,
    ),
    "a blank in the place of the mount": Tree(
        own="0::/a b",
        mounts=(DISK, "30 23 0:26 / /sys/fs/cgroup/my\\040groups rw - cgroup2 cgroup2 rw"),
        files={"my groups/a b/memory.max": GIB},
        memory=GIB,
        left=GIB,
    ),
    "a file that says nothing to be understood": Tree(
        own="nonsense\n0::/\n::\n", mounts=("short", DISK, V2), files={"memory.max": "many", "cpu.max": "1 0"}
    ),
    "no /proc": Tree(own="", mounts=(), files={"memory.max": GIB}, memory=GIB, left=GIB),
    "no control groups": Tree(own="", mounts=(DISK,), files={}),
}


@pytest.mark.parametrize("name", TREES)
def test_the_tightest_of_all_groups_counts(tmp_path: Path, name: str) -> None:
    tree = TREES[name]
    (tmp_path / "proc/self").mkdir(parents=True)
    (tmp_path / "proc/self/cgroup").write_text(tree.own + "\n", encoding="utf-8")
    (tmp_path / "proc/self/mountinfo").write_text("\n".join(tree.mounts) + "\n", encoding="utf-8")
    for place, content in tree.files.items():
        file = tmp_path / "sys/fs/cgroup" / place
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"{content}\n", encoding="utf-8")
    assert memory_limit_bytes(tmp_path) == tree.memory
    assert memory_left_bytes(tmp_path) == tree.left
    assert core_limit(tmp_path) == tree.cores
