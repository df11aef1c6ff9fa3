"""Description of a data set in one line for people: the layout, which files belong together, what was left out."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from dataset_fingerprints.dataset import Dataset, is_there
from dataset_fingerprints.layouts.bids import list_bids_files
from dataset_fingerprints.layouts.description import show_path
from dataset_fingerprints.layouts.patients import list_patients
from dataset_fingerprints.names import counted, some_of
from dataset_fingerprints.reading.file_names import find_left_out, show_left_out
from dataset_fingerprints.reading.images import find_masks

_NAMES = {
    "csv": "CSV of paths",
    "paired": "paired folders",
    "nnunet": "nnU-Net raw folder",
    "msd": "Decathlon folder",
    "bids": "BIDS tree",
    "patients": "folder per patient",
}
_TREES = {"bids": list_bids_files, "patients": list_patients}


def describe_layout(dataset: Dataset) -> str:
    """Say how the data set lies on the disk, by the example of its first case.

    For example: "paired folders: Brain/001.nii.gz with Lesion/001.nii.gz, 20 cases, 1 channel".
    """
    root, first = Path(dataset.root), dataset.cases[0]
    images = some_of([show_path(root, path) for path in first.image_paths()], 10, " and ")
    label = show_path(root, first.label_path()) if first.label else "no label map"
    label += " (its main mask and sub-masks)" if first.label and find_masks(first.label_path()) else ""
    channels = counted(len(dataset.channels), "channel")
    named = "" if _are_numbers(dataset.channels) else f" ({some_of(dataset.channels, 10)})"
    cases = counted(len(dataset.cases), "case")
    text = f"{_NAMES[dataset.layout]}: {images} with {label}, {cases}, {channels}{named}"
    if dataset.layout in _TREES:
        return ". ".join((text, *_describe_tree(dataset)))
    others = [] if dataset.layout == "csv" else find_unused(dataset)
    if not others:
        return text
    return f"{text}. {show_left_out([show_path(root, path) for path in others])}"


def _describe_tree(dataset: Dataset) -> list[str]:
    """Return what a tree holds beside the files that were taken, by kind, and what some cases lack."""
    taken = {file for case in dataset.cases for file in (*case.images, case.label)}
    tree = _TREES[dataset.layout](Path(dataset.root))
    known = {case.name for case in dataset.cases}
    files = (file for case in tree.cases if case.name in known for file in case.files)
    others = [file for file in files if str(file.path) not in taken and str(file.path.parent) not in taken]
    counts = Counter(file.kind() for file in others)
    said = []
    for place, channel in enumerate(dataset.channels):
        lacking = sum(len(case.images) > place and not is_there(case.images[place]) for case in dataset.cases)
        if lacking and len(dataset.channels) > 1:
            have = counted(lacking, "case has", "cases have")
            said.append(f"{have} no {channel}: to leave it out, name the channels to take with --channel")
    if counts:
        said.append(f"Left out: {some_of([f'{count} {kind}' for kind, count in counts.most_common()], 10)}")
    return said


def find_unused(dataset: Dataset) -> list[Path]:
    """Return what lies beside the scans and label maps and belongs to no case."""
    files = [path for case in dataset.cases for path in (*case.image_paths(), case.label_path())]
    return find_left_out((path.parent for path in files), files)


def _are_numbers(channels: tuple[str, ...]) -> bool:
    return channels == tuple(str(index) for index in range(len(channels)))
