"""Trained models that trainings start from: which of their channels and labels are those of a data set."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from operator import not_
from typing import Annotated

from pydantic import Field

from dataset_fingerprints.dataset import LabelScheme
from dataset_fingerprints.names import check_fold_name, check_folder_name, counted

BACKGROUND = "background"


@dataclass(frozen=True, kw_only=True, slots=True)
class Task:
    """Inputs and outputs of a network.

    Attributes:
        channels: of the scans.
        scheme: of the labels.
        masks: configurations whose masks it sees beside the scans.
        mask_schemes: their labels; empty, and not written, where these are those of the network.
        neighbours: slices on either side of its own that a 2D network sees as well (`planners.plan.Configuration`).
    """

    channels: tuple[str, ...]
    scheme: LabelScheme
    masks: tuple[str, ...] = ()
    mask_schemes: Annotated[tuple[LabelScheme, ...], Field(exclude_if=not_)] = ()
    neighbours: Annotated[int, Field(exclude_if=not_)] = 0

    def list_mask_schemes(self) -> tuple[LabelScheme, ...]:
        """Return the labels of each mask."""
        return self.mask_schemes or (self.scheme,) * len(self.masks)

    def inputs_of_slice(self) -> int:
        """Return the channels that the network sees of each slice, or of the whole patch in 3D."""
        return len(self.channels) + sum(len(scheme.heads().targets()) for scheme in self.list_mask_schemes())

    def inputs(self) -> int:
        """Return the channels that the network sees."""
        return self.inputs_of_slice() * (1 + 2 * self.neighbours)


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelStart:
    """Model that a training started from.

    Attributes:
        name: of the file or folder that it was read from.
        sha256: of its weights.
        configuration: that the weights are of.
        fold: the same.
        task: of its network.
        report: what of it could be used, in sentences.
    """

    name: str
    sha256: str
    configuration: str
    fold: str
    task: Task
    report: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        check_folder_name(self.configuration, "a configuration")
        check_fold_name(self.fold)

    def describe(self) -> str:
        """Return in words which weights these are."""
        return f"{self.name} ({self.configuration}, fold {self.fold}, weights {self.sha256[:12]})"


@dataclass(frozen=True, kw_only=True, slots=True)
class SeenBefore:
    """Cases that earlier models were trained on, of those that a training started from, directly or by others.

    Attributes:
        scans: hashes of the files of their scans.
        models: names of the models.
        unknown: names of those models of which nobody knows the cases.
    """

    scans: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()

    def join(self, other: SeenBefore) -> SeenBefore:
        """Return all cases of both."""
        return SeenBefore(
            scans=tuple(sorted({*self.scans, *other.scans})),
            models=tuple(sorted({*self.models, *other.models})),
            unknown=tuple(sorted({*self.unknown, *other.unknown})),
        )


NOTHING_SEEN = SeenBefore()


@dataclass(frozen=True, kw_only=True, slots=True)
class Transfer:
    """Places of a network's channels and heads in those of a model.

    Attributes:
        channels: for each channel of the scans, that of the model; None for one that it does not know.
        known_channels: number of the model's channels of scans.
        masks: for each channel of a mask, that of the model, counted from its first input; None as before.
        heads: for each head, that of the model; None as before.
        neighbours: for each channel of neighbouring slices, as `masks`.
    """

    channels: tuple[int | None, ...]
    known_channels: int
    masks: tuple[int | None, ...]
    heads: tuple[int | None, ...]
    neighbours: tuple[int | None, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class _Named:
    name: str
    values: tuple[int, ...]


def match_tasks(mine: Task, model: Task) -> Transfer:
    """Return which channels and labels of a network are those of a model.

    Channels are the same by their names; where none is and there are as many, by their places. Labels and regions are
    the same by their names, or else by their values; those of labels that compete and of regions that overlap never
    are: they mean other numbers.
    """
    channels = _match_channels(mine.channels, model.channels)
    heads: tuple[int | None, ...] = (None,) * mine.scheme.heads().count()
    if mine.scheme.heads().exclusive == model.scheme.heads().exclusive:
        heads = _match_named(_list_heads(mine.scheme), _list_heads(model.scheme))
    masks = tuple(_match_masks(mine, model))
    return Transfer(
        channels=channels,
        known_channels=len(model.channels),
        masks=masks,
        heads=heads,
        neighbours=tuple(_match_neighbours((*channels, *masks), mine, model)),
    )


def describe_match(mine: Task, model: Task) -> Iterator[str]:
    """Yield in sentences which channels and labels of a network start as those of a model, and how the others do."""
    found = match_tasks(mine, model)
    if mine.channels != model.channels:
        yield _describe_channels(mine.channels, model.channels, found.channels)
    if found.masks and None in found.masks:
        yield f"Masks of {', '.join(mine.masks)}: unknown to the model, they start without any effect."
    if mine.neighbours > model.neighbours:
        yield f"Slices on either side: the model sees {model.neighbours}; further ones start without any effect."
    exclusive = mine.scheme.heads().exclusive
    if exclusive != model.scheme.heads().exclusive:
        kinds = ("labels that compete", "regions that overlap")
        own, others = kinds if exclusive else kinds[::-1]
        yield f"The model segments {others}, this data set has {own}: all outputs start at random."
    elif _list_heads(mine.scheme) != _list_heads(model.scheme):
        yield _describe_labels(_list_heads(mine.scheme), _list_heads(model.scheme), found.heads)


def _match_channels(mine: Sequence[str], model: Sequence[str]) -> tuple[int | None, ...]:
    known = {name.casefold(): place for place, name in enumerate(model)}
    found = tuple(known.get(name.casefold()) for name in mine)
    if any(place is not None for place in found) or len(mine) != len(model):
        return found
    return tuple(range(len(mine)))


def _match_masks(mine: Task, model: Task) -> Iterator[int | None]:
    """Yield for each channel of a mask that of the model, where both see masks of equally many configurations."""
    theirs = [_list_targets(scheme) for scheme in model.list_mask_schemes()]
    first = len(model.channels)
    for number, scheme in enumerate(mine.list_mask_schemes()):
        own = _list_targets(scheme)
        if number >= len(theirs):
            yield from (None for _ in own)
            continue
        yield from (None if place is None else first + place for place in _match_named(own, theirs[number]))
        first += len(theirs[number])


def _match_neighbours(own: Sequence[int | None], mine: Task, model: Task) -> Iterator[int | None]:
    """Yield for each channel of neighbouring slices that of the model: the same channel of the same slice."""
    for number in range(1, 1 + 2 * mine.neighbours):
        there = number <= 2 * model.neighbours
        first = number * model.inputs_of_slice()
        yield from (first + place if there and place is not None else None for place in own)


def _match_named(mine: Sequence[_Named], model: Sequence[_Named]) -> tuple[int | None, ...]:
    names = {entry.name.casefold(): place for place, entry in enumerate(model)}
    found = [names.get(entry.name.casefold()) for entry in mine]
    left = {entry.values: place for place, entry in enumerate(model) if place not in found}
    by_value = (left.get(entry.values) for entry in mine)
    return tuple(first if first is not None else second for first, second in zip(found, by_value, strict=True))


def _list_heads(scheme: LabelScheme) -> tuple[_Named, ...]:
    first = (_Named(name=BACKGROUND, values=(0,)),) if scheme.heads().exclusive else ()
    return (*first, *_list_targets(scheme))


def _list_targets(scheme: LabelScheme) -> tuple[_Named, ...]:
    if scheme.regions:
        return tuple(_Named(name=region.name, values=region.values) for region in scheme.regions)
    return tuple(_Named(name=label.name, values=(label.value,)) for label in scheme.labels)


def _describe_channels(mine: Sequence[str], model: Sequence[str], found: Sequence[int | None]) -> str:
    taken = [_pair(name, model[place]) for name, place in zip(mine, found, strict=True) if place is not None]
    new = [name for name, place in zip(mine, found, strict=True) if place is None]
    dropped = [name for place, name in enumerate(model) if place not in found]
    parts = [f"{', '.join(taken)} as in the model"] if taken else []
    parts += [f"{', '.join(new)} new, starting as the mean of the model's {', '.join(model)}"] if new else []
    parts += [f"the model's {', '.join(dropped)} dropped"] if dropped else []
    return f"Channels: {'; '.join(parts)}."


def _describe_labels(mine: Sequence[_Named], model: Sequence[_Named], found: Sequence[int | None]) -> str:
    taken = [_pair(own.name, model[place].name) for own, place in zip(mine, found, strict=True) if place is not None]
    new = [own.name for own, place in zip(mine, found, strict=True) if place is None]
    dropped = [entry.name for place, entry in enumerate(model) if place not in found]
    what = "label" if mine and mine[0].name == BACKGROUND else "region"
    parts = [f"{', '.join(taken)} as in the model"] if taken else []
    parts += [f"{', '.join(new)} new, starting at random"] if new else []
    parts += [f"{counted(len(dropped), what)} of the model dropped ({', '.join(dropped)})"] if dropped else []
    return f"{what.capitalize()}s: {'; '.join(parts)}."


def _pair(own: str, other: str) -> str:
    return own if own.casefold() == other.casefold() else f"{own} (there {other})"
