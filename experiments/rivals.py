"""Ways to plan against each other: the same scans, the same minutes, side by side, judged on held-out scans.

Every side is planned, trained and predicted with by commands, each in a process that has its share of the cores to
itself. As many sides as there are cores run at the same time, so that whatever else the machine does slows
them alike.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from autoseg.evaluation import (
    Convention,
    FilePair,
    bootstrap_interval,
    choose_metrics,
    evaluate_files,
    label_targets,
    pair_files,
)
from autoseg.evaluation.statistics import Statistic
from autoseg.hardware import count_cores
from autoseg.simulate import SimulationOptions, simulate_dataset
from autoseg.workspace.fold import FULL
from dataset_fingerprints.dataset import Case
from dataset_fingerprints.errors import AutosegError
from dataset_fingerprints.files.jsonfiles import write_json
from dataset_fingerprints.layouts import read_dataset
from dataset_fingerprints.reading.images import read_label_map
from dataset_fingerprints.units import find_units
from experiments.costs.side_by_side import Script, run_together, spell
from experiments.peers.nnunet import ENDING, write_nnunet_raw

TRUTH_FOLDER = "labelsTs"
# Lesions are counted, so that ratios can be made of sums over scans.
JUDGED_BY = Convention(
    name="rivals",
    metrics=choose_metrics(("dice", "reference_volume_ml", "found_lesions", "reference_lesions", "false_lesions")),
)
RESAMPLES = 10_000
# Of the units of a data set, every so-manieth judges.
HELD_OUT = 5
# Of lesions: voxels that share a corner are neighbours, as where lesions are counted.
CONNECTIVITY: Final = 26
SIMULATION = SimulationOptions(cases=60, held_out_cases=40, spacing_mm=3.0, seed=21)


@dataclass(frozen=True, kw_only=True, slots=True)
class Side:
    """One way to plan.

    Attributes:
        options: of `plan_and_preprocess`, as one would type them.
    """

    name: str
    options: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Contest:
    """Conditions that are the same for all sides.

    Attributes:
        sides: the others are compared with the first.
        minutes: to train each side's networks in: all of a cascade together, its validations included.
        seeds: as many networks per side.
        data: a raw data set of which every fifth unit (`find_units`) is held out, or None for simulated scans.
    """

    sides: tuple[Side, ...]
    minutes: float
    seeds: int
    simulation: SimulationOptions
    data: Path | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """One network's masks, scan by scan in the order of their names; of several labels, means of Dice and sums.

    Attributes:
        dice: per scan.
        volume_ml: the reference's per scan.
        found: reference lesions that the mask holds, per scan.
        lesions: reference lesions per scan.
        false: lesions of the mask that are not in the reference, per scan.
        lesion_ml: volumes of the reference's lesions, per scan.
        found_ml: those of them that the mask holds.
    """

    side: str
    seed: int
    dice: tuple[float, ...]
    volume_ml: tuple[float, ...]
    found: tuple[int, ...]
    lesions: tuple[int, ...]
    false: tuple[int, ...]
    lesion_ml: tuple[tuple[float, ...], ...] = ()
    found_ml: tuple[tuple[float, ...], ...] = ()


def parse_side(text: str) -> Side:
    """Read `NAME` or `NAME=OPTIONS`.

    Raises:
        AutosegError: the name cannot be that of a file.
    """
    name, _, options = text.partition("=")
    if not re.fullmatch(r"[\w.-]+", name):
        raise AutosegError(f"--side {text}: expected NAME=OPTIONS, with a NAME of letters, digits, dots and dashes.")
    return Side(name=name, options=options)


def hold_contest(contest: Contest, work: Path) -> list[Outcome]:
    """Train, predict and score all networks; what is finished in `work` is not done again.

    Raises:
        AutosegError: a command failed; the message names its log.
    """
    truth, targets = _lay_out(contest, work / "raw")
    runs = [Run(side=side, seed=seed, folder=work) for seed in range(contest.seeds) for side in contest.sides]
    outcomes = []
    at_once = min(len(contest.sides), count_cores())
    for place in range(0, len(runs), at_once):
        together = runs[place : place + at_once]
        codes = run_together([run.script(contest.minutes) for run in together], at_once)
        for run, code in zip(together, codes, strict=True):
            if code:
                raise AutosegError(f"{run.side.name}, seed {run.seed}: failed. See {run.log()}.")
        outcomes += [_score(run, truth, targets) for run in together]
        write_json(work / "outcomes.json", outcomes)
    return outcomes


def _lay_out(contest: Contest, raw: Path) -> tuple[Path, tuple[int, ...]]:
    """Lay scans out for training and for judging, and return the folder of the references and the labels' values."""
    if contest.data is None:
        simulated = simulate_dataset(raw, contest.simulation)
        return simulated.folder / TRUTH_FOLDER, (contest.simulation.lesion_value,)
    dataset = read_dataset(contest.data)
    units = find_units(dataset.cases)
    left_out = set(sorted(set(units.values()))[::HELD_OUT])
    judged = tuple(case for case in dataset.cases if units[case.name] in left_out)
    _refuse_other_judges(raw, judged)
    write_nnunet_raw(replace(dataset, cases=tuple(case for case in dataset.cases if case not in judged)), raw)
    write_nnunet_raw(replace(dataset, cases=judged), raw / "judged")
    for ours, theirs in (("imagesTs", "imagesTr"), (TRUTH_FOLDER, "labelsTr")):
        if not (raw / ours).exists():
            (raw / ours).symlink_to(raw.resolve() / "judged" / theirs, target_is_directory=True)
    return raw / TRUTH_FOLDER, dataset.labels.values()


