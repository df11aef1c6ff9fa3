"""A folder per patient: BraTS_001/BraTS_001_flair.nii.gz and BraTS_001_seg.nii.gz, or patient/visit/FLAIR.nii.gz."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from dataset_fingerprints.layouts.description import is_visit_folder, split_visit
from dataset_fingerprints.layouts.flat import holds_kinds, list_kinds
from dataset_fingerprints.layouts.mask_folders import with_mask_folders
from dataset_fingerprints.layouts.modalities import is_label_name, is_modality
from dataset_fingerprints.layouts.tree_files import Tree, TreeCase, TreeFile, walk_images
from dataset_fingerprints.reading.file_names import stem_of

LAYOUT = "patients"

_BETWEEN = re.compile(r"[_\-. ]+")
# Short names of visits, which may be patients, too.
_SHORT_VISIT = re.compile(r"(t|v|tp)\d+", re.IGNORECASE)
_SITE = re.compile(r"(site|cent(er|re)|hospital)[ _-]?\w+", re.IGNORECASE)
_TAKEN = ("imagesTr", "labelsTr", "imagesTs")

_Parts = tuple[str, ...]


def is_patients(root: Path, description: Mapping[str, Any]) -> bool:
    """Return whether a folder holds folders of patients, with files that are called after kinds of images."""
    elsewhere = "training" in description or "dataset" in description
    return not elsewhere and (holds_patients(root) or holds_kinds(root))


def holds_patients(root: Path) -> bool:
    """Return whether folders below a folder hold images of several kinds, or of one usual kind, each."""
    if not root.is_dir() or any((root / name).is_dir() for name in _TAKEN):
        return False
    cases = list_patients(root).cases
    known = [case for case in cases if any(file.is_label() or is_modality(file.suffix) for file in case.files)]
    return bool(cases) and 2 * len(known) > len(cases)


def list_patients(root: Path) -> Tree:
    """List the cases of folders of patients: one per folder that holds images, with what lies below it.

    In folders of folders, the outer ones are visits where they are called so (`baseline`, `ses-1`), each with all
    patients in it. Else they are patients where the inner ones have the same names in several (visits), or
    are called after them; otherwise they are sites, if they are few or called so. All visits are of one subject. Files
    of several kinds beside each other, in one folder, are cases by their names. Where patients have sub-masks beside
    their main mask, the folder stands for a label map of both.
    """
    if holds_kinds(root):
        return list_kinds(root)
    folders = {parts: files for parts, files in walk_images(root) if parts}
    grouped: dict[_Parts, list[tuple[_Parts, Path]]] = defaultdict(list)
    by_kind = _are_kinds(folders)
    for parts, files in folders.items():
        place = parts[:-1] if by_kind else next(parts[:end] for end in range(1, 9) if parts[:end] in folders)
        grouped[place].extend((parts[len(place) :], file) for file in files)
    grouped.pop((), None)
    return Tree(root=root, layout=LAYOUT, cases=with_mask_folders(_make_cases(grouped)))


def _are_kinds(folders: Mapping[_Parts, Sequence[Path]]) -> bool:
    """Return whether the innermost folders are those of kinds of images: patient/FLAIR/x.nii.gz, patient/mask/x.nii.gz.

    Then each of them holds one file.
    """
    inner = [parts for parts in folders if len(parts) > 1]
    named = [parts for parts in inner if is_label_name(parts[-1]) or is_modality(parts[-1])]
    has_labels = any(is_label_name(parts[-1]) for parts in named)
    return has_labels and len(named) == len(folders) and all(len(files) == 1 for files in folders.values())


def _make_cases(grouped: Mapping[_Parts, Sequence[tuple[_Parts, Path]]]) -> Iterator[TreeCase]:
    places = list(grouped)
    alone = len({place[-1] for place in places}) == len(places)
    visits, above = _have_visits(places), _find_visits_above(places)
    for place, files in sorted(grouped.items()):
        name = place[-1] if alone else "_".join(place)
        subject, session, site = name, "", ""
        if visit := split_visit(place[-1]):
            subject, session = visit
            # ATLAS has a folder for each site, BraTS none.
            site = place[0] if len(place) > 1 and not subject.startswith("BraTS") else ""
        elif above is not None:
            site, session = "".join(place[:above]), place[above]
            subject = "_".join(part for level, part in enumerate(place) if level != above)
        elif len(place) > 1 and visits:
            subject, session = place[0], "_".join(place[1:])
        elif len(place) > 1:
            site = place[0]
            if len(place) > 2 and all(map(_may_be_visit, place[2:])):
                subject, session = "_".join(place[:2]), "_".join(place[2:])
        yield TreeCase(
            name=name,
            subject=subject,
            session=session,
            place=place,
            files=tuple(_read(place, below, file) for below, file in files),
            cohort="/".join(place[:-1]),
            site=site,
        )


def _have_visits(places: Sequence[_Parts]) -> bool:
    """Return whether outer folders are patients and inner ones their visits, not sites and their patients."""
    if all(_SITE.fullmatch(place[0]) for place in places):
        return False
    inner: dict[str, set[str]] = defaultdict(set)
    for place in places:
        if len(place) > 1:
            inner[place[0]].add(place[1])
    below = [name for names in inner.values() for name in names]
    if below and all(map(is_visit_folder, below)):
        return True
    count = len(below)
    repeated = len(set().union(*inner.values())) < count if inner else False
    named = sum(name.startswith(outer) for outer, names in inner.items() for name in names)
    # Where nothing tells, many outer folders of few inner ones are patients: their visits must not lie in two folds.
    return repeated or 2 * named > count or len(inner) ** 2 > count


def _find_visits_above(places: Sequence[_Parts]) -> int | None:
    """Return the level of folders that are visits with all patients in each, perhaps below sites; None without such."""
    level = int(all(_SITE.fullmatch(place[0]) for place in places))
    return level if all(len(place) > level + 1 and is_visit_folder(place[level]) for place in places) else None


def _may_be_visit(name: str) -> bool:
    return is_visit_folder(name) or _SHORT_VISIT.fullmatch(name) is not None


def _read(place: _Parts, below: _Parts, path: Path) -> TreeFile:
    """Return a file with the kind of image that its name says, behind the names of the folders."""
    stem = stem_of(path)
    rest = _behind(stem, place)
    if below and not (is_label_name(rest) or _find_modality(rest)):
        rest = below[-1]
    if is_label_name(rest):
        return TreeFile(path=path, words=(*below, *filter(None, _BETWEEN.split(rest))), suffix=rest)
    words = [word for word in _BETWEEN.split(rest) if word]
    modality = _find_modality(rest)
    suffix = modality or rest or "image"
    others = [word for word in words if word != modality] if modality else []
    return TreeFile(path=path, words=(*below, *others), suffix=suffix)


def _behind(stem: str, place: _Parts) -> str:
    """Return what follows the names of the folders in a file's name."""
    starts = ("_".join(place), "-".join(place), "".join(place), *place[::-1])
    for start in sorted(starts, key=len, reverse=True):
        rest = stem[len(start) :]
        if stem.casefold().startswith(start.casefold()) and (not rest or _BETWEEN.match(rest)):
            return _BETWEEN.sub("", rest, count=1) if _BETWEEN.match(rest) else rest
    return stem


def _find_modality(text: str) -> str:
    """Return the last word of a name that is a usual kind of image; empty for none."""
    if is_modality(text):
        return text
    return next((word for word in reversed(_BETWEEN.split(text)) if word and is_modality(word)), "")
