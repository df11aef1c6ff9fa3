"""What rules of strategy look at, and whether their conditions hold."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import permutations

from dataset_fingerprints.dataset import LabelScheme
from dataset_fingerprints.fingerprint import DatasetFingerprint
from dataset_fingerprints.geometry import TripleFloat
from dataset_fingerprints.image_kinds import canonical
from dataset_fingerprints.names import counted
from planners.halves import find_sided
from planners.rules.lesion_facts import describe_lesions
from planners.rules.spacing import Resolution

FAINT_DEVIATIONS = 1.0
THICK_MM, THICKER = 3.0, 1.5
FEW_CASES = 60
TUBE_RATIO = 8.0
TINY_SHARE = 0.01
RARER = 10.0
INNER_SHARE = 0.25
MANY_LABELS = 3
PAIR = 2
# Channels in units of their own, and maps computed from several scans, have no shading of a coil.
NO_MR = frozenset(
    (
        *("ct", "ncct", "cect", "cta", "ctp", "pet", "spect", "us"),
        *("adc", "fa", "md", "cbf", "cbv", "mtt", "tmax", "ttp", "t1map", "t2map"),
    )
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """Result of looking at a rule's condition.

    Attributes:
        holds: None where what it looks at was not measured.
        evidence: in words, without a full stop.
    """

    holds: bool | None
    evidence: str


@dataclass(frozen=True, kw_only=True, slots=True)
class StrategyFacts:
    """A data set in what rules of strategy look at; None where the fingerprint does not have it.

    Attributes:
        labels: names of labels or regions.
        contrast: of the label that stands out least, in the channel in which it does most: deviations of its
            surroundings, median over scans.
        small_mm: diameter of the smallest quarter of the lesions.
        small: whether that is a few voxels once feature maps were halved.
        share: of the body that all labels fill.
        flat: whether every scan is a single slice.
        tube_ratio: of the label most like a tube: length over thickness, medians of its components.
        shares: of the body that each label fills; empty for regions, which overlap.
        nested: an inner region, an outer one, and what share of the outer one the inner one fills.
        mr_channels: positions of the channels that are MR scans.
        background: the share of scans with an empty background.
        paired: labels of two components in the median scan, as organs on both sides have.
        sided: names of labels and regions that tell sides apart.
        low_resolution: whether a patch is so small a part of the body that a low resolution is planned; None before.
    """

    cases: int
    labels: tuple[str, ...]
    channels: tuple[str, ...]
    contrast: float | None
    small_mm: float | None
    small: bool
    share: float | None
    spacing_mm: TripleFloat
    flat: bool
    tube_ratio: float | None
    shares: tuple[float, ...]
    nested: tuple[str, str, float] | None
    mr_channels: tuple[int, ...]
    background: float
    paired: tuple[str, ...] | None
    sided: tuple[str, ...]
    groups: tuple[str, ...]
    sites: int
    low_resolution: bool | None = None

    def find(self, name: str) -> Finding:
        """Return whether a rule's condition holds."""
        return CONDITIONS[name](self)


def describe_targets(fingerprint: DatasetFingerprint, resolution: Resolution) -> StrategyFacts:
    """Read off a fingerprint what the rules look at, at the planned voxel size."""
    lesions, scheme = describe_lesions(fingerprint), fingerprint.scheme
    measured = any(label.volume_mm3.n for label in fingerprint.labels)
    return StrategyFacts(
        cases=len(fingerprint.cases),
        labels=tuple(part.name for part in scheme.regions or scheme.labels),
        channels=tuple(channel.name for channel in fingerprint.channels),
        contrast=min(_list_contrasts(fingerprint), default=None),
        small_mm=lesions.small_diameter_mm,
        small=lesions.small(resolution.spacing_mm),
        share=lesions.share,
        spacing_mm=resolution.spacing_mm,
        flat=resolution.flat,
        tube_ratio=max(_list_tube_ratios(fingerprint), default=None),
        shares=tuple(label.voxel_share for label in fingerprint.labels) if measured and not scheme.regions else (),
        nested=find_nested(scheme, {label.value: label.voxel_share for label in fingerprint.labels}),
        mr_channels=tuple(
            position for position, channel in enumerate(fingerprint.channels) if canonical(channel.name) not in NO_MR
        ),
        background=sum(case.background is not None for case in fingerprint.cases) / max(1, len(fingerprint.cases)),
        paired=_list_paired(fingerprint),
        sided=find_sided(scheme),
        groups=tuple(group.name for group in fingerprint.groups),
        sites=len(fingerprint.sites),
    )


