"""Decisions of `autoseg tune` where the learning rate is ten times too low, and where it is as it should be."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import autoseg
from autoseg.pipeline.tuning.records import TuningRecord
from autoseg.progress import Progress, SilentProgress
from autoseg.simulate import SimulationOptions, simulate_dataset

COLUMNS = ("the plan's rate", "seed", "best of the search", "gain (interval)", "taken")
SUMMARY_COLUMNS = ("the plan's rate", "seeds", "taken", "expected", "as expected")
# Scans that a network of two levels learns in seconds: small volumes, lesions that fill many voxels.
SCANS = SimulationOptions(cases=44, held_out_cases=0, spacing_mm=6.0, min_lesion_ml=15.0, max_lesion_ml=250.0)
JUDGED = 16  # cases of the fold that proves; the others are searched on
RATE = 0.01
NETWORK = (
    "3d_fullres.patch_shape=[16,16,16]",
    "3d_fullres.network.options.features=[8,16]",
    "3d_fullres.network.options.kernels=[[3,3,3],[3,3,3]]",
    "3d_fullres.network.options.strides=[[1,1,1],[2,2,2]]",
    "3d_fullres.network.options.encoder_blocks=[1,1]",
    "3d_fullres.network.options.decoder_blocks=[1]",
    "batch_size=2",
    "training.validation_rounds=0",
    "training.optimizer=adamw",
    "prediction.mirror_axes=[]",
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Planted:
    """What is planted in a plan.

    Attributes:
        factor: on the learning rate.
        taken: whether another plan should be taken.
    """

    factor: float
    taken: bool


PLANTED: Mapping[str, Planted] = {
    "ten times too low": Planted(factor=0.1, taken=True),
    "as it should be": Planted(factor=1.0, taken=False),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Conditions:
    """Conditions of all searches.

    Attributes:
        minutes: for each search and its proof; None where `iterations` says how long trainings are.
        iterations: of the longest trainings.
        candidates: that each search begins with; None for a number by the time.
        over: what is varied: of other values nobody knows whether the plan's are the best.
        rate: that is as it should be.
    """

    minutes: float | None = 5.0
    iterations: int | None = None
    candidates: int | None = None
    over: tuple[str, ...] = ("rate",)
    rate: float = RATE
    scans: SimulationOptions = SCANS
    judged: int = JUDGED
    assignments: tuple[str, ...] = NETWORK


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """One search's outcome."""

    planted: str
    seed: int
    record: TuningRecord

    def row(self) -> tuple[str, ...]:
        """Return the outcome as a table has it."""
        outcome = self.record.outcome
        assert outcome is not None
        if outcome.trial is None:
            best = "the plan as it is" if outcome.best == 0 else "failed in the proof"
            return (self.planted, str(self.seed), best, "-", "no")
        gain = outcome.trial.change.gain
        shown = f"{gain.mean:+.3f} ({gain.low:+.3f} to {gain.high:+.3f})"
        return (self.planted, str(self.seed), outcome.trial.best, shown, "yes" if outcome.taken() else "no")


def search_planted(
    work: Path, conditions: Conditions, seeds: Sequence[int], progress: Progress | None = None
) -> Iterator[Found]:
    """Yield the outcome of a search for each seed and each planted rate; what is finished is not done again.

    Args:
        work: where everything is written.
        conditions: of all searches.
        seeds: each has scans, weights and candidates of its own.
        progress: receiver of progress reports.
    """
    listener = progress or SilentProgress()
    for seed in seeds:
        for name in PLANTED:
            listener.say(f"Seed {seed}, the rate {name}.")
            yield Found(
                planted=name, seed=seed, record=_search(work / f"seed-{seed}", conditions, name, seed, listener)
            )


def _search(work: Path, conditions: Conditions, name: str, seed: int, progress: Progress) -> TuningRecord:
    plan_name, rate = f"planted-{list(PLANTED).index(name)}", conditions.rate * PLANTED[name].factor
    data = simulate_dataset(work / "scans", replace(conditions.scans, seed=1000 + seed)).folder
    names = sorted(path.name.removesuffix(".nii.gz") for path in (data / "labelsTr").iterdir())
    split = {"train": names[conditions.judged :], "val": names[: conditions.judged]}
    splits = work / "splits_final.json"
    splits.write_text(json.dumps([split]), encoding="utf-8")
    workspace = autoseg.plan_and_preprocess(
        data,
        workspace=work / plan_name,
        plan_name=plan_name,
        splits=splits,
        seed=seed,
        assignments=(*conditions.assignments, f"training.optimizer.options.lr={rate:g}"),
        progress=progress,
    )
    return autoseg.tune(
        workspace,
        0,
        hours=None if conditions.minutes is None else conditions.minutes / 60,
        iterations=conditions.iterations,
        plan_name=plan_name,
        over=conditions.over,
        candidates=conditions.candidates,
        seed=seed,
        progress=progress,
    )


def summarise(found: Sequence[Found]) -> list[tuple[str, ...]]:
    """Return a row per planted rate: how often another plan was taken, and how often that was right."""
    rows: list[tuple[str, ...]] = []
    for name, planted in PLANTED.items():
        taken = [one.record.outcome is not None and one.record.outcome.taken() for one in found if one.planted == name]
        right = sum(one == planted.taken for one in taken)
        expected = "taken" if planted.taken else "not taken"
        rows.append((name, str(len(taken)), str(sum(taken)), expected, f"{right} of {len(taken)}"))
    return rows
