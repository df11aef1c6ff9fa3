"""Sizes of training steps, and steps down to smaller ones."""

from __future__ import annotations

from dataclasses import dataclass

from dataset_fingerprints.geometry import Triple, show_lengths


@dataclass(frozen=True, kw_only=True, slots=True)
class StepSize:
    """Size of a training step, by the values that stepping down changes."""

    batch_size: int
    patch_shape: Triple
    recomputed: bool

    def describe(self) -> str:
        """Return the size in words."""
        how = ", feature maps computed again" if self.recomputed else ""
        return f"a batch of {self.batch_size} patches of {show_lengths(self.patch_shape)}{how}"


@dataclass(frozen=True, kw_only=True, slots=True)
class StepDown:
    """One step down in size that a fold had to take.

    Attributes:
        before: the size that ran out of memory.
        after: the size that training went on with.
        evidence: where and how memory ran out.
    """

    before: StepSize
    after: StepSize
    evidence: str
