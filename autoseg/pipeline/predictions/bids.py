"""Masks of a BIDS tree as a BIDS derivative: names, sidecars and the description of the data set.

Names keep the entities of the scan and say in which space the mask lies: its own (`space-orig`), unless the scan's name
gives another one. One label is a mask, `label-L` if it is of lesions; several are a segmentation with a table of names.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path, PurePosixPath

from autoseg.pipeline.scans.new_scans import NewScan
from dataset_fingerprints.dataset import LabelScheme
from dataset_fingerprints.errors import AutosegError, DataError
from dataset_fingerprints.files.atomic import write_bytes
from dataset_fingerprints.files.jsonfiles import JsonValue, read_plain_json, write_json
from dataset_fingerprints.layouts.bids import DESCRIPTION, PROGRAM, is_predicted
from dataset_fingerprints.layouts.modalities import is_lesion_name
from dataset_fingerprints.reading.file_names import stem_of

LESION = "L"
_VERSION = "1.10.0"
_READMES = ("README", "README.md", "README.txt", "README.rst")
_README = "Masks that {program} {version} predicted ({model}). They were not checked by a person.\n"
# Entities that come behind `space` in a name, in their order.
_BEHIND = ("split", "recording", "chunk", "seg", "scale", "res", "den", "label", "desc")
_SUBJECT = re.compile(r"sub-[A-Za-z0-9+]+")
_SESSION = re.compile(r"ses-[A-Za-z0-9+]+")
_NOT_ALPHANUMERIC = re.compile(r"[^A-Za-z0-9+]")
# A data set's description lies at most so many folders above what a person gives.
_ABOVE = 4


@dataclass(frozen=True, kw_only=True, slots=True)
class BidsName:
    """The place of what is derived of a scan.

    Attributes:
        folder: below that of the derivative.
        words: the entities before and with `space`.
        behind: the entities behind it.
        sources: URIs of the scan's files; its mask lies on the grid of the first.
    """

    folder: PurePosixPath
    words: tuple[str, ...]
    behind: tuple[str, ...]
    sources: tuple[str, ...]

    def file(self, suffix: str, ending: str, label: str = "") -> PurePosixPath:
        """Return the path of a derived file below the folder of the derivative."""
        behind = sorted(
            (*self.behind, *([f"label-{label}"] if label else [])), key=lambda word: _BEHIND.index(_key(word))
        )
        return self.folder / f"{'_'.join((*self.words, *behind, suffix))}{ending}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Derivative:
    """A BIDS derivative that masks are written into.

    Attributes:
        out: its folder.
        scheme: of the labels.
        names: of each scan by its name.
        links: the data sets that the scans lie in, and those of earlier masks there, by the names that URIs give them,
            relative to `out`.
    """

    out: Path
    scheme: LabelScheme
    names: Mapping[str, BidsName]
    links: Mapping[str, str]

    def mask(self, scan: str) -> Path:
        """Return the path of a scan's mask."""
        name = self.names[scan]
        if self._is_one():
            return self.out / name.file("mask", ".nii.gz", self._label())
        return self.out / name.file("dseg", ".nii.gz")

    def probability(self, scan: str, part: str) -> Path:
        """Return the path of the probabilities of a label or region."""
        parts = [one.name for one in self.scheme.regions or self.scheme.labels]
        # Of lesions with classes, maps are of what the networks look for, not of the labels of masks.
        label = name_labels(parts)[parts.index(part)] if part in parts else name_labels([part])[0]
        return self.out / self.names[scan].file("probseg", ".nii.gz", label)

    def write_sidecars(self, scan: str, maps: Sequence[str] = ()) -> None:
        """Write what describes a scan's mask, and its maps, where it is not there yet.

        Args:
            scan: its name.
            maps: names of the labels or regions whose probabilities are written.
        """
        name, mask = self.names[scan], self.mask(scan)
        names = ", ".join(label.name for label in self.scheme.labels)
        kind: dict[str, JsonValue] = {"Description": f"Predicted by {PROGRAM}: {names}"}
        if self._is_one():
            kind["Type"] = "Lesion" if self._label() == LESION else "ROI"
        _write_missing(mask, kind | _describe_sources(name))
        if not self._is_one():
            rows = ["index\tname", *(f"{label.value}\t{label.name}" for label in self.scheme.labels)]
            table = _beside(mask, ".tsv")
            if not table.exists():
                write_bytes(table, ("\n".join(rows) + "\n").encode())
        for part in maps:
            said: dict[str, JsonValue] = {"Description": f"Probability of {part}"}
            _write_missing(self.probability(scan, part), said | _describe_sources(name))

    def forget(self, scan: str) -> None:
        """Delete what describes an earlier mask of a scan, which may have had other labels."""
        for ending in (".json", ".tsv"):
            _beside(self.mask(scan), ending).unlink(missing_ok=True)

    def describe(self, version: str, model: str) -> None:
        """Write the description of the data set, or that of an earlier run anew.

        Args:
            version: of the program.
            model: that made the masks, in words.
        """
        described: dict[str, JsonValue] = {
            "Name": "Lesion masks" if is_lesion_name(self.scheme.labels[0].name) else "Segmentations",
            "BIDSVersion": _VERSION,
            "DatasetType": "derivative",
            "GeneratedBy": [{"Name": PROGRAM, "Version": version, "Description": model}],
            "DatasetLinks": dict(self.links),
        }
        write_json(self.out / DESCRIPTION, described)
        if not any((self.out / name).exists() for name in _READMES):
            write_bytes(self.out / _READMES[0], _README.format(program=PROGRAM, version=version, model=model).encode())

    def _is_one(self) -> bool:
        return len(self.scheme.labels) == 1

    def _label(self) -> str:
        return name_labels([self.scheme.labels[0].name])[0]


