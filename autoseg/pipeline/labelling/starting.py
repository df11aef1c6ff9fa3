"""The start of a labelling loop: which cases are labelled, which are not, and which are held out for good."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from autoseg.labelling.minutes import read_minutes
from autoseg.labelling.state import USUAL_TRAINING, Loop, Round, Training
from autoseg.pipeline.labelling.copies import find_copies
from autoseg.pipeline.labelling.early_checks import check_training
from autoseg.pipeline.labelling.loop_state import read_loop, write_tables
from autoseg.pipeline.outputs import refuse_workspace_place
from autoseg.pipeline.plans.inspecting import find_dataset
from autoseg.pipeline.plans.unlabelled import find_unlabelled
from autoseg.progress import Progress
from autoseg.workspace.locks import locked, was_locked
from autoseg.workspace.loop import SUFFIX, LoopFolder, is_loop
from autoseg.workspace.workspace import Workspace
from dataset_fingerprints.dataset import Case, Dataset, is_there
from dataset_fingerprints.errors import DataError, WorkspaceError
from dataset_fingerprints.files.jsonfiles import write_json
from dataset_fingerprints.files.places import resolve
from dataset_fingerprints.layouts import AUTOMATIC, Selection
from dataset_fingerprints.layouts.csv_of_paths import list_csv
from dataset_fingerprints.layouts.description import session_of, subject_of
from dataset_fingerprints.layouts.table_text import is_table, read_table
from dataset_fingerprints.names import counted, plain_name, some_of
from dataset_fingerprints.units import find_units
from planners.editing.option_checks import check_seed

# Of the labelled cases, where nobody says how many are held out.
TEST_SHARE = 0.2
_NAMED = 5
_BLOCK = ("block", "round", "stage")
_CASE = ("case", "scan", "name", "id")


@dataclass(frozen=True, kw_only=True, slots=True)
class StartOptions:
    """Options of a loop; all have a default.

    Attributes:
        labels: the folder of the label maps, where the data set is given as the folder of its scans.
        folder: of the loop; None for `<name>-labelling` in the current directory.
        test: names of the cases to hold out; empty for some that are drawn.
        test_count: number of cases to draw; None for a fifth.
        blocks: a table of scans without labels and their blocks, or None.
        minutes: a table of what labelling without a network took, or None.
        seed: of all that is drawn.
        selection: the files of the data set that are meant.
        training: as the first round is to be trained.
    """

    labels: Path | None = None
    folder: Path | None = None
    test: tuple[str, ...] = ()
    test_count: int | None = None
    blocks: Path | None = None
    minutes: Path | None = None
    seed: int = 0
    selection: Selection = AUTOMATIC
    training: Training = USUAL_TRAINING


def start_loop(place: Path, unlabelled: Path | None, options: StartOptions, progress: Progress) -> LoopFolder:
    """Begin a labelling loop, and return its folder; one of the same cases stays as it is, but for given minutes.

    Args:
        place: of the data set whose cases are labelled.
        unlabelled: scans without labels: a folder, or a table. None where all scans lie in the data set, of which those
            without a label map are meant.
        options: what a person said.
        progress: receiver of progress reports.

    Raises:
        AutosegError: the data cannot be used, or the folder holds something else.
    """
    check_seed("--seed", options.seed)
    check_training(options.training)
    dataset = find_dataset(place, options.labels, progress, options.selection)
    # Without a place the scans are those of the data set whose lines name no label map.
    found = find_unlabelled(unlabelled, dataset)
    cases = tuple(case for case in dataset.cases if case.label)
    pool = (*(case for case in dataset.cases if not case.label), *_describe_pool(unlabelled, found))
    _refuse_volumes((*cases, *pool), dataset.channels)
    if not pool:
        raise DataError(f"{place}: has no scan without a label map. Name scans to label with --unlabelled.")
    # Of all together: scans without labels may be what tells that two cases belong together.
    units = find_units((*cases, *pool))
    test = _choose_test(place, {case.name: units[case.name] for case in cases}, options)
    held_out = _check_held_out(place, cases, test)
    pool = _leave_out_tested(pool, held_out, units, progress)
    loop = Loop(
        name=dataset.name,
        channels=dataset.channels,
        labels=dataset.labels,
        cases=(*cases, *pool),
        test=test,
        blocks=_read_blocks(options.blocks, [case.name for case in pool]),
        seed=options.seed,
        manual_minutes=_read_manual(options.minutes, dataset),
        simulated=dataset.simulated,
    )
    folder = LoopFolder(root=options.folder or Path.cwd() / f"{resolve(place).stem}{SUFFIX}")
    for where, what in ((place, dataset), (unlabelled, found)):
        if where is not None and what is not None:
            refuse_workspace_place(where, what, Workspace(root=folder.root))
    _keep(folder, loop, options.training, progress)
    return folder


def _describe_pool(place: Path | None, found: Dataset | None) -> Iterator[Case]:
    """Yield scans without labels with the subjects that a table's columns, or else BIDS names, say they are of."""
    if place is None or found is None:
        return
    listed = {case.name: case for case in list_csv(place, ("image",)).cases} if is_table(place) else {}
    for case in found.cases:
        if case.name in listed:
            yield replace(listed[case.name], images=case.images, label="")
        else:
            yield replace(case, subject=subject_of(case.name), session=session_of(case.name))


