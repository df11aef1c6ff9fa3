"""One folder of files of several kinds: 001_T1.nii.gz, 001_FLAIR.nii.gz and 001_mask.nii.gz beside each other."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from pathlib import Path

from dataset_fingerprints.layouts.description import session_of, subject_of
from dataset_fingerprints.layouts.modalities import is_label_name, is_modality
from dataset_fingerprints.layouts.tree_files import Tree, TreeCase, TreeFile
from dataset_fingerprints.reading.file_names import images_in, stem_of

_BIDS = re.compile(r"sub-[A-Za-z0-9+]+(_ses-[A-Za-z0-9+]+)?")
_WORD = re.compile(r"[_\-. ]?[^_\-. ]+$")


def holds_kinds(root: Path) -> bool:
    """Return whether every file of a folder is called after a kind, and most cases have files of several kinds."""
    if not root.is_dir():
        return False
    files = images_in(root, series=False)
    split = [entry for file in files if (entry := _split(stem_of(file)))]
    counts = Counter(case for case, _, _ in split)
    several = sum(count > 1 for count in counts.values())
    return 0 < len(files) == len(split) and 2 * several >= len(counts) and len({kind for _, _, kind in split}) > 1


def list_kinds(root: Path) -> Tree:
    """List the cases of a folder of files: those that are called alike but for the kind."""
    grouped: dict[str, list[TreeFile]] = defaultdict(list)
    for path in images_in(root, series=False):
        if entry := _split(stem_of(path)):
            grouped[entry[0]].append(TreeFile(path=path, words=entry[1], suffix=entry[2]))
    cases = (
        TreeCase(name=name, subject=subject_of(name), session=session_of(name), place=(name,), files=tuple(files))
        for name, files in sorted(grouped.items())
    )
    return Tree(root=root, layout="patients", cases=tuple(cases))


def _split(stem: str) -> tuple[str, tuple[str, ...], str] | None:
    """Return the case in a file's name, further words, and the kind; None for a name that holds no case or no kind."""
    if found := _BIDS.match(stem):
        *words, suffix = stem[found.end() :].strip("_").split("_")
        return (found[0], tuple(words), suffix) if is_modality(suffix) or is_label_name(suffix) else None
    case: str = stem
    kinds: list[str] = []
    while (match := _WORD.search(case)) and (is_modality(word := match[0].strip("_-. ")) or is_label_name(word)):
        case, kinds = case[: match.start()], [word, *kinds]
    if not case or not kinds:
        return None
    label = next((word for word in kinds if is_label_name(word)), None)
    suffix = "_".join(kinds) if label else kinds[-1]
    return case, tuple(kinds[:-1]) if label is None else tuple(kinds), suffix
