"""`combine`: several data sets as one small folder, which refers to their files and copies no voxel."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from autoseg.pipeline.outputs import refuse_no_place, refuse_raw, refuse_read_only, refuse_reserved
from autoseg.progress import Progress
from autoseg.workspace.locks import locked
from dataset_fingerprints.combining.combining import Combined, CombinedCase, combine
from dataset_fingerprints.combining.copies import keep_together
from dataset_fingerprints.combining.meanings import Meaning, Rule, find_without_labels, show_meanings
from dataset_fingerprints.combining.part import BACKGROUND, IGNORE, Part
from dataset_fingerprints.dataset import DATA_SET, Dataset, LabelScheme
from dataset_fingerprints.errors import AutosegError, DataError
from dataset_fingerprints.files.atomic import sweep, write_bytes
from dataset_fingerprints.files.jsonfiles import read_plain_json, write_json
from dataset_fingerprints.files.places import is_same
from dataset_fingerprints.layouts import SELECTABLE, Selection, find_layout, read_dataset
from dataset_fingerprints.layouts.case_table import NAME as TABLE
from dataset_fingerprints.layouts.modalities import canonical
from dataset_fingerprints.layouts.table_text import to_tsv
from dataset_fingerprints.names import counted
from dataset_fingerprints.reading.mapped_labels import SUFFIX, MappedLabels

DESCRIPTION, LABELS = "dataset.json", "mapped_labels"
# In the description: what the folder was made of, by which it is known as one of ours.
MARK = "combined"
# Of the table, in this order; what else is known of cases follows.
_COLUMNS = ("case", "subject", "session", "site", "group", "task", DATA_SET)


@dataclass(frozen=True, kw_only=True, slots=True)
class CombineOptions:
    """Options of combining; everything has a default.

    Attributes:
        channels: names of those that are taken; empty for all, which each data set must have then.
        labels: how labels get their meaning: those of the same name are one, all are one (`union`), or each task has
            its own (`own`).
        meanings: a person's word on single labels, over that.
        tasks: of the cases of a data set, by its name; else what it says of its cases, or its name.
        masks: of a tree with several kinds of label maps, which are meant, by the name of the data set.
        same_subjects: whether subjects that are called alike in several data sets are one person.
    """

    channels: tuple[str, ...] = ()
    labels: Rule = "same"
    meanings: tuple[Meaning, ...] = ()
    tasks: Mapping[str, str] = field(default_factory=dict)
    masks: Mapping[str, str] = field(default_factory=dict)
    same_subjects: bool = False


def combine_datasets(
    places: Sequence[tuple[str, Path]], out: Path, options: CombineOptions, progress: Progress
) -> Dataset:
    """Write a folder that stands for several data sets, and return the data set that it is.

    Written again, the folder is what the data sets are by then.

    Args:
        places: names of the data sets and where they lie, in any layout that training takes.
        out: the folder, new, empty or an earlier one of these.
        options: what a person said.
        progress: receiver of progress reports.

    Raises:
        DataError: the data sets do not fit together, or the folder holds anything else; the message names all of it.
    """
    _refuse_place(out)
    parts = _read_parts(places, options)
    for part in parts:
        refuse_raw(out, part.dataset)
        if is_same(Path(part.dataset.root), out):
            raise DataError(f"{out}: is the data set {part.name} itself. Name another folder.")
    combined = combine(parts, options.channels, options.labels, options.meanings, same_subjects=options.same_subjects)
    combined, copies = keep_together(combined)
    # A lock beside a dataset.json would make the folder a workspace.
    with locked(out / LABELS, "combining data sets"):
        sweep(out, out / LABELS)
        _write(out, combined, dict(places))
    for line in (*describe(combined), *_doubt(combined, parts, options), *copies.describe()):
        progress.say(line)
    return read_dataset(out)


def describe(combined: Combined) -> Iterator[str]:
    """Yield what to say of a combined data set: its tasks and labels, and what the labels of its data sets became."""
    counts = {task: sum(one.case.task == task for one in combined.cases) for task in combined.tasks()}
    listed = ", ".join(f"{task} ({counted(count, 'case')})" for task, count in counts.items())
    yield f"{counted(len(combined.cases), 'case')}, tasks {listed}; channels {', '.join(combined.channels)}."
    labels = ", ".join(f"{label.value} {label.name}" for label in combined.scheme.labels)
    yield f"Labels: {labels}{', others ignored' if combined.scheme.ignore_value is not None else ''}."
    yield from (f"{name}: {meaning}." for name, meaning in show_meanings(combined.meanings).items())


def _doubt(combined: Combined, parts: Sequence[Part], options: CombineOptions) -> Iterator[str]:
    """Yield what is perhaps not meant: cases without a label to learn, and a word that changes nothing."""
    for part, task, becomes in find_without_labels(combined.meanings):
        cases = counted(sum(part.task_of(case) == task for case in part.dataset.cases), "case")
        how = "ignored: they teach nothing but background" if IGNORE in becomes else "background: they count as healthy"
        yield f"{part.name}, task {task}: no label is left. What is labelled in its {cases} is {how}."
    if options.same_subjects:
        subjects = [{case.subject for case in part.dataset.cases} for part in parts]
        if len(set().union(*subjects)) == sum(map(len, subjects)):
            yield "--same-subjects changes nothing: no subject of one data set is called like one of another."


def _read_parts(places: Sequence[tuple[str, Path]], options: CombineOptions) -> tuple[Part, ...]:
    """Return the data sets.

    Raises:
        DataError: some cannot be read, or an option names one that is not there; all of them are named.
    """
    parts, problems, known = [], [], [name for name, _ in places]
    for word, given in (("--task", options.tasks), ("--mask", options.masks)):
        problems += [
            f"{word} {name}: there is no such data set. Expected {' or '.join(known)}."
            for name in given
            if name not in known
        ]
    for name, place in places:
        try:
            dataset = _read(place, options.channels, options.masks.get(name, ""))
            parts.append(Part(name=name, dataset=dataset, task=options.tasks.get(name, "")))
        except AutosegError as error:
            problems.append(f"{name}: {error}")
    if problems:
        listed = "\n".join(f"  {problem}" for problem in problems)
        raise DataError(f"The data sets cannot be combined ({counted(len(problems), 'problem')}).\n{listed}")
    return tuple(parts)


def _read(place: Path, channels: Sequence[str], mask: str) -> Dataset:
    """Return a data set; of one in which several files could be meant, those of the channels that are asked for."""
    found = read_dataset(place, Selection(mask=mask))
    lacking = {*map(canonical, channels)} - {*map(canonical, found.channels)}
    numbered = all(name.isdigit() for name in found.channels) and len(found.channels) == len(channels)
    if lacking and not numbered and find_layout(place) in SELECTABLE:
        return read_dataset(place, Selection(channels=tuple(channels), mask=mask))
    return found


def _refuse_place(out: Path) -> None:
    for refuse in (refuse_no_place, refuse_read_only, refuse_reserved):
        refuse(out)
    if not out.is_dir() or not any(out.iterdir()):
        refuse_raw(out, None)
        return
    found = read_plain_json(out / DESCRIPTION) if (out / DESCRIPTION).is_file() else None
    if not isinstance(found, dict) or MARK not in found:
        raise DataError(f"{out}: holds other files. Name a new folder, or that of an earlier `autoseg combine`.")


def _write(out: Path, combined: Combined, places: Mapping[str, Path]) -> None:
    """Write labels with new values, the table, and the description, with which the folder is a data set.

    Labels of an earlier combination that nothing refers to any more are removed at the end.
    """
    listed = {one.case.name: _list_files(out, one) for one in combined.cases}
    for one in combined.cases:
        if one.values:
            values = {str(value): new for value, new in one.values.items()}
            write_json(_mapped(out, one.case.name), MappedLabels(label_map=one.case.label, values=values))
    write_bytes(out / TABLE, _make_table(combined).encode())
    write_json(out / DESCRIPTION, _describe(combined, listed, places))
    needed = {entry["label"] for entry in listed.values()}
    for path in (out / LABELS).glob(f"*{SUFFIX}"):
        if f"{LABELS}/{path.name}" not in needed:
            path.unlink()


def _mapped(out: Path, case: str) -> Path:
    return out / LABELS / f"{case}{SUFFIX}"


def _list_files(out: Path, one: CombinedCase) -> dict[str, Any]:
    label = f"{LABELS}/{_mapped(out, one.case.name).name}" if one.values else one.case.label
    return {"images": list(one.case.images), "label": label}


def _describe(combined: Combined, listed: Mapping[str, Any], places: Mapping[str, Path]) -> dict[str, Any]:
    """Return nnU-Net's description of the data set, with what it was made of."""
    return {
        MARK: {
            "data_sets": {name: str(place) for name, place in places.items()},
            "labels": dict(show_meanings(combined.meanings)),
        },
        "channel_names": {str(number): name for number, name in enumerate(combined.channels)},
        **_describe_labels(combined.scheme),
        "numTraining": len(listed),
        "dataset": listed,
    }


def _describe_labels(scheme: LabelScheme) -> dict[str, Any]:
    ignored = {} if scheme.ignore_value is None else {IGNORE: scheme.ignore_value}
    if scheme.regions:
        regions = {region.name: list(region.values) for region in scheme.regions}
        order = list(scheme.region_export_order)
        return {"labels": {BACKGROUND: 0, **regions, **ignored}, "regions_class_order": order}
    return {"labels": {BACKGROUND: 0, **{label.name: label.value for label in scheme.labels}, **ignored}}


def _make_table(combined: Combined) -> str:
    cases = [one.case for one in combined.cases]
    more = sorted({name for case in cases for name in case.others} - {*_COLUMNS})
    rows = [
        [
            *(case.name, case.subject, case.session, case.site, case.group, case.task, case.others[DATA_SET]),
            *(case.others.get(name, "") for name in more),
        ]
        for case in cases
    ]
    return to_tsv([[*_COLUMNS, *more], *rows])
