"""Why a candidate is taken, or not, in words."""

from __future__ import annotations

from autoseg.selection.component_tables import LARGE_MM3
from autoseg.selection.cross_fitting import MOST_DICE_LOST, MOST_RECALL_LOST, CrossFitted
from dataset_fingerprints.names import counted


def describe_source(source: tuple[str, ...]) -> str:
    """Return configurations in words."""
    return source[0] if len(source) == 1 else f"mean of {', '.join(source[:-1])} and {source[-1]}"


# Of fewer, a gain by chance may look like one for sure.
LEAST_SUBJECTS = 10


def explain(found: CrossFitted, subjects: int) -> tuple[bool, str]:
    """Return whether the best candidate is taken, and why.

    Args:
        found: the choice.
        subjects: that were scored.
    """
    if subjects < LEAST_SUBJECTS:
        return False, f"of {counted(subjects, 'subject')} nobody can tell; {LEAST_SUBJECTS} are needed"
    if found.best == 0:
        return False, "nothing is better on all cases together"
    if found.holds():
        return True, "its gain is more than chance, and neither Dice nor large lesions are lost"
    reasons = []
    if found.change.gain.low <= 0:
        reasons.append("its gain may be chance: the interval reaches 0")
    if found.differs():
        reasons.append("the folds chose others, which gained more than it does on all cases")
    if found.loses_dice():
        reasons.append(f"Dice falls by {-found.change.dice:.4f}, more than {MOST_DICE_LOST:g}")
    lost = found.change.large_recall
    if lost is not None and found.loses_lesions():
        reasons.append(
            f"{-100 * lost:.1f} % of the lesions of {LARGE_MM3:g} mm3 or more are lost, more than "
            f"{100 * MOST_RECALL_LOST:g} %"
        )
    return False, "; ".join(reasons) or "its gain is too small to be seen"
