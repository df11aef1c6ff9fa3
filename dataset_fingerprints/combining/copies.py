"""Scans that lie in several of the data sets that are combined: folds must not tear them apart."""

from __future__ import annotations

import hashlib
import os
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from dataset_fingerprints.combining.combining import Combined
from dataset_fingerprints.dataset import DATA_SET, Case
from dataset_fingerprints.errors import DataError
from dataset_fingerprints.files.places import resolve
from dataset_fingerprints.measuring.identity import files_behind, hash_images
from dataset_fingerprints.names import counted, some_of
from dataset_fingerprints.units import find_units

# Bytes in the middle of a file that are looked at before all of it is read.
_GLANCE = 1 << 16
_NAMED = 3


@dataclass(frozen=True, kw_only=True, slots=True)
class Copies:
    """Scans that lie in several data sets.

    Attributes:
        groups: names of the cases that share a scan, each group from two data sets or more.
        twice: those of the groups in which two data sets have the same label map, too.
    """

    groups: tuple[tuple[str, ...], ...]
    twice: tuple[tuple[str, ...], ...]

    def describe(self) -> Iterator[str]:
        """Yield what to say of them; nothing where there are none."""
        if self.groups:
            found = counted(len(self.groups), "scan is", "scans are")
            yield (
                f"{found} in several of the data sets ({_show(self.groups)}). Cases of the same scan are of one "
                "subject now, so that no model is judged by a scan that it was trained on."
            )
        if self.twice:
            have = counted(len(self.twice), "of these has", "of these have")
            yield (
                f"{have} the same label map there, too ({_show(self.twice)}), and would count twice in every figure: "
                "leave one of the data sets out, unless that is meant."
            )


def keep_together(combined: Combined) -> tuple[Combined, Copies]:
    """Return a combined data set in which cases of the same scan are of one subject, and which these are.

    A scan is known by the content of its files, or by their being the same files.
    """
    groups = _group_by_scan([one.case for one in combined.cases])
    labels = _name_contents(case.label for group in groups.values() for case in group)
    twice = tuple(names for names, group in groups.items() if _share_labels(group, labels))
    subjects = _join_subjects(groups.values())
    joined = (
        replace(one, case=replace(one.case, subject=subjects.get(one.case.subject, one.case.subject)))
        for one in combined.cases
    )
    return replace(combined, cases=tuple(joined)), Copies(groups=tuple(groups), twice=twice)


def _group_by_scan(cases: Sequence[Case]) -> dict[tuple[str, ...], list[Case]]:
    """Return cases of several data sets that share a scan, by their names; of several channels they share, once."""
    contents = _name_contents(image for case in cases for image in case.images)
    owners: dict[str, list[Case]] = defaultdict(list)
    for case in cases:
        for name in dict.fromkeys(contents[image] for image in case.images if image in contents):
            owners[name].append(case)
    shared = (group for group in owners.values() if len({case.others[DATA_SET] for case in group}) > 1)
    return {tuple(case.name for case in group): group for group in shared if not _is_common(group, contents)}


def _is_common(group: Sequence[Case], contents: Mapping[str, str]) -> bool:
    """Return whether an image is of no single person: an atlas as a channel, or zeros in place of a missing one.

    Several subjects of one data set have it then, beside other images of their own.
    """
    subjects = {(case.others[DATA_SET], case.subject) for case in group}
    several = len(subjects) > len({data_set for data_set, _ in subjects})
    return several and len({tuple(contents.get(image) for image in case.images) for case in group}) > 1


def _share_labels(group: Sequence[Case], contents: Mapping[str, str]) -> bool:
    """Return whether cases of different data sets have the same label map."""
    holders: dict[str, set[str]] = defaultdict(set)
    for case in group:
        if case.label in contents:
            holders[contents[case.label]].add(case.others[DATA_SET])
    return any(len(names) > 1 for names in holders.values())


def _join_subjects(groups: Iterable[Sequence[Case]]) -> dict[str, str]:
    """Return the subject that each of those becomes that share a scan, also through others: the first by name."""
    sharing = [
        replace(case, name=f"{number} {case.name}", group=f"{number}")
        for number, group in enumerate(groups)
        for case in group
    ]
    units = find_units(sharing)
    return {case.subject: units[case.name] for case in sharing}


def _name_contents(paths: Iterable[str]) -> dict[str, str]:
    """Return the path of the first file with the same content, for every file that is there; unnamed ones are left out.

    Most files have a size of their own, and are not opened; a file is read as a whole only where another one has its
    size, and the same bytes in its middle.
    """
    alike = [*_divide([path for path in dict.fromkeys(paths) if path], _show_sizes)]
    for look in (_glance_at, _hash_all):
        alike = [part for group in alike for part in (_divide(group, look) if _are_several(group) else [group])]
    return {path: group[0] for group in alike for path in group}


def _divide(paths: Sequence[str], look: Callable[[Path], str]) -> list[list[str]]:
    """Return groups of files that look the same."""
    groups: dict[str, list[str]] = defaultdict(list)
    for path in paths:
        with suppress(OSError, DataError):  # `check` names a file that cannot be read
            groups[look(Path(path))].append(path)
    return [*groups.values()]


def _are_several(paths: Sequence[str]) -> bool:
    """Return whether paths lead to more than one file."""
    return len({resolve(Path(path)) for path in paths}) > 1


def _show_sizes(path: Path) -> str:
    """Return the sizes of a scan's files."""
    return " ".join(sorted(str(file.stat().st_size) for file in files_behind(path)))


def _glance_at(path: Path) -> str:
    """Return hashes of bytes in the middle of each of a scan's files."""
    seen = []
    for file in files_behind(path):
        with file.open("rb") as stream:
            size = os.fstat(stream.fileno()).st_size
            stream.seek(max(0, (size - _GLANCE) // 2))
            seen.append(hashlib.sha256(stream.read(_GLANCE)).hexdigest())
    return " ".join(sorted(seen))


def _hash_all(path: Path) -> str:
    return hash_images([path])


def _show(groups: Sequence[tuple[str, ...]]) -> str:
    return some_of([some_of(group, _NAMED, " and ") for group in groups], _NAMED, "; ")
