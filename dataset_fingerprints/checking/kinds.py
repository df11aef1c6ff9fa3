"""Kinds of findings, with grades and meaning: one table for people, for the command line and for tests."""

from __future__ import annotations

from dataclasses import dataclass

from dataset_fingerprints.checking.checks import Grade


@dataclass(frozen=True, kw_only=True, slots=True)
class Kind:
    """Grades and meaning of one kind of finding.

    Attributes:
        grades: those that it can have, by how bad it is.
        meaning: what is found, in a few words.
    """

    grades: tuple[Grade, ...]
    meaning: str


KINDS: dict[str, Kind] = {
    "missing-image": Kind(grades=("error",), meaning="a case has a label map but no scan"),
    "missing-label": Kind(grades=("error",), meaning="a case has a scan but no label map"),
    "missing-channel": Kind(grades=("error",), meaning="a case has fewer channels than the data set"),
    "extra-channel": Kind(grades=("error",), meaning="a case has more channels than the data set"),
    "unreadable": Kind(grades=("error",), meaning="a file is damaged, truncated or no image, or cannot be worked on"),
    "shape": Kind(grades=("error",), meaning="label map and scan have different numbers of voxels"),
    "affine": Kind(grades=("error", "warning"), meaning="label map and scan lie apart in space"),
    "qform-sform": Kind(grades=("warning",), meaning="a NIfTI places its voxels in two ways; the sform is used"),
    "unit": Kind(grades=("warning",), meaning="a NIfTI is in metres or micrometres; its lengths were converted to mm"),
    "voxel-size": Kind(grades=("warning",), meaning="a NIfTI gives other voxel sizes than its affine, which is used"),
    "skewed-axes": Kind(grades=("error", "warning", "fixed"), meaning="the axes of a grid are not at right angles"),
    "assumed-place": Kind(grades=("warning",), meaning="a header does not say where the voxels lie"),
    "channel-grid": Kind(
        grades=("error", "warning"), meaning="a channel was resampled onto the first one's grid, or lies elsewhere"
    ),
    "not-finite": Kind(grades=("error",), meaning="intensities are NaN or infinite"),
    "constant": Kind(grades=("error",), meaning="all intensities are the same"),
    "unexpected-label": Kind(grades=("error",), meaning="a label map holds values that are not declared"),
    "fractional-label": Kind(grades=("error", "fixed"), meaning="label values are not integers, or nearly integers"),
    "empty-label": Kind(grades=("warning",), meaning="a label map is 0 everywhere"),
    "label-is-image": Kind(grades=("error",), meaning="scan and label map hold the same voxels"),
    "duplicate-image": Kind(grades=("warning",), meaning="two cases have the same image file"),
    "spacing-outlier": Kind(grades=("warning",), meaning="a scan's voxels are far larger or smaller than the others'"),
    "scan-size": Kind(grades=("warning",), meaning="a scan is wider than a scanner, or tiny: a wrong voxel size"),
    "flat-scan": Kind(grades=("warning",), meaning="a scan is a single slice where the others are volumes"),
    "orientation-mix": Kind(grades=("fixed",), meaning="scans are stored in different orientations; all become RAS+"),
    "no-folds": Kind(grades=("warning",), meaning="all cases are of one subject: there is no cross-validation"),
    "absent-label": Kind(grades=("warning",), meaning="a label is declared that no case holds"),
    "rare-label": Kind(grades=("warning",), meaning="only one subject holds a label: one fold cannot train on it"),
    "shared-subject": Kind(grades=("fixed",), meaning="a subject has several cases, which stay in one fold"),
}
