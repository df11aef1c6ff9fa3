"""Pictures of what `check` finds wrong with the place of files in space."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from autoseg.progress import Progress
from autoseg.reporting import Outline, Overlay, Placed, draw_overlay
from dataset_fingerprints.checking.checks import Finding
from dataset_fingerprints.dataset import Case, Dataset, is_there
from dataset_fingerprints.errors import DataError
from dataset_fingerprints.geometry import find_reorientation, reorient_grid
from dataset_fingerprints.reading.body import find_body
from dataset_fingerprints.reading.images import Image, read_channels, read_label_map

# The kinds of findings that a picture shows.
DRAWN = ("shape", "affine", "qform-sform", "channel-grid", "skewed-axes")


def draw_findings(dataset: Dataset, findings: Sequence[Finding], folder: Path, progress: Progress) -> tuple[Path, ...]:
    """Draw one picture per case with findings about its place in space, and return where they lie.

    A case whose scan cannot be read has no picture; that is said.
    """
    reported: dict[str, list[Finding]] = {}
    for finding in findings:
        if finding.kind in DRAWN:
            reported.setdefault(finding.case, []).append(finding)
    if not reported:
        return ()
    cases = {case.name: case for case in dataset.cases}
    pictures = []
    with progress.task("Drawing", len(reported)) as task:
        for name, own in reported.items():
            try:
                overlay = _make_overlay(cases[name], own, dataset.channels)
            except DataError as error:
                progress.say(f"No picture of case {name}: {error}")
            else:
                pictures.append(folder / f"{name}.png")
                draw_overlay(overlay, pictures[-1])
            task.advance()
    return tuple(pictures)


def _make_overlay(case: Case, findings: Sequence[Finding], channels: Sequence[str]) -> Overlay:
    scan = read_channels(case.image_paths()[0])
    kinds = {finding.kind for finding in findings}
    outlines = [*_outline_label(case), *_outline_channels(case, channels)]
    if "qform-sform" in kinds and scan.header.qform is not None:
        outlines.append(
            Outline(name="the scan by its qform", mask=_place(scan, find_body(scan.voxels[:1]).mask, by_qform=True))
        )
    return Overlay(
        title=f"{case.name}: {', '.join(sorted(kinds))}",
        notes=tuple(f"{finding.grade}: {finding.message}" for finding in findings),
        scan=_place(scan, scan.voxels[0]),
        outlines=tuple(outlines),
    )


def _outline_label(case: Case) -> list[Outline]:
    """Outline the label map where it can be read, and once more by its qform where that places it elsewhere."""
    try:
        label = read_label_map(case.label_path()) if is_there(case.label) else None
    except DataError:
        label = None  # reported by its own finding
    if label is None:
        return []
    mask = label.voxels[0] != 0
    outlines = [Outline(name="label map", mask=_place(label, mask))]
    if label.header.qform is not None and not np.allclose(label.header.qform.matrix(), label.header.grid.matrix()):
        outlines.append(Outline(name="label map by its qform", mask=_place(label, mask, by_qform=True)))
    return outlines


def _outline_channels(case: Case, channels: Sequence[str]) -> list[Outline]:
    """Outline the body in the other channels, or their field of view alone where no background is proven."""
    outlines = []
    for position, path in enumerate(case.image_paths()[1:], start=1):
        image = read_channels(path)
        body = find_body(image.voxels[:1])
        name = channels[position] if position < len(channels) else path.name
        mask = body.mask if body.background is not None else np.zeros_like(body.mask)
        outlines.append(Outline(name=f"channel {name}", mask=_place(image, mask)))
    return outlines


def _place(image: Image, voxels: np.ndarray, *, by_qform: bool = False) -> Placed:
    """Place canonical voxels of an image as its header says, skewed axes included."""
    stored = image.header.qform if by_qform and image.header.qform is not None else image.header.grid
    grid = reorient_grid(stored, find_reorientation(image.source_grid))
    return Placed(voxels=voxels, affine=grid.matrix())
