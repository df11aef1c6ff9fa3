from __future__ import annotations

from pathlib import Path

import pytest

from autoseg.pipeline.tuning.spending import Spent, Ticking
from autoseg.progress import SilentProgress


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_a_second_start_counts_on_from_what_the_first_has_written(tmp_path: Path, clock: Clock) -> None:
    first = Spent(tmp_path / "spent.json", clock)
    clock.now += 40
    first.write()
    clock.now += 1000  # nobody is at work
    second = Spent(tmp_path / "spent.json", clock)
    clock.now += 2
    assert second.seconds() == pytest.approx(42)


def test_a_killed_process_loses_some_seconds_at_most(tmp_path: Path, clock: Clock) -> None:
    spent = Spent(tmp_path / "spent.json", clock)
    with Ticking(SilentProgress(), spent, "Candidate 1").task("Training", 100) as task:
        for _ in range(100):
            clock.now += 1
            task.advance()
    assert Spent(tmp_path / "spent.json", clock).seconds() >= 96


def test_bars_name_the_training_that_they_are_of(tmp_path: Path) -> None:
    titles: list[str] = []

    class Noting(SilentProgress):
        def task(self, title: str, total: int, done: int = 0):  # type: ignore[no-untyped-def]
            titles.append(title)
            return super().task(title, total, done)

    with Ticking(Noting(), Spent(tmp_path / "spent.json"), "Candidate 1").task("Training", 1):
        pass
    assert titles == ["Candidate 1: training"]
