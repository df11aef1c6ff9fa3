"""Facts about lesions that rules look at."""

from __future__ import annotations

import math
from dataclasses import dataclass

from dataset_fingerprints.fingerprint import DatasetFingerprint
from dataset_fingerprints.geometry import TripleFloat
from planners.plan import Decision
from planners.rules.switches import LESION_RULES

SMALL_VOXELS = 4.0
MARGIN_MM = 10.0
RARE_SHARE = 0.05
VOLUME_SPAN = 100.0
SEVERAL = 2.0


@dataclass(frozen=True, kw_only=True, slots=True)
class LesionFacts:
    """A data set's lesions in a few numbers; None where the fingerprint does not have them. The extreme label counts.

    Attributes:
        thinnest_mm: 10th percentile of the components' thickness.
        small_diameter_mm: of the ball with the 25th percentile of the components' volumes.
        longest_mm: 95th percentile of the components' longest edges.
        volume_span: 90th over 10th percentile of the volume per scan.
        count: median number of components per scan.
        share: of the body that all labels fill together.
    """

    thinnest_mm: float | None
    small_diameter_mm: float | None
    longest_mm: float | None
    volume_span: float | None
    count: float | None
    share: float | None

    def rare(self) -> bool:
        """Return whether labels fill so little of the body that most patches taken anywhere hold none."""
        return self.share is not None and self.share < RARE_SHARE

    def uneven(self) -> bool:
        """Return whether large lesions would take nearly all patches from small ones."""
        spans = self.volume_span is not None and self.volume_span >= VOLUME_SPAN
        return spans or (self.count is not None and self.count >= SEVERAL)

    def small(self, spacing_mm: TripleFloat) -> bool:
        """Return whether small lesions are only a few voxels across once the feature maps were halved."""
        voxel = 2 * math.prod(spacing_mm) ** (1 / 3)
        return self.small_diameter_mm is not None and self.small_diameter_mm / voxel < SMALL_VOXELS

    def context_mm(self) -> float:
        """Return the edge that holds a long lesion and what is around it; 0 where lengths were not measured."""
        return 0.0 if self.longest_mm is None else self.longest_mm + 2 * MARGIN_MM


def describe_lesions(fingerprint: DatasetFingerprint) -> LesionFacts:
    """Read off a fingerprint what the rules look at."""
    labels = fingerprint.labels
    thinnest = [label.lesion_thinnest_mm.p10 for label in labels if label.lesion_thinnest_mm.p10 is not None]
    volumes = [label.lesion_volume_mm3.p25 for label in labels if label.lesion_volume_mm3.p25 is not None]
    longest = [label.lesion_extent_mm.p95 for label in labels if label.lesion_extent_mm.p95 is not None]
    counts = [label.lesion_count.p50 for label in labels if label.lesion_count.p50 is not None]
    spans = [
        label.volume_mm3.p90 / label.volume_mm3.p10
        for label in labels
        if label.volume_mm3.p90 is not None and label.volume_mm3.p10
    ]
    measured = any(label.volume_mm3.n for label in labels)
    return LesionFacts(
        thinnest_mm=min(thinnest, default=None),
        small_diameter_mm=(6 * min(volumes) / math.pi) ** (1 / 3) if volumes else None,
        longest_mm=max(longest, default=None),
        volume_span=max(spans, default=None),
        count=max(counts, default=None),
        share=sum(label.voxel_share for label in labels) if measured else None,
    )


def explain_rules(chosen: tuple[str, ...], facts: LesionFacts, spacing_mm: TripleFloat) -> tuple[Decision, ...]:
    """Say of every rule that looks at lesions whether it is on, whether it was tested, and what it looks at here."""
    small = _say("the smallest quarter of the lesions is below {:.1f} mm across", facts.small_diameter_mm)
    span = _say("volumes of scans span a factor of {:.0f}", facts.volume_span)
    count = _say("lesions per scan (median): {:.0f}", facts.count)
    rare = "label volumes were not measured" if facts.share is None else f"labels fill {facts.share:.2%} of the body"
    evidence = {
        "fine_spacing": _say("the thinnest tenth of the lesions is below {:.1f} mm thick", facts.thinnest_mm),
        "full_resolution_capacity": small and f"{small}; voxels of {math.prod(spacing_mm) ** (1 / 3):.2g} mm",
        "lesion_context": _say("a twentieth of the lesions is longer than {:.0f} mm", facts.longest_mm),
        "balanced_lesions": "; ".join(words for words in (span, count) if words),
        "pooled_dice": rare,
        "foreground_only": rare,
    }
    return tuple(
        Decision(
            field=f"rules.{name}",
            value=("on" if name in chosen else "off") + ("" if rule.tested else " (untested)"),
            rule=rule.meaning,
            evidence=(evidence[name] or "not measured") + (f"; {rule.effect}" if rule.tested else ""),
            change=f"--rule {name}={'off' if name in chosen else 'on'}",
        )
        for name, rule in LESION_RULES.items()
    )


def _say(sentence: str, value: float | None) -> str:
    return "" if value is None else sentence.format(value)