def _list_contrasts(fingerprint: DatasetFingerprint) -> Iterator[float]:
    for label in fingerprint.labels:
        seen = [abs(channel.p50) for channel in label.contrast if channel.p50 is not None]
        if seen:
            yield max(seen)


def _list_tube_ratios(fingerprint: DatasetFingerprint) -> Iterator[float]:
    for label in fingerprint.labels:
        length, thickness = label.lesion_extent_mm.p50, label.lesion_thinnest_mm.p50
        if length is not None and thickness:
            yield length / thickness


def _list_paired(fingerprint: DatasetFingerprint) -> tuple[str, ...] | None:
    counts = [(label.name, label.lesion_count.p50) for label in fingerprint.labels if label.lesion_count.n]
    return tuple(name for name, count in counts if count == PAIR) if counts else None


def find_nested(scheme: LabelScheme, shares: Mapping[int, float]) -> tuple[str, str, float] | None:
    """Return the region that fills the least of one that holds it: both names, and the share; None without any.

    Args:
        scheme: of the labels.
        shares: of the body, by the label's value.
    """
    found = [
        (inner.name, outer.name, sum(shares[value] for value in inner.values) / whole)
        for inner, outer in permutations(scheme.regions, 2)
        if set(inner.values) < set(outer.values) and (whole := sum(shares[value] for value in outer.values))
    ]
    return min(found, key=lambda one: one[2], default=None)


def _find_patch_level(facts: StrategyFacts) -> Finding:
    faint, several = _find_faint(facts), len(facts.labels) > 1
    holds = None if faint.holds is None and several else bool(faint.holds) and several
    return Finding(holds=holds, evidence=f"{counted(len(facts.labels), 'label')}; {faint.evidence}")


def _find_faint(facts: StrategyFacts) -> Finding:
    if facts.contrast is None:
        return Finding(holds=None, evidence="contrast was not measured")
    words = f"the label that stands out least does so by {facts.contrast:.2g} deviations of its surroundings"
    return Finding(holds=facts.contrast < FAINT_DEVIATIONS, evidence=words)


def _find_focal(facts: StrategyFacts) -> Finding:
    faint = _find_faint(facts)
    if facts.small_mm is None:
        return Finding(holds=faint.holds, evidence=f"{faint.evidence}; sizes of lesions were not measured")
    words = f"{faint.evidence}; the smallest quarter of the lesions is below {facts.small_mm:.1f} mm across"
    return Finding(holds=facts.small or faint.holds, evidence=words)


def _find_anything(facts: StrategyFacts) -> Finding:
    return Finding(holds=True, evidence="for any data")


def _find_channels(facts: StrategyFacts) -> Finding:
    return Finding(holds=len(facts.channels) > 1, evidence=f"channels: {', '.join(facts.channels)}")


def _find_thick_slices(facts: StrategyFacts) -> Finding:
    thick, fine = max(facts.spacing_mm), min(facts.spacing_mm)
    holds = not facts.flat and thick >= THICK_MM and thick >= THICKER * fine
    return Finding(holds=holds, evidence=f"voxels planned from {fine:.3g} to {thick:.3g} mm")


def _find_tubes(facts: StrategyFacts) -> Finding:
    words = counted(facts.cases, "scan")
    if facts.tube_ratio is None:
        return Finding(holds=None if _is_small_set(facts) else False, evidence=f"{words}; shapes were not measured")
    holds = _is_small_set(facts) and facts.tube_ratio >= TUBE_RATIO and not facts.flat
    return Finding(holds=holds, evidence=f"{words}; a label is {facts.tube_ratio:.2g} times longer than thick")


def _is_small_set(facts: StrategyFacts) -> bool:
    return facts.cases < FEW_CASES


