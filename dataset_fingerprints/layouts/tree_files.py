"""Trees of folders as data sets: the image files below a folder, by the case that they belong to."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from dataset_fingerprints.files.places import SYSTEM_FOLDERS, Identity, identify_place, refuse_closed
from dataset_fingerprints.layouts.modalities import canonical, is_anatomy_name, is_label_name, is_lesion_name
from dataset_fingerprints.reading.images import is_image

# No data set lies deeper: root, derivatives, pipeline, cohort, sub-01, ses-1, anat, and one to spare.
_DEEPEST = 8
# Folders below which no scans are looked for.
_NO_SCANS = ("sourcedata", "code", *SYSTEM_FOLDERS)
_RUN = re.compile(r"run-0*(\d+)", re.IGNORECASE)
_SPACE = re.compile(r"space-(.+)", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True, slots=True)
class TreeFile:
    """An image file of a tree, and what its name says.

    Attributes:
        words: what is in its name beside the case and the suffix: `space-MNI`, `run-1`.
        suffix: the kind of image, or of label map: `T1w`, `mask`, `flair`.
        derived: whether it lies in `derivatives`.
        pipeline: the name of its folder in there; empty outside, and without one.
        predicted: whether that folder says that this program made it.
    """

    path: Path
    words: tuple[str, ...]
    suffix: str
    derived: bool = False
    pipeline: str = ""
    predicted: bool = False

    def kind(self) -> str:
        """Return how files of its kind are called in messages and options; runs are of one kind."""
        words, own = self._plain_words(), tuple(re.split(r"[_\-. ]+", self.suffix))
        return "_".join((*(words[: -len(own)] if words[-len(own) :] == own else words), self.suffix))

    def is_label(self) -> bool:
        """Return whether it is a label map."""
        return is_label_name(self.suffix)

    def is_lesion(self) -> bool:
        """Return whether it is said to hold lesions."""
        return is_lesion_name("_".join((*self.words, self.suffix)))

    def is_anatomy(self) -> bool:
        """Return whether it is a label map of the brain or of tissue."""
        return is_anatomy_name("_".join((*self.words, self.suffix)))

    def fits(self, text: str) -> bool:
        """Return whether it is of the kind that an option or a channel names: all parts of the text are in its name."""
        own = {word.casefold() for word in (*self.words, self.pipeline) if word}
        if canonical(text) == canonical(self.suffix):
            return True
        parts = text.split("_")
        return all(part.casefold() in own or canonical(part) == canonical(self.suffix) for part in parts)

    def run(self) -> int:
        """Return the number of its run, 0 without one."""
        return next((int(match[1]) for word in self.words if (match := _RUN.fullmatch(word))), 0)

    def space(self) -> str:
        """Return the space that it lies in; empty for the scan's own."""
        found = next((match[1] for word in self.words if (match := _SPACE.fullmatch(word))), "")
        return "" if found.casefold() in ("orig", "individual", "native") else found

    def rank(self) -> tuple[bool, int]:
        """Return what makes it less likely to be meant: being derived, then further words in its name."""
        return self.derived, len(self._plain_words())

    def contradicts(self, other: TreeFile) -> bool:
        """Return whether both names give one thing differently, such as run-1 and run-2."""
        own, its = _entities(self.words), _entities(other.words)
        return any(own[key] != its[key] for key in own.keys() & its.keys() if key not in ("desc", "label", "res"))

    def _plain_words(self) -> tuple[str, ...]:
        return tuple(word for word in self.words if not _RUN.fullmatch(word))


@dataclass(frozen=True, kw_only=True, slots=True)
class TreeCase:
    """A case of a tree with all image files that may belong to it.

    Attributes:
        place: the parts of its files' paths that are its own: sub-01 and ses-1, or the folders from the root on.
        cohort: the folders between the root and the patient's, joined by slashes.
        others: further things that are known of it, by name.
    """

    name: str
    subject: str
    session: str
    place: tuple[str, ...]
    files: tuple[TreeFile, ...]
    cohort: str = ""
    site: str = ""
    group: str = ""
    others: Mapping[str, str] = field(default_factory=dict)

    def images(self) -> tuple[TreeFile, ...]:
        """Return its images."""
        return tuple(file for file in self.files if not file.is_label())

    def labels(self) -> tuple[TreeFile, ...]:
        """Return its label maps."""
        return tuple(file for file in self.files if file.is_label())


@dataclass(frozen=True, kw_only=True, slots=True)
class Tree:
    """All cases below a folder.

    Attributes:
        layout: how the tree is ordered, by the name of `LAYOUTS`.
    """

    root: Path
    layout: str
    cases: tuple[TreeCase, ...]


def walk_images(root: Path) -> Iterator[tuple[tuple[str, ...], list[Path]]]:
    """Yield every folder below a root that holds image files: its parts from the root on, and the files.

    Hidden folders, and what lies too deep for a data set, are left out.

    Raises:
        DataError: a folder cannot be listed.
    """
    seen: set[Identity | None] = set()
    for place, folders, names in os.walk(root, onerror=refuse_closed, followlinks=True):
        folder = Path(place)
        parts = folder.relative_to(root).parts
        if (identity := identify_place(folder)) in seen:  # a link that leads back
            folders.clear()
            continue
        seen.add(identity)
        hidden = [name for name in folders if name.startswith(".") or name in _NO_SCANS]
        folders[:] = sorted(set(folders) - set(hidden)) if len(parts) < _DEEPEST else []
        images = [folder / name for name in sorted(names) if is_image(Path(name))]
        if images:
            yield parts, images


def _entities(words: tuple[str, ...]) -> dict[str, str]:
    pairs = (word.casefold().partition("-") for word in words)
    return {key: value for key, dash, value in pairs if dash}
