"""Candidates for the way from probabilities to a mask: thresholds, and which components of it stay."""

from __future__ import annotations

from dataset_fingerprints.fingerprint import DatasetFingerprint, LabelSummary, Quantiles
from dataset_fingerprints.names import counted
from planners.plan import Decision, PostprocessingCandidates

RULE = (
    "Candidates only, tried on out-of-fold probabilities by `autoseg select`: no smallest volume, or that below which "
    "a twentieth, a tenth or a quarter of the training lesions lie; components that are large or probable; the largest "
    "component alone where nine of ten scans have no more than one; other thresholds; filled holes."
)
# Of the probability, where labels do not compete with each other.
THRESHOLDS = (0.3, 0.4, 0.5, 0.6, 0.7)
# What helped on stroke lesions, beside quantiles of the data set's own: 100 to 300 mm3, or a peak of .60 to .65.
LARGE_MM3 = (100.0, 300.0)
PEAKS = (0.6, 0.65, 0.8)


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
        found = _choose(name, labels, independent=bool(scheme.regions) or len(members) == 1)
        candidates.append(found)
        decisions.append(_explain(found, labels))
    return tuple(candidates), tuple(decisions)


def _choose(name: str, labels: list[LabelSummary], *, independent: bool) -> PostprocessingCandidates:
    volumes = {
        round(value, 1)
        for label in labels
        for value in _small(label.lesion_volume_mm3)
        if value is not None and value > 0
    }
    counts = [label.lesion_count.p90 for label in labels]
    single = len(labels) == 1 and counts[0] is not None and counts[0] <= 1
    large = {round(value, 1) for label in labels for value in _large(label.lesion_volume_mm3) if value}
    return PostprocessingCandidates(
        name=name,
        min_volumes_mm3=(0.0, *sorted(volumes)),
        largest_only=single,
        thresholds=THRESHOLDS if independent else (),
        large_volumes_mm3=tuple(sorted(large)),
        peaks=PEAKS if large else (),
        fill_holes=bool(volumes),
    )


def _small(volumes: Quantiles) -> tuple[float | None, ...]:
    return (volumes.p05, volumes.p10, volumes.p25)


def _large(volumes: Quantiles) -> tuple[float | None, ...]:
    """Return volumes from which a component is large: none of them above what most lesions have."""
    if volumes.p75 is None:
        return ()
    return (*(value for value in LARGE_MM3 if value <= volumes.p75), volumes.p25, volumes.p50)


def _explain(candidates: PostprocessingCandidates, labels: list[LabelSummary]) -> Decision:
    volumes = ", ".join(f"{volume:g}" for volume in candidates.min_volumes_mm3)
    others = []
    if candidates.peaks:
        sizes = ", ".join(f"{volume:g}" for volume in candidates.large_volumes_mm3)
        peaks = ", ".join(f"{peak:g}" for peak in candidates.peaks)
        others.append(f"from {sizes} mm3 or a probability of {peaks}")
    others += ["the largest component alone"] if candidates.largest_only else []
    thresholds = ", ".join(f"{threshold:g}" for threshold in candidates.thresholds)
    others += [f"thresholds {thresholds}"] if thresholds else []
    others += ["filled holes"] if candidates.fill_holes else []
    measured = sum(label.lesion_volume_mm3.n for label in labels)
    counts = ", ".join(f"{label.lesion_count.p90:g}" for label in labels if label.lesion_count.p90 is not None)
    return Decision(
        field=f"postprocessing.{candidates.name}",
        value="; ".join((f"smallest volumes {volumes} mm3", *others)),
        rule=RULE,
        evidence=f"{counted(measured, 'lesion')}; 90 % of the scans have at most {counts}"
        if measured
        else "not measured",
        change="training cases with other lesions",
    )
