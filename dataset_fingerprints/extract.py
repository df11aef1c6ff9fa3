"""What is measured of one case, and how the cases' measurements become the data set's."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence

import numpy as np

from dataset_fingerprints.dataset import Case, Dataset
from dataset_fingerprints.fingerprint import (
    CaseFingerprint,
    ChannelIntensities,
    ChannelSummary,
    DatasetFingerprint,
    LabelSummary,
    Quantiles,
)
from dataset_fingerprints.geometry import find_reorientation
from dataset_fingerprints.identity import identify_case
from dataset_fingerprints.intensities import measure_intensities, pool_sketches, sketch_intensities
from dataset_fingerprints.lesions import measure_label
from dataset_fingerprints.scans import Scan


def measure_case(case: Case, scan: Scan, dataset: Dataset) -> CaseFingerprint:
    """Measure one case."""
    if scan.labels is None:
        raise ValueError(f"case {case.name} was read without its label map")
    grid = scan.source_grid
    reorientation = find_reorientation(grid)
    stored = grid.spacing_mm()
    x, y, z = (stored[axis] for axis in reorientation.axes)
    foreground = dataset.labels.foreground(scan.labels)
    judged = scan.body & (foreground | (scan.labels == 0))
    return CaseFingerprint(
        case=case.name,
        subject=case.subject,
        site=case.site,
        identities=identify_case(case),
        shape=scan.canonical_shape(),
        spacing_mm=(x, y, z),
        orientation=reorientation.code(),
        background=scan.background,
        body_box=scan.box,
        body_share=float(scan.body.sum() / np.prod(scan.canonical_shape())),
        channels=tuple(
            ChannelIntensities(
                body=measure_intensities(channel[scan.body]),
                foreground=measure_intensities(channel[foreground]),
                foreground_sketch=sketch_intensities(channel[foreground]),
            )
            for channel in scan.voxels
        ),
        labels=tuple(
            measure_label(scan.voxels, scan.labels == index, judged, (x, y, z), label.value)
            for index, label in enumerate(dataset.labels.labels, start=1)
        ),
    )


def summarise(dataset: Dataset, cases: Sequence[CaseFingerprint]) -> DatasetFingerprint:
    """Summarise the cases' measurements; a pure function of its arguments."""
    return DatasetFingerprint(
        name=dataset.name,
        channels=tuple(_summarise_channel(name, cases, index) for index, name in enumerate(dataset.channels)),
        scheme=dataset.labels,
        labels=tuple(_summarise_label(dataset, cases, index) for index in range(len(dataset.labels.labels))),
        spacing_mm=_per_axis(lambda case, axis: case.spacing_mm[axis], cases),
        body_shape=_per_axis(lambda case, axis: float(case.body_box.shape()[axis]), cases),
        body_share=measure_quantiles(case.body_share for case in cases),
        orientations=tuple(Counter(case.orientation for case in cases).most_common()),
        cases=tuple(cases),
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
        lesion_thinnest_mm=measure_quantiles(lesion.thinnest_mm for lesion in lesions),
        contrast=tuple(
            measure_quantiles(value for entry in present if (value := entry.contrast[channel]) is not None)
            for channel in contrasts
        ),
    )
