"""Labels that masks hold and no reference does, where nobody said what to score."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

from autoseg.evaluation.cases import CaseScores
from dataset_fingerprints.names import counted

_log = logging.getLogger(__name__)


def find_strays(cases: Sequence[CaseScores]) -> Mapping[int | str, int]:
    """Return the labels of masks that no reference holds, with the number of masks; none where references hold none.

    Scored, such a label would count as perfect in every case that lacks it on both sides.
    """
    held = {scores.label for case in cases for scores in case.labels if scores.presence in ("both", "missed")}
    invented = Counter(scores.label for case in cases for scores in case.labels if scores.presence == "invented")
    return {label: count for label, count in sorted(invented.items()) if label not in held} if held else {}


def leave_out(case: CaseScores, labels: Mapping[int | str, int]) -> CaseScores:
    """Return a case's scores without some labels."""
    return replace(case, labels=tuple(scores for scores in case.labels if scores.label not in labels))


def warn_of_strays(strays: Mapping[int | str, int], cases: Sequence[CaseScores]) -> None:
    """Say which labels are not scored, and how they are; and whether they may be what the references call otherwise.

    Args:
        strays: the labels, with the number of masks.
        cases: the scores of the other labels.
    """
    if not strays:
        return
    for label, count in strays.items():
        _log.warning(
            "label %s is in %s and in no reference: it is not scored. --label %s scores it",
            label,
            counted(count, "mask"),
            label,
        )
    own = {scores.label for case in cases for scores in case.labels}
    predicted = {s.label for case in cases for s in case.labels if s.presence in ("both", "invented")}
    if len(own) == len(strays) == 1 and not predicted:
        (true,), (stray,) = own, strays
        _log.warning(
            "no mask holds label %s of the references, but label %s: if both mean the same, `--region lesion=%s,%s` "
            "scores them as one",
            true,
            stray,
            true,
            stray,
        )
