"""A loss that sees more than single logits and label indices: a part of a package of its own."""

from __future__ import annotations

from pathlib import Path

from tests.synthetic.packages import run_with_package, write_package

CODE = '''
"""Dice plus cross-entropy, with outputs that should agree, and a target that the finest should follow."""

from dataclasses import dataclass

import torch.nn.functional as F
from torch import nn

from autoseg.losses import build_objective
from planners.choices import Choice


@dataclass(frozen=True, kw_only=True, slots=True)
class AgreeingOptions:
    weight: float = 1.0

    def kept_bytes(self, outputs, *, exclusive):
        return 16.0 * outputs


class Agreeing(nn.Module):
    def __init__(self, segmentation, weight):
        super().__init__()
        self.segmentation, self.weight = segmentation, weight

    def forward(self, outputs, batch):
        finest = outputs[0].float().softmax(1)
        apart = [
            F.mse_loss(coarser.float().softmax(1), F.adaptive_avg_pool3d(finest, coarser.shape[2:]))
            for coarser in outputs[1:]
        ]
        if "brightness" in batch.targets:
            apart.append(F.mse_loss(finest[:, 1], batch.targets["brightness"]))
        return self.segmentation(outputs, batch) + self.weight * sum(apart)


def build(options, heads):
    return Agreeing(build_objective(Choice(name="dice_ce"), heads), options.weight)
'''
ENTRIES = {
    "autoseg.losses": ["agreeing = agreeing_loss:AgreeingOptions"],
    "autoseg.builders": ["losses.agreeing = agreeing_loss:build"],
}

# In a process of their own, which finds the package.
CHECKS = """
import sys
from pathlib import Path

import torch

from autoseg.losses import build_objective
from autoseg.models.tensors import load_tensors
from planners.choices import Choice
from tests.autoseg.training.builders import train
from tests.synthetic.batches import measure
from tests.synthetic.heads import plain_heads

heads = {}
for loss in ("dice_ce", "agreeing"):
    for steps in (1, 6):
        changes = dict(iterations=steps, weights=Choice(name="last"), optimizer=Choice(name="sgd"))
        files, _ = train(Path(sys.argv[1]) / loss / str(steps), loss=Choice(name=loss), **changes)
        heads[loss, steps] = load_tensors(files.weights)[0]["auxiliary_heads.0.bias"]
assert (heads["dice_ce", 1] == heads["dice_ce", 6]).all(), "the coarsest of two outputs counts nothing"
assert (heads["agreeing", 1] != heads["agreeing", 6]).any()

objective = build_objective(Choice(name="agreeing", options={"weight": 2.0}), plain_heads(2))
logits, labels = torch.zeros(1, 2, 4, 4, 4), torch.zeros(1, 4, 4, 4, dtype=torch.uint8)
without, with_target = (
    measure(objective, logits, labels, **targets) for targets in ({}, {"brightness": torch.ones(1, 4, 4, 4)})
)
assert torch.isclose(with_target - without, torch.tensor(2.0 * 0.25))
"""


def test_an_objective_trains_also_the_coarsest_output_and_sees_the_targets_of_a_batch(tmp_path: Path) -> None:
    write_package(tmp_path / "package", "agreeing_loss", CODE, ENTRIES)
    done = run_with_package(tmp_path / "package", tmp_path / "trained", code=CHECKS)
    assert done.returncode == 0, done.stderr
