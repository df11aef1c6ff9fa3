"""Data sets in trees of folders: BIDS, and a folder per patient."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from dataset_fingerprints.dataset import Case, Dataset, LabelScheme
from dataset_fingerprints.errors import DataError
from dataset_fingerprints.layouts.bids import list_bids
from dataset_fingerprints.layouts.description import (
    most_common_count,
    read_channels,
    read_scheme,
    read_scheme_or_default,
    refuse_unusable_names,
)
from dataset_fingerprints.layouts.mask_folders import SCHEME, is_mask_folder
from dataset_fingerprints.layouts.patients import list_patients
from dataset_fingerprints.layouts.selection import AUTOMATIC, Selection
from dataset_fingerprints.layouts.table_text import read_table
from dataset_fingerprints.layouts.tree_choice import Chosen, choose_for_training, show_kinds
from dataset_fingerprints.layouts.tree_files import Tree, TreeCase, TreeFile
from dataset_fingerprints.names import counted, plain_name, some_of

# Folders of cases that are kept for a test; their label maps are often not published.
_TESTS = re.compile(r"(.*[_\-. ])?test(ing|s|set)?([_\-. ].*)?|imagesTs", re.IGNORECASE)
# What to do about cases of one name.
RENAME = "Give each folder a name of its own."

_log = logging.getLogger(__name__)


def read_bids(root: Path, description: Mapping[str, Any], selection: Selection = AUTOMATIC) -> Dataset:
    """Read a BIDS tree; labels are named by its dataset.json or by dseg.tsv, else they are one lesion."""
    return _read_tree(list_bids(root), description, selection)


def read_patients(root: Path, description: Mapping[str, Any], selection: Selection = AUTOMATIC) -> Dataset:
    """Read a folder per patient; labels are named by its dataset.json, else they are one lesion."""
    return _read_tree(list_patients(root), description, selection)


def without_tests(tree: Tree) -> Tree:
    """Return a tree without its folders of test cases, where none of these has a label map, but others have; say so."""
    tests, others = _divide_tests(tree)
    if not tests or any(map(_is_labelled, tests)) or not any(map(_is_labelled, others)):
        return tree
    have = counted(len(tests), "case there has no label map", "cases there have no label maps")
    _log.warning("%s: Left out %s: the %s.", tree.root, _name_folders(tests), have)
    return replace(tree, cases=others)


def _divide_tests(tree: Tree) -> tuple[tuple[TreeCase, ...], tuple[TreeCase, ...]]:
    """Return the cases in folders that are called after a test, and the others."""
    tests = tuple(case for case in tree.cases if any(map(_TESTS.fullmatch, case.cohort.split("/"))))
    names = {case.name for case in tests}
    return tests, tuple(case for case in tree.cases if case.name not in names)


def _is_labelled(case: TreeCase) -> bool:
    """Return whether a case has a label map that this program did not predict."""
    return any(not file.predicted for file in case.labels())


def _name_folders(cases: Sequence[TreeCase]) -> str:
    return some_of(sorted({case.cohort.split("/")[0] for case in cases}))


def _report_labelled_tests(tree: Tree) -> None:
    """Say that cases in folders of a test have label maps, so that they are trained on."""
    tests, others = _divide_tests(tree)
    labelled = list(filter(_is_labelled, tests))
    if labelled and any(map(_is_labelled, others)):
        have = counted(len(labelled), "case has a label map and is", "cases have label maps and are")
        advice = "Move the folder away if it is for a test."
        _log.warning("%s: In %s, %s taken for training. %s", tree.root, _name_folders(labelled), have, advice)


def _read_tree(tree: Tree, description: Mapping[str, Any], selection: Selection) -> Dataset:
    refuse_unusable_names(tree.root, [case.name for case in tree.cases], RENAME)
    tree = without_tests(tree)
    _report_labelled_tests(tree)
    channels, chosen = choose_for_training(tree, _describe_selection(tree, description, selection))
    _refuse_unlabelled(tree, chosen)
    cases = _make_cases(tree, chosen)
    if len(channels) == 1:
        count = most_common_count(case.images[0] for case in cases)
        channels = channels if count == 1 else tuple(map(str, range(count)))
    return Dataset(
        name=tree.root.name,
        layout=tree.layout,
        root=str(tree.root),
        channels=channels,
        labels=_read_labels(tree, description, chosen),
        cases=cases,
    )


def _describe_selection(tree: Tree, description: Mapping[str, Any], selection: Selection) -> Selection:
    """Let the 'channel_names' of a dataset.json choose the channels, where nobody else does."""
    if selection.channels or "channel_names" not in description:
        return selection
    names = read_channels(tree.root / "dataset.json", description["channel_names"])
    images = [file for case in tree.cases for file in case.images()]
    if all(any(file.fits(name) for file in images) for name in names):
        return replace(selection, channels=names)
    raise DataError(
        f"{tree.root / 'dataset.json'}: 'channel_names' are {some_of(names, 10)}, but no images are called so. Found: "
        f"{show_kinds(tree, labels=False)}. Name the channels as the files are called."
    )


def _refuse_unlabelled(tree: Tree, chosen: Sequence[Chosen]) -> None:
    if any(entry.label for entry in chosen):
        return
    anatomy = [file.kind() for case in tree.cases for file in case.labels()]
    more = f" If they are meant, choose them with --mask, for example --mask {anatomy[0]}." if anatomy else ""
    example = next((file for entry in chosen for file in entry.images if file), None)
    name = f"{chosen[0].case.name}_label-L_mask.nii.gz" if tree.layout == "bids" else "..._seg.nii.gz"
    where = f"beside {example.path.relative_to(tree.root)}" if example else "beside each scan"
    raise DataError(
        f"{tree.root}: no case of {len(chosen)} has a label map. Expected one {where}, called like "
        f"{name}{', or in derivatives/NAME/' if tree.layout == 'bids' else ''}. Found label maps: "
        f"{show_kinds(tree, labels=True)}.{more}"
    )


def _make_cases(tree: Tree, chosen: Sequence[Chosen]) -> tuple[Case, ...]:
    """Return the cases with the files that they have, and with the paths of those that are missing."""
    labels = [(entry.case, entry.label) for entry in chosen]
    images = [[(entry.case, entry.images[channel]) for entry in chosen] for channel in range(len(chosen[0].images))]
    return tuple(
        Case(
            name=entry.case.name,
            images=tuple(
                str(image.path if image else _expect(tree.root, entry, images[channel]))
                for channel, image in enumerate(entry.images)
            ),
            label=str(entry.label.path if entry.label else _expect(tree.root, entry, labels)),
            subject=entry.case.subject,
            session=entry.case.session,
            site=entry.case.site,
            group=entry.case.group,
            others=dict(entry.case.others),
        )
        for entry in chosen
    )


def _expect(root: Path, entry: Chosen, known: Sequence[tuple[TreeCase, TreeFile | None]]) -> Path:
    """Return where a missing file of a case should lie, by the first case that has it."""
    case, path = next((case, file.path) for case, file in known if file is not None)
    own, files = entry.case, [file.path for file in (entry.label, *entry.images) if file]
    if path.is_dir():
        return (files[0].parent if files else path) / f"{own.name}_mask.nii.gz"
    if len(own.place) != len(case.place) or own.cohort != case.cohort:
        folder = files[0].parent if files else path.parent
        return folder / f"{own.name}_{path.name.rsplit('_', 1)[-1]}"
    parts = []
    for part in path.relative_to(root).parts:
        for old, new in zip(case.place, own.place, strict=True):
            part = re.sub(rf"(?<![A-Za-z0-9]){re.escape(old)}(?![A-Za-z0-9])", new.replace("\\", r"\\"), part)
        parts.append(part)
    return root.joinpath(*parts)


def _read_labels(tree: Tree, description: Mapping[str, Any], chosen: Sequence[Chosen]) -> LabelScheme:
    """Return the labels of the dataset.json, or else of a dseg.tsv, which BIDS asks for beside maps of several."""
    labels = [entry.label.path for entry in chosen if entry.label]
    first = labels[0]
    if "labels" not in description and any(is_mask_folder(entry.label) for entry in chosen if entry.label):
        return SCHEME
    if "labels" in description or not any(entry.label.suffix == "dseg" for entry in chosen if entry.label):
        return read_scheme_or_default(tree.root, description)
    beside = first.with_name(f"{first.name.split('.')[0]}.tsv")
    folders = [folder for folder in first.parents if folder == tree.root or tree.root in folder.parents]
    tables = [beside, *(found for folder in folders for found in sorted(folder.glob("*dseg.tsv")))]
    table = next((path for path in tables if path.is_file()), None)
    return read_scheme_or_default(tree.root, {}) if table is None else _read_names(table)


def _read_names(path: Path) -> LabelScheme:
    """Return the labels that a dseg.tsv names."""
    table = read_table(path)
    columns = {plain_name(column): column for column in table.columns}
    if not {"index", "name"} <= columns.keys():
        raise DataError(f"{path}: has the columns {', '.join(table.columns)}. Expected index and name.")
    values = {line.cells[columns["name"]]: line.cells[columns["index"]] for line in table.lines}
    if not all(re.fullmatch(r"-?\d{1,9}", value) for value in values.values()):
        raise DataError(f"{path}: an index is not a whole number. Expected the values of the label maps.")
    return read_scheme(path, {name: int(value) for name, value in values.items()})
