"""Inputs of `predict`: scans, folders, data sets and DICOM series, one or several of them."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby
from pathlib import Path

from autoseg.pipeline.predictions.places import report_folder
from autoseg.pipeline.scans.new_scans import NewScan, find_files, find_scans, list_left_out
from dataset_fingerprints.errors import DataError
from dataset_fingerprints.files.places import identify_place, is_within
from dataset_fingerprints.layouts import AUTOMATIC, Selection, find_layout, find_lone_scans
from dataset_fingerprints.names import refuse_undecodable, some_of
from dataset_fingerprints.reading.images import is_image


@dataclass(frozen=True, kw_only=True, slots=True)
class Search:
    """Options of finding scans; all have a default.

    Attributes:
        zero_missing: take scans that lack some of their channels.
        series: take only the DICOM series of this description or UID; empty for all.
        selection: the files of a data set that are the channels.
    """

    zero_missing: bool = False
    series: str = ""
    selection: Selection = AUTOMATIC


@dataclass(frozen=True, kw_only=True, slots=True)
class Input:
    """A path that a person gave, and the scans that were found there.

    Attributes:
        place: the path.
        layout: of the data set that it is; empty for a scan, or a folder of scans.
        scans: that no earlier input has.
    """

    place: Path
    layout: str
    scans: tuple[NewScan, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Inputs:
    """All inputs, in the order in which they were given.

    Attributes:
        apart: folders that masks go to, which do not belong to the inputs.
    """

    all: tuple[Input, ...]
    apart: tuple[Path, ...] = field(default=())

    def scans(self) -> tuple[NewScan, ...]:
        """Return all scans."""
        return tuple(scan for one in self.all for scan in one.scans)

    def layout(self) -> str:
        """Return the layout that all inputs have; empty for several, and for plain scans."""
        layouts = {one.layout for one in self.all}
        return layouts.pop() if len(layouts) == 1 else ""

    def left_out(self) -> list[str]:
        """Return the names of what lies in folders of scans and is not a scan, each with the reason."""
        return [entry for one in self.all for entry in list_left_out(one.place, one.scans, self.apart) if one.scans]


def find_inputs(places: Sequence[Path], channels: Sequence[str], search: Search, out: Path) -> Inputs:
    """Find the scans of all inputs; one that two of them hold is taken once.

    Args:
        places: at least one: scans, folders, data sets or DICOM series.
        channels: the names of those that a scan must have.
        search: options.
        out: where the masks go; those that a killed run left there are not scans.

    Raises:
        DataError: there are none in one of them, channels are missing, several scans are called alike, or a name
            is not text.
    """
    apart = (report_folder(out),)
    found: list[Input] = []
    known: set[tuple[str, ...]] = set()
    for together in _group([find_lone_scans(place) or place for place in places], search):
        for place, layout, scans in _find(together, channels, search, apart):
            left = _without_masks(scans, place, out)
            left = [_without_dots(scan) for scan in left]
            fresh = [scan for scan in left if _identify(scan) not in known] if known else left
            known |= {_identify(scan) for scan in fresh}
            found.append(Input(place=place, layout=layout, scans=tuple(fresh)))
    inputs = Inputs(all=tuple(found), apart=(out, *apart))
    # Neither masks nor records could be called after such a scan.
    for scan in inputs.scans():
        for image in scan.files():
            refuse_undecodable(image)
    _refuse_same_names(inputs.scans())
    return inputs


def _group(places: Sequence[Path], search: Search) -> list[list[Path]]:
    """Return the places in their order, image files of one folder that follow each other together."""
    alone = search != replace(search, series="", selection=AUTOMATIC)

    def folder_of(numbered: tuple[int, Path]) -> tuple[int, Path]:
        number, place = numbered
        return (-1, place.parent) if not alone and is_image(place) and place.is_file() else (number, place)

    numbered = enumerate(dict.fromkeys(places))
    return [[place for _, place in group] for _, group in groupby(numbered, key=folder_of)]


def _find(
    together: Sequence[Path], channels: Sequence[str], search: Search, apart: Sequence[Path]
) -> Iterator[tuple[Path, str, tuple[NewScan, ...]]]:
    """Yield places with their layouts and scans."""
    if len(together) > 1:
        scans = find_files(together, channels, zero_missing=search.zero_missing)
        if scans is not None:
            yield together[0], "", scans
            return
    for place in together:
        found = find_scans(
            place,
            channels,
            zero_missing=search.zero_missing,
            series=search.series,
            selection=search.selection,
            apart=apart,
        )
        yield place, find_layout(place), found


def _without_masks(scans: Sequence[NewScan], place: Path, out: Path) -> Sequence[NewScan]:
    """Return the scans of a folder without those in the folder of the masks, where all of these are masks of others."""
    if not (place.is_dir() and identify_place(out) and is_within(out, place)):
        return scans
    lie_inside = [all(is_within(file.parent, out) for file in scan.files()) for scan in scans]
    inside = [scan for scan, is_inside in zip(scans, lie_inside, strict=True) if is_inside]
    others = [scan for scan, is_inside in zip(scans, lie_inside, strict=True) if not is_inside]
    masks = {os.path.realpath(out / f"{scan.name}{scan.mask_suffix()}") for scan in others}
    return others if all(os.path.realpath(file) in masks for scan in inside for file in scan.files()) else scans


def _without_dots(scan: NewScan) -> NewScan:
    """Return a scan whose paths are spelled without `..`, as they are recorded."""
    images = (Path(os.path.realpath(image)) if image and ".." in image.parts else image for image in scan.images)
    return replace(scan, images=tuple(images))


def _identify(scan: NewScan) -> tuple[str, ...]:
    return tuple("" if image is None else os.path.realpath(image) for image in scan.images)


def _refuse_same_names(scans: Sequence[NewScan]) -> None:
    """Refuse scans of several inputs whose masks would be one file."""
    by_name: dict[str, list[NewScan]] = {}
    for scan in scans:
        by_name.setdefault(scan.name, []).append(scan)
    shared = {name: ones for name, ones in by_name.items() if len(ones) > 1}
    if shared:
        shown = [f"{name} ({' and '.join(str(one.files()[0]) for one in ones)})" for name, ones in shared.items()]
        raise DataError(
            f"the inputs: several scans are called alike, so that their masks would be one file: "
            f"{some_of(shown, 3, '; ')}. "
            "Give the folder that holds them all, whose sub-folders the masks keep, or predict them one after the "
            "other into folders of their own."
        )
