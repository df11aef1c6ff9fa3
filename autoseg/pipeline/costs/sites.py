"""Machines that costs are estimated for, beside the one at hand."""

from __future__ import annotations

from dataclasses import dataclass

from dataset_fingerprints.names import counted
from planners.machine import MachineProfile

# nnU-Net v2 trains its default 3D network in 9 h on an A100 with 40 GiB: 1,000 epochs of 250 steps and of 50 forward
# passes, three of which take as long as a step (nnU-Net's documentation, "resenc_presets").
A100_STEP_SECONDS = 9 * 3600 / (1000 * (250 + 50 / 3))
# Multiply-adds of the forward passes of such a step: two patches of 128x128x128 voxels and one channel, through six
# levels of 32 to 320 features.
A100_STEP_MULTIPLICATIONS = 9.546e11
A100_SPEED = A100_STEP_MULTIPLICATIONS / A100_STEP_SECONDS
# A Titan RTX took 2.1 to 2.3 times as long as an A100 (nnU-Net v1, "expected_epoch_times").
TITAN_RTX_SPEED = A100_SPEED / 2.2


@dataclass(frozen=True, kw_only=True, slots=True)
class Site:
    """A place to train at.

    Attributes:
        card: as it is called.
        memory_gb: of one card, in GiB.
        cards: that train folds at the same time, one fold each.
        cores: that read and preprocess.
        multiplications_per_second: as of `planners.machine.MachineProfile`.
    """

    name: str
    card: str
    memory_gb: float
    cards: int
    cores: int
    multiplications_per_second: float

    def describe(self) -> str:
        """Return cards and cores in words."""
        cards = f"{self.cards} x {self.card}" if self.cards > 1 else self.card
        return f"{cards}, {counted(self.cores, 'core')}"

    def machine(self) -> MachineProfile:
        """Return the machine as a plan knows it."""
        return MachineProfile(
            device="cuda",
            name=self.card,
            memory_gb=self.memory_gb,
            cores=self.cores,
            bfloat16=True,
            multiplications_per_second=self.multiplications_per_second,
        )


SITES = (
    Site(
        name="workstation",
        card="24 GiB card",
        memory_gb=24.0,
        cards=1,
        cores=8,
        multiplications_per_second=TITAN_RTX_SPEED,
    ),
    Site(
        name="node with 8 cards",
        card="A100, 40 GiB",
        memory_gb=40.0,
        cards=8,
        cores=64,
        multiplications_per_second=A100_SPEED,
    ),
    Site(
        name="Slurm, a card per fold",
        card="A100, 40 GiB",
        memory_gb=40.0,
        cards=5,
        cores=16,
        multiplications_per_second=A100_SPEED,
    ),
)
