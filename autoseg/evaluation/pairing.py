"""Masks and their references: which belong together by their names, and which have no counterpart."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from autoseg.evaluation.naming.endings import match_by_stripped
from autoseg.evaluation.naming.misplaced import refuse_data_set, refuse_file_with_folder, refuse_no_images
from autoseg.evaluation.naming.nested_masks import find_derived, find_nested
from autoseg.evaluation.results import ALL_PAIRED, Unpaired
from dataset_fingerprints.dataset import LabelScheme
from dataset_fingerprints.errors import DataError
from dataset_fingerprints.layouts import AUTOMATIC, ListedLabel, Selection, list_references, refuse_selection
from dataset_fingerprints.names import counted, refuse_undecodable, some_of
from dataset_fingerprints.reading.file_names import find_left_out, images_in, show_left_out, stem_of

_log = logging.getLogger(__name__)
# Names of one kind that a message lists.
_SHOWN = 20
# Of what an earlier evaluation left, for one.
_FIGURES = (".json", ".csv")


@dataclass(frozen=True, kw_only=True, slots=True)
class FilePair:
    """A case's predicted label file and its reference."""

    case: str
    prediction: Path
    reference: Path


@dataclass(frozen=True, kw_only=True, slots=True)
class Pairing:
    """Masks with their references.

    Attributes:
        reference: where the references were looked for.
        unpaired: names that are on one side only.
        scheme: the labels that a data set of references names; None where none are named.
    """

    reference: Path
    pairs: tuple[FilePair, ...]
    unpaired: Unpaired = ALL_PAIRED
    scheme: LabelScheme | None = None


def pair_files(prediction: Path, reference: Path, *, selection: Selection = AUTOMATIC, strict: bool = False) -> Pairing:
    """Match predicted files to references by name without suffix; two single files always match.

    Masks of a data set may be called after the case, or after one of its files.

    Args:
        prediction: a label file, or a folder of such.
        reference: the same, or a data set in any layout that training takes.
        selection: the kind of label maps of the data set, where there are several.
        strict: refuse names that are on one side only.

    Raises:
        DataError: a path does not exist, a file is matched with a folder, a folder is empty, or no name is on both
            sides.
    """
    for path in (prediction, reference):
        if not path.exists():
            raise DataError(f"{path}: does not exist. Expected a label file or a folder of label files.")
        refuse_undecodable(path)
    derived = find_derived(prediction)
    if derived is None:
        refuse_data_set(prediction, reference, selection)
    listed = list_references(reference, selection)
    if listed is not None:
        true = _Side(place=reference, files={case.name: case.label for case in listed.cases})
        masks = derived or ({stem_of(prediction): prediction} if prediction.is_file() else _files_by_case(prediction))
        predicted = _Side(place=prediction, files=_call_after_cases(prediction, masks, listed.cases))
        return _pair(predicted, true, strict=strict, scheme=listed.scheme)
    refuse_selection(reference, selection)
    if prediction.is_dir() != reference.is_dir():
        refuse_file_with_folder(prediction, reference)
    if not reference.is_dir():
        pair = FilePair(case=stem_of(reference), prediction=prediction, reference=reference)
        return Pairing(reference=reference, pairs=(pair,))
    nested = find_nested(prediction, reference) if derived is None else None
    masks, true_files = nested or (derived or _files_by_case(prediction), _files_by_case(reference))
    return _pair(_Side(place=prediction, files=masks), _Side(place=reference, files=true_files), strict=strict)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Side:
    """Files by the case that they are of, and where they were found."""

    place: Path
    files: Mapping[str, Path]


def _pair(predicted: _Side, true: _Side, *, strict: bool, scheme: LabelScheme | None = None) -> Pairing:
    predicted = _match_endings(predicted, true)
    unpaired = Unpaired(
        without_prediction=tuple(sorted(true.files.keys() - predicted.files.keys())),
        without_reference=tuple(sorted(predicted.files.keys() - true.files.keys())),
    )
    shared = sorted(true.files.keys() & predicted.files.keys())
    if not shared or (strict and unpaired != ALL_PAIRED):
        _refuse(predicted.place, true.place, unpaired)
    pairs = (FilePair(case=case, prediction=predicted.files[case], reference=true.files[case]) for case in shared)
    return Pairing(reference=true.place, pairs=tuple(pairs), unpaired=unpaired, scheme=scheme)


def _match_endings(predicted: _Side, true: _Side) -> _Side:
    """Return masks under the names of references that differ from theirs in endings such as _pred and _seg only."""
    renamed = match_by_stripped(predicted.files, true.files)
    if not renamed:
        return predicted
    mask, case = next(iter(renamed.items()))
    more = f", and so on for {counted(len(renamed) - 1, 'more mask')}" if len(renamed) > 1 else ""
    _log.warning("%s: names are matched without their endings: %s is taken for %s%s", predicted.place, mask, case, more)
    return _Side(place=predicted.place, files={renamed.get(name, name): file for name, file in predicted.files.items()})


def _refuse(prediction: Path, reference: Path, unpaired: Unpaired) -> None:
    problems = []
    if unpaired.without_prediction:
        problems.append(f"{prediction}: has no prediction for {_listed(unpaired.without_prediction)} of {reference}.")
    if unpaired.without_reference:
        problems.append(f"{reference}: has no reference for {_listed(unpaired.without_reference)} of {prediction}.")
    raise DataError(
        " ".join((*problems, "Masks and references match by name, without suffix and endings such as _pred and _seg."))
    )


def _listed(cases: Sequence[str]) -> str:
    return f"case{'s' if len(cases) > 1 else ''} {some_of(cases, _SHOWN)}"


def _call_after_cases(folder: Path, masks: Mapping[str, Path], cases: Sequence[ListedLabel]) -> dict[str, Path]:
    """Return masks by the names of the cases that they are of; others keep their own."""
    names = {case.name for case in cases}
    owners: dict[str, set[str]] = defaultdict(set)
    for case in cases:
        for alias in case.aliases:
            owners[alias].add(case.name)
    called: dict[str, Path] = {}
    for stem, mask in masks.items():
        own = owners.get(stem, set())
        name = next(iter(own)) if stem not in names and len(own) == 1 else stem
        if name in called:
            raise DataError(f"{folder}: {called[name].name} and {mask.name} are both masks of case {name}. Keep one.")
        called[name] = mask
    return called


def _files_by_case(folder: Path) -> dict[str, Path]:
    files: dict[str, Path] = {}
    for path in images_in(folder, series=False):
        refuse_undecodable(path)
        case = stem_of(path)
        if case in files:
            raise DataError(f"{folder}: holds {files[case].name} and {path.name}. Keep one file per case.")
        files[case] = path
    if not files:
        refuse_no_images(folder)
    left_out = find_left_out((folder,), files.values(), files_only=True)
    others = [path.name for path in left_out if path.suffix not in _FIGURES]
    if others:
        _log.warning("%s: %s", folder, show_left_out(others))
    return files
