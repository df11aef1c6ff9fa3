"""A look at scans without labels: how uncertain a round's model is about each, and what each looks like.

What was found of a scan is kept as soon as it is found, so that a killed look loses one scan.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from autoseg.confidence import MaskSigns, measure_signs
from autoseg.labelling.portraits import portray
from autoseg.models import ModelSet
from autoseg.pipeline.confidence.ways import Way
from autoseg.pipeline.labelling.looks import Look, append_look, read_looks
from autoseg.pipeline.models.sources import ModelSource
from autoseg.pipeline.models.trained import load_models
from autoseg.prediction import LoadedModel, Segmented, Uncertainty, spread
from autoseg.progress import Progress
from autoseg.workspace.loop import RoundFolder
from dataset_fingerprints.dataset import Case, LabelScheme
from dataset_fingerprints.errors import DataError
from dataset_fingerprints.failures import Failure, attempt, list_failures
from dataset_fingerprints.fingerprint import FingerprintSummary
from dataset_fingerprints.geometry import canonical_grid
from dataset_fingerprints.measuring.scans import Scan
from dataset_fingerprints.names import counted
from dataset_fingerprints.reading.images import read_label_map, write_label_map

_DIGITS = 4
# The usual lesion of a label that no training case holds.
_UNKNOWN_MM3 = 1000.0
# Steps of the probabilities that are added up.
_STEPS = 255


@dataclass(frozen=True, kw_only=True, slots=True)
class Looker:
    """A round's model, ready to look at scans.

    Attributes:
        model: whose masks people correct.
        plain: the same without flips, where its networks cannot disagree (one, or of different labels); else None.
        identity: hash of its weights.
        lesions_mm3: volume of a usual lesion of each label or region, in their order.
    """

    model: LoadedModel
    plain: LoadedModel | None
    identity: str
    lesions_mm3: tuple[float, ...]

    def read(self, case: Case) -> Scan:
        """Read a scan."""
        return self.model.read(case.name, case.image_paths())

    def segment(self, scan: Scan) -> Segmented:
        """Return the mask of a scan."""
        return self.model.segment(scan)

    def measure(self, scan: Scan, segmented: Segmented) -> tuple[float, float]:
        """Return spread and doubt of a mask; see `Look`."""
        members = segmented.members
        if self.plain is not None:
            members = (segmented.probabilities, self.plain.segment(scan).probabilities)
        signs = measure_signs(segmented, self.model.decision.thresholds, divided=False)
        voxel_mm3 = math.prod(canonical_grid(segmented.probabilities.source_grid).spacing_mm())
        usual = [volume / voxel_mm3 for volume in self.lesions_mm3]
        doubts = [_measure_doubt(one, voxels) for one, voxels in zip(signs, usual, strict=True)]
        return _measure_spread(spread(members), usual), math.fsum(doubts) / len(doubts)


def make_looker(source: ModelSource, identity: str) -> Looker:
    """Return a model with its weights, ready to look."""
    models: ModelSet = source.read()
    several = models.can_disagree()
    model = load_models(models, way=Way() if several else Way(mirror=True))
    plain = None if several else load_models(models, way=Way(mirror=False))
    lesions_mm3 = find_usual_lesions(list_learned(models), models.run().summary)
    return Looker(model=model, plain=plain, identity=identity, lesions_mm3=lesions_mm3)


def list_learned(models: ModelSet) -> LabelScheme:
    """Return what models predict as regions of the data set's labels: of labels that are learned as one, of all."""
    first, *others = models.regions()
    return models.scheme() if any(other != first for other in others) else first


def find_usual_lesions(scheme: LabelScheme, summary: FingerprintSummary) -> tuple[float, ...]:
    """Return the volume in mm3 of a usual lesion of each label or region.

    That of a label is the median of its components; that of a region is the sum of its labels'.

    Args:
        scheme: of what a model looks for, of the data set's labels.
        summary: of the cases that it was trained on.
    """
    medians = {label.value: label.lesion_volume_mm3.p50 or 0.0 for label in summary.labels}
    return tuple(
        math.fsum(medians.get(value, 0.0) for value in region.values) or _UNKNOWN_MM3
        for region, _ in scheme.written_regions()
    )