def _find_tiny(facts: StrategyFacts) -> Finding:
    part = _find_low_resolution(facts).evidence
    if facts.share is None:
        return Finding(holds=None, evidence=f"label volumes were not measured; {part}")
    holds = facts.share < TINY_SHARE and facts.low_resolution is not False
    return Finding(holds=holds, evidence=f"labels fill {facts.share:.2%} of the body; {part}")


def _find_low_resolution(facts: StrategyFacts) -> Finding:
    part = "small a part of the body that a" if facts.low_resolution else "large a part of the body that no"
    return Finding(holds=facts.low_resolution, evidence=f"a patch is so {part} low resolution is planned")


def _find_mr(facts: StrategyFacts) -> Finding:
    names = [facts.channels[position] for position in facts.mr_channels]
    return Finding(holds=bool(names), evidence=f"neither CT nor maps, by their names: {', '.join(names) or 'none'}")


def _find_heads(facts: StrategyFacts) -> Finding:
    words = f"{_find_mr(facts).evidence}; {facts.background:.0%} of the scans have an empty background"
    return Finding(holds=bool(facts.mr_channels) and facts.background <= 0.5, evidence=words)


def _find_sides(facts: StrategyFacts) -> Finding:
    if facts.sided:
        words = f"labels that name a side ({', '.join(facts.sided)}) would have to be joined before"
        return Finding(holds=False, evidence=words)
    if facts.flat:
        return Finding(holds=False, evidence="scans of a single slice")
    if facts.paired is None:
        return Finding(holds=None, evidence="components of labels were not counted")
    if not facts.paired:
        return Finding(holds=False, evidence="no label has two components in the median scan")
    return Finding(holds=True, evidence=f"two components in the median scan: {', '.join(facts.paired)}")


def _find_groups(facts: StrategyFacts) -> Finding:
    return Finding(holds=len(facts.groups) > 1, evidence=f"groups of scans: {', '.join(facts.groups) or 'none'}")


def _find_one_site(facts: StrategyFacts) -> Finding:
    words = counted(facts.sites, "site") if facts.sites else "sites are not known"
    return Finding(holds=facts.sites < 2, evidence=words)


def _find_imbalance(facts: StrategyFacts) -> Finding:
    shares = [share for share in facts.shares if share > 0]
    if len(shares) < 2:
        return Finding(holds=False, evidence="fewer than two labels that compete")
    ratio = max(shares) / min(shares)
    return Finding(
        holds=ratio >= RARER, evidence=f"the rarest label fills {ratio:.3g} times less than the most frequent"
    )


def _find_nesting(facts: StrategyFacts) -> Finding:
    if facts.nested is None:
        return Finding(holds=False, evidence="no region lies within another one")
    inner, outer, share = facts.nested
    return Finding(holds=share <= INNER_SHARE and not facts.flat, evidence=f"{inner} fills {share:.0%} of {outer}")


def _find_costly_labels(facts: StrategyFacts) -> Finding:
    words = f"{counted(facts.cases, 'scan')} of {counted(len(facts.labels), 'label')}"
    return Finding(holds=_is_small_set(facts) and len(facts.labels) >= MANY_LABELS, evidence=words)


def _find_nothing(facts: StrategyFacts) -> Finding:
    return Finding(holds=None, evidence="scans do not tell whether there are coarse labels")


CONDITIONS: dict[str, Callable[[StrategyFacts], Finding]] = {
    "patch_level": _find_patch_level,
    "dice_focal": _find_focal,
    "squeeze_excitation": _find_anything,
    "all_channels": _find_channels,
    "thick_slices_2d": _find_thick_slices,
    "tubes_2d": _find_tubes,
    "crop_cascade": _find_tiny,
    "bias_correction": _find_mr,
    "brain_extraction": _find_heads,
    "one_side": _find_sides,
    "separate_models": _find_groups,
    "external_loss": _find_one_site,
    "class_weights": _find_imbalance,
    "parent_organ": _find_nesting,
    "label_loop": _find_costly_labels,
    "coarse_then_fine": _find_nothing,
    "short_of_memory": _find_low_resolution,
}
