"""Functions that all layouts share: labels, subjects, the search for files and what is refused in every layout."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Hashable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from dataset_fingerprints.dataset import Case, Label, LabelScheme, Region, is_there
from dataset_fingerprints.errors import DataError
from dataset_fingerprints.files.jsonfiles import read_plain_json
from dataset_fingerprints.names import MOST_BYTES, counted, is_case_name, some_of
from dataset_fingerprints.reading.file_names import find_alike
from dataset_fingerprints.reading.images import read_channel_count

# What the label files of a layout mean that cannot name labels, if no dataset.json does.
DEFAULT_LABELS = {"background": 0, "lesion": 1}

# So many headers say how many volumes a 4D file of the data set holds; an odd number, so that one odd file is outvoted.
FILES_ASKED = 9

# Characters of a value that a message shows.
_LONGEST_SHOWN = 200

_SUBJECT = re.compile(r"sub-[A-Za-z0-9+]+")
_SESSION = re.compile(r"ses-[A-Za-z0-9+]+")
# BraTS since 2023 numbers the visits of a patient behind the patient's number, ATLAS R1.2 does.
_NAMED_VISIT = re.compile(r"(BraTS-[A-Za-z]+-\d+)-(\d+)|(c\d{4}s\d{4})(t\d{2})")
# Folders of visits: no patient and no site is called so.
_VISIT_FOLDER = re.compile(
    r"ses-[a-z0-9+]+|(ses|session[ _-]?|visit[ _-]?|time[ _-]?point[ _-]?)\d+|baseline|follow.?up.*", re.IGNORECASE
)


def read_scheme(path: Path, labels: Mapping[str, Any], order: object = None) -> LabelScheme:
    """Build the label scheme from name -> value, as nnU-Net writes it.

    As soon as one value is a list, every name but 'background' and 'ignore' is a region, in the order of the file.

    Args:
        path: of the dataset.json, for messages.
        labels: values are integers, or lists of integers for regions; the name 'ignore' is the ignore label.
        order: nnU-Net's regions_class_order: the value written for each region.

    Raises:
        DataError: values that are not integers, occur twice or contradict each other.
    """
    values = _foreground_values(path, labels)
    ignored = values.pop("ignore", None)
    if not values:
        raise DataError(f"{path}: 'labels' names no foreground. Expected for example {{'background': 0, 'lesion': 1}}.")
    has_regions = any(isinstance(labels[name], list) for name in values)
    alone = {name: own[0] for name, own in values.items() if len(own) == 1}
    names = {value: name for name, value in alone.items()}
    foreground = sorted({value for own in values.values() for value in own} - {0})
    if ignored is not None and (len(ignored) > 1 or ignored[0] in foreground):
        raise DataError(
            f"{path}: 'ignore' is {labels['ignore']}, and a label too. Give unlabelled voxels a value of their own."
        )
    if not has_regions and len(names) != len(alone):
        raise DataError(f"{path}: two labels share a value: {alone}. Give each label an integer of its own.")
    regions = tuple(Region(name=name, values=own) for name, own in values.items()) if has_regions else ()
    written = _export_order(path, regions, order)
    try:
        return LabelScheme(
            labels=tuple(Label(name=names.get(value, f"label {value}"), value=value) for value in foreground),
            regions=regions,
            region_export_order=written,
            ignore_value=None if ignored is None else ignored[0],
        )
    except DataError as error:
        raise DataError(f"{path}: {error}") from error


def describe_scheme(scheme: LabelScheme) -> dict[str, Any]:
    """Return a label scheme as a dataset.json names it, from which `read_scheme` builds the same."""
    named: dict[str, Any] = {"background": 0}
    named |= {label.name: label.value for label in scheme.labels} if not scheme.regions else {}
    named |= {region.name: list(region.values) for region in scheme.regions}
    named |= {} if scheme.ignore_value is None else {"ignore": scheme.ignore_value}
    order = {"regions_class_order": list(scheme.region_export_order)} if scheme.regions else {}
    return {"labels": named, **order}


def _foreground_values(path: Path, labels: Mapping[str, Any]) -> dict[str, tuple[int, ...]]:
    """Return the values of every label and region but the one label of value 0, the background."""
    values = {name: _label_values(path, name, value) for name, value in labels.items()}
    zeros = [name for name, own in values.items() if own == (0,)]
    moved = [name for name in values if name.lower() == "background" and name not in zeros]
    if len(zeros) > 1 or moved:
        raise DataError(
            f"{path}: 'labels' are {show_value(labels)}. Expected 0 for the background and for nothing else: give "
            "each label an integer of its own."
        )
    return {name: own for name, own in values.items() if name not in zeros}


def _label_values(path: Path, name: str, value: object) -> tuple[int, ...]:
    """Return the one value of a label, or those of a region."""
    values = value if isinstance(value, list) else [value]
    if not values or not all(isinstance(one, int) and not isinstance(one, bool) for one in values):
        raise DataError(
            f"{path}: the label '{name}' is {show_value(value)}. Expected an integer, or a list of integers for a "
            "region: {'background': 0, 'lesion': 1}."
        )
    if len(set(values)) != len(values) or (len(values) > 1 and 0 in values):
        raise DataError(f"{path}: the region '{name}' is {value}. Expected different label values without background.")
    return tuple(values)


def _export_order(path: Path, regions: Sequence[Region], order: object) -> tuple[int, ...]:
    """Return the value written for each region, which must be one of the region's own."""
    if not regions:
        return ()
    names = ", ".join(region.name for region in regions)
    if not isinstance(order, list) or len(order) != len(regions):
        raise DataError(
            f"{path}: has regions, but 'regions_class_order' is {show_value(order)}. Expected the value to write for "
            f"each of {names}, in this order; later ones are written over earlier ones."
        )
    for region, value in zip(regions, order, strict=True):
        if value not in region.values:
            raise DataError(
                f"{path}: 'regions_class_order' writes {show_value(value)} for the region {region.name}, which holds "
                f"{list(region.values)}. Expected one of these: the order is that of {names}."
            )
    return tuple(order)


