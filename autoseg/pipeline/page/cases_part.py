"""The part of the page with cases to look at: the worst, those in the middle and the best, in three planes."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from autoseg.evaluation import CaseScores
from autoseg.pipeline.folds.out_of_fold import read_mask
from autoseg.pipeline.folds.reporting import darken_outside, read_plane
from autoseg.pipeline.page.gathering import BegunFold, Gathered
from autoseg.pipeline.scores.case_tables import join_warnings
from autoseg.pipeline.scores.score_tables import find_odd_scores, mean_dice, order_by_dice, volumes_of
from autoseg.pipeline.scores.showing import find_stored, show_ml
from autoseg.preprocessing import Record, Store, store_key
from autoseg.reporting import CaseSlice, Shown, View, draw_slice, find_window, is_picture
from autoseg.reporting.page import CaseView, Layer, Paragraph, Picture, Section, Volume
from autoseg.reporting.page.planes import draw_planes
from autoseg.reporting.page.volumes import choose_step, fit_image, pack_volume, shrink_labels
from dataset_fingerprints.errors import AutosegError
from dataset_fingerprints.geometry import TripleFloat, canonical_grid
from planners.targets import map_indices

_log = logging.getLogger(__name__)

# Cases of each kind.
EACH = 2
_ALL = "all of them"
_SIDES = " Slices go through the largest area of what is marked; radiological view, R is the patient's right."
Indices = NDArray[np.uint8]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Scan:
    """One case as it is drawn: label indices on the scan's canonical grid."""

    store: Store
    record: Record
    case: str
    channel: int
    reference: Indices
    prediction: Indices
    spacing_mm: TripleFloat
    plain: bool


def describe_cases(found: Gathered) -> Section:
    """Return some cases as pictures, with a viewer."""
    blocks: list[CaseView | Paragraph] = []
    folds = {case: fold for fold in found.validated() for case in fold.run.validation_cases}
    for rank, case in choose_ranked(found):
        try:
            blocks.append(_show_case(found, folds[case.case], rank, case))
        except (AutosegError, OSError) as error:
            _log.warning("The page is without a picture of case %s: %s", case.case, error)
            blocks.append(Paragraph(text=f"No picture of case {case.case}: its arrays cannot be read.", warning=True))
    sides = "" if all(_is_plain(block) for block in blocks) else _SIDES
    lead = f"By Dice, on cases that their fold did not train on.{sides} {found.showing().note()}".strip()
    return Section(key="cases", title="Cases: worst, middle, best", lead=lead, blocks=blocks)


def _is_plain(block: CaseView | Paragraph) -> bool:
    return not isinstance(block, CaseView) or (block.volume is not None and block.volume.plain)