def _keep(folder: LoopFolder, loop: Loop, training: Training, progress: Progress) -> None:
    """Write a new loop; an old one of the same cases stays, but for given minutes.

    Args:
        folder: of the loop.
        loop: without a round.
        training: as the first round is to be trained.
        progress: receiver of progress reports.

    Raises:
        WorkspaceError: the folder holds something else.
    """
    root = folder.root
    if root.is_file() or (root.is_dir() and any(root.iterdir()) and not was_locked(root) and not is_loop(root)):
        raise WorkspaceError(f"{root}: holds something else than a labelling loop. Name a new folder with -w.")
    with locked(root, "this labelling loop"):
        if is_loop(root):
            known = read_loop(folder)
            if _describe_start(known) != _describe_start(loop):
                raise WorkspaceError(
                    f"{root}: holds a loop of other cases, other held-out cases or another seed. Leave `start` out to "
                    "go on with it, or name another folder with -w."
                )
            minutes = " but for the minutes, which are noted" if _note_minutes(folder, known, loop) else ""
            progress.say(
                f"This loop was begun before, and stays as it is{minutes}. Options of trainings are given to `autoseg "
                "label train`."
            )
            return
        # As of a round that has not begun, so that tables of a killed start with other held-out cases are replaced.
        write_tables(folder, loop, 1)
        write_json(folder.state, loop.with_round(Round(number=1, cases=loop.labelled(), training=training)))
    progress.say(
        f"{counted(len(loop.labelled()), 'labelled case')} to train on, {len(loop.test)} held out, "
        f"{counted(len(loop.unlabelled()), 'scan')} to label."
    )


def _note_minutes(folder: LoopFolder, known: Loop, given: Loop) -> bool:
    """Write what labelling without a network took into a loop that was begun before, and return whether that is new."""
    before, now = ({case: dict(own) for case, own in one.manual_minutes.items()} for one in (known, given))
    if not now or now == before:
        return False
    write_json(folder.state, replace(known, manual_minutes=now))
    return True


def _describe_start(loop: Loop) -> tuple[object, ...]:
    return (loop.channels, loop.labels, loop.cases, loop.test, dict(loop.blocks), loop.seed)


def _refuse_volumes(cases: Iterable[Case], channels: Sequence[str]) -> None:
    """Refuse cases whose channels lie in one file: the tables of rounds name a file per channel."""
    joined = [case for case in cases if len(case.images) != len(channels)]
    if joined:
        raise DataError(
            f"{joined[0].images[0]}: one file holds all {len(channels)} channels of "
            f"{some_of([case.name for case in joined], _NAMED)}. Expected a file per channel: split them."
        )


def _choose_test(place: Path, units: Mapping[str, str], options: StartOptions) -> tuple[str, ...]:
    """Return the names of the held-out cases: the named ones, or drawn ones with all cases of their subjects.

    Args:
        place: of the data set, for messages.
        units: of the labelled cases, by their names.
        options: what a person said.
    """
    if options.test:
        strange = sorted({*options.test} - units.keys())
        if strange:
            raise DataError(
                f"{place}: --test names {some_of(strange, _NAMED)}, of which it has no labelled case. Expected names "
                f"such as {some_of(sorted(units), 3)}."
            )
        wanted = {units[name] for name in options.test}
        torn = sorted(name for name, unit in units.items() if unit in wanted and name not in options.test)
        if torn:
            raise DataError(
                f"{place}: {some_of(torn, _NAMED)}: of the same subjects or groups as cases that are held out. Add "
                "them to --test: a model that knows a person is no test."
            )
        test = tuple(sorted({*options.test}))
    else:
        test = _draw_test(units, options)
    if len(test) >= len(units):
        raise DataError(
            f"{place}: {len(test)} of {counted(len(units), 'labelled case')} would be held out, and none is left to "
            "train on. Hold out fewer with --test-count, or label more."
        )
    return test


