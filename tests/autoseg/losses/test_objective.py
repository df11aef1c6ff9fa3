"""A loss that sees more than single logits and label indices: a part of a package of its own."""

from __future__ import annotations

from pathlib import Path

import pytest

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


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("package")
    write_package(folder, "agreeing_loss", CODE, ENTRIES)
    return folder


def run(package: Path, code: str) -> None:
    done = run_with_package(package, code=code)
    assert done.returncode == 0, done.stderr


def test_an_objective_sees_every_output_and_trains_also_the_coarsest(package: Path, tmp_path: Path) -> None:
    run(
        package,
        "from pathlib import Path\n"
        "from planners.choices import Choice\n"
        "from tests.autoseg.training.builders import lines, setup, train\n"
        "from autoseg.models.tensors import load_tensors\n"
        f"folder = Path({str(tmp_path)!r})\n"
        "heads = {}\n"
        "for loss in ('dice_ce', 'agreeing'):\n"
        "    for steps in (1, 6):\n"
        "        changes = dict(iterations=steps, weights=Choice(name='last'), optimizer=Choice(name='sgd'))\n"
        "        files, _ = train(folder / loss / str(steps), loss=Choice(name=loss), **changes)\n"
        "        heads[loss, steps] = load_tensors(files.weights)[0]['auxiliary_heads.0.bias']\n"
        "assert (heads['dice_ce', 1] == heads['dice_ce', 6]).all(), 'the coarsest of two outputs counts nothing'\n"
        "assert (heads['agreeing', 1] != heads['agreeing', 6]).any()\n",
    )


def test_an_objective_sees_the_targets_of_a_batch(package: Path) -> None:
    run(
        package,
        "import torch\n"
        "from autoseg.losses import build_objective\n"
        "from planners.choices import Choice\n"
        "from tests.synthetic.batches import measure\n"
        "from tests.synthetic.heads import plain_heads\n"
        "objective = build_objective(Choice(name='agreeing', options={'weight': 2.0}), plain_heads(2))\n"
        "logits, labels = torch.zeros(1, 2, 4, 4, 4), torch.zeros(1, 4, 4, 4, dtype=torch.uint8)\n"
        "without, with_target = (\n"
        "    measure(objective, logits, labels, **targets)\n"
        "    for targets in ({}, {'brightness': torch.ones(1, 4, 4, 4)})\n"
        ")\n"
        "assert torch.isclose(with_target - without, torch.tensor(2.0 * 0.25))\n",
    )
