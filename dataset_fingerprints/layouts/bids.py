"""BIDS trees: sub-01/ses-1/anat/sub-01_ses-1_T1w.nii.gz, label maps beside the scans or in derivatives/NAME/sub-01."""

from __future__ import annotations

import logging
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from dataset_fingerprints.errors import AutosegError
from dataset_fingerprints.files.jsonfiles import read_plain_json
from dataset_fingerprints.layouts.description import is_visit_folder
from dataset_fingerprints.layouts.modalities import is_label_name
from dataset_fingerprints.layouts.participants import find_participants
from dataset_fingerprints.layouts.tree_files import Tree, TreeCase, TreeFile, walk_images
from dataset_fingerprints.names import counted
from dataset_fingerprints.reading.file_names import stem_of

LAYOUT = "bids"

_log = logging.getLogger(__name__)

_SUBJECT = re.compile(r"sub-[A-Za-z0-9+]+")
_SESSION = re.compile(r"ses-[A-Za-z0-9+]+")
# Folders of a subject that hold no pictures of anatomy, and suffixes of files that are none in the others.
_OTHER_FOLDERS = frozenset({"func", "fmap", "eeg", "meg", "ieeg", "beh", "motion", "nirs", "micr", "figures", "xfm"})
_OTHER_SUFFIXES = frozenset(
    {"bold", "sbref", "probseg", "defacemask", "xfm", "phase", "magnitude", "m0scan", "entropy", "disagreement"}
)
DESCRIPTION = "dataset_description.json"
# What `GeneratedBy` calls this program.
PROGRAM = "autoseg"
# Folders that may lie between the root and the subjects and say nothing.
_PLAIN_FOLDERS = frozenset({"rawdata", "raw", "bids", "nifti", "data"})


@dataclass(frozen=True, kw_only=True, slots=True)
class _Found:
    """An image file with what its path says.

    Attributes:
        session: as in its name; empty without one.
        cohort: the folders between the root and the subject's.
    """

    subject: str
    session: str
    cohort: str
    file: TreeFile


def is_bids(root: Path, description: Mapping[str, Any]) -> bool:
    """Return whether a folder holds a BIDS tree: folders called sub-..., with files of such names in them."""
    elsewhere = "training" in description or "dataset" in description
    return not elsewhere and holds_bids(root)


def holds_bids(root: Path) -> bool:
    """Return whether a subject's files lie below a folder, in a folder of the subject."""
    if not root.is_dir() or (root / "imagesTr").is_dir() or (root / "labelsTr").is_dir():
        return False
    own = any(_SUBJECT.fullmatch(part) for part in root.parts[-3:])
    folders = walk_images(root)
    return any(
        _split(stem_of(file)) is not None
        for parts, files in folders
        if own or any(map(_SUBJECT.fullmatch, parts))
        for file in files
    )


def list_bids(root: Path) -> Tree:
    """List the cases of a BIDS tree, with what its participants.tsv says of them."""
    tree = list_bids_files(root)
    return replace(tree, cases=_describe(root, tree.cases))


def list_bids_files(root: Path) -> Tree:
    """List the cases of a BIDS tree: one per subject and session.

    Subjects may lie in folders of cohorts, as in ATLAS R2.0 (Training/R001/sub-...): the last of these is the site
    where no participants.tsv names one. Where two cohorts have a subject of one name, cases are called after both, and
    the subjects are two, unless the cohorts are visits.
    """
    listed = [entry for parts, files in walk_images(root) for file in files for entry in _read(root, parts, file)]
    found = _mark_predicted(root, listed)
    grouped: dict[tuple[str, str, str], list[TreeFile]] = defaultdict(list)
    for entry in _with_sessions(_with_cohorts(found)):
        grouped[entry.cohort, entry.subject, entry.session].append(entry.file)
    cohorts: dict[str, set[str]] = defaultdict(set)
    for cohort, subject, _ in grouped:
        cohorts[subject].add(cohort)
    shared = any(len(names) > 1 for names in cohorts.values())
    cases = tuple(_make_case(key, files, shared=shared) for key, files in sorted(grouped.items()))
    return Tree(root=root, layout=LAYOUT, cases=cases)


def _make_case(key: tuple[str, str, str], files: Sequence[TreeFile], *, shared: bool) -> TreeCase:
    """Return a case; folders of visits above its patient, as in baseline/sub-01, make no other patient of it."""
    cohort, subject, session = key
    folders = [part for part in cohort.split("/") if part]
    visits = [part for part in folders if is_visit_folder(part)]
    around = [part for part in folders if part not in visits]
    prefix = "".join(f"{part}_" for part in folders) if shared else ""
    return TreeCase(
        name=f"{prefix}{subject}{'_' if session else ''}{session}",
        subject="_".join((*around, subject)) if shared else subject,
        session=session or "_".join(visits),
        place=(subject, session) if session else (subject,),
        files=tuple(files),
        cohort=cohort,
        site="".join(around[-1:]),
    )


