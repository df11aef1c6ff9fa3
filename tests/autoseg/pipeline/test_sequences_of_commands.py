"""Whatever is planned, added, split or relabelled in between: a fold never validates a case that it trained on."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from autoseg.evaluation import read_evaluation
from autoseg.pipeline.folds.out_of_fold import ValidatedCase, identify_weights
from autoseg.pipeline.folds.runs import read_run
from autoseg.training.record import read_record
from autoseg.workspace.fold import FoldFolder
from dataset_fingerprints.errors import AutosegError
from dataset_fingerprints.files.jsonfiles import read_json
from tests.synthetic.tiny import CONFIGURATION, Tiny

STEPS = 10


class Sequence:
    """Random commands on one workspace, and what each fold's weights have seen according to their own trainings."""

    def __init__(self, tiny: Tiny, seed: int) -> None:
        self.tiny, self.rng, self.number = tiny, random.Random(seed), 100
        self.seen: dict[Path, set[str]] = {}
        self.said: list[str] = []
        self._learn()

    def step(self) -> None:
        """Do something; what is refused changes nothing of plans and folds."""
        commands: tuple[Callable[[], object], ...] = (
            self.add,
            self.remove,
            self.relabel,
            self.plan,
            self.plan_with_splits,
            self.train,
            self.extend,
            self.restart,
            self.lose_validation,
        )
        weights = (3, 1, 1, 4, 3, 4, 2, 2, 1)
        (command,) = self.rng.choices(commands, weights)
        before = self.tiny.contents()
        self.said.append(command.__name__)
        try:
            command()
        except AutosegError as error:
            self.said.append(str(error))
            after = self.tiny.contents()
            assert {path: after.get(path) for path in before} == before, "a refusal loses nothing"
        self._learn()
        self.check()

    def add(self) -> None:
        self.number += 1
        self.tiny.add(f"case_{self.number}", self.number)

    def remove(self) -> None:
        if len(self.tiny.cases()) > 3:
            self.tiny.remove(self.rng.choice(self.tiny.cases()))

    def relabel(self) -> None:
        self.number += 1
        self.tiny.relabel(self.rng.choice(self.tiny.cases()), self.number)

    def plan(self) -> None:
        self.tiny.plan()

    def plan_with_splits(self) -> None:
        cases = list(self.tiny.cases())
        self.rng.shuffle(cases)
        self.tiny.plan(self.tiny.write_splits((cases[::2], cases[1::2])))

    def train(self) -> None:
        self.tiny.train(self._fold())

    def extend(self) -> None:
        self.tiny.train(self._fold(), iterations=self.rng.choice((3, 4, 5)))

    def restart(self) -> None:
        fold = self._fold()
        self.tiny.train(fold, restart=True)
        self.seen.pop(self.tiny.fold(fold).root, None)

    def lose_validation(self) -> None:
        shutil.rmtree(self.tiny.fold(0).validation.root, ignore_errors=True)

    def _fold(self) -> int:
        return self.rng.choice((0, 0, 1))

    def folds(self) -> tuple[FoldFolder, ...]:
        return self.tiny.workspace.folds("default", CONFIGURATION)

    def _learn(self) -> None:
        """Add what the folds trained on since the last look."""
        for folder in self.folds():
            record = read_record(folder)
            if record is not None and record.status != "training":
                self.seen.setdefault(folder.root, set()).update(record.train_cases)

    def check(self) -> None:
        for folder in self.folds():
            run, record, seen = read_run(folder), read_record(folder), self.seen.get(folder.root, set())
            if run is None or record is None:
                continue
            train, validation = set(run.train_cases), set(run.validation_cases)
            assert not train & validation, self.said
            assert not seen & validation, self.said
            if record.status != "finished":
                continue
            assert (set(record.train_cases), set(record.validation_cases)) == (train, validation), self.said
            known = [read_json(path, ValidatedCase) for path in folder.validation.root.glob("cases/*.json")]
            judged = {case.scores.case for case in known if case.weights == identify_weights(folder)}
            assert judged <= validation, self.said
            if folder.validation.metrics.is_file():
                assert {case.case for case in read_evaluation(folder.validation.metrics).cases} == validation, self.said


def follow(tiny: Tiny, seed: int) -> None:
    sequence = Sequence(tiny, seed)
    for _ in range(STEPS):
        sequence.step()


@pytest.mark.parametrize("seed", range(3))
def test_no_fold_validates_a_case_that_it_trained_on(tiny: Tiny, seed: int) -> None:
    follow(tiny, seed)


@pytest.mark.long
@pytest.mark.parametrize("seed", range(3, 60))
def test_no_fold_does_so_in_many_more_sequences(tiny: Tiny, seed: int) -> None:
    follow(tiny, seed)
