"""Folds that leave whole centres out: each is judged on scans of sites that it was not trained on."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

from dataset_fingerprints.dataset import Case
from dataset_fingerprints.errors import DataError
from dataset_fingerprints.names import counted, some_of
from dataset_fingerprints.units import find_units
from planners.plan import FOLDS, Fold, Splits

FoldSource = Path | Literal["by-site", "by-subject"]
BY_SITE: Literal["by-site"] = "by-site"
BY_SUBJECT: Literal["by-subject"] = "by-subject"
# What a person may type for it.
_NEARLY = (BY_SITE, "bysite", "by-sites", "bysites", "site", "sites")


def choose_source(given: str | os.PathLike[str] | None) -> FoldSource | None:
    """Return what folds are made of: the sites, the subjects or a file; None where the plan says it.

    Raises:
        DataError: there is no such file, and it is spelled nearly as the word for the sites.
    """
    if given is None:
        return None
    if str(given) == BY_SITE:
        return BY_SITE
    if str(given) == BY_SUBJECT:
        return BY_SUBJECT
    path = Path(given).absolute()
    if not path.exists() and str(given).casefold().replace("_", "-").replace(" ", "-") in _NEARLY:
        raise DataError(f"--splits {given}: there is no such file. Did you mean {BY_SITE}?")
    return path


def split_by_site(cases: Sequence[Case]) -> Splits:
    """Divide the sites into five folds of about as many cases each, or fewer with fewer sites.

    The sites with most cases are dealt out first, each to the fold with the fewest cases. Sites that share a subject,
    or a group, stay together.

    Raises:
        DataError: a case's site is not known, or there is a single one.
    """
    unknown = sorted(case.name for case in cases if not case.site)
    if unknown:
        raise DataError(
            f"--splits {BY_SITE}: the site of {counted(len(unknown), 'case')} of {len(cases)} is not known, for "
            f"example {some_of(unknown)}. Name it in the column 'site' of participants.tsv, of cases.tsv or of the CSV."
        )
    centres = _find_centres(cases)
    members: dict[str, list[str]] = defaultdict(list)
    for name, centre in centres.items():
        members[centre].append(name)
    if len(members) < 2:
        raise DataError(
            f"--splits {BY_SITE}: all {len(cases)} cases are of one site ({cases[0].site}), or of sites that share "
            "subjects. Leave the option out."
        )
    folds: list[list[str]] = [[] for _ in range(min(FOLDS, len(members)))]
    for _, own in sorted(members.items(), key=lambda item: (-len(item[1]), item[0])):
        smallest = min(folds, key=len)
        smallest += own
    names = sorted(centres)
    return Splits(
        origin=f"{len(folds)} folds that leave sites out, of {counted(len(members), 'site')}",
        folds=tuple(_make_fold(names, frozenset(held)) for held in folds),
    )


def _make_fold(names: Sequence[str], held: frozenset[str]) -> Fold:
    """Return the fold of these cases that is judged on some of them."""
    return Fold(
        train=tuple(name for name in names if name not in held),
        validation=tuple(name for name in names if name in held),
    )


def _find_centres(cases: Sequence[Case]) -> Mapping[str, str]:
    """Return every case's centre: its site, called after the first by name of those that share subjects."""
    units = find_units(cases)
    linked: dict[str, set[str]] = defaultdict(set)
    for case in cases:
        linked[units[case.name]].add(case.site)
    names = {case.site: case.site for case in cases}
    for sites in linked.values():
        joined = {names[site] for site in sites}
        if len(joined) > 1:
            first = min(joined)
            names = {site: first if name in joined else name for site, name in names.items()}
    return {case.name: names[case.site] for case in cases}
