"""Meanings of the labels of several data sets in the one that they become."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from dataset_fingerprints.combining.part import BACKGROUND, IGNORE, Part
from dataset_fingerprints.dataset import Case, Label, LabelScheme
from dataset_fingerprints.names import some_of

# Labels of the same name are one; all are one; each task has one.
Rule = Literal["same", "union", "own"]
RULES: tuple[Rule, ...] = ("same", "union", "own")
UNION = "lesion"


@dataclass(frozen=True, kw_only=True, slots=True)
class Meaning:
    """A person's word on one label: what it is in the combined data set.

    Attributes:
        part: name of the data set.
        label: its name there, or its value.
        becomes: name of a label, `background` or `ignore`.
    """

    part: str
    label: str
    becomes: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Meanings:
    """The labels of a combined data set, and what those of its data sets become."""

    parts: Sequence[Part]
    rule: Rule
    said: Sequence[Meaning]
    scheme: LabelScheme

    def values_for(self, part: Part, case: Case) -> dict[int, int]:
        """Return the new value of every label of a case of a data set, and of what it ignores."""
        new = {BACKGROUND: 0, **{label.name: label.value for label in self.scheme.labels}}
        if self.scheme.ignore_value is not None:
            new[IGNORE] = self.scheme.ignore_value
        scheme, task = part.dataset.labels, part.task_of(case)
        values = {label.value: new[_name(part, label, task, self.rule, self.said)] for label in scheme.labels}
        return values if scheme.ignore_value is None else {**values, scheme.ignore_value: new[IGNORE]}


def choose_meanings(
    parts: Sequence[Part], rule: Rule, said: Sequence[Meaning]
) -> tuple[Meanings | None, tuple[str, ...]]:
    """Return the labels of the combined data set, or None; and in sentences what keeps them from fitting together.

    Args:
        parts: the data sets.
        rule: `same`: labels of the same name are one, and all data sets must have the same; `union`: all labels are
            one; `own`: each task has one label.
        said: a person's word on single labels, over the rule; behind it data sets may have different labels.
    """
    problems = [*_find_unlabelled(parts), *_find_wrong_words(parts, said)]
    if not problems:
        problems += _find_clashes(parts, said) if rule == "same" else []
    if problems:
        return None, tuple(problems)
    schemes = [part.dataset.labels for part in parts]
    if rule == "same" and not said and all(scheme == schemes[0] for scheme in schemes):
        return Meanings(parts=parts, rule=rule, said=said, scheme=schemes[0]), ()
    names = dict.fromkeys(
        _name(part, label, task, rule, said)
        for part in parts
        for task in part.tasks()
        for label in part.dataset.labels.labels
    )
    ignores = IGNORE in names or any(scheme.ignore_value is not None for scheme in schemes)
    labels = [name for name in names if name not in (BACKGROUND, IGNORE)]
    if not labels:
        return None, ("no label is left: all of them become background or are ignored. Expected one or more.",)
    scheme = LabelScheme(
        labels=tuple(Label(name=name, value=value) for value, name in enumerate(labels, start=1)),
        ignore_value=len(labels) + 1 if ignores else None,
    )
    return Meanings(parts=parts, rule=rule, said=said, scheme=scheme), ()


def _name(part: Part, label: Label, task: str, rule: Rule, said: Sequence[Meaning]) -> str:
    """Return what a label is called in the combined data set."""
    for one in said:
        if one.part == part.name and _is_meant(one, label):
            return one.becomes
    return {"same": label.name, "union": UNION, "own": task}[rule]


def _is_meant(one: Meaning, label: Label) -> bool:
    return one.label in (label.name, str(label.value))


def _find_unlabelled(parts: Sequence[Part]) -> Iterator[str]:
    for part in parts:
        if not part.dataset.labels.labels:
            yield f"{part.name}: has no labels. Expected a data set to train on: leave it out."


def _find_wrong_words(parts: Sequence[Part], said: Sequence[Meaning]) -> Iterator[str]:
    known = {part.name: part for part in parts}
    for one in said:
        if one.part not in known:
            yield f"there is no data set '{one.part}' whose labels could be mapped. Expected {' or '.join(known)}."
        elif not any(_is_meant(one, label) for label in known[one.part].dataset.labels.labels):
            yield f"{one.part}: has no label '{one.label}'. Expected one of {_show(known[one.part].dataset.labels)}."
    for part in parts:
        for label in part.dataset.labels.labels:
            words = dict.fromkeys(one.becomes for one in said if one.part == part.name and _is_meant(one, label))
            if len(words) > 1:
                yield (
                    f"{part.name}: label {label.value} ({label.name}) is to become {' and '.join(words)}. Say with one "
                    "--map what it becomes."
                )


def _find_clashes(parts: Sequence[Part], said: Sequence[Meaning]) -> Iterator[str]:
    """Yield which data sets have other labels than the first; a person's word on any settles it, but for regions."""
    schemes = {part.name: part.dataset.labels for part in parts}
    first = schemes[parts[0].name]
    regions = [name for name, scheme in schemes.items() if scheme.regions]
    others = [name for name, scheme in schemes.items() if _names(scheme) != _names(first)]
    if others and not said:
        each = "; ".join(f"{name} has {_show(scheme)}" for name, scheme in schemes.items())
        yield (
            f"the labels clash: {each}. Make them one with --labels union, give each task its own with --labels own, "
            f"or say what they are with --map: --map {others[0]}:{schemes[others[0]].labels[0].value}=NAME."
        )
    elif regions and (said or any(scheme != first for scheme in schemes.values())):
        yield (
            f"{regions[0]}: has regions, which stay only where all data sets have the same labels and regions, and "
            "--map changes none. Use --labels union or own, which leave regions out."
        )


def _names(scheme: LabelScheme) -> frozenset[str]:
    return frozenset(label.name for label in scheme.labels)


def _show(scheme: LabelScheme) -> str:
    return some_of([f"{label.value} ({label.name})" for label in scheme.labels], 10)


def show_meanings(meanings: Meanings) -> Mapping[str, str]:
    """Return for each data set and task what its labels become, in words: `1 (lesion) -> MS`."""
    shown: dict[str, str] = {}
    for part in meanings.parts:
        for task in part.tasks():
            pairs = [
                f"{label.value} ({label.name}) -> {_name(part, label, task, meanings.rule, meanings.said)}"
                for label in part.dataset.labels.labels
            ]
            shown[f"{part.name}, task {task}"] = ", ".join(pairs)
    return shown


def find_without_labels(meanings: Meanings) -> Iterator[tuple[Part, str, tuple[str, ...]]]:
    """Yield data sets and tasks none of whose labels is one in the combined data set, with what they become."""
    for part in meanings.parts:
        for task in part.tasks():
            labels = part.dataset.labels.labels
            names = dict.fromkeys(_name(part, label, task, meanings.rule, meanings.said) for label in labels)
            if names.keys() <= {BACKGROUND, IGNORE}:
                yield part, task, tuple(names)