def _draw_test(units: Mapping[str, str], options: StartOptions) -> tuple[str, ...]:
    """Return drawn cases, subject by subject until they are enough."""
    count = max(1, round(TEST_SHARE * len(units))) if options.test_count is None else options.test_count
    if count < 1:
        raise DataError(f"--test-count is {count}. Expected 1 or more: without held-out cases no round can be judged.")
    subjects = sorted(set(units.values()))
    test: list[str] = []
    for place in np.random.default_rng([options.seed, len(subjects)]).permutation(len(subjects)):
        if len(test) >= count:
            break
        test += [name for name, unit in units.items() if unit == subjects[place]]
    return tuple(sorted(test))


def _check_held_out(place: Path, cases: Sequence[Case], test: Collection[str]) -> tuple[Case, ...]:
    """Return the held-out cases, whose files are there and of which no other labelled case is a copy.

    Raises:
        DataError: a file is missing, or a case to train on has the same scan.
    """
    held_out = tuple(case for case in cases if case.name in test)
    missing = [file for case in held_out for file in case.files() if not is_there(file)]
    if missing:
        raise DataError(
            f"{place}: files of held-out cases are not there: {some_of(missing, _NAMED)}. Every round is judged on "
            "them: put them there, or hold out other cases with --test."
        )
    copies = sorted(find_copies((case for case in cases if case.name not in test), held_out))
    if copies:
        raise DataError(
            f"{place}: {some_of(copies, _NAMED)}: the same scans as cases that are held out, by their content. Every "
            "round would be trained on what it is judged on: keep one of each, or give both one subject."
        )
    return held_out


def _leave_out_tested(
    pool: Sequence[Case], held_out: Sequence[Case], units: Mapping[str, str], progress: Progress
) -> tuple[Case, ...]:
    """Return the scans without those of held-out subjects and groups, and without copies of held-out scans."""
    tested = {units[case.name] for case in held_out}
    out = {case.name for case in pool if units[case.name] in tested} | find_copies(pool, held_out)
    if out:
        progress.say(
            f"Left out for good: {some_of(sorted(out), _NAMED)} of the scans without labels, which "
            f"{'is' if len(out) == 1 else 'are'} of held-out subjects or the same files."
        )
    return tuple(case for case in pool if case.name not in out)


def _read_blocks(path: Path | None, names: Sequence[str]) -> dict[str, str]:
    """Return the block of each scan that a table names.

    Raises:
        DataError: a column or a block is missing, a scan is unknown, or one has two blocks.
    """
    if path is None:
        return {}
    table = read_table(path)
    plain = {plain_name(column): column for column in table.columns}
    case, block = (next((plain[one] for one in known if one in plain), None) for known in (_CASE, _BLOCK))
    if case is None or block is None:
        raise DataError(f"{path}: has the columns {', '.join(table.columns)}. Expected two, called case and block.")
    found: dict[str, str] = {}
    for line in table.lines:
        name, own = line.cells[case], line.cells[block]
        if not own:
            raise DataError(f"{path}: line {line.number}: {name} has no block. Fill it in, or take the line out.")
        if found.setdefault(name, own) != own:
            raise DataError(f"{path}: line {line.number}: {name} is in the blocks {found[name]} and {own}. Keep one.")
    strange = sorted(found.keys() - {*names})
    if strange:
        raise DataError(
            f"{path}: names {some_of(strange, _NAMED)}, which {'is' if len(strange) == 1 else 'are'} not among the "
            "scans without labels. Correct the table."
        )
    return found


def _read_manual(path: Path | None, dataset: Dataset) -> dict[str, dict[str, float]]:
    if path is None:
        return {}
    found = read_minutes(path, [label.name for label in dataset.labels.labels])
    strange = sorted(found.keys() - {case.name for case in dataset.cases})
    if strange:
        raise DataError(f"{path}: names cases that the data set does not have: {some_of(strange, _NAMED)}.")
    return found
