"""Labelling loops of small scans: as they begin, and with a first round that seems to be trained."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from autoseg.labelling.state import Choice, Chosen, HeldOutScore
from autoseg.pipeline.faces import label_face
from autoseg.pipeline.labelling.looking import Looker
from autoseg.pipeline.labelling.loop_state import OpenLoop, opened
from autoseg.pipeline.labelling.presegmenting import write_for_people
from autoseg.progress import SilentProgress
from autoseg.workspace.loop import LoopFolder
from dataset_fingerprints.files.jsonfiles import write_json
from dataset_fingerprints.reading.images import read_image, write_label_map
from tests.synthetic.scans import affine_of, blob, write_nifti

SHAPE = (20, 24, 16)
# The stored axes are others than the canonical ones.
AFFINE = affine_of((1, 0, 2), (-1, 1, 1), (1.0, 1.0, 2.0))
LABELS = {"background": 0, "core": 1, "rim": 3}
NAMES = tuple(f"s{number:02d}" for number in range(12))
LABELLED = 6


@dataclass(frozen=True, kw_only=True, slots=True)
class Made:
    """A data set on disk: a table of all scans, of which the first are labelled."""

    root: Path

    @property
    def table(self) -> Path:
        return self.root / "data" / "scans.csv"

    @property
    def loop(self) -> LoopFolder:
        return LoopFolder(root=self.root / "loop")

    def scan(self, name: str) -> Path:
        return self.root / "data" / "scans" / f"{name}.nii.gz"

    def truth(self, name: str) -> Path:
        return self.root / "data" / "truth" / f"{name}.nii.gz"

    @contextmanager
    def open(self) -> Iterator[OpenLoop]:
        with opened(self.loop) as found:
            yield found


def draw(seed: int) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    """Return a scan with a bright ball (1) in a less bright shell (3), as it is stored."""
    rng = np.random.default_rng(seed)
    centre = tuple(float(place) for place in rng.uniform((7, 8, 6), (13, 16, 10)))
    core, rim = blob(SHAPE, centre, 3), blob(SHAPE, centre, 5)
    image = rng.normal(10, 1, SHAPE) + 6 * rim + 8 * core
    return image.astype(np.float32), (3 * rim - 2 * (core & rim)).astype(np.uint8)


def make_data(root: Path) -> Made:
    """Write the data set."""
    made = Made(root=root)
    for seed, name in enumerate(NAMES):
        image, labels = draw(seed)
        write_nifti(made.scan(name), image, AFFINE)
        write_nifti(made.truth(name), labels, AFFINE)
    with made.table.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(["image:T1w", "label", "case"])
        for name in NAMES:
            label = made.truth(name) if name in NAMES[:LABELLED] else ""
            writer.writerow([made.scan(name), label, name])
    write_json(made.table.with_name("dataset.json"), {"labels": LABELS})
    return made


def begin(root: Path, **options: object) -> Made:
    """Return a data set and a loop that was begun with two held-out cases."""
    made = make_data(root)
    label_face.label_start(made.table, workspace=made.loop.root, test=("s01", "s04"), **options)  # type: ignore[arg-type]
    return made


def choose(root: Path, names: tuple[str, ...] = ("s06", "s07", "s08")) -> Made:
    """Return a loop whose first round has scores, and scans that were chosen and written for people.

    The pre-segmentations are the truth moved by one voxel along the stored first axis.
    """
    made = begin(root)
    with made.open() as found:
        own = found.loop.current()
        scores = tuple(
            HeldOutScore(case=case, structure=structure, dice=0.5 + 0.1 * place, rms_mm=1.0, points=10)
            for place, case in enumerate(found.loop.test)
            for structure in ("core", "rim")
        )
        choice = Choice(way="random", scans=tuple(Chosen(case=name) for name in names))
        found.keep(found.loop.with_round(replace(own, scores=scores, choice=choice)))
        for name in names:
            truth = read_image([made.truth(name)])
            moved = np.roll(truth.voxels[0].astype(np.uint8), 1, axis=1)
            write_label_map(found.now().presegmentation(name), moved, truth.source_grid, truth.header)
        write_for_people(found, load_nothing, names, SilentProgress())
    return made


def load_nothing() -> Looker:
    """Return no model: all masks were made before."""
    raise AssertionError("a model was asked for")