def make_derivative(out: Path, scans: Sequence[tuple[Path, NewScan]], scheme: LabelScheme) -> Derivative:
    """Return where the masks of scans of BIDS trees go.

    Args:
        out: the folder of the derivative.
        scans: each with the tree that it was found in.
        scheme: of the labels.

    Raises:
        DataError: the folder holds another data set.
    """
    _refuse_other(out)
    roots = {place: _find_root(place) for place, _ in scans}
    links = _read_links(out)
    called = {root: _call(_relative(root, out), links) for root in dict.fromkeys(roots.values())}
    names = {scan.name: _name(scan, roots[place], called[roots[place]]) for place, scan in scans}
    return Derivative(out=out, scheme=scheme, names=names, links=links)


def _read_links(out: Path) -> dict[str, str]:
    """Return the data sets that an earlier run linked, by their names: sidecars of its masks refer to these."""
    try:
        described = read_plain_json(out / DESCRIPTION)
    except (AutosegError, OSError):
        return {}
    links = described.get("DatasetLinks") if isinstance(described, dict) else None
    return {name: link for name, link in links.items() if isinstance(link, str)} if isinstance(links, dict) else {}


def _call(link: str, links: dict[str, str]) -> str:
    """Return the name of a data set among the links, to which it is added where it is new."""
    known = next((name for name, other in links.items() if other == link), None)
    name = known or next(free for number in count() if (free := f"raw{number or ''}") not in links)
    links[name] = link
    return name


def name_labels(names: Sequence[str]) -> tuple[str, ...]:
    """Return what BIDS calls labels or regions, each once: `L` for lesions where nothing else is looked for."""
    if len(names) == 1 and is_lesion_name(names[0]):
        return (LESION,)
    called: list[str] = []
    for number, name in enumerate(names, start=1):
        plain = _NOT_ALPHANUMERIC.sub("", name) or "label"
        while plain.casefold() in map(str.casefold, called):
            plain = f"{plain}{number}"
        called.append(plain)
    return tuple(called)


def _name(scan: NewScan, root: Path, called: str) -> BidsName:
    files = scan.files()
    first = files[0]
    parts = _inside(first, root).parts[:-1]
    *words, _ = stem_of(first).split("_")
    words = [word for word in words if "-" in word]
    subject = next(word for word in words if _SUBJECT.fullmatch(word))
    session = next((part for part in (*words, *parts, *scan.name.split("_")) if _SESSION.fullmatch(part)), "")
    others = [word for word in words if word not in (subject, session)]
    behind = tuple(word for word in others if _key(word) in _BEHIND and _key(word) != "label")
    before = [word for word in others if _key(word) not in (*_BEHIND, "ses")]
    space = [word for word in before if _key(word) == "space"] or ["space-orig"]
    before = [word for word in before if _key(word) != "space"]
    above = next((number for number, part in enumerate(parts) if _SUBJECT.fullmatch(part)), 0)
    kind = parts[-1] if parts and not (_SUBJECT.fullmatch(parts[-1]) or _SESSION.fullmatch(parts[-1])) else "anat"
    folder = PurePosixPath(*_without_derivatives(parts[:above]), subject, *filter(None, [session]), kind)
    return BidsName(
        folder=folder,
        words=tuple(filter(None, (subject, session, *before, *space))),
        behind=behind,
        sources=tuple(f"bids:{called}:{_inside(file, root).as_posix()}" for file in files),
    )


def _without_derivatives(parts: Sequence[str]) -> tuple[str, ...]:
    """Return the folders of cohorts above a subject's, without those of a derivative that scans were taken from."""
    if "derivatives" not in parts:
        return tuple(parts)
    place = list(parts).index("derivatives")
    return (*parts[:place], *parts[place + 2 :])


def _key(word: str) -> str:
    return word.partition("-")[0]


def _inside(file: Path, root: Path) -> Path:
    """Return a path from the root of its data set; of a file behind a link, only its name."""
    place = Path(os.path.realpath(file.parent)) / file.name
    return place.relative_to(root) if place.is_relative_to(root) else Path(file.name)


def _find_root(place: Path) -> Path:
    """Return the folder of a data set that a person gave, or gave a part of."""
    real = Path(os.path.realpath(place))
    above = (folder for folder in (real, *list(real.parents)[:_ABOVE]) if (folder / DESCRIPTION).is_file())
    return next(above, real)


def _relative(root: Path, out: Path) -> str:
    try:
        return Path(os.path.relpath(root, os.path.realpath(out))).as_posix()
    except ValueError:  # another drive
        return root.as_uri()


def _describe_sources(name: BidsName) -> dict[str, JsonValue]:
    return {"Sources": list(name.sources), "SpatialReference": name.sources[0]}


def _beside(image: Path, suffix: str) -> Path:
    return image.with_name(f"{stem_of(image)}{suffix}")


def _write_missing(image: Path, content: Mapping[str, JsonValue]) -> None:
    sidecar = _beside(image, ".json")
    if not sidecar.exists():
        write_json(sidecar, dict(content))


def _refuse_other(out: Path) -> None:
    """Refuse the folder of a data set that others made: one folder has one description."""
    place = out / DESCRIPTION
    if place.exists() and not is_predicted(place):
        raise DataError(
            f"{out}: holds {DESCRIPTION} of another data set. Masks of a BIDS tree are a data set of their own: name a "
            f"folder for them with -o, for example {out / PROGRAM}."
        )
