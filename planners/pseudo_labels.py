"""Training on scans without labels, by masks that other configurations make of them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class PseudoLabels:
    """Scans without labels to train on as well, with the masks that other configurations make of them.

    Every fold takes the masks of the same fold of these configurations: another fold has trained on cases that this
    one is judged on, and its masks would tell of their labels.

    Attributes:
        configurations: whose probabilities are averaged.
        least_confidence: of the masks that are used: the mean, over a mask's voxels, of the probability that made it
            mark them; 0 for an empty mask.
    """

    configurations: tuple[str, ...]
    least_confidence: float = 0.0
