"""The public function that makes one data set of several, as `import autoseg` offers it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from autoseg.pipeline.faces.arguments import PATH, Kind, as_several, check_argument
from autoseg.pipeline.faces.located import Location
from autoseg.progress import Progress, SilentProgress

if TYPE_CHECKING:
    from dataset_fingerprints.dataset import Dataset

__all__ = ["combine"]

_RULES = ("same", "union", "own")
RULE = Kind(lambda value: value in _RULES, f"one of {', '.join(_RULES)}")
DATA = Kind(
    lambda value: isinstance(value, Mapping) and bool(value) and all(map(PATH.fits, value.values())),
    'names of data sets with where they lie: {"ms": "/data/MSSEG", "wmh": "/data/WMH"}',
)
MEANINGS = Kind(
    lambda value: (
        isinstance(value, Mapping)
        and all(isinstance(name, str) and ":" in name and isinstance(new, str) for name, new in value.items())
    ),
    'labels of data sets with what they become: {"wmh:1": "WMH", "wmh:2": "background"}',
)


def combine(
    data: Mapping[str, Location],
    out: Location,
    *,
    channels: Sequence[str] = (),
    labels: Literal["same", "union", "own"] = "same",
    meanings: Mapping[str, str] | None = None,
    tasks: Mapping[str, str] | None = None,
    masks: Mapping[str, str] | None = None,
    same_subjects: bool = False,
    progress: Progress | None = None,
) -> Dataset:
    """Write a small folder that stands for several data sets, and return the data set that it is.

    It refers to their files and copies no voxel. Cases have their task, and their data set as `data_set`.

    Args:
        data: names of the data sets, with where they lie, in any layout that training takes.
        out: the folder: new, empty, or that of an earlier combination, which it becomes anew.
        channels: names of those that are taken; empty for all, which each data set must have then.
        labels: `same`: labels of the same name are one, and all data sets must have the same; `union`: all labels
            become one; `own`: each task has one label.
        meanings: what single labels become, over that: {"wmh:2": "background"}; a label is named or given by its value.
        tasks: of the cases of a data set, by its name; else what it says of its cases, or its name.
        masks: of a tree with several kinds of label maps, which are meant, by the name of the data set.
        same_subjects: subjects that are called alike in several data sets are one person, whose cases stay in one fold;
            else those of different data sets are different ones, unless they share a scan.
        progress: receiver of progress reports; None for none.

    Raises:
        AutosegError: the data sets do not fit together, or `out` holds something else; the message names all of it.
    """
    check_argument("data", data, DATA)
    check_argument("out", out, PATH)
    check_argument("labels", labels, RULE)
    check_argument("meanings", meanings or {}, MEANINGS)
    from autoseg.pipeline.combining import CombineOptions, combine_datasets
    from dataset_fingerprints.combining.meanings import Meaning

    words = [(*name.split(":", 1), new) for name, new in (meanings or {}).items()]
    options = CombineOptions(
        channels=as_several(channels),
        labels=labels,
        meanings=tuple(Meaning(part=part, label=label, becomes=new) for part, label, new in words),
        tasks=dict(tasks or {}),
        masks=dict(masks or {}),
        same_subjects=same_subjects,
    )
    places = [(name, Path(place).absolute()) for name, place in data.items()]
    return combine_datasets(places, Path(out).absolute(), options, progress or SilentProgress())
