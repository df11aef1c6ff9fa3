"""`autoseg` in a process that may take so many GiB of address space beyond what it has after its imports."""

import resource
import sys
from pathlib import Path

import torch

import autoseg.pipeline.folds.one_fold  # noqa: F401
from autoseg.cli import main
from autoseg.hardware import choose_device

# Threads and libraries take their address space before the limit is set.
choose_device()
torch.nn.functional.conv3d(torch.ones(2, 4, 8, 8, 8), torch.ones(4, 4, 3, 3, 3)).sum()
status = Path("/proc/self/status").read_text(encoding="utf-8")
(size,) = (line for line in status.splitlines() if line.startswith("VmSize:"))
limit = int(size.split()[1]) * 1024 + int(float(sys.argv.pop(1)) * 2**30)
resource.setrlimit(resource.RLIMIT_AS, (limit, resource.RLIM_INFINITY))
main()
