"""Differences between two data sets, from their fingerprints: figures side by side, and a sentence where it matters."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from dataset_fingerprints.fingerprint import (
    CaseFingerprint,
    DatasetFingerprint,
    LabelSummary,
    Quantiles,
)
from dataset_fingerprints.measuring.pooling import measure_quantiles

# From these amounts on a difference is put into words. Spacing decides the target grid, so a tenth counts. Shapes and
# thickness differ between healthy heads by less than a quarter. Lesion volumes spread over four orders of magnitude
# within one data set (ATLAS), counts and extents follow them: their medians differ by chance more than others do.
SPACING_RATIO = 1.1
SIZE_RATIO = 1.25
INTENSITY_RATIO = 1.25
LESION_RATIO = 1.5
# Contrasts are in standard deviations of the surrounding tissue, shares in shares of all cases or voxels.
CONTRAST_DIFFERENCE = 0.5
SHARE_DIFFERENCE = 0.1

_AXES = ("x", "y", "z")


@dataclass(frozen=True, kw_only=True, slots=True)
class Measure:
    """Rule by which a quantity is compared and put into words.

    Attributes:
        by: whether the ratio of the medians counts or their difference.
        least_reported: the ratio, or the difference, from which on it is put into words.
        words: for more and for less.
        unit: of the figures shown; empty for numbers without one.
        scale: what the fingerprint's values are multiplied by to have this unit.
    """

    by: Literal["ratio", "difference"]
    least_reported: float
    words: tuple[str, str]
    unit: str = ""
    scale: float = 1.0


SPACING = Measure(by="ratio", least_reported=SPACING_RATIO, words=("coarser", "finer"), unit="mm")
LENGTH = Measure(by="ratio", least_reported=SIZE_RATIO, words=("longer", "shorter"), unit="voxels")
THICKNESS = Measure(by="ratio", least_reported=LESION_RATIO, words=("thicker", "thinner"), unit="mm")
EXTENT = Measure(by="ratio", least_reported=LESION_RATIO, words=("longer", "shorter"), unit="mm")
DISTANCE = Measure(by="ratio", least_reported=LESION_RATIO, words=("farther", "nearer"), unit="mm")
VOLUME = Measure(by="ratio", least_reported=LESION_RATIO, words=("larger", "smaller"), unit="ml", scale=1 / 1000)
COUNT = Measure(by="ratio", least_reported=LESION_RATIO, words=("higher", "lower"))
INTENSITY = Measure(by="ratio", least_reported=INTENSITY_RATIO, words=("brighter", "darker"))
SPREAD = Measure(by="ratio", least_reported=INTENSITY_RATIO, words=("wider", "narrower"))
CONTRAST = Measure(by="difference", least_reported=CONTRAST_DIFFERENCE, words=("higher", "lower"), unit="SD")
SHARE = Measure(by="difference", least_reported=SHARE_DIFFERENCE, words=("higher", "lower"))


@dataclass(frozen=True, kw_only=True, slots=True)
class Compared:
    """One quantity in both data sets.

    Attributes:
        name: of the quantity, for example `spacing x`.
        here: over the cases or lesions of the first data set, as in its fingerprint.
        there: of the second.
    """

    name: str
    measure: Measure
    here: Quantiles
    there: Quantiles

    def figures(self) -> tuple[Figures, Figures]:
        """Return both sides in the measure's unit."""
        return _figures(self.here, self.measure.scale), _figures(self.there, self.measure.scale)

    def ratio(self) -> float | None:
        """Return the first median over the second; None where it has no meaning."""
        here, there = (side.median for side in self.figures())
        if self.measure.by == "difference" or not here or not there:
            return None
        return here / there if here / there > 0 else None

    def sentence(self) -> str:
        """Say in words what differs; empty where it is less than the measure's amount, or not known on both sides."""
        here, there = (side.median for side in self.figures())
        if here is None or there is None or here == there:
            return ""
        word = self.measure.words[here < there]
        against = f"{here:.3g} against {there:.3g} {self.measure.unit}".rstrip()
        ratio = self.ratio()
        if ratio is None:
            needed = self.measure.least_reported if self.measure.by == "difference" else 0.0
            return f"{self.name} is {word}: {against}." if abs(here - there) >= needed else ""
        factor = max(ratio, 1 / ratio)
        times = f"{factor:.2g}" if factor < 10 else f"{factor:.0f}"
        return f"{self.name} is {times} times {word}: {against}." if factor >= self.measure.least_reported else ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Figures:
    """A quantity's median and the range that holds four fifths of it; null where it was never measured."""

    median: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Comparison:
    """Comparison of two data sets.

    Attributes:
        notes: differences that are not numbers: channels, labels, orientations.
    """

    here: str
    there: str
    cases: tuple[int, int]
    quantities: tuple[Compared, ...]
    notes: tuple[str, ...]

    def sentences(self) -> tuple[str, ...]:
        """Return everything that differs by more than the stated amounts, in words."""
        sentences = (quantity.sentence() for quantity in self.quantities)
        return (*self.notes, *(sentence for sentence in sentences if sentence))


