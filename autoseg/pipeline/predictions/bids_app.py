"""A BIDS app: the participants that are asked for, and where what is derived of them goes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from dataset_fingerprints.errors import DataError, did_you_mean
from dataset_fingerprints.files.places import is_within
from dataset_fingerprints.layouts.bids import PROGRAM, holds_bids
from dataset_fingerprints.layouts.tree_files import walk_images
from dataset_fingerprints.names import some_of

LEVEL = "participant"
_SUBJECT, _DERIVATIVES = "sub-", "derivatives"


def check_level(level: str) -> None:
    """Make sure that a level of analysis is the one that there is.

    Raises:
        DataError: it is another one.
    """
    if level != LEVEL:
        raise DataError(f"the level of analysis is '{level}'. Expected {LEVEL}: each scan is segmented on its own.")


def choose_participants(tree: Path, labels: Sequence[str]) -> tuple[Path, ...]:
    """Return the folders of the participants that are asked for; the whole tree where none is named.

    Args:
        tree: the root of a BIDS data set.
        labels: of participants, with or without `sub-`.

    Raises:
        DataError: it is not a BIDS tree, or has no such participant.
    """
    if not holds_bids(tree):
        raise DataError(f"{tree}: is not a BIDS data set. Expected folders called sub-..., with scans in them.")
    known = _find_participants(tree) if labels else {}
    wanted = list(dict.fromkeys(label.removeprefix(_SUBJECT) for label in labels))
    unknown = [label for label in wanted if label not in known]
    if unknown:
        raise DataError(
            f"{tree}: has no participant {some_of(unknown)}. {did_you_mean(unknown[0], known)} Or leave "
            "--participant-label out for all."
        )
    return tuple(folder for label in wanted for folder in known[label]) or (tree,)


def _find_participants(tree: Path) -> dict[str, list[Path]]:
    """Return the folders of each participant by label, also below folders of cohorts, as in Training/R001/sub-01.

    Derivatives count only for a participant who has no other folder.
    """
    scans: dict[str, list[Path]] = defaultdict(list)
    derived: dict[str, list[Path]] = defaultdict(list)
    for parts, _ in walk_images(tree):
        place = next((number for number, part in enumerate(parts) if part.startswith(_SUBJECT)), None)
        if place is None:
            continue
        found = derived if _DERIVATIVES in parts[:place] else scans
        folders = found[parts[place].removeprefix(_SUBJECT)]
        folder = tree.joinpath(*parts[: place + 1])
        if folder not in folders:
            folders.append(folder)
    return dict(sorted((derived | scans).items()))


def choose_folder(out: Path, tree: Path) -> Path:
    """Return where the derivative goes in the folder of outputs: beside its report, which has no place in it.

    Args:
        out: the folder of outputs.
        tree: the root of the BIDS data set; some of its participants may be all that is segmented.

    Raises:
        DataError: it lies in the data set, but not in the `derivatives` of that.
    """
    folder = out / PROGRAM
    if is_within(folder, tree) and not is_within(folder, tree / _DERIVATIVES):
        raise DataError(
            f"{out}: lies in the data set {tree}, where masks would be taken for data. Name a folder outside of it, or "
            f"{tree / _DERIVATIVES}."
        )
    return folder
