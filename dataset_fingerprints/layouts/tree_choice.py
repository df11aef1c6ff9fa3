"""The files of a tree that are channels and label maps, where several could be meant: one rule, or a message.

A channel is the file of its kind outside of `derivatives` with the fewest words in its name; of several runs the first.
A label map is one that says to hold lesions, if there are such, and that does not contradict the scan's name. Whatever
that leaves open is for a person to choose.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from dataset_fingerprints.errors import DataError
from dataset_fingerprints.geometry import canonical_grid
from dataset_fingerprints.layouts.mask_folders import is_mask_folder
from dataset_fingerprints.layouts.modalities import by_usual_order, canonical
from dataset_fingerprints.layouts.selection import Selection
from dataset_fingerprints.layouts.tree_files import Tree, TreeCase, TreeFile
from dataset_fingerprints.names import counted, some_of
from dataset_fingerprints.reading.alignment import same_place
from dataset_fingerprints.reading.images import read_channel_count, read_grid

# So many cases are asked on which channel's grid the label maps lie.
_CASES_ASKED = 5

_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class Chosen:
    """Files of a case: one per channel, and the label map; None for what it does not have."""

    case: TreeCase
    images: tuple[TreeFile | None, ...]
    label: TreeFile | None


def choose_for_training(tree: Tree, selection: Selection) -> tuple[tuple[str, ...], tuple[Chosen, ...]]:
    """Choose the channels of a tree, and the files of every case that has any of them or a label map.

    The channels are the kinds of images that most labelled cases have, in the usual order, but first the one on whose
    grid the label maps lie.

    Raises:
        DataError: there are no images or no label maps, or it is not clear which are meant; the message says how to
            choose.
    """
    labels = choose_labels(tree, selection)
    labelled = [case for case in tree.cases if case.name in labels] or list(tree.cases)
    spaces = {name: label.space() for name, label in labels.items()}
    names = selection.channels or _common_kinds(tree, labelled)
    picked = {name: pick_images(tree, name, spaces) for name in names}
    for name in names:
        if not picked[name]:
            raise DataError(f"{tree.root}: no image is '{name}' (--channel). Found: {show_kinds(tree, labels=False)}.")
    if not selection.channels and len(names) > 1:
        first = _find_labelled_channel(names, picked, labels)
        names = (first, *(name for name in names if name != first))
    chosen = [
        Chosen(
            case=case,
            images=tuple(picked[name].get(case.name) for name in names),
            label=_choose_compatible(labels.get(case.name), picked[names[0]].get(case.name)),
        )
        for case in tree.cases
    ]
    kept = tuple(entry for entry in chosen if entry.label is not None or any(entry.images))
    _report_left_out(tree, {case.name for case in tree.cases} - {entry.case.name for entry in kept})
    return tuple(_name_channel(tree, name, picked[name]) for name in names), kept


def choose_labels(tree: Tree, selection: Selection) -> dict[str, TreeFile]:
    """Choose the label map of every case that has one; one that was predicted, only where it is asked for.

    Raises:
        DataError: a case has several that could be meant, or none is what was chosen.
    """
    fitting = {
        case.name: [
            file
            for file in case.labels()
            if (file.fits(selection.mask) if selection.mask else not (file.is_anatomy() or file.predicted))
        ]
        for case in tree.cases
    }
    if selection.mask and not any(fitting.values()):
        raise DataError(
            f"{tree.root}: no label map is '{selection.mask}' (--mask). Found: {show_kinds(tree, labels=True)}."
        )
    chosen, unclear = {}, []
    for case in tree.cases:
        left = _narrow(case, fitting[case.name], selection.mask)
        if len(left) > 1:
            unclear.append(left)
        elif left:
            chosen[case.name] = left[0]
    if unclear:
        raise DataError(_describe_rivals(tree, unclear))
    return chosen


def pick_images(tree: Tree, channel: str, spaces: Mapping[str, str] | None = None) -> dict[str, TreeFile]:
    """Return the image of one channel of every case that has it.

    Args:
        tree: whose cases are looked at.
        channel: its kind, such as `T1w` or `acq-highres_T1w`.
        spaces: by case, the space in which its image is to lie if it can; None for any.

    Raises:
        DataError: several images of a case could be meant.
    """
    picked, unclear = {}, []
    for case in tree.cases:
        space = (spaces or {}).get(case.name)
        ranked = [((space is not None and file.space() != space, *file.rank()), file) for file in case.images()]
        fitting = [(rank, file) for rank, file in ranked if file.fits(channel)]
        best = [file for rank, file in fitting if rank == min(rank for rank, _ in fitting)]
        if len({(file.kind(), file.pipeline) for file in best}) > 1 or _are_twins(best):
            unclear.append(best)
        elif best:
            picked[case.name] = min(best, key=lambda file: (file.run(), file.path))
    if unclear:
        rivals = unclear[0]
        kinds = sorted({_describe_kind(file) for file in rivals})
        files = some_of([str(file.path.relative_to(tree.root)) for file in rivals], 4, " and ")
        cure = (
            f"Choose with --channel, for example --channel {kinds[-1]}" if len(kinds) > 1 else "Move all but one away"
        )
        raise DataError(
            f"{tree.root}: {counted(len(unclear), 'case has', 'cases have')} several images of channel {channel}: "
            f"{files}. {cure}."
        )
    return picked


def show_kinds(tree: Tree, *, labels: bool) -> str:
    """Return the kinds of images, or of label maps, of a tree with the number of files of each."""
    files = [file for case in tree.cases for file in (case.labels() if labels else case.images())]
    counts = Counter(_describe_kind(file) for file in files)
    return some_of([f"{kind} ({count})" for kind, count in counts.most_common()], 12) or "none"


def _are_twins(files: Sequence[TreeFile]) -> bool:
    """Return whether two files have one name and run, and differ in their format or folder only."""
    return len({file.run() for file in files}) < len(files)


def _describe_kind(file: TreeFile) -> str:
    return f"{file.pipeline}_{file.kind()}" if file.pipeline else file.kind()


def _narrow(case: TreeCase, files: Sequence[TreeFile], mask: str) -> list[TreeFile]:
    """Leave out label maps that are less likely meant than others of the case; a folder of masks stands for them."""
    if folders := [file for file in files if is_mask_folder(file)]:
        return folders
    if exact := [file for file in files if mask and file.kind().casefold() == mask.casefold()]:
        files = exact
    left = [file for file in files if file.is_lesion()] or list(files)
    plain = [file for file in left if not file.space()]
    if plain and any(not image.space() for image in case.images()):
        left = plain
    kinds = {(file.kind(), file.pipeline) for file in left}
    if len(kinds) == 1 and not _are_twins(left):
        return sorted(left, key=lambda file: (file.run(), file.path))[:1]
    return left


def _choose_compatible(label: TreeFile | None, image: TreeFile | None) -> TreeFile | None:
    """Return a label map unless its name says that it is of another image, such as the second run."""
    return None if label and image and label.contradicts(image) else label


def _describe_rivals(tree: Tree, unclear: Sequence[Sequence[TreeFile]]) -> str:
    kinds = sorted({_describe_kind(file) for rivals in unclear for file in rivals})
    files = some_of([str(file.path.relative_to(tree.root)) for file in unclear[0]], 4, " and ")
    how = (
        f"Choose with --mask, for example --mask {kinds[0]}; or join them into one file, if all are meant"
        if len(kinds) > 1
        else "Keep one of them, or join them"
    )
    have = counted(len(unclear), "case has", "cases have")
    return f"{tree.root}: {have} several label maps: {files}. {how}."


def _common_kinds(tree: Tree, cases: Sequence[TreeCase]) -> tuple[str, ...]:
    """Return the kinds of images that more than half of the cases have, as most files spell them."""
    counts = Counter(kind for case in cases for kind in {canonical(file.suffix) for file in case.images()})
    spelled = Counter(file.suffix for case in cases for file in case.images())
    common = [kind for kind in by_usual_order(counts) if 2 * counts[kind] > len(cases)]
    if len(common) > 1:
        common = [kind for kind in common if not _is_series_of_volumes(cases, kind)] or common
    if not common:
        found = show_kinds(tree, labels=False)
        raise DataError(
            f"{tree.root}: no kind of image is in most of its {counted(len(cases), 'case')}; found: {found}. "
            "Choose the channels with --channel, one for each, or list the files in a CSV."
        )
    return tuple(
        max((name for name in spelled if canonical(name) == kind), key=lambda name: spelled[name]) for kind in common
    )


def _is_series_of_volumes(cases: Iterable[TreeCase], kind: str) -> bool:
    """Return whether files of a kind hold several volumes, as raw diffusion scans do: these are no channel."""
    first = next(file for case in cases for file in case.images() if canonical(file.suffix) == kind)
    with suppress(DataError):
        return read_channel_count(first.path) > 1
    return False


def _find_labelled_channel(
    names: Sequence[str], picked: Mapping[str, Mapping[str, TreeFile]], labels: Mapping[str, TreeFile]
) -> str:
    """Return the first channel on whose grid label maps lie, or else the first one."""
    asked = [case for case in labels if all(case in picked[name] for name in names)][:_CASES_ASKED]
    for name in names:
        if any(_share_grid(picked[name][case].path, labels[case].path) for case in asked):
            return name
    return names[0]


def _share_grid(image: Path, label: Path) -> bool:
    with suppress(DataError):
        first, second = canonical_grid(read_grid(image)), canonical_grid(read_grid(label))
        return first.shape == second.shape and same_place(first, second)
    return False


def _name_channel(tree: Tree, name: str, picked: Mapping[str, TreeFile]) -> str:
    """Return a channel's name, with the space that the label maps chose: trees without label maps need it, too."""
    spaces = {file.space() for file in picked.values()}
    with suppress(DataError):
        if pick_images(tree, name) == picked:
            return name
    return f"space-{next(iter(spaces))}_{name}" if len(spaces) == 1 and "" not in spaces else name


def _report_left_out(tree: Tree, names: Iterable[str]) -> None:
    left = sorted(names)
    if left:
        have = counted(len(left), "case has", "cases have")
        _log.warning(
            "%s: %s none of the channels and no label map, and is left out: %s.", tree.root, have, some_of(left)
        )
