"""Ways to plan against each other: the same scans, the same minutes, side by side, judged on held-out scans.

Every side is planned, trained and predicted with by commands, each in a process that has its share of the cores to
itself. As many sides as there are cores run at the same time, so that whatever else the machine does slows
them alike. This is not so for more sides than cores, nor for what goes on after a kill: there, nothing else should run.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np

from autoseg.evaluation import Convention, FilePair, choose_metrics, evaluate_files, label_targets, pair_files
from autoseg.hardware import count_cores
from autoseg.progress import Progress
from autoseg.simulate import SimulationOptions, simulate_dataset
from autoseg.workspace.fold import FULL
from dataset_fingerprints.dataset import Case
from dataset_fingerprints.durations import show_duration
from dataset_fingerprints.errors import AutosegError
from dataset_fingerprints.files.jsonfiles import write_json
from dataset_fingerprints.layouts import read_dataset
from dataset_fingerprints.names import counted
from dataset_fingerprints.reading.images import read_label_map
from dataset_fingerprints.units import find_units
from experiments.costs.side_by_side import Script, run_together, spell
from experiments.peers.nnunet import ENDING, write_nnunet_raw
from experiments.rivals_figures import Outcome

TRUTH_FOLDER = "labelsTs"
OUTCOMES = "outcomes.json"
# Lesions are counted, so that ratios can be made of sums over scans.
JUDGED_BY = Convention(
    name="rivals",
    metrics=choose_metrics(("dice", "reference_volume_ml", "found_lesions", "reference_lesions", "false_lesions")),
)
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
class Judges:
    """Scans that judge.

    Attributes:
        truth: the folder of their references.
        targets: values of the labels.
        units: of the scans, by their names: those of one subject or group share theirs.
    """

    truth: Path
    targets: tuple[int, ...]
    units: Mapping[str, str]


def parse_side(text: str) -> Side:
    """Read `NAME` or `NAME=OPTIONS`.

    Raises:
        AutosegError: the name cannot be that of a file.
    """
    name, _, options = text.partition("=")
    if not re.fullmatch(r"[\w.-]+", name):
        raise AutosegError(f"--side {text}: expected NAME=OPTIONS, with a NAME of letters, digits, dots and dashes.")
    return Side(name=name, options=options)


def hold_contest(contest: Contest, work: Path, progress: Progress) -> list[Outcome]:
    """Train, predict and score all networks; what is finished in `work` is not done again.

    Args:
        contest: its conditions.
        work: a new folder, or that of the same contest.
        progress: receiver of progress reports.

    Raises:
        AutosegError: two sides have one name, or a command failed, and the message names its log.
    """
    names = [side.name for side in contest.sides]
    if len(set(names)) < len(names):
        raise AutosegError(f"--side: two of {', '.join(names)} have one name, and would share a folder. Rename one.")
    judges = _lay_out(contest, work / "raw")
    runs = [Run(side=side, seed=seed, folder=work) for seed in range(contest.seeds) for side in contest.sides]
    outcomes = []
    at_once = min(len(contest.sides), count_cores())
    training = 60 * contest.minutes * -(-len(runs) // at_once)
    progress.say(
        f"{counted(len(runs), 'training')} of {show_duration(60 * contest.minutes)}, {at_once} at a time: "
        f"{show_duration(training)}, and some minutes for planning and predicting. Logs: {work}/SIDE-SEED.log."
    )
    batches = [runs[place : place + at_once] for place in range(0, len(runs), at_once)]
    # All plans first: an option that cannot be meant is refused before anything is trained.
    for together in batches:
        _run([(run, run.planning(contest.minutes)) for run in together], at_once)
    with progress.task("Trainings", len(runs)) as task:
        for together in batches:
            _run([(run, run.training(contest.minutes)) for run in together], at_once)
            outcomes += [_score(run, judges) for run in together]
            write_json(work / OUTCOMES, outcomes)
            task.advance(len(together))
    return outcomes


def _run(scripts: Sequence[tuple[Run, Script]], at_once: int) -> None:
    """Run scripts side by side.

    Raises:
        AutosegError: one failed.
    """
    codes = run_together([script for _, script in scripts], at_once)
    for (run, _), code in zip(scripts, codes, strict=True):
        if code:
            raise AutosegError(
                f"{run.side.name}, seed {run.seed}: failed: {_read_last_line(run.log())} See {run.log()}."
            )


def _read_last_line(log: Path) -> str:
    """Return the last line that a command left."""
    lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    return lines[-1] if lines else "it said nothing."


def _lay_out(contest: Contest, raw: Path) -> Judges:
    """Lay scans out for training and for judging, and return those that judge."""
    if contest.data is None:
        simulated = simulate_dataset(raw, contest.simulation)
        return Judges(
            truth=simulated.folder / TRUTH_FOLDER,
            targets=(contest.simulation.lesion_value,),
            units={case.name: case.subject for case in simulated.cases if case.held_out},
        )
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
    return Judges(truth=raw / TRUTH_FOLDER, targets=dataset.labels.values(), units=units)


def _refuse_other_judges(raw: Path, judged: Sequence[Case]) -> None:
    """Make sure that no network of an earlier contest was trained on what judges now; a layout that was killed goes on.

    Raises:
        AutosegError: the folder was laid out with other cases to judge.
    """
    now = {f"{case.name}{ENDING}" for case in judged}
    earlier = {path.name for path in (raw / "judged" / "labelsTr").glob("*")}
    trained = list((raw / "labelsTr").glob("*"))
    simulated = any(not path.is_symlink() for path in trained)
    if simulated or earlier - now or now & {path.name for path in trained}:
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

    def planning(self, minutes: float) -> Script:
        """Return the command that plans."""
        raw, workspace = self.folder / "raw", self._place("autoseg")
        hours = f"{minutes / 60:.6f}"
        plan = _spell("autoseg", "plan_and_preprocess", raw, "-w", workspace, "--seed", self.seed, "--max-hours", hours)
        return Script(text=f"{plan} {self.side.options}", log=self.log())

    def training(self, minutes: float) -> Script:
        """Return the commands that train and predict; cascades divide the time over their trainings."""
        raw, workspace = self.folder / "raw", self._place("autoseg")
        train = _spell("experiments", "in-turn", workspace, FULL, "--minutes", minutes)
        predict = _spell("autoseg", "predict", raw / "imagesTs", "-w", workspace, "-o", self.masks(), "--no-mirror")
        return Script(text=f"{train}; {predict}", log=self.log())

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


def _score(run: Run, judges: Judges) -> Outcome:
    evaluation = evaluate_files(run.masks(), judges.truth, label_targets(judges.targets), JUDGED_BY, strict=True)
    scores = {
        entry.name: [[label.number(entry.name) for label in case.labels] for case in evaluation.cases]
        for entry in JUDGED_BY.metrics
    }
    pairs = {pair.case: pair for pair in pair_files(run.masks(), judges.truth, strict=True).pairs}
    lesions = [_measure_lesions(pairs[case.case], judges.targets) for case in evaluation.cases]
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
        units=tuple(judges.units.get(case.case, case.case) for case in evaluation.cases),
    )
