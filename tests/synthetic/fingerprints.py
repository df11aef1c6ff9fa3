"""Fingerprints as they would be measured, built from a few numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from dataset_fingerprints.dataset import Label, LabelScheme
from dataset_fingerprints.fingerprint import (
    CaseFingerprint,
    ChannelIntensities,
    ChannelSummary,
    DatasetFingerprint,
    FileIdentity,
    IntensityStatistics,
    LabelStatistics,
    LabelSummary,
    Quantiles,
)
from dataset_fingerprints.geometry import Box, Triple, TripleFloat

POINTS = {"p00": 0, "p05": 5, "p10": 10, "p25": 25, "p50": 50, "p75": 75, "p90": 90, "p95": 95, "p100": 100}
INTENSITIES = IntensityStatistics(
    voxels=1000,
    mean=100.0,
    sd=20.0,
    minimum=0.0,
    percentile_00_5=50.0,
    median=100.0,
    percentile_99_5=150.0,
    maximum=200.0,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class SyntheticCase:
    """Differences between the cases of a synthetic fingerprint; axes are x, y, z."""

    body_shape: Triple
    spacing_mm: TripleFloat = (1.0, 1.0, 1.0)
    subject: str = ""
    site: str = ""
    group: str = ""
    task: str = ""
    volume_mm3: float = 1000.0
    background: float | None = 0.0
    body_share: float = 0.3


def make_fingerprint(
    cases: Sequence[SyntheticCase], *, channels: Sequence[str] = ("T1w",), labels: int = 1, name: str = "Synthetic"
) -> DatasetFingerprint:
    """Summarise `cases` into a fingerprint; every label has the same volume in a case."""
    scheme = LabelScheme(labels=tuple(Label(name=f"label{value}", value=value) for value in range(1, labels + 1)))
    measured = tuple(_case(index, case, len(channels), scheme) for index, case in enumerate(cases))
    return DatasetFingerprint(
        name=name,
        channels=tuple(ChannelSummary(name=name, body=INTENSITIES, foreground=INTENSITIES) for name in channels),
        scheme=scheme,
        labels=tuple(_label_summary(label, cases, len(channels)) for label in scheme.labels),
        spacing_mm=_per_axis([case.spacing_mm for case in cases]),
        shape=_per_axis([case.body_shape for case in cases]),
        body_shape=_per_axis([case.body_shape for case in cases]),
        body_share=make_quantiles([case.body_share for case in cases]),
        orientations=(("RAS", len(cases)),),
        sites=(),
        groups=(),
        cases=measured,
    )


def repeat_case(count: int, case: SyntheticCase) -> list[SyntheticCase]:
    """Return the same case `count` times; each becomes a subject of its own."""
    return [case] * count


def make_quantiles(values: Sequence[float]) -> Quantiles:
    """Return the quantiles of some numbers, all null without any."""
    if not values:
        return Quantiles(n=0, **dict.fromkeys(POINTS))
    return Quantiles(n=len(values), **{name: float(np.percentile(values, at)) for name, at in POINTS.items()})


def _per_axis(rows: Sequence[Sequence[float]]) -> tuple[Quantiles, Quantiles, Quantiles]:
    x, y, z = (make_quantiles([float(row[axis]) for row in rows]) for axis in range(3))
    return (x, y, z)


def _case(index: int, case: SyntheticCase, channels: int, scheme: LabelScheme) -> CaseFingerprint:
    return CaseFingerprint(
        case=f"case{index:04d}",
        subject=case.subject or f"subject{index:04d}",
        session="",
        site=case.site,
        group=case.group,
        task=case.task,
        identities=tuple(FileIdentity(size_bytes=1, mtime_ns=1, sha256="0" * 64) for _ in range(channels + 1)),
        shape=case.body_shape,
        spacing_mm=case.spacing_mm,
        orientation="RAS",
        background=case.background,
        body_box=Box(start=(0, 0, 0), stop=case.body_shape),
        body_share=case.body_share,
        channels=tuple(ChannelIntensities(body=INTENSITIES, foreground=INTENSITIES) for _ in range(channels)),
        labels=tuple(_label_statistics(value, case, channels) for value in scheme.values()),
    )


def _label_statistics(value: int, case: SyntheticCase, channels: int) -> LabelStatistics:
    present = case.volume_mm3 > 0
    return LabelStatistics(
        value=value,
        volume_mm3=case.volume_mm3,
        lesion_count=int(present),
        lesions=(),
        contrast=(-1.0 if present else None,) * channels,
        border_distance_mm=10.0 if present else None,
    )


def _label_summary(label: Label, cases: Sequence[SyntheticCase], channels: int) -> LabelSummary:
    volumes = [case.volume_mm3 for case in cases]
    return LabelSummary(
        value=label.value,
        name=label.name,
        cases_without=sum(volume == 0 for volume in volumes) / max(1, len(volumes)),
        voxel_share=0.01,
        volume_mm3=make_quantiles(volumes),
        lesion_count=make_quantiles([float(volume > 0) for volume in volumes]),
        lesion_volume_mm3=make_quantiles([volume for volume in volumes if volume > 0]),
        lesion_extent_mm=make_quantiles([]),
        lesion_extent_voxels=make_quantiles([]),
        border_distance_mm=make_quantiles([]),
        lesion_thinnest_mm=make_quantiles([]),
        contrast=tuple(make_quantiles([-1.0]) for _ in range(channels)),
    )