def compare_fingerprints(here: DatasetFingerprint, there: DatasetFingerprint) -> Comparison:
    """Compare two data sets; channels and labels by their names, or the only one with the only one."""
    channels = _match([channel.name for channel in here.channels], [channel.name for channel in there.channels])
    labels = _match([label.name for label in here.labels], [label.name for label in there.labels])
    quantities = [*_compare_grids(here, there)]
    for first, second in channels:
        quantities += _compare_channels(here, there, (first, second))
    quantities += _compare_foreground(here, there)
    for first, second in labels:
        quantities += _compare_labels(here, (here.labels[first], there.labels[second]), channels)
    notes = (
        *_tell_unmatched("channel", [channel.name for channel in here.channels], [i for i, _ in channels], here.name),
        *_tell_unmatched("channel", [channel.name for channel in there.channels], [j for _, j in channels], there.name),
        *_tell_unmatched("label", [label.name for label in here.labels], [i for i, _ in labels], here.name),
        *_tell_unmatched("label", [label.name for label in there.labels], [j for _, j in labels], there.name),
        *_tell_orientations(here, there),
    )
    return Comparison(
        here=here.name,
        there=there.name,
        cases=(len(here.cases), len(there.cases)),
        quantities=tuple(quantities),
        notes=notes,
    )


def _compare_grids(here: DatasetFingerprint, there: DatasetFingerprint) -> Iterator[Compared]:
    for axis, name in enumerate(_AXES):
        spacings = here.spacing_mm[axis], there.spacing_mm[axis]
        yield Compared(name=f"spacing {name}", measure=SPACING, here=spacings[0], there=spacings[1])
    for axis, name in enumerate(_AXES):
        shapes = here.shape[axis], there.shape[axis]
        yield Compared(name=f"scan {name}", measure=LENGTH, here=shapes[0], there=shapes[1])
    for axis, name in enumerate(_AXES):
        bodies = here.body_shape[axis], there.body_shape[axis]
        yield Compared(name=f"body {name}", measure=LENGTH, here=bodies[0], there=bodies[1])
    yield Compared(name="share of body voxels", measure=SHARE, here=here.body_share, there=there.body_share)


def _compare_channels(
    here: DatasetFingerprint, there: DatasetFingerprint, positions: tuple[int, int]
) -> Iterator[Compared]:
    """Compare intensities by the cases' own medians and spreads: scanners differ more than voxels do."""
    name = here.channels[positions[0]].name
    measures: dict[str, tuple[Measure, Callable[[CaseFingerprint, int], float | None]]] = {
        f"{name} in the body": (INTENSITY, lambda case, at: case.channels[at].body.median),
        f"{name} spread in the body": (SPREAD, lambda case, at: case.channels[at].body.sd),
        f"{name} in the labels": (INTENSITY, lambda case, at: case.channels[at].foreground.median),
    }
    for what, (kind, measure) in measures.items():
        sides = [
            measure_quantiles(value for case in side.cases if (value := measure(case, at)) is not None)
            for side, at in zip((here, there), positions, strict=True)
        ]
        yield Compared(name=what, measure=kind, here=sides[0], there=sides[1])


