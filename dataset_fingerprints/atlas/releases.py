"""A release of ATLAS on a disk: its sessions with their scans and masks, found from a folder in it or above it."""

from __future__ import annotations

import os
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from dataset_fingerprints.atlas.archives import describe_archive, is_archive, refuse_archive
from dataset_fingerprints.atlas.file_names import AtlasFile, Family, Space, read_file_name
from dataset_fingerprints.atlas.metadata import TABLE_SUFFIXES, Metadata, Traits, read_metadata
from dataset_fingerprints.atlas.naming import FAMILIES, find_clues, name_release
from dataset_fingerprints.errors import DataError
from dataset_fingerprints.files.places import SYSTEM_FOLDERS, Identity, identify_place, refuse_closed, resolve
from dataset_fingerprints.layouts.marks import is_marked_file, says_simulated
from dataset_fingerprints.reading.images import is_image

# The folders above the given one in which tables of a whole release may lie.
ABOVE = 3
# What an import leaves in its folder, so that no second one takes it for a source.
MANIFEST = "atlas.json"
# Why a row of a table is left out.
NO_SCAN = "a row without a scan"
# No file of a release lies deeper below a folder that somebody would name.
_DEEPEST = 12
# Folders that are not looked into.
_NO_SCANS = ("__MACOSX", *SYSTEM_FOLDERS)
_TEST = re.compile(r"(.*[_\- ])?test(ing|s)?([_\- ].*)?", re.IGNORECASE)
_TRAINING = re.compile(r"(.*[_\- ])?train(ing)?([_\- ].*)?", re.IGNORECASE)
# Folders within those of training and test cases.
_INNER = re.compile(r"R\d{3}|sub-.*|ses-.*|anat")
_OWN_TEST = re.compile(r"test(ing)?(_raw)?", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True, slots=True)
class LeftOut:
    """A file of the source, or a row of a table, that is not imported."""

    path: str
    why: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Session:
    """One visit of one patient.

    Attributes:
        name: of the case that it becomes.
        scans: the files that may be its scan; more than one are copies, or a contradiction.
        masks: all its lesion masks.
        testing: whether it lies in a folder of test cases.
        traits: what tables say of it.
    """

    name: str
    subject: str
    session: str
    site: str
    scans: tuple[Path, ...]
    masks: tuple[Path, ...]
    testing: bool
    traits: Traits


@dataclass(frozen=True, kw_only=True, slots=True)
class Release:
    """A release as it was found.

    Attributes:
        root: the folder that was given.
        name: R1.1, R1.2, R2.0, R2.1 or R3.0.
        doubt: what is doubtful about the name; empty where nothing is.
        tables: the files that traits were read from.
        simulated: whether the source says that its scans are simulated.
    """

    root: Path
    name: str
    doubt: str
    space: Space
    sessions: tuple[Session, ...]
    tables: tuple[Path, ...]
    left_out: tuple[LeftOut, ...]
    simulated: bool


@dataclass(kw_only=True, slots=True)
class _Seen:
    """The files of a tree, sorted by what they are."""

    root: Path
    images: list[AtlasFile]
    tables: list[Path]
    archives: list[Path]
    left_out: list[LeftOut]
    simulated: bool = False

    def leave_out(self, path: Path, why: str) -> None:
        self.left_out.append(LeftOut(path=str(path.relative_to(self.root)), why=why))


def find_release(source: Path, asked: str = "") -> Release:
    """Find the sessions of a release in a folder: that of the release, one of its folders, or one above it.

    Args:
        source: the folder.
        asked: the name of the release, where somebody says it; else it is told by folders, tables and files.

    Raises:
        DataError: it holds no session, those of several releases, or is an archive; the message says what to do.
    """
    refuse_archive(source)
    if not source.is_dir():
        raise DataError(f"{source}: does not exist. Expected the folder of a release of ATLAS, unpacked.")
    root = resolve(source)
    seen = _walk(root)
    family, space = _choose_group(root, seen)
    files = [file for file in seen.images if (file.family, file.space) == (family, space)]
    metadata = read_metadata((*_tables_above(root), *seen.tables))
    for path, why in metadata.unread:
        if path.is_relative_to(root):
            seen.leave_out(path, why)
    tables = (*metadata.tables, *(path for path, _ in metadata.unread))
    named = name_release(family, space, find_clues(root, ABOVE, files, tables), asked)
    sessions = tuple(_make_sessions(root, files, metadata, seen))
    # A table above the folder is of more than what was asked for.
    for path, whose in metadata.find_rows_without((file.subject, file.session, file.site) for file in files):
        if path.is_relative_to(root):
            seen.left_out.append(LeftOut(path=f"{path.relative_to(root)}: {whose}", why=NO_SCAN))
    return Release(
        root=root,
        name=named.name,
        doubt=named.doubt,
        space=space,
        sessions=sessions,
        tables=metadata.tables,
        left_out=tuple(sorted(seen.left_out, key=lambda one: one.path)),
        simulated=seen.simulated or any(says_simulated(path) for path in _descriptions_above(root)),
    )


def _walk(root: Path) -> _Seen:
    seen = _Seen(root=root, images=[], tables=[], archives=[], left_out=[])
    known: set[Identity | None] = set()
    for place, folders, names in os.walk(root, onerror=refuse_closed, followlinks=True):
        folder = Path(place)
        parts = folder.relative_to(root).parts
        identity = identify_place(folder)
        if identity in known or MANIFEST in names:  # a link that leads back, or what an import made
            if MANIFEST in names:
                seen.leave_out(folder, "a data set that was imported before")
            folders.clear()
            continue
        known.add(identity)
        folders[:] = sorted(name for name in folders if not name.startswith(".") and name not in _NO_SCANS)
        if len(parts) >= _DEEPEST:
            folders.clear()
        for name in sorted(names):
            if not name.startswith("."):
                _sort(seen, folder / name, (*root.parts, *parts))
    return seen


