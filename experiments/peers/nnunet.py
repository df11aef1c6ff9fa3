"""nnU-Net v2 beside autoseg: the same cases, the same cores, taking turns in one run."""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import sys
import venv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from autoseg.hardware import count_cores
from dataset_fingerprints.dataset import Case, Dataset
from dataset_fingerprints.errors import AutosegError
from dataset_fingerprints.files.jsonfiles import write_json
from dataset_fingerprints.layouts import read_dataset
from experiments.peers.measuring import Cost, measure_command

# In one call, or pip replaces torch by the newest build for GPUs.
PACKAGES = ("torch==2.13.0", "nnunetv2==2.8.1")
DATASET_ID = 901
ENDING = ".nii.gz"
# What `compare_augmentation` returns: a heading and names of columns by title.
COMPARED = {
    "turns": (
        "Turned and scaled patches: largest difference, least one were the matrix transposed, labels that differ",
        ("patch", "image", "transposed", "from nearest", "from linear"),
    ),
    "intensities": (
        "Intensities: means over draws, and how many standard errors apart",
        ("transform", "statistic", "autoseg", "batchgeneratorsv2", "standard errors"),
    ),
    "labels": ("Dice of turned balls with where they belong", ("radius", "autoseg", "batchgeneratorsv2")),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Comparison:
    """Costs of both pipelines for the same step, round by round."""

    step: str
    autoseg: tuple[Cost, ...]
    nnunet: tuple[Cost, ...]

    def rows(self) -> tuple[tuple[str, str, str, str], ...]:
        """Return per quantity: name, autoseg's median, nnU-Net's median, and the ratio of the two."""
        rows = []
        for name in ("wall_seconds", "cpu_seconds", "largest_process_gb", "all_processes_gb"):
            ours, theirs = (
                statistics.median(getattr(cost, name) for cost in side) for side in (self.autoseg, self.nnunet)
            )
            rows.append((f"{self.step}: {name}", f"{ours:.2f}", f"{theirs:.2f}", f"{ours / theirs:.2f}"))
        return tuple(rows)


def make_environment(folder: Path) -> Path:
    """Install nnU-Net into a virtual environment of its own, once, and return the folder of its commands.

    Raises:
        AutosegError: the folder holds something else.
    """
    commands = folder / "bin"
    if not (commands / "nnUNetv2_plan_and_preprocess").is_file():
        refuse_other_contents(folder)
        venv.create(folder, with_pip=True)
        subprocess.run([commands / "python", "-m", "pip", "install", "--quiet", *PACKAGES], check=True)
    return commands


def refuse_other_contents(folder: Path) -> None:
    """Make sure that a folder is a virtual environment, or new or empty.

    Raises:
        AutosegError: it holds something else.
    """
    if folder.is_dir() and any(folder.iterdir()) and not (folder / "pyvenv.cfg").is_file():
        raise AutosegError(
            f"{folder}: holds something, and is not a virtual environment. Name one, or a new or empty folder."
        )


def compare_augmentation(environment: Path) -> dict[str, list[tuple[str, ...]]]:
    """Run `experiments.peers.augmentation` where batchgeneratorsv2 is, and return its tables: `COMPARED` by title."""
    command = (make_environment(environment) / "python", "-m", "experiments.peers.augmentation")
    here = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    done = subprocess.run(command, stdout=subprocess.PIPE, encoding="utf-8", check=True, env=here)
    tables: dict[str, list[list[str]]] = json.loads(done.stdout)
    return {title: [tuple(row) for row in rows] for title, rows in tables.items()}


def compare_preprocessing(data: Path, work: Path, environment: Path, rounds: int) -> Comparison:
    """Time both pipelines' plan_and_preprocess from nothing, in alternation.

    Args:
        data: a raw data set that autoseg reads.
        work: a folder for everything that is written: empty, new, or that of an earlier comparison.
        environment: where nnU-Net's virtual environment is or goes.
        rounds: how often each side runs; medians are reported.

    Raises:
        AutosegError: the folder holds something that was not written here.
    """
    # Of what is in it, folders are removed before every turn.
    if work.is_dir() and any(work.iterdir()) and not any((work / "raw").glob("Dataset*_Peer")):
        raise AutosegError(f"{work}: holds something else than an earlier comparison. Name a new folder with --work.")
    commands = make_environment(environment)
    dataset = read_dataset(data)
    write_nnunet_raw(dataset, work / "raw" / f"Dataset{DATASET_ID}_Peer")
    ours, theirs = [], []
    for turn in range(rounds):
        shutil.rmtree(work / "autoseg", ignore_errors=True)
        ours.append(measure_command(_autoseg_command(data, work), work / f"autoseg-{turn}.log"))
        shutil.rmtree(work / "preprocessed", ignore_errors=True)
        theirs.append(_run_nnunet(commands, work, turn))
    return Comparison(step="plan_and_preprocess", autoseg=tuple(ours), nnunet=tuple(theirs))


def nnunet_variables(work: Path) -> dict[str, str]:
    """Return the environment variables that nnU-Net finds its folders by."""
    names = {"nnUNet_raw": "raw", "nnUNet_preprocessed": "preprocessed", "nnUNet_results": "results"}
    return {variable: str(work.resolve() / name) for variable, name in names.items()}


def write_nnunet_raw(dataset: Dataset, folder: Path) -> None:
    """Lay a data set out as nnU-Net wants it, with links to the files.

    Raises:
        AutosegError: nnU-Net cannot take it as it is: labels that are not 1..K, channels in one 4D file, or files that
            are not .nii.gz.
    """
    values = dataset.labels.values()
    if values != tuple(range(1, len(values) + 1)):
        raise AutosegError(f"{dataset.root}: has labels {values}. nnU-Net needs 1 to {len(values)}.")
    links = {folder / name: target for case in dataset.cases for name, target in _list_links(dataset, case)}
    # Those of an earlier data set, of which a case may be gone by now, or be one that judges.
    for file in list(folder.glob(f"*Tr/*{ENDING}")):
        if file.is_symlink() and file not in links:
            file.unlink()
    for name, target in links.items():
        _link(target, name)
    description = {
        "channel_names": {str(index): name for index, name in enumerate(dataset.channels)},
        "labels": {"background": 0, **{label.name: label.value for label in dataset.labels.labels}},
        "numTraining": len(dataset.cases),
        "file_ending": ENDING,
    }
    write_json(folder / "dataset.json", description)


def _list_links(dataset: Dataset, case: Case) -> Iterator[tuple[str, Path]]:
    """Yield the names of a case's links, and the files that they lead to.

    Raises:
        AutosegError: nnU-Net cannot take the files.
    """
    if len(case.images) != len(dataset.channels):
        raise AutosegError(f"{dataset.root}: keeps its channels in 4D files. nnU-Net needs one file per channel.")
    for file in (*case.images, case.label):
        if not file.endswith(ENDING):
            raise AutosegError(
                f"{dataset.root}: case {case.name} has the file '{file}'. Expected scan and label map as {ENDING}, for "
                "files are linked as they are: convert them first."
            )
    for channel, image in enumerate(case.images):
        yield f"imagesTr/{case.name}_{channel:04d}{ENDING}", Path(image)
    yield f"labelsTr/{case.name}{ENDING}", Path(case.label)


def _link(target: Path, name: Path) -> None:
    name.parent.mkdir(parents=True, exist_ok=True)
    name.unlink(missing_ok=True)
    name.symlink_to(target)


def _autoseg_command(data: Path, work: Path) -> Sequence[str]:
    return (sys.executable, "-m", "autoseg", "plan_and_preprocess", str(data), "-w", str(work / "autoseg"))


def _run_nnunet(commands: Path, work: Path, turn: int) -> Cost:
    cores = str(count_cores())
    command = (str(commands / "nnUNetv2_plan_and_preprocess"), "-d", str(DATASET_ID), "-c", "3d_fullres")
    return measure_command(
        (*command, "-np", cores, "-npfp", cores), work / f"nnunet-{turn}.log", nnunet_variables(work)
    )
