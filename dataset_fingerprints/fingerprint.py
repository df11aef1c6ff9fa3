"""Measurements of a data set: one record per case, and their summary for the data set."""

from __future__ import annotations

from dataclasses import dataclass, fields
from operator import not_
from typing import Annotated

from pydantic import Field

from dataset_fingerprints.dataset import LabelScheme
from dataset_fingerprints.geometry import Box, Triple, TripleFloat

SCHEMA_VERSION = 2


@dataclass(frozen=True, kw_only=True, slots=True)
class FileIdentity:
    """Identity of a raw file: size and modification time first, its content's hash when these differ.

    An image of several files, such as a DICOM series, has the sums of their sizes and times.
    """

    size_bytes: int
    mtime_ns: int
    sha256: str


@dataclass(frozen=True, kw_only=True, slots=True)
class IntensityStatistics:
    """Distribution of one channel's intensities over a set of voxels; all null where the set is empty."""

    voxels: int
    mean: float | None
    sd: float | None
    minimum: float | None
    percentile_00_5: float | None
    median: float | None
    percentile_99_5: float | None
    maximum: float | None


@dataclass(frozen=True, kw_only=True, slots=True)
class ChannelIntensities:
    """One channel's intensities inside the body, and inside all foreground labels.

    Attributes:
        body_sketch: evenly spaced quantiles inside the body, from which the data set's are pooled.
        foreground_sketch: the same inside the foreground; empty without foreground.
    """

    body: IntensityStatistics
    foreground: IntensityStatistics
    body_sketch: tuple[float, ...] = ()
    foreground_sketch: tuple[float, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Lesion:
    """One connected component (26-connectivity) of a label.

    Attributes:
        extent_voxels: edge lengths of its bounding box.
        thinnest_mm: twice the largest distance from inside to its border: the thickness at its thickest place.
    """

    volume_mm3: float
    extent_voxels: Triple
    extent_mm: TripleFloat
    thinnest_mm: float


@dataclass(frozen=True, kw_only=True, slots=True)
class LabelStatistics:
    """Measurements of one label in one case.

    Attributes:
        value: the label's integer.
        lesions: its components, largest first, at most `label_statistics.MAX_LISTED`; `lesion_count` counts them all.
        contrast: per channel, (mean inside - mean of the surrounding shell) / SD of the shell; null if not measurable.
        border_distance_mm: from the label to the nearest face of the image; null for an empty label.
    """

    value: int
    volume_mm3: float
    lesion_count: int
    lesions: tuple[Lesion, ...]
    contrast: tuple[float | None, ...]
    border_distance_mm: float | None


@dataclass(frozen=True, kw_only=True, slots=True)
class CaseFingerprint:
    """Measurements of one case. Axes are canonical (RAS+).

    Attributes:
        task: that the case belongs to. Not written where it is not known.
        orientation: of the file as stored, for example LAS.
        background: the value around the body where a constant background connected to the border was proven, or null.
        body_box: the box that holds the body and every labelled voxel.
        body_share: the share of the image's voxels that are body.
    """

    case: str
    subject: str
    session: str
    site: str
    group: str
    identities: tuple[FileIdentity, ...]
    shape: Triple
    spacing_mm: TripleFloat
    orientation: str
    background: float | None
    body_box: Box
    body_share: float
    channels: tuple[ChannelIntensities, ...]
    labels: tuple[LabelStatistics, ...]
    task: Annotated[str, Field(exclude_if=not_)] = ""

    def scans(self) -> tuple[FileIdentity, ...]:
        """Return the identities of its scans: the last file is the label map, where there are labels."""
        return self.identities[:-1] if self.labels else self.identities


@dataclass(frozen=True, kw_only=True, slots=True)
class Quantiles:
    """Quantiles of a quantity over cases or lesions; all null where it was never measured."""

    n: int
    p00: float | None
    p05: float | None
    p10: float | None
    p25: float | None
    p50: float | None
    p75: float | None
    p90: float | None
    p95: float | None
    p100: float | None


@dataclass(frozen=True, kw_only=True, slots=True)
class LabelSummary:
    """One label over the whole data set.

    Attributes:
        cases_without: the share of cases in which the label does not occur.
        voxel_share: the label's volume over that of all body boxes: its share of voxels of one size.
        volume_mm3: per case, cases without the label included.
        lesion_extent_mm: of each component, its longest side.
        border_distance_mm: per case with the label, from it to the nearest face of the image.
        contrast: per channel.
    """

    value: int
    name: str
    cases_without: float
    voxel_share: float
    volume_mm3: Quantiles
    lesion_count: Quantiles
    lesion_volume_mm3: Quantiles
    lesion_extent_mm: Quantiles
    lesion_extent_voxels: Quantiles
    lesion_thinnest_mm: Quantiles
    border_distance_mm: Quantiles
    contrast: tuple[Quantiles, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class ChannelSummary:
    """One channel over the whole data set: intensities of body and foreground, pooled with equal weight per case."""

    name: str
    body: IntensityStatistics
    foreground: IntensityStatistics


@dataclass(frozen=True, kw_only=True, slots=True)
class PartSummary:
    """The cases of one site, group or task.

    Attributes:
        cases_without: the share of cases without any label.
        volume_mm3: of all labels together, per case.
        body_median: per channel, over the cases: the median intensity inside the body.
    """

    name: str
    cases: int
    subjects: int
    spacing_mm: tuple[Quantiles, Quantiles, Quantiles]
    shape: tuple[Quantiles, Quantiles, Quantiles]
    cases_without: float
    volume_mm3: Quantiles
    body_median: tuple[Quantiles, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class DatasetFingerprint:
    """Measurements of a data set; everything the planner looks at.

    Attributes:
        spacing_mm: per axis.
        shape: per axis, lengths of the whole scans in voxels.
        body_shape: per axis, lengths of the body boxes in voxels.
        orientations: (code, number of cases), most frequent first.
        sites: the largest first, where sites are known.
        groups: the same for groups.
        tasks: the same for tasks. Not written where none are known.
        simulated: whether the scans are simulated. Not written where they are not.
    """

    name: str
    channels: tuple[ChannelSummary, ...]
    scheme: LabelScheme
    labels: tuple[LabelSummary, ...]
    spacing_mm: tuple[Quantiles, Quantiles, Quantiles]
    shape: tuple[Quantiles, Quantiles, Quantiles]
    body_shape: tuple[Quantiles, Quantiles, Quantiles]
    body_share: Quantiles
    orientations: tuple[tuple[str, int], ...]
    sites: tuple[PartSummary, ...]
    groups: tuple[PartSummary, ...]
    cases: tuple[CaseFingerprint, ...]
    simulated: Annotated[bool, Field(exclude_if=not_)] = False
    tasks: Annotated[tuple[PartSummary, ...], Field(exclude_if=not_)] = ()
    schema_version: int = SCHEMA_VERSION


@dataclass(frozen=True, kw_only=True, slots=True)
class FingerprintSummary:
    """A data set's fingerprint without those of its cases: what a model keeps of the data that it was trained on.

    Attributes:
        case_count: the number of cases that it summarises; for the others see `DatasetFingerprint`.
    """

    name: str
    case_count: int
    channels: tuple[ChannelSummary, ...]
    scheme: LabelScheme
    labels: tuple[LabelSummary, ...]
    spacing_mm: tuple[Quantiles, Quantiles, Quantiles]
    shape: tuple[Quantiles, Quantiles, Quantiles]
    body_shape: tuple[Quantiles, Quantiles, Quantiles]
    body_share: Quantiles
    orientations: tuple[tuple[str, int], ...]
    sites: tuple[PartSummary, ...]
    groups: tuple[PartSummary, ...]
    simulated: Annotated[bool, Field(exclude_if=not_)] = False
    tasks: Annotated[tuple[PartSummary, ...], Field(exclude_if=not_)] = ()


def drop_cases(fingerprint: DatasetFingerprint) -> FingerprintSummary:
    """Return what a fingerprint says of the data set as a whole."""
    shared = {field.name for field in fields(FingerprintSummary)} & {field.name for field in fields(fingerprint)}
    return FingerprintSummary(
        case_count=len(fingerprint.cases), **{name: getattr(fingerprint, name) for name in shared}
    )