def _refuse_other_judges(raw: Path, judged: Sequence[Case]) -> None:
    """Make sure that no network of an earlier contest was trained on what judges now.

    Raises:
        AutosegError: the folder was laid out with other cases to judge.
    """
    earlier = {path.name for path in (raw / "judged" / "labelsTr").glob("*")}
    if raw.is_dir() and earlier != {f"{case.name}{ENDING}" for case in judged}:
        raise AutosegError(
            f"{raw}: holds a contest that was judged on other cases: its networks may have been trained on what judges "
            "now. Name a new folder with --work."
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Run:
    """One network, from plan to masks."""

    side: Side
    seed: int
    folder: Path

    def script(self, minutes: float) -> Script:
        """Return the commands that plan, train and predict; cascades divide the time over their trainings."""
        raw, workspace = self.folder / "raw", self._place("autoseg")
        hours = f"{minutes / 60:.6f}"
        plan = _spell("autoseg", "plan_and_preprocess", raw, "-w", workspace, "--seed", self.seed, "--max-hours", hours)
        train = _spell("experiments", "in-turn", workspace, FULL, "--minutes", minutes)
        predict = _spell("autoseg", "predict", raw / "imagesTs", "-w", workspace, "-o", self.masks(), "--no-mirror")
        return Script(text=f"{plan} {self.side.options}; {train}; {predict}", log=self.log())

    def masks(self) -> Path:
        """Return the folder of predicted masks."""
        return self._place("masks")

    def log(self) -> Path:
        """Return where the commands' output goes."""
        return self.folder / f"{self.side.name}-{self.seed}.log"

    def _place(self, what: str) -> Path:
        return self.folder / f"{self.side.name}-{self.seed}-{what}"


def _spell(module: str, *words: object) -> str:
    return spell(sys.executable, "-m", module, *words)


def compare(outcomes: Sequence[Outcome]) -> list[tuple[str, ...]]:
    """Return a row per group of scans, measure and side: its figure, and what it has over the first side.

    A scan's figures are means over the seeds, lesions their sums; intervals are over scans. At last come the smallest
    quarter of all lesions, whatever else their scans hold.
    """
    volumes = np.array(outcomes[0].volume_ml)
    groups = {
        "all": np.ones(len(volumes), dtype=bool),
        "smallest quarter": volumes <= np.percentile(volumes, 25),
    }
    names = list(dict.fromkeys(outcome.side for outcome in outcomes))
    sides = [[outcome for outcome in outcomes if outcome.side == name] for name in names]
    dice = [np.mean([run.dice for run in side], axis=0)[:, None] for side in sides]
    totals = [_totals(side) for side in sides]
    rows: list[tuple[str, ...]] = []
    for group, members in groups.items():
        for measure, values, statistic in (
            ("Dice", dice, _mean_dice),
            ("lesion recall", totals, _recall),
            ("lesion precision", totals, _precision),
        ):
            chosen = [mine[members] for mine in values]
            rows += _compare_sides((f"{group} ({members.sum()})", measure), names, chosen, statistic)
    return rows + _compare_small(names, sides)


def _compare_small(names: Sequence[str], sides: Sequence[Sequence[Outcome]]) -> list[tuple[str, ...]]:
    """Return a row per side on the smallest quarter of the lesions; none where their volumes are not known."""
    volumes = [volume for scan in sides[0][0].lesion_ml for volume in scan]
    if not volumes:
        return []
    limit = float(np.percentile(volumes, 25))
    counts = [[_count_small(run, limit) for run in side] for side in sides]
    totals: list[NDArray[np.float64]] = [np.stack(side).sum(axis=0).astype(np.float64) for side in counts]
    # Scans without such lesions say nothing of them.
    totals = [side[totals[0][:, 1] > 0] for side in totals]
    group = f"lesions up to {limit:.3g} ml ({sum(volume <= limit for volume in volumes)})"
    return _compare_sides((group, "lesion recall"), names, totals, _recall)


def _count_small(run: Outcome, limit: float) -> NDArray[np.int64]:
    """Return (scan, 2): lesions up to a volume that are found, and all of them."""
    rows = zip(run.found_ml, run.lesion_ml, strict=True)
    return np.array([[sum(volume <= limit for volume in side) for side in row] for row in rows])


def _compare_sides(
    group: tuple[str, str], names: Sequence[str], values: Sequence[NDArray[np.float64]], statistic: Statistic
) -> list[tuple[str, ...]]:
    """Return a row per side: a statistic of its values, (scan, m), and what it has over that of the first."""
    rows: list[tuple[str, ...]] = []
    for name, mine in zip(names, values, strict=True):
        gain = _contrast(mine, values[0], statistic) if name != names[0] else "-"
        rows.append((*group, name, _with_interval(mine, statistic), gain))
    return rows


def _totals(side: Sequence[Outcome]) -> NDArray[np.float64]:
    """Return (scan, 3), summed over seeds: lesions found, lesions of the reference, false lesions."""
    names = ("found", "lesions", "false")
    return np.stack([np.sum([getattr(run, name) for run in side], axis=0) for name in names], axis=1, dtype=np.float64)


def _with_interval(values: NDArray[np.float64], of: Statistic) -> str:
    """Show a statistic of values, (scan, m), with its interval."""
    interval = bootstrap_interval(values, of, resamples=RESAMPLES)
    return f"{_show(of(values.mean(axis=0)))} ({' to '.join(map(_show, interval))})"


def _contrast(mine: NDArray[np.float64], first: NDArray[np.float64], of: Statistic) -> str:
    """Show by how much a statistic of values, (scan, m) each, exceeds that of the first side, and how sure that is."""

    def difference(means: NDArray[np.float64]) -> NDArray[np.float64]:
        return of(means[..., : mine.shape[1]]) - of(means[..., mine.shape[1] :])

    both = np.concatenate([mine, first], axis=1)
    gain = difference(both.mean(axis=0))
    if np.isnan(gain):
        return "-"
    low, high = bootstrap_interval(both, difference, resamples=RESAMPLES)
    return f"{gain:+.3f} ({low:+.3f} to {high:+.3f})"


def _show(value: float | NDArray[np.float64]) -> str:
    return "-" if np.isnan(value) else f"{value:.3f}"


def _mean_dice(means: NDArray[np.float64]) -> NDArray[np.float64]:
    return means[..., 0]


def _recall(means: NDArray[np.float64]) -> NDArray[np.float64]:
    with np.errstate(invalid="ignore"):
        return means[..., 0] / means[..., 1]


def _precision(means: NDArray[np.float64]) -> NDArray[np.float64]:
    with np.errstate(invalid="ignore"):
        return means[..., 0] / (means[..., 0] + means[..., 2])


def _measure_lesions(files: FilePair, targets: tuple[int, ...]) -> tuple[list[float], list[float]]:
    """Return the volumes of a reference's lesions, and of those that a mask holds, in ml."""
    images = [read_label_map(path) for path in (files.prediction, files.reference)]
    found, true = (image.voxels[0].round().astype(np.int64) for image in images)
    volumes: list[float] = []
    held: list[float] = []
    for _, pair in label_targets(targets).pairs(found, true, images[1].grid().spacing_mm()):
        lesions = pair.lesions(CONNECTIVITY)
        sizes = lesions.reference_sizes * pair.voxel_ml
        volumes += sizes.tolist()
        held += sizes[lesions.found()].tolist()
    return volumes, held


def _score(run: Run, truth: Path, targets: tuple[int, ...]) -> Outcome:
    evaluation = evaluate_files(run.masks(), truth, label_targets(targets), JUDGED_BY, strict=True)
    scores = {
        entry.name: [[label.number(entry.name) for label in case.labels] for case in evaluation.cases]
        for entry in JUDGED_BY.metrics
    }
    pairs = {pair.case: pair for pair in pair_files(run.masks(), truth, strict=True).pairs}
    lesions = [_measure_lesions(pairs[case.case], targets) for case in evaluation.cases]
    return Outcome(
        side=run.side.name,
        seed=run.seed,
        dice=tuple(float(np.mean(labels)) for labels in scores["dice"]),
        volume_ml=tuple(map(sum, scores["reference_volume_ml"])),
        found=tuple(int(sum(counts)) for counts in scores["found_lesions"]),
        lesions=tuple(int(sum(counts)) for counts in scores["reference_lesions"]),
        false=tuple(int(sum(counts)) for counts in scores["false_lesions"]),
        lesion_ml=tuple(tuple(volumes) for volumes, _ in lesions),
        found_ml=tuple(tuple(held) for _, held in lesions),
    )
