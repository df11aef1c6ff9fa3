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
    """Measure one case; of a data set without labels only its scan."""
    if scan.labels is None and dataset.labels.labels:
        raise ValueError(f"case {case.name} was read without its label map")
    labels = np.zeros(scan.body.shape, dtype=np.uint8) if scan.labels is None else scan.labels
    grid = scan.source_grid
    reorientation = find_reorientation(grid)
    stored = grid.spacing_mm()
    x, y, z = (stored[axis] for axis in reorientation.axes)
    foreground = dataset.labels.foreground(labels)
    judged = scan.body & (foreground | (labels == 0))
    return CaseFingerprint(
        case=case.name,
        subject=case.subject,
        session=case.session,
        site=case.site,
        group=case.group,
        task=case.task,
        identities=identify_case(case),
        shape=scan.canonical_shape(),
        spacing_mm=(x, y, z),
        orientation=reorientation.code(),
        background=scan.background,
        body_box=scan.box,
        body_share=float(scan.body.sum() / np.prod(scan.canonical_shape())),
        channels=tuple(measure_channel(channel, scan.body, foreground) for channel in scan.voxels),
        labels=tuple(
            measure_label(scan.voxels, labels == index, judged, (x, y, z), label.value)
            for index, label in enumerate(dataset.labels.labels, start=1)
        ),
    )
