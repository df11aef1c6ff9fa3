"""Labelling loops of simulated scans and simulated people: what each way to choose scans brings, round by round."""

from __future__ import annotations

import csv
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import cast

import numpy as np
from scipy import special

from autoseg.evaluation.statistics import USUAL_INTERVAL, bootstrap_interval
from autoseg.evaluation.statistics.significance import compare_pairs
from autoseg.labelling.state import Loop, Way
from autoseg.labelling.summary import dice_by_case
from autoseg.pipeline.faces import label_face
from autoseg.pipeline.labelling.loop_state import read_loop
from autoseg.progress import Progress
from autoseg.simulate import SimulatedCase, SimulationOptions, image_path, label_path, simulate_dataset
from autoseg.simulate.annotator import USUAL_ANNOTATOR, AnnotatorOptions, annotate
from autoseg.workspace.loop import LoopFolder, is_loop
from dataset_fingerprints.errors import AutosegError, did_you_mean
from dataset_fingerprints.files.jsonfiles import read_json, write_json
from dataset_fingerprints.reading.images import read_image, write_map

SIMULATION = SimulationOptions(spacing_mm=3.0, min_lesion_ml=0.5, held_out_cases=0, voxels="cubic")
COLUMNS = ("way", "round", "scans", "Dice (95 % over held-out scans)", "changed %", "minutes per scan")
GAINS = ("what", "loops", "scans", "difference of Dice (95 % over scans)", "95 % over loops", "paired t over loops, p")
# Ways to choose scans that need nothing else.
WAYS = ("uncertainty", "random", "order")
# Of the intensities of a copy, as a share of their standard deviation.
_NOISE = 0.05
Scores = Mapping[tuple[str, int, int], dict[str, float]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Setting:
    """Sizes of the comparison.

    Attributes:
        ways: to choose scans; the first is what the others are compared with.
        seeds: number of data sets.
        rounds: of each loop.
        first: number of scans that are labelled at the start.
        count: number of scans that are labelled in each later round.
        pool: number of scans to choose from.
        copies: nearly the same scans of each brain in the pool; 1 for no copies.
        test: number of held-out scans.
        iterations: of every training; None for `minutes`.
    """

    ways: tuple[str, ...] = WAYS
    seeds: int = 3
    rounds: int = 3
    first: int = 4
    count: int = 4
    pool: int = 32
    copies: int = 1
    test: int = 20
    iterations: int | None = None
    minutes: float = 5.0
    assignments: tuple[str, ...] = ()
    simulation: SimulationOptions = SIMULATION
    annotator: AnnotatorOptions = USUAL_ANNOTATOR


@dataclass(frozen=True, kw_only=True, slots=True)
class Played:
    """A loop that was played to its end."""

    way: str
    seed: int
    loop: Loop


@dataclass(frozen=True, kw_only=True, slots=True)
class Scans:
    """Simulated scans: a table of them, and the truth of those to choose from, by name."""

    table: Path
    test: tuple[str, ...]
    truth: Mapping[str, Path]


def check_setting(setting: Setting) -> None:
    """Make sure that loops can be played to their end, before the first training.

    Raises:
        AutosegError: a way is unknown or named twice, or there are not as many scans as the rounds take.
    """
    for way in setting.ways:
        if way not in WAYS:
            raise AutosegError(f"--way {way}: there is no such way to choose scans. {did_you_mean(way, WAYS)}")
    if len(set(setting.ways)) < len(setting.ways):
        raise AutosegError(f"--way: {', '.join(setting.ways)} count the same loops twice. Name each way once.")
    if setting.copies < 1 or setting.pool % setting.copies:
        raise AutosegError(
            f"--pool {setting.pool}, --copies {setting.copies}: expected a number of scans that is a multiple of the "
            "copies, 1 or more."
        )
    taken = (setting.rounds - 1) * setting.count
    if taken > setting.pool:
        raise AutosegError(
            f"--pool {setting.pool}: {setting.rounds} rounds choose {taken} scans. Expected at least as many: give "
            "more scans, or fewer rounds."
        )


def keep_setting(setting: Setting, work: Path) -> None:
    """Write how loops are played, or make sure that earlier ones were played so; ways, seeds and rounds may be added.

    Raises:
        AutosegError: the folder holds loops of another setting.
    """
    path, shared = work / "setting.json", replace(setting, ways=(), seeds=0, rounds=0)
    if not path.is_file():
        write_json(path, shared)
        return
    begun = read_json(path, Setting)
    names = [name for name in Setting.__slots__ if getattr(begun, name) != getattr(shared, name)]
    if names:
        raise AutosegError(
            f"{path}: the loops here were begun with another value of {', '.join(names)}. Give the same to go on with "
            "them, or name a new folder with --work."
        )


def play_all(setting: Setting, work: Path, progress: Progress) -> tuple[Played, ...]:
    """Play the loops of all seeds and ways, and return them; given again, go on with them.

    The first round is the same for all ways of a seed, and is trained once.

    Raises:
        AutosegError: the setting is impossible, or the folder holds loops of another one.
    """
    check_setting(setting)
    keep_setting(setting, work)
    played = []
    for seed in range(setting.seeds):
        scans = make_scans(setting, seed, work / str(seed))
        start = work / str(seed) / "start"
        label_face.label_start(
            scans.table,
            workspace=start,
            test=scans.test,
            seed=seed,
            assignments=setting.assignments,
            iterations=setting.iterations,
            max_minutes=setting.minutes if setting.iterations is None else None,
            progress=progress,
        )
        if not read_loop(LoopFolder(root=start)).current().scores:
            label_face.label_train(start, progress=progress)
        for way in setting.ways:
            progress.say(f"Seed {seed}, {way}")
            folder = _copy(start, work / str(seed) / way)
            play(setting, folder, (scans, way, seed), progress)
            played.append(Played(way=way, seed=seed, loop=read_loop(LoopFolder(root=folder))))
    return tuple(played)


def _copy(start: Path, folder: Path) -> Path:
    """Return a loop that begins as another one; one that is there goes on."""
    if not is_loop(folder):
        unfinished = folder.with_name(f"{folder.name}-unfinished")
        shutil.rmtree(unfinished, ignore_errors=True)
        shutil.copytree(start, unfinished)
        unfinished.rename(folder)
    return folder


def make_scans(setting: Setting, seed: int, folder: Path) -> Scans:
    """Simulate a data set, and write a table of it in which most scans have no label map."""
    brains = setting.pool // setting.copies
    options = replace(setting.simulation, cases=setting.first + setting.test + brains, seed=seed)
    made = simulate_dataset(folder / "simulated", options)
    first, rest = made.cases[: setting.first + setting.test], made.cases[setting.first + setting.test :]
    rows = [(str(image_path(made.folder, case)), str(label_path(made.folder, case)), case.name) for case in first]
    truth = {}
    for case in rest:
        for number, scan in enumerate(_copy_scan(image_path(made.folder, case), case, setting.copies, folder)):
            name = case.name if number == 0 else f"{case.name}-copy-{number}"
            rows.append((str(scan), "", name))
            truth[name] = label_path(made.folder, case)
    table = folder / "scans.csv"
    with table.open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows([("image:T1w", "label", "case"), *rows])
    write_json(folder / "dataset.json", {"labels": {"background": 0, "lesion": options.lesion_value}})
    return Scans(table=table, test=tuple(case.name for case in first[setting.first :]), truth=truth)


def _copy_scan(scan: Path, case: SimulatedCase, copies: int, folder: Path) -> Iterator[Path]:
    """Yield a scan and copies of it with a little noise."""
    yield scan
    for number in range(1, copies):
        path = folder / "copies" / f"{case.name}-copy-{number}.nii.gz"
        if not path.is_file():
            image = read_image([scan])
            values = image.voxels[0]
            noise = np.random.default_rng([number, *case.name.encode()]).standard_normal(values.shape)
            noisy = np.where(values != 0, values + _NOISE * values.std() * noise, 0).astype(np.float32)
            write_map(path, noisy, image.source_grid, image.header)
        yield path


def play(setting: Setting, folder: Path, what: tuple[Scans, str, int], progress: Progress) -> None:
    """Play a loop to its last round: choose, correct, take in, train."""
    scans, way, seed = what
    place = LoopFolder(root=folder)
    while (own := read_loop(place).current()).number < setting.rounds or not own.scores:
        if own.scores and (own.choice is None or read_loop(place).awaited()):
            label_face.label_next(folder, count=setting.count, way=cast("Way", way), progress=progress)
            correct(setting, place, scans, seed)
            label_face.label_accept(place.round(own.number).root / "corrected", folder, allow=("empty", "unchanged"))
        label_face.label_train(folder, progress=progress)


def correct(setting: Setting, place: LoopFolder, scans: Scans, seed: int) -> None:
    """Let the simulated person correct all masks that wait, with the minutes beside them."""
    loop = read_loop(place)
    own = place.round(loop.current().number)
    folder = own.root / "corrected"
    folder.mkdir(exist_ok=True)
    names = [case.name for case in loop.cases]
    rows: list[tuple[object, ...]] = [("case", "structure", "minutes")]
    label = {one.value: one.name for one in loop.labels.labels}
    for name in loop.awaited():
        numbers = (seed, names.index(name))
        out = folder / f"{name}.nii.gz"
        minutes = annotate(own.presegmentation(name), scans.truth[name], out, numbers, setting.annotator)
        rows += [(name, label[value], f"{took:.2f}") for value, took in minutes.items()]
    with (folder / "minutes.csv").open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows(rows)


def show_rounds(played: Sequence[Played]) -> list[tuple[str, ...]]:
    """Return a row per way and round: held-out Dice, what the person changed, and their minutes."""
    scores = _collect(played)
    rows: list[tuple[str, ...]] = []
    for way in dict.fromkeys(one.way for one in played):
        loops = [one for one in played if one.way == way]
        for number in range(1, _count_rounds(played) + 1):
            values = np.array([dice for one in loops for dice in scores[way, one.seed, number].values()])
            taken = [one for each in loops for one in each.loop.latest().values() if one.round == number]
            after = sum(change.after_ml for one in taken for change in one.changes)
            changed = sum(change.changed_ml for one in taken for change in one.changes)
            minutes = [sum(one.minutes.values()) for one in taken if one.minutes]
            rows.append(
                (
                    way,
                    str(number),
                    str(len(loops[0].loop.rounds[number - 1].cases)),
                    _show(values),
                    f"{100 * changed / after:.1f}" if after else "-",
                    f"{np.mean(minutes):.1f}" if minutes else "-",
                )
            )
    return rows


def compare_ways(played: Sequence[Played]) -> list[tuple[str, ...]]:
    """Return what each way gains from round to round and in all, and each way beside the first one at the end."""
    scores = _collect(played)
    ways = list(dict.fromkeys(one.way for one in played))
    seeds = sorted({one.seed for one in played})
    last = _count_rounds(played)
    rows: list[tuple[str, ...]] = []
    for way in ways:
        spans = [*pairwise(range(1, last + 1)), *([(1, last)] if last > 2 else [])]
        for before, after in spans:
            pairs = [(scores[way, seed, before], scores[way, seed, after]) for seed in seeds]
            rows.append((f"{way}: round {after} minus {before}", *_compare(pairs)))
    for way in ways[1:]:
        pairs = [(scores[way, seed, last], scores[ways[0], seed, last]) for seed in seeds]
        rows.append((f"round {last}: {ways[0]} minus {way}", *_compare(pairs)))
    return rows


def _collect(played: Sequence[Played]) -> Scores:
    return {(one.way, one.seed, own.number): dice_by_case(own) for one in played for own in one.loop.rounds}


def _count_rounds(played: Sequence[Played]) -> int:
    """Return how many rounds all loops have: one that went on from an earlier run may have more."""
    return min(len(one.loop.trained()) for one in played)


def _compare(pairs: Sequence[tuple[dict[str, float], dict[str, float]]]) -> tuple[str, ...]:
    """Return the cells of `GAINS` behind the first: what the second scores of each loop have over its first ones.

    The scans of a loop are scored by one model. Where this is the better one by chance, all of them show it: only loops
    are independent of each other.
    """
    first = [np.array([one[case] for case in one if case in other]) for one, other in pairs]
    second = [np.array([other[case] for case in one if case in other]) for one, other in pairs]
    gains = np.concatenate(second) - np.concatenate(first)
    before, after = (np.array([scores.mean() for scores in side]) for side in (first, second))
    p = compare_pairs(before, after).t
    return (
        str(len(pairs)),
        str(len(gains)),
        _show(gains, signed=True),
        _show_loops(after - before),
        "-" if p is None else f"{p:.2g}",
    )


def _show(values: np.ndarray, *, signed: bool = False) -> str:
    sign = "+" if signed else ""
    low, high = bootstrap_interval(values, kind=USUAL_INTERVAL)
    return f"{values.mean():{sign}.3f} ({low:{sign}.3f} to {high:{sign}.3f})"


def _show_loops(means: np.ndarray) -> str:
    """Return the 95 % interval of the mean over loops, by Student's t: they are too few to be drawn from."""
    if len(means) < 2:
        return "-"
    reach = special.stdtrit(len(means) - 1, 0.975) * means.std(ddof=1) / np.sqrt(len(means))
    return f"{means.mean() - reach:+.3f} to {means.mean() + reach:+.3f}"
