"""Starting from a trained model against starting from random weights: the same plan, the same few steps."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import autoseg
from autoseg.evaluation import Evaluation
from autoseg.progress import Progress, SilentProgress
from autoseg.simulate import SimulationOptions, simulate_dataset

COLUMNS = ("steps", "start", "learning rate", "mean Dice (95 % over scans)", "mean lesion F1 (95 % over scans)")
# The scans that the model is trained on, and other ones with a channel more.
SOURCE = SimulationOptions(cases=30, held_out_cases=0, spacing_mm=4.0, seed=31)
TARGET = SimulationOptions(cases=25, held_out_cases=0, spacing_mm=4.0, seed=77, flair=True)
LABELLED = 5  # cases of the target that are trained on; the others judge
_FULL_RATE = ("training.optimizer.options.lr=0.001",)


@dataclass(frozen=True, kw_only=True, slots=True)
class Side:
    """One way to start.

    Attributes:
        name: of the start.
        rate: of the learning rate.
        assignments: to the plan.
        trained: whether it starts from the model.
    """

    name: str
    rate: str
    assignments: tuple[str, ...]
    trained: bool


SIDES = (
    Side(name="random weights", rate="full", assignments=_FULL_RATE, trained=False),
    Side(name="random weights", rate="a tenth", assignments=(), trained=False),
    Side(name="the model", rate="full", assignments=_FULL_RATE, trained=True),
    Side(name="the model", rate="a tenth", assignments=(), trained=True),
)


# A network that two cores train in a minute.
NETWORK = (
    "3d_fullres.patch_shape=[32,32,32]",
    "3d_fullres.network.options.features=[8,16,32]",
    "3d_fullres.network.options.kernels=[[3,3,3],[3,3,3],[3,3,3]]",
    "3d_fullres.network.options.strides=[[1,1,1],[2,2,2],[2,2,2]]",
    "3d_fullres.network.options.encoder_blocks=[2,2,2]",
    "3d_fullres.network.options.decoder_blocks=[2,2]",
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Conditions:
    """Conditions of a comparison.

    Attributes:
        model_steps: of the training of the model.
        steps: of each training that starts from it or not.
        network: assignments to the model's plan.
        assignments: to all plans.
        source: scans that the model is trained on.
        target: scans that the others are trained and judged on.
        labelled: how many of these are trained on.
    """

    model_steps: int = 600
    steps: tuple[int, ...] = (30, 100)
    network: tuple[str, ...] = NETWORK
    assignments: tuple[str, ...] = ("batch_size=2", "training.validation_rounds=0", "prediction.mirror_axes=[]")
    source: SimulationOptions = SOURCE
    target: SimulationOptions = TARGET
    labelled: int = LABELLED


def compare_starts(work: Path, conditions: Conditions, progress: Progress | None = None) -> Iterator[tuple[str, ...]]:
    """Train a model, export it, and yield a row per training of other scans with and without it.

    Args:
        work: where everything is written.
        conditions: of the comparison.
        progress: receiver of progress reports.
    """
    listener = progress or SilentProgress()
    model = _train_model(work, conditions, listener)
    target = simulate_dataset(work / "target", conditions.target)
    names = sorted(path.name.removesuffix(".nii.gz") for path in (target.folder / "labelsTr").iterdir())
    split = {"train": names[: conditions.labelled], "val": names[conditions.labelled :]}
    splits = work / "splits_final.json"
    splits.write_text(json.dumps([split]), encoding="utf-8")
    for steps in conditions.steps:
        for number, side in enumerate(SIDES):
            plan = f"{steps}-{number}"
            workspace = autoseg.plan_and_preprocess(
                target.folder,
                workspace=work / "target-workspace",
                plan_name=plan,
                splits=splits,
                like=model,
                assignments=(*conditions.assignments, *side.assignments, f"training.iterations={steps}"),
                progress=listener,
            )
            start = model if side.trained else None
            scores = autoseg.train(workspace, 0, plan_name=plan, from_model=start, progress=listener)
            assert scores is not None
            yield (f"{steps}", side.name, side.rate, *_show(scores, ("dice", "lesion_f1")))


def _train_model(work: Path, conditions: Conditions, progress: Progress) -> Path:
    source = simulate_dataset(work / "source", conditions.source)
    steps = f"training.iterations={conditions.model_steps}"
    workspace = autoseg.plan_and_preprocess(
        source.folder,
        workspace=work / "source-workspace",
        assignments=(*conditions.assignments, *conditions.network, steps),
        progress=progress,
    )
    autoseg.train(workspace, 0, progress=progress)
    return autoseg.export(workspace, work / "model.zip")


def _show(scores: Evaluation, metrics: Sequence[str]) -> Iterator[str]:
    for metric in metrics:
        found = scores.summary[0].statistics(metric)
        between = f" ({found.ci95[0]:.3f} to {found.ci95[1]:.3f})" if found.ci95 else ""
        yield "-" if found.mean is None else f"{found.mean:.3f}{between}"