def read_description(path: Path) -> Mapping[str, Any]:
    """Return what a dataset.json holds, or nothing where there is none.

    Raises:
        DataError: it holds no object.
        FileFormatError: it is not JSON.
    """
    if not path.is_file():
        return {}
    description = read_plain_json(path)
    if not isinstance(description, dict):
        raise DataError(f"{path}: holds a {type(description).__name__}. Expected an object with 'labels'.")
    return description


def read_scheme_or_default(folder: Path, description: Mapping[str, Any]) -> LabelScheme:
    """Build the label scheme from the 'labels' of a dataset.json in nnU-Net's form, else from `DEFAULT_LABELS`.

    Args:
        folder: where the dataset.json lies, for messages.
        description: what it holds; empty without one.
    """
    path, labels = folder / "dataset.json", description.get("labels", DEFAULT_LABELS)
    return read_scheme(path, expect_labels(path, labels), description.get("regions_class_order"))


def expect_labels(path: Path, labels: object) -> Mapping[str, Any]:
    """Return the 'labels' of a dataset.json.

    Raises:
        DataError: they are not a JSON object.
    """
    if not isinstance(labels, dict):
        raise DataError(f"{path}: 'labels' is a {type(labels).__name__}. Expected names with integers.")
    return labels


def read_channels(path: Path, names: object) -> tuple[str, ...]:
    """Return channel names in the order of their numbers, from {"0": "T1w"} or ["T1w"]."""
    found = [names.get(str(number)) for number in range(len(names))] if isinstance(names, dict) else names
    if isinstance(found, list) and found and all(isinstance(name, str) for name in found):
        return tuple(found)
    raise DataError(
        f'{path}: channels are {show_value(names)}. Expected numbers from 0 with names, for example {{"0": "T1w"}}.'
    )


def subject_of(case: str) -> str:
    """Return the subject in a case's name, as BIDS or `split_visit` finds it, or the name itself."""
    if match := _SUBJECT.search(case):
        return match.group()
    visit = split_visit(case)
    return visit[0] if visit else case


def session_of(case: str) -> str:
    """Return the session in a case's name, as BIDS or `split_visit` finds it, or an empty text."""
    if match := _SESSION.search(case):
        return match.group()
    visit = split_visit(case)
    return visit[1] if visit else ""


def split_visit(name: str) -> tuple[str, str] | None:
    """Return the subject and the visit in a name of BraTS or ATLAS R1.2, or None for another name."""
    match = _NAMED_VISIT.fullmatch(name)
    if match is None:
        return None
    subject, session = filter(None, match.groups())
    return subject, session


def is_visit_folder(name: str) -> bool:
    """Return whether a folder is called after a visit: `ses-1`, `baseline`, `follow-up 2`."""
    return _VISIT_FOLDER.fullmatch(name) is not None


def show_path(root: Path, file: Path) -> str:
    """Return a file's path from the root, or all of it where it lies elsewhere."""
    return str(file.relative_to(root) if file.is_relative_to(root) else file)