def look_at(
    place: RoundFolder, looker: Looker, cases: Sequence[Case], known: Mapping[str, str], progress: Progress
) -> tuple[Look, ...]:
    """Look at scans, write the mask of each, and return what was found, in their order.

    Scans that cannot be read or predicted are reported, and left out.

    Args:
        place: of the round.
        looker: its model.
        cases: the scans.
        known: paths of the masks of those that are labelled, which are only looked at.
        progress: receiver of progress reports.

    Raises:
        DataError: none of the scans without labels can be looked at.
    """
    found = {name: one for name, one in read_looks(place.looked_at).items() if one.model == looker.identity}
    left = [case for case in cases if not _is_done(place, case, found, known)]
    failures = []
    place.presegmented.mkdir(parents=True, exist_ok=True)
    with progress.task("Looking at scans", len(cases), len(cases) - len(left)) as task:
        for case in left:
            one = attempt(case.name, "cannot be looked at", partial(_look, place, looker, case, known))
            if isinstance(one, Failure):
                failures.append(one)
            else:
                append_look(place.looked_at, one)
                found[case.name] = one
            task.advance()
    if failures:
        scans = counted(len(failures), "scan that cannot", "scans that cannot")
        progress.say(f"Left out: {scans} be looked at.\n{list_failures(failures)}")
    if not any(case.name in found and case.name not in known for case in cases):
        raise DataError(
            f"None of the scans can be looked at:\n{list_failures(failures)}\nCorrect them, or give them up with "
            "`autoseg label next --without SCAN`."
        )
    return tuple(found[case.name] for case in cases if case.name in found)


def _is_done(place: RoundFolder, case: Case, found: Mapping[str, Look], known: Mapping[str, str]) -> bool:
    return case.name in found and (case.name in known or place.presegmentation(case.name).is_file())


def _look(place: RoundFolder, looker: Looker, case: Case, known: Mapping[str, str]) -> Look:
    scan = looker.read(case)
    far: tuple[float | None, float | None] = (None, None)
    if case.name in known:
        labels = read_label_map(Path(known[case.name])).voxels[0]
    else:
        segmented = looker.segment(scan)
        labels = segmented.labels
        far = looker.measure(scan, segmented)
        write_label_map(place.presegmentation(case.name), labels, scan.source_grid, scan.header)
    picture = portray(case.name, scan, _find_marked(labels, looker.model.scheme))
    rows = (tuple(round(float(value), _DIGITS) for value in row) for row in (picture.scan, picture.mask))
    return Look(case=case.name, model=looker.identity, spread=far[0], doubt=far[1], scan=next(rows), mask=next(rows))


def _find_marked(labels: NDArray[np.integer], scheme: LabelScheme) -> NDArray[np.bool_]:
    """Return where a label is: neither background nor what nobody has labelled."""
    unmarked = (0,) if scheme.ignore_value is None else (0, scheme.ignore_value)
    return np.isin(labels, unmarked, invert=True)


def _measure_doubt(sign: MaskSigns, usual: float) -> float:
    """Return what the Dice of mask and probabilities lacks to 1, smoothed by the volume of a usual lesion.

    That volume is added above and below, as soft Dice is smoothed: else the Dice of an empty mask is 0, however sure
    the model is. Where n usual lesions are to be expected beside an empty mask, the doubt is n / (n + 1).

    Args:
        sign: of the mask of a label or region.
        usual: volume of a usual lesion in voxels.
    """
    both = sign.expected_voxels + sign.voxels
    return (both - 2 * sign.mean_probability * sign.voxels) / (both + usual)


def _measure_spread(uncertainty: Uncertainty, usual: Sequence[float]) -> float:
    """Return the deviations of members as a share of these, their probabilities and a usual lesion; mean over labels.

    Args:
        uncertainty: of a scan.
        usual: volume of a usual lesion of each label or region in voxels.
    """
    targets = len(usual)
    apart, sure = torch.zeros(targets), torch.zeros(targets)
    for slab in uncertainty.slabs():
        apart += _round(slab.deviation).sum(dim=(1, 2, 3)).cpu()
        sure += _round(slab.mean).sum(dim=(1, 2, 3)).cpu()
    return float((apart / (apart + sure + torch.tensor(usual))).mean())


def _round(values: torch.Tensor) -> torch.Tensor:
    """Return probabilities in steps of 1/255, as those of signs are: next to nothing in all voxels is no lesion."""
    return (values * _STEPS).round() / _STEPS
