"""Channels that several data sets share, by their names, and where each of them has them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from dataset_fingerprints.combining.part import Part
from dataset_fingerprints.dataset import Case
from dataset_fingerprints.layouts.modalities import canonical
from dataset_fingerprints.names import some_of

_MOST = 10


def choose_channels(parts: Sequence[Part], asked: Sequence[str]) -> tuple[str, ...]:
    """Return the channels of the combined data set: those asked for, or all that any of the data sets has.

    Args:
        parts: the data sets.
        asked: names of channels, in the order wanted; empty for all.
    """
    if asked:
        return tuple(asked)
    named: dict[str, str] = {}
    for name in (channel for part in parts for channel in part.dataset.channels):
        named.setdefault(canonical(name), name)
    return tuple(named.values())


def find_channels(
    parts: Sequence[Part], channels: Sequence[str]
) -> tuple[Mapping[str, tuple[int, ...]], tuple[str, ...]]:
    """Return for each data set the places of the channels in its cases, and in sentences what is lacking.

    Channels without names, which a data set numbers, are taken by their places where there are as many.

    Args:
        parts: the data sets.
        channels: those of the combined one.
    """
    places: dict[str, tuple[int, ...]] = {}
    spelled = [canonical(name) for name in channels]
    doubled = [name for name, spelling in zip(channels, spelled, strict=True) if spelled.count(spelling) > 1]
    problems = [f"the channels {', '.join(doubled)} are one. Name each channel once."] if doubled else []
    for part in parts:
        own = part.dataset.channels
        known = {canonical(name): place for place, name in enumerate(own)}
        numbered = all(name.isdigit() for name in own) and len(own) == len(channels)
        found = {name: place if numbered else known.get(canonical(name)) for place, name in enumerate(channels)}
        lacking = [name for name, place in found.items() if place is None]
        if lacking:
            problems.append(
                f"{part.name}: has no channel {some_of(lacking, _MOST)}, only {some_of(own, _MOST)}"
                f"{_advise_common(parts)}."
            )
            continue
        places[part.name] = tuple(place for place in found.values() if place is not None)
        joined = [case.name for case in part.dataset.cases if len(case.images) < len(own)]
        if joined and list(places[part.name]) != list(range(len(own))):
            problems.append(
                f"{part.name}: all channels of a case lie in one file, for example those of {joined[0]}, so that "
                "single ones cannot be referred to. Write one file per channel first."
            )
    return places, tuple(problems)


def pick_images(case: Case, places: Sequence[int]) -> tuple[str, ...]:
    """Return the files of the channels at some places; the one file where it holds all of them."""
    return tuple(case.images[place] for place in places) if len(case.images) > max(places) else case.images


def _advise_common(parts: Sequence[Part]) -> str:
    """Return which channels all data sets have, as the end of a sentence."""
    common = [
        name
        for name in parts[0].dataset.channels
        if all(canonical(name) in map(canonical, part.dataset.channels) for part in parts)
    ]
    return f". All of them have {some_of(common, _MOST)}: choose with --channel" if common else ""