def show_value(value: object) -> str:
    """Return a value of a file for a message, the start of a long one."""
    text = repr(value)
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}..."


def make_case(name: str, images: Iterable[Path], label: Path) -> Case:
    """Return a case of files that are there or should be; BIDS names give subject and session."""
    return Case(
        name=name,
        images=tuple(str(image) for image in images),
        label=str(label),
        subject=subject_of(name),
        session=session_of(name),
    )


def refuse_absence(path: Path, cases: Sequence[Case]) -> None:
    """Refuse a data set of which no scan is there: a wrong folder; single missing files are reported case by case.

    Args:
        path: of what lists the cases, for messages.

    Raises:
        DataError: no image file of any case exists.
    """
    images = [image for case in cases for image in case.images if image]
    if not any(is_there(image) for image in images):
        example = images[0] if images else "no path is given"
        raise DataError(
            f"{path}: no scan of its cases ({len(cases)}) exists, for example {example}. "
            "Expected paths that are absolute or relative to this place: correct them, or put the scans there."
        )


def refuse_unusable_names(path: Path, names: Sequence[str], cure: str) -> None:
    """Refuse case names that occur twice, that some disks take for the same, or that no file could have.

    Args:
        path: of the file that lists the cases, for messages.
        cure: what to do about names that occur twice.

    Raises:
        DataError: if there are any.
    """
    counts = Counter(names)
    twice = sorted(name for name, count in counts.items() if count > 1)
    if twice:
        raise DataError(f"{path}: lists {some_of(twice, 10)} more than once. {cure}")
    alike = find_alike(names)
    if alike:
        shown = some_of([" and ".join(group) for group in alike], 10, "; ")
        raise DataError(
            f"{path}: cases whose names differ only in upper and lower case, or in how accents are stored: {shown}. "
            "On many disks their files would be the same. Rename them."
        )
    unusable = sorted(name for name in counts if not is_case_name(name))
    if unusable:
        raise DataError(
            f"{path}: the cases {some_of([ascii(name) for name in unusable], 10)} cannot name files. Expected names "
            f"of text in UTF-8 without slashes, two dots together and control characters that do not begin with a dot, "
            f"of at most {MOST_BYTES} bytes."
        )


def refuse_rivals(root: Path, places: Sequence[tuple[Path, Hashable]]) -> None:
    """Refuse several files for one place in a case.

    Args:
        places: every file, and the place that its name gives it.

    Raises:
        DataError: two files share a place; the message lists them.
    """
    counts = Counter(place for _, place in places)
    rivals = [show_path(root, file) for file, place in places if counts[place] > 1]
    if rivals:
        raise DataError(
            f"{root}: several files belong to one case and channel by their names: {some_of(rivals, 10)}. Expected one "
            "label map per case and one scan per channel (001_0000, 001_0001). Keep one, or rename them."
        )


def refuse_wrong_channels(path: Path, cases: Sequence[Case], channels: Sequence[str], cure: str) -> None:
    """Refuse a description that fits no case: a file that holds all channels of its case has another number of them.

    Headers are read until one case fits. A case that differs from the others is reported when it is read.

    Args:
        path: of what declares the channels, for messages.
        cure: what to do where the two differ.

    Raises:
        DataError: no case fits; the message lists them.
    """
    wrong = []
    for case in cases:
        count = volume_count(case.images[0]) if len(case.images) == 1 else len(case.images)
        if count == len(channels):
            return
        if count is not None:
            wrong.append(f"{case.name} ({count})")
    if wrong:
        count_of = counted(len(channels), "channel is", "channels are")
        raise DataError(
            f"{path}: {count_of} declared ({some_of(channels, 10)}) but the scans of these cases hold another number "
            f"of volumes: {some_of(wrong, 10)}. {cure}"
        )


def volume_count(file: str) -> int | None:
    """Return how many channels a file's header declares; None for a file that is missing or that cannot be read.

    The checks of the voxels list all of these at once, with their cases.
    """
    try:
        return read_channel_count(Path(file)) if file else None
    except DataError:
        return None


def most_common_count(files: Iterable[str]) -> int:
    """Return how many channels most of the first readable files hold, the larger number on ties; 1 without any."""
    counts: Counter[int] = Counter()
    for file in files:
        count = volume_count(file)
        if count is not None:
            counts[count] += 1
        if counts.total() == FILES_ASKED:
            break
    return max(counts, key=lambda count: (counts[count], count), default=1)
