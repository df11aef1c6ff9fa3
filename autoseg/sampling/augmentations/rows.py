"""Shared ground of the intensity transforms: an image row is one channel of one sample, (row, *axes)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True, slots=True)
class Chance:
    """Probability that a transform hits a sample, and then each of the sample's channels."""

    sample: float
    channel: float = 1.0


def sample_per_channel(
    rng: np.random.Generator, chance: Chance, channels: int, sample_value: Callable[[], T]
) -> tuple[T | None, ...]:
    """Draw a value for each channel that is hit and None for the others; what never happens costs no draw."""
    if chance.sample == 0 or rng.random() >= chance.sample:
        return (None,) * channels
    return tuple(sample_value() if rng.random() < chance.channel else None for _ in range(channels))


def change_rows(
    images: torch.Tensor,
    per_sample: Sequence[Sequence[T | None]],
    apply: Callable[[torch.Tensor, Sequence[T]], torch.Tensor],
) -> None:
    """Apply one transform, in place and in one batch, to the channels that have a value.

    The rows are picked by numbers known on the host, so that the host never waits for the device.

    Args:
        images: (batch, channel, *axes).
        per_sample: one value or None per channel; an empty sequence leaves the sample alone.
        apply: takes (row, *axes) and one value per row.
    """
    hits = [
        (images[sample, channel], value)
        for sample, values in enumerate(per_sample)
        for channel, value in enumerate(values)
        if value is not None
    ]
    if not hits:
        return
    changed = apply(torch.stack([row for row, _ in hits]), [value for _, value in hits])
    for index, (row, _) in enumerate(hits):
        row.copy_(changed[index])


def to_device(values: NDArray[np.floating] | Sequence[float], device: torch.device) -> torch.Tensor:
    """Return a float32 tensor on the device without waiting for what the device is doing."""
    return torch.from_numpy(np.ascontiguousarray(values, dtype=np.float32)).to(device, non_blocking=True)


def to_column(values: Sequence[float], rows: torch.Tensor) -> torch.Tensor:
    """Return one value per row, shaped to combine with (row, *axes)."""
    return to_device(values, rows.device).reshape(-1, *(1,) * (rows.ndim - 1))


def spatial_axes(rows: torch.Tensor) -> tuple[int, ...]:
    """Return the axes to reduce over for one number per row."""
    return tuple(range(1, rows.ndim))
