"""Records of searches that were never held."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from autoseg.models.selection import Change, Gain, Trial
from autoseg.pipeline.tuning.records import Candidate, Outcome, RungResult, TrialRecord, TuningRecord
from autoseg.pipeline.tuning.schedule import Length, divide
from autoseg.workspace.tuning import TuningFolder
from planners.plan import Fold

NAME = "3d_fullres"


def make_folder(root: Path) -> TuningFolder:
    return TuningFolder(root=root / "fold_0", fold="0")


def make_record(**changes: Any) -> TuningRecord:
    """Return the record of a search of four candidates, two of which go on."""
    values: dict[str, Any] = {
        "plan": "default",
        "configuration": NAME,
        "fold": "0",
        "values": "plan",
        "contents": "scans",
        "hours": None,
        "iterations": 4,
        "seed": 0,
        "over": ("rate",),
        "score": "dice",
        "cases": Fold(train=("a", "b"), validation=("c",)),
        "inner": Fold(train=("a",), validation=("b",)),
        "schedule": divide(None, 4, 4),
    }
    return TuningRecord(**{**values, **changes})


def make_trial(number: int, *scores: float, refused: str = "") -> TrialRecord:
    """Return a trial with its scores by rung; 0 is the plan as it is."""
    changes = {"rate": f"way {number}"} if number else {}
    results = tuple(
        RungResult(rung=rung, iterations=1, seconds=1.0, score=score, dice=score, lesion_f1=score)
        for rung, score in enumerate(scores)
    )
    return TrialRecord(candidate=Candidate(number=number, changes=changes, refused=refused), results=results)


def make_outcome(**changes: Any) -> Outcome:
    """Return the outcome of a search whose best candidate was compared, and is taken."""
    trial = Trial(
        subject="",
        before="as planned",
        best="rate times 3",
        taken=True,
        reason="its gain is more than chance",
        candidates=4,
        agreeing=3,
        change=Change(
            score=(0.5, 0.6),
            gain=Gain(mean=0.1, low=0.02, high=0.18),
            dice=0.1,
            large_recall=-0.01,
            small_recall=None,
        ),
    )
    values: dict[str, Any] = {
        "best": 1,
        "assignments": (f"{NAME}.training.optimizer.options.lr=0.03",),
        "trial": trial,
        "length": Length(iterations=4),
        "pairs": 3,
        "subjects": 11,
    }
    return Outcome(**{**values, **changes})
