"""Whether a new scan is like those of a data set: voxel size, what it covers, and the intensities of its channels."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from dataset_fingerprints.fingerprint import CaseFingerprint
from dataset_fingerprints.geometry import TripleFloat, canonical_grid, show_spacing
from dataset_fingerprints.measuring.intensities import SKETCH_POINTS, sketch_intensities
from dataset_fingerprints.measuring.scans import Scan

# Lengths and volumes this many times beyond the smallest and the largest of the data set: twice as long is far outside,
# the differences between adult heads and brains are not.
FACTOR = 1.75
# Fewer cases do not say how much intensities vary.
LEAST_CASES = 8
# Distances between distributions are in their standard deviations; two scans of one sequence are some 0.05 apart, T1w
# and FLAIR of one brain 0.3.
_LEAST_DISTANCE, _LEAST_GAIN = 0.12, 0.022
_TIMES_FARTHER, _TIMES_GAINED = 1.75, 3.0
# So many cases are missing in every set: the fewer there are, the less do they show how far apart scans can be.
_MISSING = 4
# Channels in another order fit by this much better, or nothing is said.
_BETTER = 0.8
# A scale is another one where the median lies this share of the middle half's width beyond all medians.
_BESIDE = 0.5
# So many cases are compared with, and so many voxels of a scan measured: enough for all of the above.
_COMPARED, _MEASURED = 100, 200_000
# Orders of more channels are not tried one by one.
_MOST_PERMUTED = 5


# Where to look for exchanged channels, by how the data lie.
ORDER_ADVICE = "check the numbers in the names of its files"
_BY_NAME = "check in its folder which file is called after which channel"
_ORDER_ADVICE = {
    "csv": "look at its line in the table, whether each path stands in the column of its channel",
    "bids": _BY_NAME,
    "patients": _BY_NAME,
    "msd": "check the order of the volumes in its file",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Unlikeness:
    """A way in which a scan is unlike all scans of a data set.

    Attributes:
        kind: `spacing`, `body`, `extent`, `channels`, `intensities` or `scale`.
        message: what was found, what the data set has, and what to do, in one sentence.
    """

    kind: str
    message: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Traits:
    """Measurements of a scan that are compared.

    Attributes:
        spacing_mm: along the canonical axes.
        extent_mm: of the box around the body.
        body_ml: volume of all voxels that are not background.
        sketches: per channel, evenly spaced quantiles inside the body; empty where the channel is not there or flat.
    """

    spacing_mm: TripleFloat
    extent_mm: TripleFloat
    body_ml: float
    sketches: tuple[tuple[float, ...], ...]


def measure_traits(scan: Scan) -> Traits:
    """Measure a scan that is in memory, which takes milliseconds: of large scans, some voxels."""
    x, y, z = canonical_grid(scan.source_grid).spacing_mm()
    step = _choose_step(scan.body.size)
    body = scan.body.reshape(-1)[::step]
    return Traits(
        spacing_mm=(x, y, z),
        extent_mm=_multiply(scan.box.shape(), (x, y, z)),
        body_ml=float(np.count_nonzero(scan.body)) * x * y * z / 1000,
        sketches=tuple(
            () if position in scan.absent else sketch_intensities(np.sort(channel.reshape(-1)[::step][body]))
            for position, channel in enumerate(scan.voxels)
        ),
    )


def recall_traits(case: CaseFingerprint) -> Traits:
    """Return the same of a case that was measured before."""
    voxel_ml = float(np.prod(case.spacing_mm)) / 1000
    return Traits(
        spacing_mm=case.spacing_mm,
        extent_mm=_multiply(case.body_box.shape(), case.spacing_mm),
        body_ml=case.body_share * float(np.prod(case.shape)) * voxel_ml,
        sketches=tuple(channel.body_sketch for channel in case.channels),
    )


def advise_on_order(layout: str) -> str:
    """Return where to look for exchanged channels in data of a layout; any other name is for plain files."""
    return _ORDER_ADVICE.get(layout, ORDER_ADVICE)


@dataclass(frozen=True, kw_only=True)
class KnownScans:
    """The scans of a data set, with which new ones are compared.

    Attributes:
        channels: their names.
        cases: measurements of each scan.
        absolute: positions of the channels whose intensities have a unit, such as those of a CT.
        order_advice: where to look if the channels of a scan are exchanged; see `advise_on_order`.
    """

    channels: tuple[str, ...]
    cases: tuple[Traits, ...]
    absolute: tuple[int, ...] = ()
    order_advice: str = ORDER_ADVICE

    def compare(self, scan: Traits) -> tuple[Unlikeness, ...]:
        """Return in what a scan is far outside of everything that is known; nothing where nothing is known."""
        if not self.cases:
            return ()
        found = [*self._compare_spacing(scan)]
        covered = [*self._compare_body(scan)] or [*self._compare_extent(scan)]
        # Another part of the body, or air that the others lack, has other intensities of course.
        return (*found, *covered, *(() if covered else self._compare_intensities(scan)))

    def _compare_spacing(self, scan: Traits) -> Iterator[Unlikeness]:
        low, high = self._spacings
        if _is_outside(scan.spacing_mm, low, high):
            yield Unlikeness(
                kind="spacing",
                message=f"voxels of {show_spacing(scan.spacing_mm)} mm, in training {_between(low, high)} mm: expect a "
                "worse mask, and use a scan of the resolution that the model knows, or train with such scans.",
            )

    def _compare_body(self, scan: Traits) -> Iterator[Unlikeness]:
        low, high = self._volumes
        if not low / FACTOR <= scan.body_ml <= high * FACTOR:
            more = scan.body_ml > high
            yield Unlikeness(
                kind="body",
                message=f"{_show_ml(scan.body_ml)} ml of the scan are not background, in training {_show_ml(low)} to "
                f"{_show_ml(high)} ml: is it {'a whole head' if more else 'skull-stripped'}, or cropped otherwise than "
                "the training scans? Prepare it as these were.",
            )

    def _compare_extent(self, scan: Traits) -> Iterator[Unlikeness]:
        low, high = self._extents
        if _is_outside(scan.extent_mm, low, high):
            yield Unlikeness(
                kind="extent",
                message=f"the scan covers {_show_mm(scan.extent_mm)} mm, in training {_show_mm(low)} to "
                f"{_show_mm(high)} mm: give the same part of the body, cropped as the training scans were.",
            )

    def _compare_intensities(self, scan: Traits) -> Iterator[Unlikeness]:
        yield from self._compare_scale(scan)
        shapes = [_standardise(sketch) for sketch in scan.sketches]
        if len(shapes) != len(self.channels) or len(self._shapes) < LEAST_CASES:
            return
        if all(shape is not None for shape in shapes):
            order = self._find_order(np.array(shapes))
            if order is not None:
                names = [self.channels[position] for position in order]
                yield Unlikeness(
                    kind="channels",
                    message=f"its channels look like {', '.join(names)}, where the model expects "
                    f"{', '.join(self.channels)} in this order: {self.order_advice}.",
                )
                return
        for position, shape in enumerate(shapes):
            limit = max(_LEAST_DISTANCE, _TIMES_FARTHER * (1 + _MISSING / len(self._shapes)) * self._usual[position])
            if shape is not None and (distance := self._distances(shape)[position].min()) > limit:
                yield Unlikeness(
                    kind="intensities",
                    message=f"the intensities of {self.channels[position]} are spread otherwise than in any training "
                    f"scan (a distance of {distance:.2f}, among these at most {self._usual[position]:.2f}): is it "
                    "another sequence or modality, inverted or clipped? Give the image that the model was trained on.",
                )

    def _compare_scale(self, scan: Traits) -> Iterator[Unlikeness]:
        for position, (low, high, margin) in self._medians.items():
            found = _middle(scan.sketches[position]) if position < len(scan.sketches) else None
            if found is not None and not low - margin <= found[0] <= high + margin:
                yield Unlikeness(
                    kind="scale",
                    message=f"the median of {self.channels[position]} in the body is {found[0]:.4g}, in training "
                    f"{low:.4g} to {high:.4g}: is it stored in another unit? Give it in that of the training scans.",
                )

    def _find_order(self, shapes: NDArray[np.float64]) -> tuple[int, ...] | None:
        """Return the channels that a scan's look like, or None where the order is as it should be."""
        if len(shapes) < 2:
            return None
        costs = np.stack([self._distances(shape).min(axis=1) for shape in shapes])
        plain, order, best = _arrange(costs)
        unusual = plain - best > (1 + _MISSING / len(self._shapes)) * max(_LEAST_GAIN, _TIMES_GAINED * self._usual_gain)
        return order if unusual and best < _BETTER * plain else None

    def _distances(self, shape: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return (channel, case) how far a distribution is from those of the known scans (Wasserstein-1)."""
        return np.asarray(np.abs(self._shapes - shape).mean(axis=-1).T)

    # What follows from the known scans alone is found out once, however many scans are compared with them.
    @cached_property
    def _spacings(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """The shortest and the longest edges of voxels, along each axis."""
        return _range([case.spacing_mm for case in self.cases])

    @cached_property
    def _extents(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """The shortest and the longest extents, along each axis."""
        return _range([case.extent_mm for case in self.cases])

    @cached_property
    def _volumes(self) -> tuple[float, float]:
        """The smallest and the largest volume that is not background, in ml."""
        volumes = [case.body_ml for case in self.cases]
        return min(volumes), max(volumes)

    @cached_property
    def _medians(self) -> dict[int, tuple[float, float, float]]:
        """By the position of a channel with a unit, its lowest and highest median, and how far beyond is usual."""
        found = {}
        for position in self.absolute:
            known = [_middle(case.sketches[position]) for case in self.cases if len(case.sketches) > position]
            there = [middle for middle in known if middle is not None]
            if len(there) >= LEAST_CASES:
                medians = [median for median, _ in there]
                found[position] = (min(medians), max(medians), _BESIDE * max(width for _, width in there))
        return found

    @cached_property
    def _shapes(self) -> NDArray[np.float64]:
        """Distributions of some of the cases that have all channels, (case, channel, quantile)."""
        whole = [case for case in self.cases if len(case.sketches) == len(self.channels)]
        standard = [[_standardise(sketch) for sketch in case.sketches] for case in whole]
        sound = [shapes for shapes in standard if all(shape is not None for shape in shapes)]
        chosen = sound[:: -(-len(sound) // _COMPARED)] if sound else []
        return np.array(chosen, dtype=np.float64).reshape(len(chosen), len(self.channels), SKETCH_POINTS)

    @cached_property
    def _nearest(self) -> NDArray[np.float64]:
        """Distances between the known scans: (case, its channel, channel of the nearest other case)."""
        count, channels, _ = self._shapes.shape
        nearest = np.empty((count, channels, channels))
        for case in range(count):
            others = np.arange(count) != case
            for channel in range(channels):
                nearest[case, channel] = self._distances(self._shapes[case, channel])[:, others].min(axis=1)
        return nearest

    @cached_property
    def _usual(self) -> NDArray[np.float64]:
        """The largest distance of a known scan's channel from the nearest other scan's, (channel,)."""
        return np.asarray(np.diagonal(self._nearest, axis1=1, axis2=2).max(axis=0))

    @cached_property
    def _usual_gain(self) -> float:
        """The most that a known scan's channels in another order fit better."""
        return max(plain - best for plain, _, best in map(_arrange, self._nearest))


def _arrange(costs: NDArray[np.float64]) -> tuple[float, tuple[int, ...], float]:
    """Return the cost of channels as they are, the order of the least cost, and that cost.

    Args:
        costs: (channel, channel that it is taken for).
    """
    count = len(costs)
    rows, plain = np.arange(count), float(np.trace(costs))
    if count <= _MOST_PERMUTED:
        orders: Iterator[tuple[int, ...]] = itertools.permutations(range(count))
    else:
        orders = _exchanges(count)
    order = min(orders, key=lambda one: float(costs[rows, list(one)].sum()))
    return plain, order, float(costs[rows, list(order)].sum())


def _exchanges(count: int) -> Iterator[tuple[int, ...]]:
    """Yield the plain order, and all in which two channels are exchanged."""
    yield tuple(range(count))
    for first, second in itertools.combinations(range(count), 2):
        order = list(range(count))
        order[first], order[second] = second, first
        yield tuple(order)


def _standardise(sketch: Sequence[float]) -> NDArray[np.float64] | None:
    """Return quantiles with mean 0 and SD 1, for scanners choose their units; None of a channel that is flat."""
    values = np.array(sketch, dtype=np.float64)
    if values.size != SKETCH_POINTS or not np.isfinite(values).all() or values.max() <= values.min():
        return None
    return np.asarray((values - values.mean()) / values.std())


def _middle(sketch: Sequence[float]) -> tuple[float, float] | None:
    """Return the median and the width of the middle half."""
    if len(sketch) != SKETCH_POINTS:
        return None
    low, median, high = np.percentile(sketch, (25, 50, 75))
    return float(median), float(high - low)


def _choose_step(voxels: int) -> int:
    """Return every how many voxels one is measured: an odd number, which meets all columns of an even grid."""
    return (voxels // _MEASURED) | 1


def _range(rows: Sequence[TripleFloat]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    return np.min(rows, axis=0), np.max(rows, axis=0)


def _is_outside(lengths: TripleFloat, low: NDArray[np.float64], high: NDArray[np.float64]) -> bool:
    return bool((np.array(lengths) > high * FACTOR).any() or (np.array(lengths) < low / FACTOR).any())


def _multiply(shape: Sequence[int], spacing_mm: TripleFloat) -> TripleFloat:
    x, y, z = (length * step for length, step in zip(shape, spacing_mm, strict=True))
    return (x, y, z)


def _between(low: NDArray[np.float64], high: NDArray[np.float64]) -> str:
    lowest, highest = show_spacing(low.tolist()), show_spacing(high.tolist())
    return lowest if lowest == highest else f"{lowest} to {highest}"


def _show_mm(lengths: Sequence[float] | NDArray[np.float64]) -> str:
    return "x".join(f"{length:.0f}" for length in lengths)


def _show_ml(volume: float) -> str:
    return f"{volume:,.0f}" if volume >= 10 else f"{volume:.2g}"
