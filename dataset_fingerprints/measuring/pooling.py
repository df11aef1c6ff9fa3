"""Pooling of the measurements of single cases into those of the data set."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence

import numpy as np

from dataset_fingerprints.dataset import Dataset
from dataset_fingerprints.fingerprint import (
    CaseFingerprint,
    ChannelSummary,
    DatasetFingerprint,
    LabelSummary,
    PartSummary,
    Quantiles,
)
from dataset_fingerprints.measuring.intensities import pool_sketches

# Sites and groups are summarised up to this many, the largest first; a group per subject would repeat the cases.
MAX_PARTS = 50


def summarise(dataset: Dataset, cases: Sequence[CaseFingerprint]) -> DatasetFingerprint:
    """Summarise the cases' measurements; a pure function of its arguments."""
    return DatasetFingerprint(
        name=dataset.name,
        channels=tuple(_summarise_channel(name, cases, index) for index, name in enumerate(dataset.channels)),
        scheme=dataset.labels,
        labels=tuple(_summarise_label(dataset, cases, index) for index in range(len(dataset.labels.labels))),
        spacing_mm=_per_axis(lambda case, axis: case.spacing_mm[axis], cases),
        shape=_per_axis(lambda case, axis: float(case.shape[axis]), cases),
        body_shape=_per_axis(lambda case, axis: float(case.body_box.shape()[axis]), cases),
        body_share=measure_quantiles(case.body_share for case in cases),
        orientations=tuple(Counter(case.orientation for case in cases).most_common()),
        sites=_summarise_parts(cases, lambda case: case.site),
        groups=_summarise_parts(cases, lambda case: case.group),
        cases=tuple(cases),
        simulated=dataset.simulated,
        tasks=_summarise_parts(cases, lambda case: case.task),
    )


def measure_quantiles(values: Iterable[float]) -> Quantiles:
    """Return the quantiles of some numbers; all null for none."""
    numbers = np.array(list(values), dtype=np.float64)
    if numbers.size == 0:
        return Quantiles(n=0, p00=None, p05=None, p10=None, p25=None, p50=None, p75=None, p90=None, p95=None, p100=None)
    p = [float(value) for value in np.percentile(numbers, (0, 5, 10, 25, 50, 75, 90, 95, 100))]
    return Quantiles(
        n=int(numbers.size),
        p00=p[0],
        p05=p[1],
        p10=p[2],
        p25=p[3],
        p50=p[4],
        p75=p[5],
        p90=p[6],
        p95=p[7],
        p100=p[8],
    )


def _per_axis(
    measure: Callable[[CaseFingerprint, int], float], cases: Sequence[CaseFingerprint]
) -> tuple[Quantiles, Quantiles, Quantiles]:
    x, y, z = (measure_quantiles(measure(case, axis) for case in cases) for axis in range(3))
    return (x, y, z)


def _summarise_channel(name: str, cases: Sequence[CaseFingerprint], index: int) -> ChannelSummary:
    channels = [case.channels[index] for case in cases]
    return ChannelSummary(
        name=name,
        body=pool_sketches(
            [channel.body_sketch for channel in channels], voxels=sum(channel.body.voxels for channel in channels)
        ),
        foreground=pool_sketches(
            [channel.foreground_sketch for channel in channels],
            voxels=sum(channel.foreground.voxels for channel in channels),
        ),
    )


def _summarise_label(dataset: Dataset, cases: Sequence[CaseFingerprint], index: int) -> LabelSummary:
    label = dataset.labels.labels[index]
    found = [case.labels[index] for case in cases]
    present = [statistics for statistics in found if statistics.lesion_count]
    lesions = [lesion for statistics in present for lesion in statistics.lesions]
    box_mm3 = sum(float(np.prod(case.body_box.shape()) * np.prod(case.spacing_mm)) for case in cases)
    contrasts = range(len(dataset.channels))
    return LabelSummary(
        value=label.value,
        name=label.name,
        cases_without=1 - len(present) / len(cases),
        voxel_share=sum(statistics.volume_mm3 for statistics in found) / box_mm3,
        volume_mm3=measure_quantiles(statistics.volume_mm3 for statistics in found),
        lesion_count=measure_quantiles(float(statistics.lesion_count) for statistics in found),
        lesion_volume_mm3=measure_quantiles(lesion.volume_mm3 for lesion in lesions),
        lesion_extent_mm=measure_quantiles(max(lesion.extent_mm) for lesion in lesions),
        lesion_extent_voxels=measure_quantiles(float(max(lesion.extent_voxels)) for lesion in lesions),
        lesion_thinnest_mm=measure_quantiles(lesion.thinnest_mm for lesion in lesions),
        border_distance_mm=measure_quantiles(
            value for entry in present if (value := entry.border_distance_mm) is not None
        ),
        contrast=tuple(
            measure_quantiles(value for entry in present if (value := entry.contrast[channel]) is not None)
            for channel in contrasts
        ),
    )


def _summarise_parts(
    cases: Sequence[CaseFingerprint], part_of: Callable[[CaseFingerprint], str]
) -> tuple[PartSummary, ...]:
    """Summarise the cases of each site, group or task; cases of none do not count."""
    parts: dict[str, list[CaseFingerprint]] = defaultdict(list)
    for case in cases:
        if part_of(case):
            parts[part_of(case)].append(case)
    largest = sorted(parts.items(), key=lambda part: (-len(part[1]), part[0]))[:MAX_PARTS]
    return tuple(_summarise_part(name, members) for name, members in largest)


def _summarise_part(name: str, cases: Sequence[CaseFingerprint]) -> PartSummary:
    volumes = [sum(label.volume_mm3 for label in case.labels) for case in cases]
    medians = [[channel.body.median for channel in case.channels] for case in cases]
    return PartSummary(
        name=name,
        cases=len(cases),
        subjects=len({case.subject for case in cases}),
        spacing_mm=_per_axis(lambda case, axis: case.spacing_mm[axis], cases),
        shape=_per_axis(lambda case, axis: float(case.shape[axis]), cases),
        cases_without=sum(volume == 0 for volume in volumes) / len(cases),
        volume_mm3=measure_quantiles(volumes),
        body_median=tuple(
            measure_quantiles(value for value in channel if value is not None) for channel in zip(*medians, strict=True)
        ),
    )