def _compare_foreground(here: DatasetFingerprint, there: DatasetFingerprint) -> Iterator[Compared]:
    """Compare all labels together, which data sets of other labels have in common, too."""
    volumes = [[sum(label.volume_mm3 for label in case.labels) for case in side.cases] for side in (here, there)]
    empty = [_constant(sum(volume == 0 for volume in side) / len(side)) for side in volumes]
    yield Compared(name="share of cases without any label", measure=SHARE, here=empty[0], there=empty[1])
    mine, theirs = (measure_quantiles(side) for side in volumes)
    yield Compared(name="labelled volume per case", measure=VOLUME, here=mine, there=theirs)


def _compare_labels(
    here: DatasetFingerprint, labels: tuple[LabelSummary, LabelSummary], channels: Sequence[tuple[int, int]]
) -> Iterator[Compared]:
    first, second = labels
    sides: dict[str, tuple[Measure, Quantiles, Quantiles]] = {
        "share of cases without it": (SHARE, _constant(first.cases_without), _constant(second.cases_without)),
        "share of voxels": (COUNT, _constant(first.voxel_share), _constant(second.voxel_share)),
        "volume per case": (VOLUME, first.volume_mm3, second.volume_mm3),
        "components per case": (COUNT, first.lesion_count, second.lesion_count),
        "volume of a component": (VOLUME, first.lesion_volume_mm3, second.lesion_volume_mm3),
        "extent of a component": (EXTENT, first.lesion_extent_mm, second.lesion_extent_mm),
        "thickness of a component": (THICKNESS, first.lesion_thinnest_mm, second.lesion_thinnest_mm),
        "distance to the border": (DISTANCE, first.border_distance_mm, second.border_distance_mm),
    }
    for at, other in channels:
        name = f"contrast in {here.channels[at].name}"
        sides[name] = (CONTRAST, first.contrast[at], second.contrast[other])
    for what, (measure, mine, theirs) in sides.items():
        yield Compared(name=f"{first.name}: {what}", measure=measure, here=mine, there=theirs)


def _match(here: Sequence[str], there: Sequence[str]) -> list[tuple[int, int]]:
    """Return the positions of equal names; of the only name on either side, whatever they are."""
    if len(here) == len(there) == 1:
        return [(0, 0)]
    return [(at, there.index(name)) for at, name in enumerate(here) if name in there]


def _tell_unmatched(what: str, names: Sequence[str], matched: Sequence[int], dataset: str) -> list[str]:
    return [f"Only {dataset} has the {what} {name}." for at, name in enumerate(names) if at not in matched]


def _tell_orientations(here: DatasetFingerprint, there: DatasetFingerprint) -> list[str]:
    """Report orientations whose share of the cases differs; all are turned to RAS+ when they are read."""
    shares = [{code: number / len(side.cases) for code, number in side.orientations} for side in (here, there)]
    codes = sorted({code for side in shares for code in side})
    if all(abs(shares[0].get(code, 0) - shares[1].get(code, 0)) < SHARE_DIFFERENCE for code in codes):
        return []
    shown = (
        f"{side.name} {', '.join(f'{code} {share:.0%}' for code, share in own.items())}"
        for side, own in zip((here, there), shares, strict=True)
    )
    return [f"Scans are stored in other orientations: {'; '.join(shown)}. All are turned to RAS+ when they are read."]


def _figures(quantiles: Quantiles, scale: float) -> Figures:
    median, low, high = (
        None if value is None else value * scale for value in (quantiles.p50, quantiles.p10, quantiles.p90)
    )
    return Figures(median=median, low=low, high=high)


def _constant(value: float) -> Quantiles:
    """Return a number of the whole data set in the form of one that varies over cases."""
    return measure_quantiles([value])
