"""Weights of another configuration that a fold starts from: which they were is kept, and said where they changed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from autoseg.pipeline.faces import face
from autoseg.pipeline.folds.cross_validation import train_folds
from autoseg.pipeline.folds.jobs import TrainingOptions
from autoseg.pipeline.folds.out_of_fold import identify_weights
from autoseg.training.record import TrainingRecord, read_record
from dataset_fingerprints.files.jsonfiles import write_json
from tests.autoseg.training.builders import Listening
from tests.synthetic.once import make_once
from tests.synthetic.tiny import Tiny, copy_tiny, write_tiny
from tests.synthetic.two_stages import FIRST, SECOND, plan_stages, stage


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Tiny:
    """Fold 0 of both configurations trained."""
    return Tiny(root=make_once(tmp_path_factory, "two-stages", make_two_stages))


def make_two_stages(root: Path) -> None:
    tiny = write_tiny(root)
    plan_stages(tiny)
    for name in (FIRST, SECOND):
        train(tiny, name)


@pytest.fixture
def own(made: Tiny, tmp_path: Path) -> Tiny:
    """A copy that a test may change."""
    return copy_tiny(made, tmp_path / "own")


def train(tiny: Tiny, name: str, **options: object) -> list[str]:
    """Train fold 0 of a configuration, and return what is said of the weights that it started from."""
    listening = Listening()
    face.train(tiny.workspace, 0, configuration=name, progress=listening, **options)  # type: ignore[arg-type]
    return find_changed(listening)


def find_changed(listening: Listening) -> list[str]:
    return [message for message in listening.messages if "that have changed since" in message]


def record_of(tiny: Tiny) -> TrainingRecord:
    record = read_record(stage(tiny, SECOND))
    assert record is not None
    return record


def test_a_fold_whose_first_weights_have_changed_goes_on_and_says_so_until_it_is_begun_anew(own: Tiny) -> None:
    began_from = identify_weights(stage(own, FIRST))
    assert record_of(own).initial_weights == began_from
    assert train(own, SECOND) == []
    train(own, FIRST, iterations=4)
    now = identify_weights(stage(own, FIRST))
    (finished,), (longer,) = train(own, SECOND), train(own, SECOND, iterations=4)
    for part in (
        f"{stage(own, SECOND).root}: started from weights of first, fold 0 that have changed since",
        f"({began_from[:12]} then, {now[:12]} now)",
        "begin it anew, which removes its weights and scores: `autoseg train 0 --restart -w ",
    ):
        assert part in finished
        assert part in longer
    assert (record_of(own).iterations, record_of(own).initial_weights) == (4, began_from)
    listening = Listening()
    train_folds(own.workspace, ("0",), TrainingOptions(configuration=SECOND), listening)
    assert find_changed(listening) == [finished]
    assert train(own, SECOND, restart=True) == []
    assert record_of(own).initial_weights == now
    assert train(own, SECOND) == []


def test_the_way_out_names_the_minutes_that_the_fold_had(own: Tiny) -> None:
    write_json(stage(own, SECOND).record, replace(record_of(own), max_minutes=0.5, initial_weights="0" * 32))
    (message,) = train(own, SECOND)
    assert "(000000000000 then, " in message
    assert "`autoseg train 0 --restart --max-minutes 0.5 -w " in message


def test_a_training_that_was_killed_before_its_first_checkpoint_starts_from_the_weights_of_now(
    own: Tiny, killed: pytest.MonkeyPatch
) -> None:
    before = record_of(own).initial_weights
    with pytest.raises(KeyboardInterrupt):
        train(own, SECOND, restart=True)
    assert record_of(own).initial_weights == before
    killed.undo()
    train(own, FIRST, iterations=4)
    assert train(own, SECOND) == []
    assert record_of(own).initial_weights == identify_weights(stage(own, FIRST)) != before


def test_a_fold_that_was_begun_before_this_was_kept_says_nothing(own: Tiny) -> None:
    write_json(stage(own, SECOND).record, replace(record_of(own), initial_weights=""))
    train(own, FIRST, iterations=4)
    assert train(own, SECOND) == []
    assert train(own, SECOND, iterations=4) == []
    assert "initial_weights" not in stage(own, SECOND).record.read_text(encoding="utf-8")


def test_first_weights_that_are_not_there_any_more_are_not_compared(own: Tiny, killed: pytest.MonkeyPatch) -> None:
    with pytest.raises(KeyboardInterrupt):
        train(own, FIRST, restart=True)
    assert not stage(own, FIRST).weight_files()
    assert train(own, SECOND) == []


def test_a_fold_that_starts_from_random_weights_names_none(own: Tiny) -> None:
    assert "initial_weights" not in stage(own, FIRST).record.read_text(encoding="utf-8")
