"""Fingerprints of data sets that others published: numbers only, to plan for before the scans are there."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from dataset_fingerprints.dataset import Label, LabelScheme
from dataset_fingerprints.errors import DataError, did_you_mean
from dataset_fingerprints.files.jsonfiles import read_json
from dataset_fingerprints.fingerprint import (
    CaseFingerprint,
    ChannelIntensities,
    ChannelSummary,
    DatasetFingerprint,
    LabelStatistics,
    LabelSummary,
    Quantiles,
)
from dataset_fingerprints.geometry import Box, Triple, TripleFloat
from dataset_fingerprints.measuring.intensities import NO_INTENSITIES

FOLDER = Path(__file__).parent / "published"
SCHEMA_VERSION = 1

_NOT_MEASURED = Quantiles(
    n=0, p00=None, p05=None, p10=None, p25=None, p50=None, p75=None, p90=None, p95=None, p100=None
)
_SHARES = (0.0, 0.05, 0.10, 0.25, 0.50, 0.75, 0.90, 0.95, 1.0)
# Steps of the golden ratio spread any number of cases evenly, so that volumes and counts go their own ways.
_GOLDEN = 0.6180339887498949


@dataclass(frozen=True, kw_only=True, slots=True)
class PublishedLabel:
    """One label as far as its statistics were published; null where they were not.

    Attributes:
        mean_volume_mm3: per scan.
        volume_mm3: per scan.
        lesion_count: components per scan.
        lesion_volume_mm3: per component.
        lesion_extent_mm: the longest edge of a component's bounding box.
        lesion_thinnest_mm: as `fingerprint.Lesion.thinnest_mm`.
    """

    name: str
    mean_volume_mm3: float | None
    volume_mm3: Quantiles | None
    lesion_count: Quantiles | None
    lesion_volume_mm3: Quantiles | None
    lesion_extent_mm: Quantiles | None
    lesion_thinnest_mm: Quantiles | None


@dataclass(frozen=True, kw_only=True, slots=True)
class PublishedFingerprint:
    """A data set in a few numbers; a file of `published/`.

    Attributes:
        title: what the data set is.
        sources: where each number is from.
        cases: how many.
        shape: median of the body boxes, in canonical axes, taken for every case.
        spacing_mm: the same of the voxel size.
        background: the value around the body, or null where the scans have no such background or it is unknown.
        body_share: the share of the image that is body, or null.
    """

    name: str
    title: str
    sources: tuple[str, ...]
    cases: int
    channels: tuple[str, ...]
    shape: Triple
    spacing_mm: TripleFloat
    background: float | None
    body_share: float | None
    labels: tuple[PublishedLabel, ...]
    schema_version: int = SCHEMA_VERSION


def list_published() -> tuple[str, ...]:
    """Return the names of the published fingerprints."""
    return tuple(sorted(path.stem for path in FOLDER.glob("*.json")))


@cache
def read_published(name: str) -> PublishedFingerprint:
    """Read a published fingerprint by name.

    Raises:
        DataError: there is none of that name.
    """
    if name not in list_published():
        raise DataError(f"There is no published fingerprint '{name}'. {did_you_mean(name, list_published())}")
    return read_json(FOLDER / f"{name}.json", PublishedFingerprint)


def expand(published: PublishedFingerprint) -> DatasetFingerprint:
    """Return the fingerprint that a measurement of such a data set would be like.

    Every case has the published shape and voxel size; label volumes and counts follow the published quantiles over the
    cases, and are 0 where none were published. What was not published is null.
    """
    scheme = LabelScheme(
        labels=tuple(Label(name=label.name, value=value) for value, label in enumerate(published.labels, start=1))
    )
    box_mm3 = float(np.prod(published.shape) * np.prod(published.spacing_mm))
    size = published.spacing_mm
    shape = published.shape
    return DatasetFingerprint(
        name=published.name,
        channels=tuple(
            ChannelSummary(name=name, body=NO_INTENSITIES, foreground=NO_INTENSITIES) for name in published.channels
        ),
        scheme=scheme,
        labels=tuple(
            _summarise(label, value, published, box_mm3) for value, label in enumerate(published.labels, start=1)
        ),
        spacing_mm=(_same(size[0], published), _same(size[1], published), _same(size[2], published)),
        shape=(_same(shape[0], published), _same(shape[1], published), _same(shape[2], published)),
        body_shape=(_same(shape[0], published), _same(shape[1], published), _same(shape[2], published)),
        body_share=_NOT_MEASURED if published.body_share is None else _same(published.body_share, published),
        orientations=(("RAS", published.cases),),
        sites=(),
        groups=(),
        cases=tuple(_make_case(index, published) for index in range(published.cases)),
    )


def _summarise(label: PublishedLabel, value: int, published: PublishedFingerprint, box_mm3: float) -> LabelSummary:
    return LabelSummary(
        value=value,
        name=label.name,
        cases_without=0.0,
        voxel_share=(label.mean_volume_mm3 or 0.0) / box_mm3,
        volume_mm3=label.volume_mm3 or _NOT_MEASURED,
        lesion_count=label.lesion_count or _NOT_MEASURED,
        lesion_volume_mm3=label.lesion_volume_mm3 or _NOT_MEASURED,
        lesion_extent_mm=label.lesion_extent_mm or _NOT_MEASURED,
        lesion_extent_voxels=_NOT_MEASURED,
        lesion_thinnest_mm=label.lesion_thinnest_mm or _NOT_MEASURED,
        border_distance_mm=_NOT_MEASURED,
        contrast=(_NOT_MEASURED,) * len(published.channels),
    )


def _make_case(index: int, published: PublishedFingerprint) -> CaseFingerprint:
    intensities = ChannelIntensities(body=NO_INTENSITIES, foreground=NO_INTENSITIES)
    name = f"{published.name}_{index:04d}"
    share = (index + 0.5) / published.cases
    other = (index * _GOLDEN) % 1.0
    return CaseFingerprint(
        case=name,
        subject=name,
        session="",
        site="",
        group="",
        identities=(),
        shape=published.shape,
        spacing_mm=published.spacing_mm,
        orientation="RAS",
        background=published.background,
        body_box=Box(start=(0, 0, 0), stop=published.shape),
        body_share=published.body_share if published.body_share is not None else 1.0,
        channels=(intensities,) * len(published.channels),
        labels=tuple(
            LabelStatistics(
                value=value,
                volume_mm3=_at(label.volume_mm3, share),
                lesion_count=round(_at(label.lesion_count, other)),
                lesions=(),
                contrast=(None,) * len(published.channels),
                border_distance_mm=None,
            )
            for value, label in enumerate(published.labels, start=1)
        ),
    )


def _at(quantiles: Quantiles | None, share: float) -> float:
    """Return the quantile at a share of the cases, between two published ones along the logarithm; 0 without any."""
    if quantiles is None:
        return 0.0
    points = [getattr(quantiles, f"p{round(100 * known):02d}") for known in _SHARES]
    return float(np.exp(np.interp(share, _SHARES, np.log(np.maximum(points, 1e-9)))))


def _same(value: float, published: PublishedFingerprint) -> Quantiles:
    number = float(value)
    return Quantiles(
        n=published.cases,
        p00=number,
        p05=number,
        p10=number,
        p25=number,
        p50=number,
        p75=number,
        p90=number,
        p95=number,
        p100=number,
    )