def _describe(root: Path, cases: Sequence[TreeCase]) -> tuple[TreeCase, ...]:
    """Add what the tables of participants say, and report tables that say nothing of any case."""
    tables = {cohort: find_participants(root, cohort) for cohort in {case.cohort for case in cases}}
    described = []
    for case in cases:
        person = tables[case.cohort].get(case.place[0])
        if person is not None:
            case = replace(case, site=person.site or case.site, group=person.group, others=person.others)
        described.append(case)
    listed = [subject for table in tables.values() for subject in table]
    if listed and not any(case.place[0] in tables[case.cohort] for case in cases):
        _log.warning(
            "%s: participants.tsv lists none of the %s: its first line is of %s, the first case of %s. The sites and "
            "groups in it are not known: write the names of the folders into participant_id.",
            root,
            counted(len(cases), "case"),
            listed[0],
            cases[0].place[0],
        )
    return tuple(described)


def _read(root: Path, parts: Sequence[str], path: Path) -> list[_Found]:
    """Return what the path of an image file says; nothing for one that is no picture or label map of a subject."""
    split = _split(stem_of(path))
    if split is None or _OTHER_FOLDERS & set(parts) or split[1].casefold() in _OTHER_SUFFIXES:
        return []
    words, suffix = split
    subject = next(word for word in words if _SUBJECT.fullmatch(word))
    above = next((number for number, part in enumerate(parts) if _SUBJECT.fullmatch(part)), len(parts))
    cohort, derived, pipeline = _read_folders(parts[:above])
    folders = (*root.parts, *parts)
    session = next((part for part in (*words, *reversed(folders)) if _SESSION.fullmatch(part)), "")
    rest = tuple(word for word in words if word not in (subject, session) and not _SESSION.fullmatch(word))
    file = TreeFile(path=path, words=rest, suffix=suffix, derived=derived, pipeline=pipeline)
    return [_Found(subject=subject, session=session, cohort=cohort, file=file)]


def _mark_predicted(root: Path, found: Sequence[_Found]) -> list[_Found]:
    """Mark the files of derivatives that this program made."""
    folders = {_pipeline_folder(root, entry.file) for entry in found if entry.file.pipeline}
    predicted = {folder for folder in folders if is_predicted(folder / DESCRIPTION)}
    return [
        replace(entry, file=replace(entry.file, predicted=True))
        if entry.file.pipeline and _pipeline_folder(root, entry.file) in predicted
        else entry
        for entry in found
    ]


def _pipeline_folder(root: Path, file: TreeFile) -> Path:
    parts = file.path.relative_to(root).parts
    return root.joinpath(*parts[: parts.index("derivatives") + 2])


def is_predicted(description: Path) -> bool:
    """Return whether the description of a data set says that this program made it."""
    try:
        content = read_plain_json(description)
    except (AutosegError, OSError):
        return False
    made_by = content.get("GeneratedBy") if isinstance(content, dict) else None
    return isinstance(made_by, list) and any(isinstance(one, dict) and one.get("Name") == PROGRAM for one in made_by)


def _read_folders(parts: Sequence[str]) -> tuple[str, bool, str]:
    """Return the cohort in the folders above a subject, whether these are of derivatives, and of which."""
    if "derivatives" not in parts:
        return "/".join(part for part in parts if part.casefold() not in _PLAIN_FOLDERS), False, ""
    place = list(parts).index("derivatives")
    before, after = parts[:place], parts[place + 1 :]
    cohort = [part for part in (*before, *after[1:]) if part.casefold() not in _PLAIN_FOLDERS]
    return "/".join(cohort), True, after[0] if after else ""


def _split(stem: str) -> tuple[tuple[str, ...], str] | None:
    """Return the words of a BIDS name and its suffix; None for another name."""
    *words, suffix = stem.split("_")
    if not any(map(_SUBJECT.fullmatch, words)) or not suffix[:1].isalpha() or "-" in suffix:
        return None
    # Older names go on behind the image's suffix: sub-01_T1w_label-lesion_roi.
    plain = [word for word in words if "-" in word or is_label_name(word)]
    return tuple(plain), suffix


def _with_cohorts(found: Sequence[_Found]) -> list[_Found]:
    """Give derived files the cohort of their subject's scans where their folders name only its end, or none.

    So lies what was made of a part of a tree: `derivatives/NAME/R005/sub-...` of `Testing/R005/sub-...`.
    """
    scans: dict[str, set[str]] = defaultdict(set)
    for entry in found:
        if not entry.file.derived:
            scans[entry.subject].add(entry.cohort)
    placed = []
    for entry in found:
        known = scans[entry.subject]
        end = f"/{entry.cohort}" if entry.cohort else ""
        fitting = [cohort for cohort in known if f"/{cohort}".endswith(end)]
        moved = entry.file.derived and entry.cohort not in known and len(fitting) == 1
        placed.append(replace(entry, cohort=fitting[0]) if moved else entry)
    return placed


def _with_sessions(found: Sequence[_Found]) -> list[_Found]:
    """Give files without a session the only one that their subject has."""
    sessions: dict[tuple[str, str], set[str]] = defaultdict(set)
    for entry in found:
        if entry.session:
            sessions[entry.cohort, entry.subject].add(entry.session)
    placed = []
    for entry in found:
        known = sessions[entry.cohort, entry.subject]
        only = next(iter(known)) if len(known) == 1 and not entry.session else entry.session
        placed.append(replace(entry, session=only))
    return placed
