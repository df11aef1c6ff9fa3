"""`label accept`: corrected masks are checked and taken in as copies, with the minutes that people took."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import numpy as np

from autoseg.evaluation.files import round_labels
from autoseg.labelling.corrections import list_structures, measure_changes
from autoseg.labelling.minutes import Minutes, read_minutes
from autoseg.labelling.state import Accepted, Loop
from autoseg.pipeline.labelling.corrected_files import Corrected, choose_corrected, find_masks, read_corrected
from autoseg.pipeline.labelling.loop_state import OpenLoop, write_tables
from autoseg.progress import Progress
from autoseg.workspace.loop import MINUTES
from dataset_fingerprints.dataset import Case, is_there
from dataset_fingerprints.errors import DataError, PartlyDoneError, did_you_mean
from dataset_fingerprints.failures import Failure, attempt, list_failures
from dataset_fingerprints.files.places import resolve
from dataset_fingerprints.geometry import canonical_grid
from dataset_fingerprints.names import counted, some_of
from dataset_fingerprints.reading.images import Image, case_stem, read_grid, read_label_map, write_label_map

_NAMED = 10
# What is not taken in unless it is said to be meant.
_ODD = {
    "empty": "holds no label. If there is nothing to label, give --allow empty",
    "unchanged": "is the mask of the model, voxel for voxel. If it is right as it is, give --allow unchanged",
    "earlier": "taken in before, and replaced by a later mask, which counts with its own minutes. To take it in again, "
    "give --allow earlier",
}


@dataclass(kw_only=True, slots=True)
class Acceptance:
    """What came of the masks of a folder.

    Attributes:
        taken: masks that were taken in now.
        known: cases whose mask counts already: it was taken in before, or came with the data set.
        replaced: cases whose mask was taken in before, and since then a later one that counts.
        timed: cases whose minutes were noted now.
        waiting: cases that are still to be corrected.
    """

    taken: list[Accepted] = field(default_factory=list)
    known: list[str] = field(default_factory=list)
    replaced: list[str] = field(default_factory=list)
    timed: list[str] = field(default_factory=list)
    waiting: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class AcceptOptions:
    """What a person said; all have a default.

    Attributes:
        minutes: a table of minutes; None for minutes.csv beside the masks, if there is one.
        allow: what is taken in all the same, of `empty`, `unchanged` and `earlier`.
    """

    minutes: Path | None = None
    allow: Collection[str] = ()

    def check(self) -> None:
        """Make sure that the words can be meant.

        Raises:
            DataError: one cannot; the message names it.
        """
        for word in self.allow:
            if word not in _ODD:
                raise DataError(f"--allow {word}: there is no such thing to allow. {did_you_mean(word, _ODD)}")


def accept_masks(opened: OpenLoop, folder: Path | None, options: AcceptOptions, progress: Progress) -> Acceptance:
    """Take in the corrected masks of a folder, and write the tables of the next round.

    A person's files are only read. What was taken in before stays beside what replaces it.

    Args:
        opened: the loop.
        folder: with the masks; None for the one that the last choice was written into.
        options: what a person said.
        progress: receiver of progress reports.

    Raises:
        DataError: the folder or its minutes cannot be read, or no mask could be taken in.
        PartlyDoneError: some masks cannot be taken in, which are listed; the others are.
    """
    options.check()
    place = _find_last_choice(opened) if folder is None else folder
    if not place.is_dir():
        raise DataError(f"{place}: is not a folder. Expected one with corrected masks, CASE.nii.gz or CASE.seg.nrrd.")
    loop = opened.loop
    found, strange = find_masks(place, [case.name for case in loop.cases])
    if folder is None:
        _leave_given_up(loop, found, progress)
    minutes = _read_minutes(opened, place, options)
    if not found and (strange or not minutes):
        raise DataError(f"{place}: holds no mask that is called after a scan of the loop{_show(strange, opened.loop)}.")
    result, failures = Acceptance(), []
    with progress.task("Taking in masks", len(found)) as task:
        for name, paths in found.items():
            own = attempt(name, "cannot be taken in", partial(_accept, opened, loop.case(name), paths, options))
            if isinstance(own, Failure):
                failures.append(own)
            elif own is opened.loop.latest().get(name):
                result.known.append(name)
            elif own is None or own in opened.loop.accepted:
                result.replaced.append(name)
            else:
                # With its minutes in one step, so that a kill parts neither from the other.
                own = replace(own, minutes=dict(minutes.get(name) or _find_earlier_minutes(opened.loop, own)))
                opened.keep(replace(opened.loop, accepted=(*opened.loop.accepted, own)))
                result.taken.append(own)
            task.advance()
    # Minutes of a mask that does not count are not those of the one that does.
    apart = {*result.replaced, *(failure.case for failure in failures)}
    later = {name: own for name, own in minutes.items() if name not in apart}
    result.timed += [one.case for one in result.taken if one.case in minutes] + _note_minutes(opened, later)
    result.waiting = opened.loop.awaited()
    write_tables(opened.folder, opened.loop, len(opened.loop.rounds) + 1)
    if strange:
        progress.say(f"Called after no scan of the loop, and left alone{_show(strange, opened.loop)}.")
    if result.replaced:
        progress.say(f"{some_of(result.replaced, _NAMED)}: {_ODD['earlier']}.")
    _raise_failures(place, failures, result)
    return result


def _find_last_choice(opened: OpenLoop) -> Path:
    """Return the folder that the last choice was written into, also where a round was begun since.

    Raises:
        DataError: nothing was chosen yet.
    """
    for one in reversed(opened.loop.rounds):
        if one.choice is not None:
            return opened.folder.round(one.number).to_correct
    raise DataError(
        f"{opened.folder.root}: no scan was chosen yet. Choose some with `autoseg label next --count K`, or name the "
        "folder of the masks."
    )


def _leave_given_up(loop: Loop, found: dict[str, list[Path]], progress: Progress) -> None:
    """Take scans that were given up out of the masks that were found: nobody is to correct those that were written."""
    left = [name for name in loop.abandoned() if found.pop(name, None)]
    if left:
        progress.say(f"Given up, and left alone: {some_of(left, _NAMED)}. To take a mask of them in, name its folder.")


def _show(strange: Sequence[Path], loop: Loop) -> str:
    """Return files that are called after no scan in brackets, the first with the scan that may be meant."""
    if not strange:
        return ""
    meant = did_you_mean(case_stem(strange[0]), [case.name for case in loop.cases])
    hint = f"; {strange[0].name}: {meant[0].lower()}{meant[1:]}" if meant.endswith("?") else ""
    return f" ({some_of([path.name for path in strange], _NAMED)}{hint})"


def _raise_failures(place: Path, failures: Sequence[Failure], result: Acceptance) -> None:
    if not failures:
        return
    message = (
        f"{place}: {counted(len(failures), 'mask')} could not be taken in:\n{list_failures(failures)}\nYour files are "
        "as they were. Give the same command again when they are corrected."
    )
    done = result.taken or result.known or result.replaced
    raise PartlyDoneError(message, result=result) if done else DataError(message)


def _accept(opened: OpenLoop, case: Case, paths: Sequence[Path], options: AcceptOptions) -> Accepted | None:
    """Return a mask that is taken in now, or as it was before; None for the label map that the case came with.

    Raises:
        DataError: it cannot be.
    """
    loop = opened.loop
    if case.name in loop.test:
        raise DataError("is held out: no round may train on it. Its reference stays that of the data set.")
    grid = read_grid(case.image_paths()[0])
    number, made = _find_presegmentation(opened, case, paths[0].parent)
    before = None if made is None else made.voxels[0]
    read = [read_corrected(path, loop.labels, canonical_grid(grid)) for path in paths]
    corrected, changed = choose_corrected(read, before)
    known = _find_known(opened, case, corrected, options)
    if known is not None:
        return known
    if _is_reference(opened, case, corrected, options):
        return None
    _refuse_odd(corrected, options, changed=changed)
    version = loop.versions(case.name) + 1
    path = opened.folder.mask(case.name, version)
    write_label_map(path, corrected.labels, grid, None if made is None else made.header)
    structures, spacing_mm = list_structures(loop.labels), canonical_grid(grid).spacing_mm()
    changes = () if before is None else measure_changes(before, corrected.labels, structures, spacing_mm)
    file = path.relative_to(opened.folder.masks).as_posix()
    return Accepted(case=case.name, round=number, during=loop.current().number, file=file, changes=changes)


def _refuse_odd(corrected: Corrected, options: AcceptOptions, *, changed: bool) -> None:
    """Refuse a mask that nobody changed, or that is empty, unless it is said to be meant."""
    if not changed and "unchanged" not in options.allow:
        raise DataError(f"{_ODD['unchanged']}.")
    if not corrected.labels.any() and "empty" not in options.allow:
        raise DataError(f"{corrected.path.name} {_ODD['empty']}.")


def _find_presegmentation(opened: OpenLoop, case: Case, folder: Path) -> tuple[int, Image | None]:
    """Return the round that chose a scan, and the mask that its model made of it; the last round and None without one.

    Of several rounds it is the one into whose folder people edited the mask, else the last one.
    """
    own = resolve(folder)
    latest_first = opened.loop.rounds[::-1]
    for one in sorted(latest_first, key=lambda one: resolve(opened.folder.round(one.number).to_correct) != own):
        path = opened.folder.round(one.number).presegmentation(case.name)
        if one.choice is not None and case.name in one.choice.names() and path.is_file():
            return one.number, read_label_map(path)
    return opened.loop.current().number, None


def _find_known(opened: OpenLoop, case: Case, corrected: Corrected, options: AcceptOptions) -> Accepted | None:
    """Return the mask of a case that was taken in before with the same voxels; None where there is none.

    Masks that a later one has replaced are known as well, for a person's files stay in their folder: read once more,
    they would replace the later one. Where such a mask is to count again, only the one that counts is known.
    """
    taken = [one for one in reversed(opened.loop.accepted) if one.case == case.name]
    for one in taken[:1] if "earlier" in options.allow else taken:
        path = opened.folder.masks / one.file
        if path.is_file() and np.array_equal(read_label_map(path).voxels[0], corrected.labels):
            return one
    return None


def _is_reference(opened: OpenLoop, case: Case, corrected: Corrected, options: AcceptOptions) -> bool:
    """Return whether a mask is the label map that its case had when the loop began: nothing is new in it."""
    meant = "earlier" in options.allow and case.name in opened.loop.latest()
    if meant or not (case.label and is_there(case.label)):
        return False
    path = case.label_path()
    try:
        reference = round_labels(path, read_label_map(path).voxels[0])
    except (DataError, OSError):  # the mask may be what takes the place of a damaged one
        return False
    return np.array_equal(reference, corrected.labels)


def _read_minutes(opened: OpenLoop, place: Path, options: AcceptOptions) -> Minutes:
    """Return the minutes of scans of the loop.

    Raises:
        DataError: the table cannot be meant; nothing was taken in yet.
    """
    path = options.minutes or place / MINUTES
    if options.minutes is None and not path.is_file():
        return {}
    found = read_minutes(path, [label.name for label in opened.loop.labels.labels])
    strange = sorted(found.keys() - {case.name for case in opened.loop.cases})
    if strange:
        are = "which is not a scan" if len(strange) == 1 else "which are not scans"
        raise DataError(
            f"{path}: names {some_of(strange, _NAMED)}, {are} of the loop. Correct the table; nothing was taken in yet."
        )
    return found


def _find_earlier_minutes(loop: Loop, own: Accepted) -> Mapping[str, float]:
    """Return the minutes of the mask that a new one replaces, if both are corrections of the same pre-segmentation."""
    before = loop.latest().get(own.case)
    same = before is not None and before.round == own.round and bool(before.changes) == bool(own.changes)
    return before.minutes if before is not None and same else {}


def _note_minutes(opened: OpenLoop, minutes: Mapping[str, Mapping[str, float]]) -> list[str]:
    """Write the minutes of masks that were taken in before into the state, and return the cases."""
    latest = opened.loop.latest()
    changed = [name for name, own in minutes.items() if name in latest and dict(latest[name].minutes) != dict(own)]
    if changed:
        accepted = tuple(
            replace(one, minutes=dict(minutes[one.case])) if one.case in changed and one is latest[one.case] else one
            for one in opened.loop.accepted
        )
        opened.keep(replace(opened.loop, accepted=accepted))
    return changed
