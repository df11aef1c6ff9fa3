"""Widths of a network that was made smaller to try it out."""

from __future__ import annotations

from collections.abc import Sequence

# Fewer features say nothing of a network; and groups of a norm divide multiples of it.
LEAST_FEATURES = 4


def scale_features(features: Sequence[int], factor: float, multiple: int = LEAST_FEATURES) -> tuple[int, ...]:
    """Return numbers of features divided by a factor, as multiples.

    Equal numbers stay equal and different ones different, for a residual block's skip has a convolution where features
    widen; none becomes larger.

    Args:
        features: channels of each level.
        factor: 1 leaves them as they are.
        multiple: of which each is one afterwards, where it was as large before.
    """
    if factor == 1:
        return tuple(features)
    narrowed, last = {}, 0
    for count in sorted(set(features)):
        last = min(count, max(last + multiple, int(count / factor) // multiple * multiple))
        narrowed[count] = last
    return tuple(narrowed[count] for count in features)
