"""Measurements of one case."""

from __future__ import annotations

import numpy as np

from dataset_fingerprints.dataset import Case, Dataset
from dataset_fingerprints.fingerprint import CaseFingerprint
from dataset_fingerprints.geometry import find_reorientation
from dataset_fingerprints.measuring.identity import identify_case
from dataset_fingerprints.measuring.intensities import measure_channel
from dataset_fingerprints.measuring.label_statistics import measure_label
from dataset_fingerprints.measuring.scans import Scan


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
        session=case.session,
        site=case.site,
        group=case.group,
        identities=identify_case(case),
        shape=scan.canonical_shape(),
        spacing_mm=(x, y, z),
        orientation=reorientation.code(),
        background=scan.background,
        body_box=scan.box,
        body_share=float(scan.body.sum() / np.prod(scan.canonical_shape())),
        channels=tuple(measure_channel(channel, scan.body, foreground) for channel in scan.voxels),
        labels=tuple(
            measure_label(scan.voxels, scan.labels == index, judged, (x, y, z), label.value)
            for index, label in enumerate(dataset.labels.labels, start=1)
        ),
    )
