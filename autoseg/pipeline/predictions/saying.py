"""What `predict` says before the first scan and behind the last one."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from autoseg.pipeline.predictions import dicom_seg
from autoseg.pipeline.predictions.extras import Extras, Wanted
from autoseg.pipeline.predictions.inputs import Inputs
from autoseg.pipeline.predictions.targets import Targets
from autoseg.pipeline.scans.new_scans import explain_channels, explain_digits
from autoseg.pipeline.scans.segmenting import Outcome
from autoseg.prediction import LoadedModel
from autoseg.progress import Progress
from dataset_fingerprints.checking.formats import describe_unsized, is_unsized
from dataset_fingerprints.names import counted, some_of
from dataset_fingerprints.reading.file_names import show_left_out

_log = logging.getLogger(__name__)


def introduce(inputs: Inputs, model: LoadedModel, progress: Progress) -> None:
    """Say what is predicted and by what, and what about the files is remarkable."""
    found = inputs.scans()
    progress.say(f"{counted(len(found), 'scan')}, {model.description}.")
    lacking = [scan.name for scan in found if scan.absent()]
    if lacking:
        progress.say(
            f"{counted(len(lacking), 'scan lacks', 'scans lack')} channels, filled with zeros: expect worse masks for "
            f"{'it' if len(lacking) == 1 else 'them'} ({some_of(lacking)})."
        )
    left_out, digits = inputs.left_out(), explain_digits(found, model.channels)
    if left_out:
        progress.say(f"{show_left_out(left_out)}.")
    for sentence in (digits, explain_channels(found, model.channels)):
        if sentence:
            progress.say(sentence)
    unsized = [scan for scan in found if is_unsized(scan.files()[0])]
    if unsized:
        _log.warning("%s", describe_unsized([scan.name for scan in unsized], [scan.files()[0] for scan in unsized]))


def conclude(outcomes: Sequence[Outcome], progress: Progress) -> None:
    """Say which masks are another kind of answer than the others."""
    whole: dict[str, list[str]] = {}
    for outcome in outcomes:
        for fallback in outcome.fallbacks:
            whole.setdefault(fallback.describe(), []).append(outcome.scan)
    for what, scans in whole.items():
        progress.say(f"{counted(len(scans), 'scan was', 'scans were')} looked at whole ({some_of(scans)}): {what}")


def describe_lacking(
    extras: Sequence[Extras], inputs: Inputs, targets: Targets, wanted: Wanted, *, several: bool
) -> tuple[str, ...]:
    """Return sentences on what is not written beside the masks, though somebody may look for it.

    Args:
        extras: what is written for each scan.
        inputs: the scans.
        targets: places of the masks.
        wanted: what a person chose, as far as the networks can give it.
        several: whether several networks predict.
    """
    said = []
    if wanted.uncertainty and not wanted.disagreement:
        why = "Networks of different labels predict" if several else "One network predicts"
        said.append(f"{why}: there is an entropy, but no disagreement between networks.")
    if any(one.seg_source is not None and one.seg is None for one in extras):
        said.append(dicom_seg.describe_missing())
    trees = [one.place for one in inputs.all if one.layout == "bids"]
    if trees and targets.derivative is None and not targets.named and len(trees) < len(inputs.all):
        said.append("Not all inputs are BIDS trees: masks lie beside each other, called after their cases.")
    return tuple(said)
