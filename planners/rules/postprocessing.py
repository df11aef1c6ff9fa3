"""Candidates for removal from a mask: components smaller than lesions are, or all but the largest."""

from __future__ import annotations

from dataset_fingerprints.fingerprint import DatasetFingerprint, LabelSummary, Quantiles
from dataset_fingerprints.names import counted
from planners.plan import Decision, PostprocessingCandidates

RULE = (
    "Candidates only, tried on out-of-fold masks: no smallest volume, or that below which a twentieth, a tenth or a "
    "quarter of the training lesions lie; the largest component alone where nine of ten scans have no more than one."
)


def choose_postprocessing(
    fingerprint: DatasetFingerprint,
) -> tuple[tuple[PostprocessingCandidates, ...], tuple[Decision, ...]]:
    """Return what to try for every label or region, and why.

    A region is judged by the smallest lesions of its labels: its own components, unions of theirs, were not measured.
    """
    summaries = {label.value: label for label in fingerprint.labels}
    scheme = fingerprint.scheme
    members = {region.name: region.values for region in scheme.regions} or {
        label.name: (label.value,) for label in scheme.labels
    }
    candidates, decisions = [], []
    for name, values in members.items():
        labels = [summaries[value] for value in values]
        found = _choose(name, labels)
        candidates.append(found)
        decisions.append(_explain(found, labels))
    return tuple(candidates), tuple(decisions)


def _choose(name: str, labels: list[LabelSummary]) -> PostprocessingCandidates:
    volumes = {
        round(value, 1)
        for label in labels
        for value in _small(label.lesion_volume_mm3)
        if value is not None and value > 0
    }
    counts = [label.lesion_count.p90 for label in labels]
    single = len(labels) == 1 and counts[0] is not None and counts[0] <= 1
    return PostprocessingCandidates(name=name, min_volumes_mm3=(0.0, *sorted(volumes)), largest_only=single)


def _small(volumes: Quantiles) -> tuple[float | None, ...]:
    return (volumes.p05, volumes.p10, volumes.p25)


def _explain(candidates: PostprocessingCandidates, labels: list[LabelSummary]) -> Decision:
    volumes = ", ".join(f"{volume:g}" for volume in candidates.min_volumes_mm3)
    largest = "; the largest component alone" if candidates.largest_only else ""
    measured = sum(label.lesion_volume_mm3.n for label in labels)
    counts = ", ".join(f"{label.lesion_count.p90:g}" for label in labels if label.lesion_count.p90 is not None)
    return Decision(
        field=f"postprocessing.{candidates.name}",
        value=f"smallest volumes {volumes} mm3{largest}",
        rule=RULE,
        evidence=f"{counted(measured, 'lesion')}; 90 % of the scans have at most {counts}"
        if measured
        else "not measured",
        change="training cases with other lesions",
    )
