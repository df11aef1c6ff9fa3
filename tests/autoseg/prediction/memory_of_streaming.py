"""Prints what segmenting a scan adds to the peak of this process, as shares of what all its logits take.

Arguments: the limits in GiB that the model is given in turn, or `inf`; the smallest first, for a peak stays.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch import nn

from autoseg.prediction import LoadedModel, Member, make_window
from dataset_fingerprints.geometry import Box
from tests.autoseg.prediction.builders import CPU, configure, make_scan
from tests.synthetic.heads import plain_scheme

SHAPE, PATCH, LABELS = (288, 96, 96), (16, 96, 96), 39


class Pointwise(nn.Module):
    """A logit per label from the voxel's intensity."""

    def __init__(self) -> None:
        super().__init__()
        self.head = nn.Conv3d(1, LABELS + 1, 1)

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, ...]:
        return (self.head(x),)


def peak_bytes() -> int:
    """Return the most memory that this process has held."""
    (line,) = (
        line for line in Path("/proc/self/status").read_text(encoding="utf-8").splitlines() if line.startswith("VmHWM:")
    )
    return int(line.split()[1]) * 1024


scheme = plain_scheme(LABELS)
configuration = replace(configure("3d"), patch_shape=PATCH)
window = make_window(configuration, scheme.heads(), CPU, mirror=False)
member = Member(network=Pointwise().eval().requires_grad_(False), window=window, scheme=scheme)
model = LoadedModel(predictor=member, scheme=scheme, channels=("CT",), description="pointwise")
voxels = np.random.default_rng(0).normal(size=SHAPE).astype(np.float32)
scan, first = (make_scan(part, Box(start=(0, 0, 0), stop=part.shape)) for part in (voxels, voxels[: PATCH[0]]))
# What the first tile takes, and libraries at their first use.
model.segment(first)
before = peak_bytes()
for limit in sys.argv[1:]:
    replace(model, memory_gb=float(limit)).segment(scan)
    sys.stdout.write(f"{(peak_bytes() - before) / (4 * (LABELS + 1) * float(np.prod(SHAPE)))}\n")
