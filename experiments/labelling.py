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

from autoseg.evaluation.statistics import USUAL_INTERVAL, bootstrap_interval
from autoseg.evaluation.statistics.significance import compare_pairs
from autoseg.labelling.state import Loop, Training, Way
from autoseg.labelling.summary import dice_by_case
from autoseg.pipeline.faces import label_face
from autoseg.pipeline.labelling.loop_state import read_loop
from autoseg.progress import Progress
from autoseg.simulate import SimulatedCase, SimulationOptions, image_path, label_path, simulate_dataset
from autoseg.simulate.annotator import USUAL_ANNOTATOR, AnnotatorOptions, annotate
from autoseg.workspace.loop import LoopFolder, is_loop
from dataset_fingerprints.files.jsonfiles import write_json
from dataset_fingerprints.reading.images import read_image, write_map

SIMULATION = SimulationOptions(spacing_mm=3.0, min_lesion_ml=0.5, held_out_cases=0, voxels="cubic")
COLUMNS = ("way", "round", "scans", "Dice (95 %)", "changed %", "minutes per scan")
GAINS = ("what", "loops", "scans", "difference of Dice (95 %)", "paired t, p")
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

    ways: tuple[str, ...] = ("uncertainty", "random", "order")
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

    def training(self) -> Training:
        """Return how every round is trained."""
        limit = self.minutes if self.iterations is None else None
        return Training(iterations=self.iterations, max_minutes=limit, assignments=self.assignments)


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


def play_all(setting: Setting, work: Path, progress: Progress) -> tuple[Played, ...]:
    """Play the loops of all seeds and ways, and return them; given again, go on with them.

    The first round is the same for all ways of a seed, and is trained once.
    """
    played = []
    for seed in range(setting.seeds):
        scans = make_scans(setting, seed, work / str(seed))
        start = work / str(seed) / "start"
        label_face.start(
            scans.table, workspace=start, test=scans.test, seed=seed, training=setting.training(), progress=progress
        )
        if not read_loop(LoopFolder(root=start)).current().scores:
            label_face.train(start, progress=progress)
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
            label_face.choose_next(folder, count=setting.count, way=cast("Way", way), progress=progress)
            correct(setting, place, scans, seed)
            label_face.accept(place.round(own.number).root / "corrected", folder, allow=("empty", "unchanged"))
        label_face.train(folder, progress=progress)


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
        for number in range(1, len(loops[0].loop.rounds) + 1):
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
    last = len(played[0].loop.rounds)
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


def _compare(pairs: Sequence[tuple[dict[str, float], dict[str, float]]]) -> tuple[str, str, str, str]:
    first = np.array([one[case] for one, other in pairs for case in one if case in other])
    second = np.array([other[case] for one, other in pairs for case in one if case in other])
    p = compare_pairs(first, second).t
    return str(len(pairs)), str(len(first)), _show(second - first, signed=True), "-" if p is None else f"{p:.2g}"


def _show(values: np.ndarray, *, signed: bool = False) -> str:
    sign = "+" if signed else ""
    low, high = bootstrap_interval(values, kind=USUAL_INTERVAL)
    return f"{values.mean():{sign}.3f} ({low:{sign}.3f} to {high:{sign}.3f})"
