"""What tables and pictures show of a model's results: its labels or regions by name, and one of the channels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from autoseg.confidence.components import find_components_of
from autoseg.evaluation import Targets, scheme_targets
from autoseg.reporting import Shown
from dataset_fingerprints.dataset import LabelScheme
from dataset_fingerprints.fingerprint import FingerprintSummary
from dataset_fingerprints.geometry import TripleFloat
from dataset_fingerprints.names import counted
from planners.run import Run

# Components whose volumes are listed; noise has millions.
MOST_VOLUMES = 1000


@dataclass(frozen=True, kw_only=True, slots=True)
class Showing:
    """What is shown of a model's results.

    Attributes:
        targets: its labels or regions.
        names: of these, in their order.
        channels: of a scan.
        channel: the position of the one that is drawn.
    """

    targets: Targets
    names: tuple[str, ...]
    channels: tuple[str, ...]
    channel: int

    def shown(self) -> tuple[Shown, ...]:
        """Return the labels or regions in the order in which they are drawn: a region after those that hold it."""
        pairs = zip(self.names, self.targets.segments, strict=True)
        return tuple(
            Shown(name=name, values=segment.values, position=position)
            for position, (name, segment) in sorted(enumerate(pairs), key=lambda entry: -len(entry[1][1].values))
        )

    def note(self) -> str:
        """Return which channel is drawn, where there are several."""
        return f"Channel: {self.channels[self.channel]}." if len(self.channels) > 1 else ""

    def name_of(self, label: int | str) -> str:
        """Return the name of a scored label or region."""
        labels = [segment.label for segment in self.targets.segments]
        return self.names[labels.index(label)] if label in labels else str(label)


@dataclass(frozen=True, kw_only=True, slots=True)
class Amount:
    """How much of a label or region a mask holds.

    Attributes:
        ml: in all.
        lesions: number of its components.
        volumes_mm3: of the largest of these, at most `MOST_VOLUMES`, the largest first.
    """

    ml: float
    lesions: int
    volumes_mm3: tuple[float, ...] = ()


def choose_showing(
    scheme: LabelScheme,
    channels: tuple[str, ...],
    summary: FingerprintSummary | None,
    seen: Sequence[int] | None = None,
) -> Showing:
    """Return what is shown of a model's results; of several channels that in which its labels stand out most.

    Args:
        scheme: of the labels.
        channels: names of the model's.
        summary: of the data set that it was trained on, or None.
        seen: positions of the channels that its network sees; None for all.
    """
    return Showing(
        targets=scheme_targets(scheme),
        names=tuple(part.name for part in scheme.regions or scheme.labels),
        channels=channels,
        channel=_choose_channel(len(channels), summary, range(len(channels)) if seen is None else seen),
    )


def show_run(run: Run) -> Showing:
    """Return what is shown of a fold's results: of channels that its network sees."""
    seen = run.own().preprocessing.seen_channels(len(run.channels))
    return choose_showing(run.learned(), run.channels, run.summary, seen)


def find_stored(run: Run, channel: int) -> int:
    """Return the position of a scan's channel in a fold's preprocessed arrays; the first one if it is not there."""
    seen = run.own().preprocessing.seen_channels(len(run.channels))
    return seen.index(channel) if channel in seen else 0


def _choose_channel(channels: int, summary: FingerprintSummary | None, seen: Sequence[int]) -> int:
    """Return the channel of the largest median contrast, averaged over labels; the first one where none is known."""
    contrasts = [label.contrast for label in summary.labels if len(label.contrast) == channels] if summary else []
    if not contrasts:
        return seen[0]
    means = np.mean([[abs(entry.p50 or 0.0) for entry in entries] for entries in contrasts], axis=0)
    return max(seen, key=lambda position: means[position])


def measure_amounts(labels: NDArray[np.integer], targets: Targets, spacing_mm: TripleFloat) -> tuple[Amount, ...]:
    """Return how much of each label or region an (x, y, z) map of label values holds, and in how many components."""
    voxel_mm3 = float(np.prod(spacing_mm))
    amounts = []
    for one in find_components_of(labels, [segment.values for segment in targets.segments]):
        for position in range(len(one.targets)):
            voxels = one.sizes[one.of(position)]
            largest = one.sizes[one.largest(position, MOST_VOLUMES)]
            volumes = tuple(float(count) * voxel_mm3 for count in largest)
            ml = float(voxels.sum(dtype=np.int64)) * (voxel_mm3 / 1000)
            amounts.append(Amount(ml=ml, lesions=len(voxels), volumes_mm3=volumes))
    return tuple(amounts)


def show_ml(volume: float) -> str:
    """Return a volume in ml in three digits."""
    return f"{volume:,.0f} ml" if volume >= 100 else f"{volume:.3g} ml"


def describe_amounts(names: tuple[str, ...], amounts: tuple[Amount, ...], *, pixels: bool = False) -> str:
    """Return what a mask holds in words: `lesion 12.3 ml in 3 lesions`; of a picture in pixels."""
    if not any(amount.lesions for amount in amounts):
        return "nothing found"
    parts = []
    for name, amount in zip(names, amounts, strict=True):
        size = counted(round(amount.ml * 1000), "pixel") if pixels else show_ml(amount.ml)
        parts.append(f"{name} {size}" + (f" in {amount.lesions} lesions" if amount.lesions > 1 else ""))
    return " · ".join(parts)