def choose_ranked(found: Gathered) -> tuple[tuple[str, CaseScores], ...]:
    """Return the worst cases, those around the median and the best, each once and with its rank in words."""
    assert found.evaluation is not None
    ordered = order_by_dice(case for case in found.evaluation.cases if mean_dice(case) is not None)
    middle = max(0, (len(ordered) - EACH) // 2)
    ranked = [("Worst", case) for case in ordered[:EACH]]
    ranked += [("Middle", case) for case in ordered[middle : middle + EACH]]
    ranked += [("Best", case) for case in ordered[-EACH:]]
    once = {case.case: (rank, case) for rank, case in reversed(ranked)}
    return tuple(once[case.case] for case in ordered if case.case in once)


def _show_case(found: Gathered, fold: BegunFold, rank: str, case: CaseScores) -> CaseView:
    scan = _read_scan(found, fold, case.case)
    targets = fold.run.learned().heads().targets()
    shown = tuple(
        Shown(name=name, values=tuple(values), position=position)
        for position, (name, values) in enumerate(zip(found.showing().names, targets, strict=True))
    )
    point = _choose_point(scan)
    planes = tuple(_cut(scan, point))
    drawn = draw_planes(planes, sorted(shown, key=lambda one: -len(one.values)), simulated=found.simulated)
    caption, warning = _describe(found, case), join_warnings(find_odd_scores(case, found.showing().name_of))
    picture = Picture(
        title=case.case,
        png=drawn.png,
        width=drawn.width,
        height=drawn.height,
        alt=f"{case.case}: {', '.join(plane.place for plane in planes)}, with both masks. {caption}",
    )
    layers = [Layer(name=one.name, values=one.values) for one in shown]
    if len(layers) > 1:
        layers.insert(0, Layer(name=_ALL, values=tuple(sorted({value for one in shown for value in one.values}))))
    return CaseView(
        rank=rank,
        name=case.case,
        caption=caption,
        warning=warning,
        picture=picture,
        volume=_make_volume(scan, point),
        layers=layers,
    )


def _read_scan(found: Gathered, fold: BegunFold, case: str) -> _Scan:
    run = fold.run
    store = Store(
        folder=found.workspace.store(store_key(run.own().preprocessing, run.scheme)),
        indices=run.scheme.index_count(),
        relabelled=map_indices(run.scheme, run.own().targets),
    )
    record, reference = store.read_record(case), store.read_reference(case)
    return _Scan(
        store=store,
        record=record,
        case=case,
        channel=find_stored(run, found.showing().channel),
        # Voxels that are not labelled are no label.
        reference=np.where(run.learned().foreground(reference), reference, 0).astype(np.uint8),
        prediction=read_mask(fold.folder.validation, case, run.learned()),
        spacing_mm=canonical_grid(record.source_grid).spacing_mm(),
        plain=is_picture(record.source_grid),
    )


def _choose_point(scan: _Scan) -> tuple[int, int, int]:
    """Return the voxel that the planes go through.

    It lies in the axial slice with most labelled voxels, and is the labelled one nearest to the middle of these.
    """
    for labels in (scan.reference, scan.prediction):
        if labels.any():
            z = int(np.argmax(np.count_nonzero(labels, axis=(0, 1))))
            points = np.argwhere(labels[:, :, z])
            nearest = points[np.linalg.norm(points - points.mean(axis=0), axis=1).argmin()]
            return int(nearest[0]), int(nearest[1]), z
    x, y, z = (length // 2 for length in scan.reference.shape)
    return x, y, z


def _cut(scan: _Scan, point: Sequence[int]) -> Iterator[CaseSlice]:
    """Yield the axial, the coronal and the sagittal slice; of a single slice, only that."""
    window = None
    for through in (2, 1, 0):
        others = [length for axis, length in enumerate(scan.reference.shape) if axis != through]
        if min(others) == 1:
            continue
        view = View(through=through, index=point[through], plain=scan.plain)
        plane = read_plane(scan.store, scan.case, scan.channel, view)
        window = window or find_window(plane)
        labels = (view.cut(scan.reference), view.cut(scan.prediction))
        yield draw_slice(view, plane, window, labels, scan.spacing_mm)


def _make_volume(scan: _Scan, point: Sequence[int]) -> Volume:
    """Return the case's box around the body, with as many voxels as a page can hold."""
    box = scan.record.box
    image = darken_outside(scan.store.read(scan.case)[0].astype(np.float32))[scan.channel]
    step = choose_step(box.shape(), scan.spacing_mm)
    small = fit_image(image, box.shape(), step)
    labels = [shrink_labels(one[box.slices()], step) for one in (scan.reference, scan.prediction)]
    places = zip(point, box.start, box.shape(), step, strict=True)
    x, y, z = (min(max(0, place - start), length - 1) // factor for place, start, length, factor in places)
    wide, deep, high = (length * factor for length, factor in zip(scan.spacing_mm, step, strict=True))
    spacing_mm = (wide, deep, high)
    return pack_volume(small, find_window(small), (labels[0], labels[1]), spacing_mm, (x, y, z), plain=scan.plain)


def _describe(found: Gathered, case: CaseScores) -> str:
    parts = []
    for label in case.labels:
        true, predicted = volumes_of(label)
        name = f"{found.showing().name_of(label.label)}: " if len(case.labels) > 1 else ""
        parts.append(f"{name}Dice {label.number('dice'):.2f}, {show_ml(true)}, predicted {show_ml(predicted)}")
    site = next((one.site for one in found.dataset.cases if one.name == case.case), "")
    return " · ".join((*parts, *((f"from {site}",) if site else ())))
