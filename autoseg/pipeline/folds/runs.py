"""What a fold was begun with: written when it begins, compared when it goes on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from autoseg.workspace.fold import FoldFolder
from dataset_fingerprints.errors import WorkspaceError
from dataset_fingerprints.files.jsonfiles import read_json, write_json
from planners.plan import Plan

# What may differ between the plan that a fold was begun with and today's without changing a result.
_IRRELEVANT = frozenset(
    {
        "decisions",
        "machine",
        "memory_gb",
        "default_configuration",
        "name",
        "dataset",
        "rules",
        "max_hours",
        "postprocessing",
        "folds",
        "steps",
    }
)


def claim_fold(folder: FoldFolder, plan: Plan) -> None:
    """Write the plan into a new folder, or make sure that it is the one that the fold was begun with.

    More iterations than it was begun with only extend it: the plan with the larger number takes the place.

    Raises:
        WorkspaceError: the fold was begun with another plan; the message names the first difference.
    """
    refuse_other_plan(folder, plan)
    write_json(folder.run, plan)


def refuse_other_plan(folder: FoldFolder, plan: Plan) -> None:
    """Make sure that the fold was not begun with another plan, or only with fewer iterations.

    Raises:
        WorkspaceError: it was; the message names the first difference.
    """
    if not folder.run.is_file():
        return
    begun = read_json(folder.run, Plan)
    for field, before, now in _differences(_relevant(begun), _relevant(plan)):
        if field.endswith(".training.iterations") and now > before:
            continue
        raise WorkspaceError(
            f"{folder.root}: was begun with {field} = {before!r}, now it is {now!r}. "
            "Give the same plan and --set values to go on, delete the folder to start over, "
            "or name another plan with --plan."
        )


def _relevant(plan: Plan) -> dict[str, Any]:
    return {key: value for key, value in asdict(plan).items() if key not in _IRRELEVANT}


def _differences(before: Any, now: Any, where: str = "") -> Iterator[tuple[str, Any, Any]]:
    if isinstance(before, dict) and isinstance(now, dict):
        for key in sorted({*before, *now}):
            yield from _differences(before.get(key), now.get(key), f"{where}.{key}" if where else key)
    elif isinstance(before, tuple) and isinstance(now, tuple) and len(before) == len(now):
        for index, (first, second) in enumerate(zip(before, now, strict=True)):
            yield from _differences(first, second, f"{where}[{index}]")
    elif before != now:
        yield where, before, now
