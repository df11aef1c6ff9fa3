"""Scans whose labels follow from their intensities, and predictors that know how."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from autoseg.prediction import Member, Probabilities, StoredLayers, make_window
from dataset_fingerprints.dataset import LabelScheme
from dataset_fingerprints.geometry import Box, Grid, TripleFloat, make_grid
from dataset_fingerprints.measuring.scans import Scan
from planners.choices import Choice
from planners.plan import Configuration, Preprocessing
from planners.stage_inputs import CropTo, MaskOf
from tests.synthetic.configurations import tiny_configuration
from tests.synthetic.heads import plain_scheme
from tests.synthetic.scans import blob

SHAPE = (24, 28, 20)
CPU = torch.device("cpu")


def make_volume(dark: bool = True, bright: bool = True) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    """Return tissue of 100 with a dark ball of 40 (label 1) and a bright one of 160 (label 2), and the labels."""
    labels = np.zeros(SHAPE, dtype=np.uint8)
    labels[blob(SHAPE, (8, 9, 8), 3.5)] = 1 if dark else 0
    labels[blob(SHAPE, (14, 17, 12), 3)] = 2 if bright else 0
    noise = np.random.default_rng(0).normal(0, 3, SHAPE)
    return (np.array([100, 40, 160])[labels] + noise).astype(np.float32), labels


def make_scan(voxels: NDArray[np.float32], box: Box | None = None, spacing_mm: TripleFloat = (1, 1, 1)) -> Scan:
    """Return a scan of (x, y, z) voxels, or of what of them lies in a box."""
    box = box or Box(start=(0, 0, 0), stop=SHAPE)
    inside = np.ascontiguousarray(voxels[box.slices()])
    grid = make_grid(voxels.shape, np.diag([*spacing_mm, 1.0]))
    return Scan(
        voxels=inside[None],
        labels=None,
        body=np.ones(inside.shape, dtype=bool),
        box=box,
        background=None,
        source_grid=grid,
    )


def judge(intensities: torch.Tensor, scheme: LabelScheme) -> torch.Tensor:
    """Return logits (output, ...) that are right for `make_volume`: of labels with background, or of nested regions."""
    dark, bright = (70 - intensities) / 5, (intensities - 130) / 5
    if scheme.regions:
        return torch.stack([torch.maximum(dark, bright), bright])
    return torch.stack([torch.zeros_like(dark), dark, bright])


class ByIntensity(nn.Module):
    """Logits that follow from the first channel of each voxel alone."""

    def __init__(self, scheme: LabelScheme) -> None:
        super().__init__()
        self.scheme = scheme

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, ...]:
        return (judge(x[:, 0], self.scheme).transpose(0, 1),)


class HandMade:
    """A model as a person might write it in a notebook."""

    def __init__(self, scheme: LabelScheme) -> None:
        self.scheme = scheme

    def predict(self, scan: Scan) -> Probabilities:
        """Look at each voxel alone, on the scan's own grid."""
        logits = judge(torch.from_numpy(scan.voxels[0]), self.scheme)
        values = logits.sigmoid() if self.scheme.regions else logits.softmax(0)
        layers = StoredLayers(values=values)
        return Probabilities(scheme=self.scheme, source_grid=scan.source_grid, box=scan.box, layers=layers)


class Constant:
    """A model that says the same of every voxel of a box."""

    def __init__(self, values: tuple[float, ...], box: Box, scheme: LabelScheme | None = None) -> None:
        self.values, self.box, self.scheme = values, box, scheme or plain_scheme(len(values) - 1)

    def predict(self, scan: Scan) -> Probabilities:
        """Say it."""
        return constant(self.values, self.box, scan.source_grid, self.scheme)


def constant(
    values: tuple[float, ...], box: Box, grid: Grid | None = None, scheme: LabelScheme | None = None
) -> Probabilities:
    """Return the same probabilities, one per output, for every voxel of a box."""
    return Probabilities(
        scheme=scheme or plain_scheme(len(values) - 1),
        source_grid=grid or make_grid(SHAPE, np.eye(4)),
        box=box,
        layers=StoredLayers(values=torch.tensor(values).view(-1, 1, 1, 1).repeat(1, *box.shape())),
    )


def configure(
    name: str,
    spacing_mm: TripleFloat = (1.0, 1.0, 1.0),
    inputs: tuple[MaskOf | CropTo, ...] = (),
    slice_axis: int = -1,
) -> Configuration:
    """Return a configuration that leaves intensities as they are."""
    preprocessing = Preprocessing(spacing_mm=spacing_mm, normalization=(Choice(name="none"),), coarse_axis=-1)
    return replace(tiny_configuration(slice_axis), name=name, preprocessing=preprocessing, inputs=inputs)


def make_member(configuration: Configuration, scheme: LabelScheme, network: nn.Module | None = None) -> Member:
    """Return a member that looks at intensities, or has another network."""
    window = make_window(configuration, scheme.heads(), CPU, mirror=False)
    return Member(network=network or ByIntensity(scheme), window=window, scheme=scheme)
