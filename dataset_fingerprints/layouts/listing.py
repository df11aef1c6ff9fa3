"""Data sets of which only one side is asked for: scans to predict, or label maps to compare with."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dataset_fingerprints.dataset import Case, LabelScheme
from dataset_fingerprints.errors import DataError
from dataset_fingerprints.files.places import resolve
from dataset_fingerprints.layouts.bids import holds_bids, list_bids_files
from dataset_fingerprints.layouts.csv_of_paths import list_csv
from dataset_fingerprints.layouts.description import (
    expect_labels,
    read_description,
    read_scheme,
    refuse_unusable_names,
)
from dataset_fingerprints.layouts.flat import holds_kinds
from dataset_fingerprints.layouts.mask_folders import SCHEME, is_mask_folder
from dataset_fingerprints.layouts.modalities import canonical
from dataset_fingerprints.layouts.msd import is_msd, list_msd, read_msd_labels
from dataset_fingerprints.layouts.nnunet import holds_nnunet, list_nnunet_labels, list_nnunet_scans
from dataset_fingerprints.layouts.paired import is_paired, read_known_pair
from dataset_fingerprints.layouts.patients import holds_patients, list_patients
from dataset_fingerprints.layouts.selection import AUTOMATIC, Selection, refuse_selection
from dataset_fingerprints.layouts.table_text import is_table
from dataset_fingerprints.layouts.tree_choice import choose_labels, pick_images, show_kinds
from dataset_fingerprints.layouts.tree_files import Tree
from dataset_fingerprints.layouts.trees import RENAME, without_tests
from dataset_fingerprints.names import counted, some_of
from dataset_fingerprints.reading.file_names import images_in, split_channel, stem_of


@dataclass(frozen=True, kw_only=True, slots=True)
class ListedScan:
    """A case of a data set whose scan is asked for.

    Attributes:
        images: one path per channel, None for one that it does not have, or a single file that holds all.
    """

    name: str
    images: tuple[Path | None, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class ListedLabel:
    """A case of a data set whose label map is asked for.

    Attributes:
        aliases: names under which masks of it may be found: that of the case, and those of its files.
    """

    name: str
    label: Path
    aliases: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class References:
    """The label maps of a data set.

    Attributes:
        scheme: their labels, where the data set names them.
    """

    cases: tuple[ListedLabel, ...]
    scheme: LabelScheme | None


def find_layout(place: Path) -> str:
    """Return the layout of a data set; empty for a scan, or a folder of scans."""
    found = _recognise(place)
    return "" if found is None else found[0]


def list_scans(place: Path, channels: Sequence[str], selection: Selection = AUTOMATIC) -> tuple[ListedScan, ...] | None:
    """List the scans of a data set under the names that its cases have in training; label maps are not asked for.

    Args:
        place: a CSV, or the folder of a data set.
        channels: the names of those that the model has.
        selection: the files that are these channels, where their names do not say so.

    Returns:
        The scans; None where the place is no data set, but a scan, or a folder of scans.

    Raises:
        DataError: it is not clear which files are the channels.
    """
    found = _recognise(place)
    if found is None:
        return None
    layout, root, description = found
    if layout in _TREES:
        return _list_tree(_read_tree(layout, root), channels, selection)
    if layout == "csv":
        return _list_table(root, channels, selection)
    refuse_selection(place, selection)
    if layout == "nnunet":
        return tuple(
            ListedScan(name=name, images=images)
            for name, images in list_nnunet_scans(root, description, len(channels)).items()
        )
    cases = list_msd(root, description) if layout == "msd" else read_known_pair(root, description).cases
    return tuple(ListedScan(name=case.name, images=case.image_paths()) for case in cases)


def list_references(place: Path, selection: Selection = AUTOMATIC) -> References | None:
    """List the label maps of a data set under the names that its cases have in training.

    Args:
        place: a CSV, or the folder of a data set.
        selection: the kind of label maps, where there are several.

    Returns:
        The label maps; None where the place is no data set, but a label map, or a folder of such.

    Raises:
        DataError: there are none, or it is not clear which are meant.
    """
    found = _recognise(place)
    if found is None:
        return None
    layout, root, description = found
    scheme = _read_scheme(layout, root, description)
    if layout in _TREES:
        tree = without_tests(_read_tree(layout, root))
        labels = choose_labels(tree, selection)
        cases = tuple(
            ListedLabel(
                name=case.name,
                label=labels[case.name].path,
                aliases=(case.name, *(stem_of(file.path) for file in (*case.images(), labels[case.name]))),
            )
            for case in tree.cases
            if case.name in labels
        )
        if scheme is None and any(map(is_mask_folder, labels.values())):
            scheme = SCHEME
        if not cases:
            raise DataError(f"{place}: holds no label maps. Found: {show_kinds(tree, labels=False)}.")
        return References(cases=cases, scheme=scheme)
    if layout == "csv":
        listed: Sequence[Case] = list_csv(root, ("label",), selection).cases
    else:
        refuse_selection(place, selection)
        listed = _READERS[layout](root, description)
    return References(cases=tuple(_as_label(case) for case in listed if case.label), scheme=scheme)


def list_masks(place: Path) -> dict[str, Path] | None:
    """Return the label maps of a BIDS tree that holds nothing else, by case; None for another place.

    Raises:
        DataError: it is not clear which are meant.
    """
    found = _recognise(place)
    if found is None or found[0] != "bids":
        return None
    tree = _read_tree(*found[:2])
    if any(case.images() for case in tree.cases):
        return None
    return {name: file.path for name, file in choose_labels(tree, AUTOMATIC).items()}


def _recognise(place: Path) -> tuple[str, Path, Mapping[str, Any]] | None:
    """Return the layout of a data set, its place and its dataset.json; None for what is no data set."""
    if is_table(place):
        root = resolve(place.parent) / place.name
        return "csv", root, read_description(root.parent / "dataset.json")
    if not place.is_dir() or (_holds_plain_files(place) and not holds_kinds(place)):
        return None
    root = resolve(place)
    description = read_description(root / "dataset.json")
    if _holds_plain_files(place):
        return "patients", root, description
    if is_paired(root, description):
        return "paired", root, description
    if is_msd(root, description):
        return "msd", root, description
    if holds_nnunet(root, description):
        return "nnunet", root, description
    layout = next((name for name, holds in (("bids", holds_bids), ("patients", holds_patients)) if holds(root)), None)
    return None if layout is None else (layout, root, description)


def _holds_plain_files(folder: Path) -> bool:
    return bool(images_in(folder, series=False))


def _read_tree(layout: str, root: Path) -> Tree:
    tree = _TREES[layout](root)
    refuse_unusable_names(root, [case.name for case in tree.cases], RENAME)
    return tree


def _list_tree(tree: Tree, channels: Sequence[str], selection: Selection) -> tuple[ListedScan, ...]:
    if selection.mask:
        raise DataError(f"{tree.root}: --mask chooses label maps, of which none are asked for. Leave it out.")
    names = selection.channels or channels
    if len(names) != len(channels):
        raise DataError(
            f"--channel is given {counted(len(names), 'time')}. Expected one for each channel of the model, in this "
            f"order: {some_of(channels, 10)}."
        )
    picked = [_pick(tree, name) for name in names]
    if not any(picked):
        kinds = {file.kind() for case in tree.cases for file in case.images()}
        if len(channels) == len(kinds) == 1 and not selection.channels:
            picked = [pick_images(tree, kinds.pop())]
        else:
            example = " ".join(f"--channel {kind}" for kind in sorted(kinds)[: len(channels)])
            raise DataError(
                f"{tree.root}: holds no images of the model's channels ({some_of(names, 10)}). Found: "
                f"{show_kinds(tree, labels=False)}. Say which of them are the channels, in this order, for example "
                f"{example}."
            )
    scans = (
        ListedScan(name=case.name, images=tuple(_path_of(images.get(case.name)) for images in picked))
        for case in tree.cases
    )
    return tuple(scan for scan in scans if any(scan.images))


def _pick(tree: Tree, name: str) -> Mapping[str, Any]:
    """Return the images of a channel; a space in its name counts only in trees that have files of it."""
    return pick_images(tree, name) or pick_images(tree, name.rsplit("_", 1)[-1])


def _path_of(file: Any) -> Path | None:
    return None if file is None else file.path


def _list_table(path: Path, channels: Sequence[str], selection: Selection) -> tuple[ListedScan, ...]:
    listing = list_csv(path, ("image",), selection)
    places = _match(path, channels, listing.channels)
    return tuple(
        ListedScan(
            name=case.name,
            images=tuple(None if at is None or not case.images[at] else Path(case.images[at]) for at in places),
        )
        for case in listing.cases
    )


def _match(path: Path, wanted: Sequence[str], found: Sequence[str]) -> tuple[int | None, ...]:
    """Return where each channel of the model stands among those of a CSV; None for one that is not there."""
    if not found:
        return (0,)
    if all(name.isdigit() for name in wanted) or all(name.isdigit() for name in found):
        if len(wanted) == len(found):
            return tuple(range(len(found)))
    else:
        known = {canonical(name): place for place, name in enumerate(found)}
        places = tuple(known.get(canonical(name)) for name in wanted)
        if any(place is not None for place in places):
            return places
    columns = ", ".join(f"image:{name}" for name in wanted)
    raise DataError(
        f"{path}: has images of the channels {some_of(found, 10)}, but those of the model are {some_of(wanted, 10)}. "
        f"Call the columns {columns}, or choose with --channel, one for each in this order."
    )


def _as_label(case: Case) -> ListedLabel:
    stems = [stem_of(path) for path in (*case.image_paths(), case.label_path())]
    return ListedLabel(
        name=case.name,
        label=case.label_path(),
        aliases=(case.name, *stems, *(split_channel(stem)[0] for stem in stems)),
    )


def _read_scheme(layout: str, root: Path, description: Mapping[str, Any]) -> LabelScheme | None:
    if "labels" not in description:
        return None
    path = (root.parent if layout == "csv" else root) / "dataset.json"
    if layout == "msd":
        return read_msd_labels(root, description)
    return read_scheme(path, expect_labels(path, description["labels"]), description.get("regions_class_order"))


def _read_pair(root: Path, description: Mapping[str, Any]) -> Sequence[Case]:
    return read_known_pair(root, description).cases


_TREES: dict[str, Callable[[Path], Tree]] = {"bids": list_bids_files, "patients": list_patients}
_READERS: dict[str, Callable[[Path, Mapping[str, Any]], Sequence[Case]]] = {
    "paired": _read_pair,
    "msd": list_msd,
    "nnunet": list_nnunet_labels,
}
