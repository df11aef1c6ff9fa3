"""Several data sets as one: which cases it has, and what their labels become."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from dataset_fingerprints.combining.channels import choose_channels, find_channels, pick_images
from dataset_fingerprints.combining.meanings import Meaning, Meanings, Rule, choose_meanings
from dataset_fingerprints.combining.part import Part
from dataset_fingerprints.dataset import DATA_SET, Case, LabelScheme
from dataset_fingerprints.errors import DataError
from dataset_fingerprints.names import counted, is_case_name
from dataset_fingerprints.reading.file_names import find_alike


@dataclass(frozen=True, kw_only=True, slots=True)
class CombinedCase:
    """A case of a combined data set.

    Attributes:
        case: with the files of its own data set.
        values: new value of every label of the file; empty where all stay.
    """

    case: Case
    values: Mapping[int, int]


@dataclass(frozen=True, kw_only=True, slots=True)
class Combined:
    """Several data sets as one."""

    channels: tuple[str, ...]
    scheme: LabelScheme
    cases: tuple[CombinedCase, ...]
    meanings: Meanings

    def tasks(self) -> tuple[str, ...]:
        """Return the tasks, each once."""
        return tuple(dict.fromkeys(one.case.task for one in self.cases))


def combine(
    parts: Sequence[Part],
    channels: Sequence[str],
    rule: Rule,
    said: Sequence[Meaning] = (),
    *,
    same_subjects: bool = False,
) -> Combined:
    """Return several data sets as one.

    Cases are called by their data set and their own name, so that names, subjects and groups stay apart. Their site is
    that of their data set, with what it knows of the site behind it.

    Args:
        parts: the data sets.
        channels: names of those that it has; empty for all, which each data set must have then.
        rule: by which labels get their new meaning.
        said: a person's word on single labels.
        same_subjects: subjects that are called alike in several data sets are one person, as where readers drew on the
            same scans: no two folds share them.

    Raises:
        DataError: they do not fit together; the message names everything that is in the way.
    """
    chosen = choose_channels(parts, channels)
    places, lacking = find_channels(parts, chosen)
    meanings, clashes = choose_meanings(parts, rule, said)
    problems = [*_find_name_problems(parts), *lacking, *clashes]
    if problems or meanings is None:
        listed = "\n".join(f"  {problem}" for problem in problems)
        raise DataError(f"The data sets do not fit together ({counted(len(problems), 'problem')}).\n{listed}")
    cases = [_combine_case(part, case, places[part.name], meanings) for part in parts for case in part.dataset.cases]
    if same_subjects:
        own = [case.subject for part in parts for case in part.dataset.cases]
        cases = [replace(one, case=replace(one.case, subject=subject)) for one, subject in zip(cases, own, strict=True)]
    return Combined(channels=chosen, scheme=meanings.scheme, cases=tuple(cases), meanings=meanings)


def _combine_case(part: Part, case: Case, places: Sequence[int], meanings: Meanings) -> CombinedCase:
    values = meanings.values_for(part, case)
    combined = replace(
        case,
        name=f"{part.name}_{case.name}",
        images=pick_images(case, places),
        subject=f"{part.name}_{case.subject}",
        site=f"{part.name} {case.site}".strip(),
        group=f"{part.name} {case.group}" if case.group else "",
        task=part.task_of(case),
        others={**case.others, DATA_SET: part.name},
    )
    changed = any(value != new for value, new in values.items())
    return CombinedCase(case=combined, values=values if changed else {})


def _find_name_problems(parts: Sequence[Part]) -> list[str]:
    names = [part.name for part in parts]
    every = [f"{part.name}_{case.name}" for part in parts for case in part.dataset.cases]
    unusable = [name for name in names if not is_case_name(name) or " " in name]
    twice = sorted({name for name in names if names.count(name) > 1})
    return [
        *(f"'{name}' cannot name a data set. Expected text that can begin a file's name." for name in unusable),
        *(f"two data sets are called {name}. Give each a name of its own." for name in twice),
        *(
            f"cases would share a name: {' and '.join(alike)}. Name the data sets otherwise."
            for alike in find_alike(every)
        ),
    ]