def _sort(seen: _Seen, path: Path, folders: Sequence[str]) -> None:
    if is_image(path):
        read = read_file_name(path, folders)
        if read is not None:
            seen.images.append(read)
        else:
            seen.leave_out(path, "neither a T1w scan nor a lesion mask of ATLAS")
    elif is_archive(path):
        seen.archives.append(path)
        seen.leave_out(path, describe_archive(path))
    elif path.suffix.lower() in TABLE_SUFFIXES:
        seen.tables.append(path)
    elif is_marked_file(path):
        seen.simulated = seen.simulated or says_simulated(path)
    elif not _describes_neighbour(path):
        seen.leave_out(path, "not an image, and not a table")


def _describes_neighbour(path: Path) -> bool:
    """Return whether a file is BIDS's description of a table or an image of the same name beside it."""
    endings = (*TABLE_SUFFIXES, ".nii", ".nii.gz")
    return path.suffix == ".json" and any(path.with_name(path.stem + ending).is_file() for ending in endings)


def _choose_group(root: Path, seen: _Seen) -> tuple[Family, Space]:
    """Return the release and the space of the scans.

    Raises:
        DataError: there are none, or those of several.
    """
    groups: dict[tuple[Family, Space], list[Path]] = defaultdict(list)
    for file in seen.images:
        if file.kind == "scan":
            groups[file.family, file.space].append(file.path)
    if len(groups) == 1:
        return next(iter(groups))
    if not groups:
        if seen.archives:
            raise DataError(f"{seen.archives[0]}: {describe_archive(seen.archives[0])}")
        raise DataError(
            f"{root}: holds no session of ATLAS. Expected, in any folder below, scans called as in R1.1 (Site1/031768/"
            "t01/031768_t1w_deface_stx.nii.gz), R1.2 (c0003s0008t01_t1w_stx.nii.gz), R2.0 (sub-r001s001_ses-1_space-"
            "MNI152NLin2009aSym_T1w.nii.gz) or R2.1 and R3.0 (sub-r001s001_ses-1_space-orig_desc-brain_T1w.nii.gz)."
        )
    shown = [
        f"{len(paths)} of {FAMILIES[family, space]} in {os.path.commonpath([path.parent for path in paths])}"
        for (family, space), paths in sorted(groups.items())
    ]
    raise DataError(
        f"{root}: holds scans of {len(groups)} releases or spaces: {'; '.join(shown)}. They are partly the same "
        "patients: name the folder of one of them."
    )


def _make_sessions(root: Path, files: Sequence[AtlasFile], metadata: Metadata, seen: _Seen) -> Iterator[Session]:
    grouped: dict[tuple[str, str, str], list[AtlasFile]] = defaultdict(list)
    for file in files:
        # Only INDI numbers patients within a site.
        grouped[file.site if file.family == "INDI" else "", file.subject, file.session].append(file)
    sites: dict[str, set[str]] = defaultdict(set)
    for site, subject, _ in grouped:
        sites[subject].add(site)
    for (site, subject, session), own in sorted(grouped.items()):
        masks = tuple(file.path for file in own if file.kind == "mask")
        if len(masks) == len(own):
            for mask in masks:
                seen.leave_out(mask, "a lesion mask without a scan of its session")
            continue
        prefix = f"{site}_" if len(sites[subject]) > 1 else ""
        between = "" if own[0].family == "ICPSR" or not session else "_"
        place = next((file.site for file in own if file.site), "")
        traits = metadata.find(subject, session, place)
        # What lies in a folder for training first: a copy of a test case there counts.
        scans = sorted((_is_testing(root, file.path), file.path) for file in own if file.kind == "scan")
        yield Session(
            name=f"{prefix}{subject}{between}{session}",
            subject=f"{prefix}{subject}",
            session=session,
            site=place or traits.site,
            scans=tuple(path for _, path in scans),
            masks=masks,
            testing=own[0].family == "BIDS" and scans[0][0],  # the first releases have no test cases
            traits=traits,
        )


def _is_testing(root: Path, path: Path) -> bool:
    """Return whether the innermost folder of a file that is called after training or a test is of a test.

    Of the folders from the given one on upwards, only the one that a cohort or a subject lies in counts.
    """
    below = path.relative_to(root).parts[:-1]
    above = next((name for name in reversed(root.parts) if not _INNER.fullmatch(name)), "")
    outer = above if _OWN_TEST.fullmatch(above) or _TRAINING.fullmatch(above) else ""
    named = next((name for name in (*reversed(below), outer) if _TEST.fullmatch(name) or _TRAINING.fullmatch(name)), "")
    return bool(_TEST.fullmatch(named))


def _tables_above(root: Path) -> list[Path]:
    """Return the tables that lie in the folders above the given one, if these are called after their content."""
    found = (path for folder in _folders_above(root) for path in sorted(folder.iterdir()) if path.is_file())
    named = ("metadata", "meta-data", "supplementary", "participants")
    return [
        path
        for path in found
        if path.suffix.lower() in TABLE_SUFFIXES and any(word in path.name.casefold() for word in named)
    ]


def _descriptions_above(root: Path) -> list[Path]:
    return [path for folder in _folders_above(root) for path in sorted(folder.iterdir()) if is_marked_file(path)]


def _folders_above(root: Path) -> list[Path]:
    return [folder for folder in root.parents[:ABOVE] if os.access(folder, os.R_OK)]
