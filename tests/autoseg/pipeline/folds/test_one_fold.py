"""A fold that is given again: it goes on with its own cases only, and its scores are those of its weights."""

from __future__ import annotations

import json
import shutil
import signal
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from autoseg.evaluation import read_evaluation
from autoseg.pipeline.faces import model_face
from autoseg.pipeline.folds import one_fold
from autoseg.pipeline.folds.jobs import TrainingOptions, resolve_job
from autoseg.pipeline.folds.needs import Need
from autoseg.pipeline.folds.one_fold import train_fold
from autoseg.pipeline.folds.out_of_fold import identify_weights
from autoseg.pipeline.folds.runs import read_run
from autoseg.pipeline.plans.reading import read_plan
from autoseg.progress import SilentProgress
from autoseg.training.record import read_record
from autoseg.training.trainer import Trainer
from autoseg.workspace.locks import locked, shared
from dataset_fingerprints.errors import AutosegError, PlanError, WorkspaceError
from dataset_fingerprints.files.jsonfiles import write_json
from tests.autoseg.training.builders import Listening
from tests.synthetic.commands import run, run_until
from tests.synthetic.tiny import CONFIGURATION, Tiny

OPTIONS = TrainingOptions(configuration=CONFIGURATION)


def relabel(tiny: Tiny) -> None:
    tiny.relabel("case_1", 50)


def replace_scan(tiny: Tiny) -> None:
    shutil.copy(tiny.scan("case_2"), tiny.scan("case_1"))


def swap_folds(tiny: Tiny) -> None:
    """Give fold 0 the cases of another one, as an older version did when it planned again."""
    path = tiny.workspace.splits("default")
    splits = json.loads(path.read_text(encoding="utf-8"))
    splits["folds"].reverse()
    del splits["checksum"]
    path.write_text(json.dumps(splits), encoding="utf-8")


def plan_again(change: Callable[[Tiny], None]) -> Callable[[Tiny], None]:
    def changed(tiny: Tiny) -> None:
        change(tiny)
        tiny.plan()

    return changed


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (relabel, "label maps of case_1 were replaced"),
        (replace_scan, "label maps of case_1 were replaced"),
        (plan_again(relabel), "with another content of case_1 (in case_1: label map)"),
        (plan_again(replace_scan), "with another content of case_1 (in case_1: scan)"),
        (swap_folds, "would be judged on"),
    ],
)
def test_a_begun_fold_does_not_go_on_with_other_cases_but_is_begun_anew(
    tiny: Tiny, change: Callable[[Tiny], None], said: str
) -> None:
    change(tiny)
    before, first = tiny.contents(), read_run(tiny.fold())
    for options in ({}, {"iterations": 5}, {"max_minutes": 0.1}):
        with pytest.raises(WorkspaceError) as refused:
            tiny.train(0, **options)
        assert said in str(refused.value)
        assert "--restart" in str(refused.value)
    assert tiny.contents() == before
    # It still predicts.
    assert model_face.predict(tiny.scan("case_0"), tiny.root / "masks", tiny.workspace, configurations=(CONFIGURATION,))
    if change is relabel or change is replace_scan:
        tiny.plan()
    tiny.train(0, restart=True)
    begun = read_run(tiny.fold())
    assert begun is not None
    assert begun != first
    assert {case.case for case in read_evaluation(tiny.fold().validation.metrics).cases} == set(begun.validation_cases)
    tiny.train(0)


def test_files_written_again_with_the_same_content_or_gone_change_nothing(tiny: Tiny) -> None:
    for path in tiny.raw.glob("*/*.nii.gz"):
        path.write_bytes(path.read_bytes())
    tiny.train(0, iterations=3)
    shutil.rmtree(tiny.raw)
    tiny.train(0, iterations=4)


def test_a_fold_not_begun_is_not_begun_with_replaced_files_either(tiny: Tiny) -> None:
    relabel(tiny)
    with pytest.raises(WorkspaceError, match=r"label maps of case_1 were replaced .* what has changed\.$"):
        tiny.train(1)
    assert not tiny.fold(1).root.exists()


def test_restart_begins_once_and_says_how_to_go_on(
    tiny: Tiny, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["train", "0", "-w", tiny.workspace.root, "-c", CONFIGURATION]
    code, output = run_until("step::2", *arguments, "--restart", "--iterations", "4", number=signal.SIGTERM)
    assert code == 143
    assert "Leave out --restart then." in " ".join(output.split())
    record = read_record(tiny.fold())
    assert record is not None
    assert record.status == "training"
    assert not tiny.fold().weight_files()
    assert not tiny.fold().restart.exists()
    assert run(monkeypatch, *arguments, "--iterations", "4") == 0
    assert "Going on from step" in capsys.readouterr().out


def test_a_signal_while_a_fold_is_validated_is_one_message_and_loses_nothing(tiny: Tiny) -> None:
    shutil.rmtree(tiny.fold().validation.root)
    weights = identify_weights(tiny.fold())
    arguments = ["train", "0", "-w", tiny.workspace.root, "-c", CONFIGURATION]
    code, output = run_until("rename:validation:1", *arguments, number=signal.SIGTERM)
    assert code == 143
    assert "stopped by SIGTERM while validating" in " ".join(output.split())
    assert "Traceback" not in output
    tiny.train(0)
    assert tiny.fold().validation.metrics.is_file()
    assert identify_weights(tiny.fold()) == weights


def lose_all(tiny: Tiny) -> None:
    shutil.rmtree(tiny.fold().validation.root)


def lose_metrics(tiny: Tiny) -> None:
    tiny.fold().validation.metrics.unlink()


def lose_a_mask(tiny: Tiny) -> None:
    next(tiny.fold().validation.root.glob("*.nii.gz")).unlink()


def damage_a_record(tiny: Tiny) -> None:
    next(tiny.fold().validation.root.glob("cases/*.json")).write_text("{", encoding="utf-8")


def take_other_figures(tiny: Tiny) -> None:
    path = tiny.fold().validation.metrics
    path.write_text(path.read_text(encoding="utf-8").replace("case_", "other_"), encoding="utf-8")


@pytest.mark.parametrize("lose", [lose_all, lose_metrics, lose_a_mask, damage_a_record, take_other_figures])
def test_a_validation_that_is_not_whole_is_made_whole(tiny: Tiny, lose: Callable[[Tiny], None]) -> None:
    before = read_evaluation(tiny.fold().validation.metrics)
    lose(tiny)
    assert tiny.train(0) == before
    assert read_evaluation(tiny.fold().validation.metrics) == before
    assert resolve_job(tiny.workspace, "0", OPTIONS).is_finished()


def test_scores_of_other_weights_do_not_count(tiny: Tiny) -> None:
    fold = tiny.fold()
    shutil.copytree(fold.validation.root, tiny.root / "old")
    tiny.train(0, iterations=4)
    now = read_evaluation(fold.validation.metrics)
    shutil.rmtree(fold.validation.root)
    shutil.copytree(tiny.root / "old", fold.validation.root)
    assert not resolve_job(tiny.workspace, "0", OPTIONS).is_finished()
    assert tiny.train(0) == now
    assert read_evaluation(fold.validation.metrics) == now


def test_lost_weights_are_written_again_from_the_checkpoint(tiny: Tiny) -> None:
    weights, scores = identify_weights(tiny.fold()), read_evaluation(tiny.fold().validation.metrics)
    tiny.fold().weights.unlink()
    assert tiny.train(0) == scores
    assert identify_weights(tiny.fold()) == weights


def test_lost_weights_that_are_written_again_are_validated_in_the_way_of_before(tiny: Tiny) -> None:
    record, planned = read_record(tiny.fold()), resolve_job(tiny.workspace, "0", OPTIONS).configuration.prediction
    assert record is not None
    other = replace(planned, step_share=0.5)
    write_json(tiny.fold().record, replace(record, final_prediction=other))
    tiny.fold().weights.unlink()
    tiny.train(0)
    record = read_record(tiny.fold())
    assert record is not None
    assert record.final_prediction == other != planned


def test_a_fold_that_has_lost_what_it_was_begun_with_does_not_go_on(tiny: Tiny) -> None:
    tiny.fold().run.unlink()
    swap_folds(tiny)
    before = tiny.contents()
    for options in ({}, {"iterations": 4}):
        with pytest.raises(AutosegError, match=r"run\.json: is missing, though record\.json is there.*--restart"):
            tiny.train(0, **options)
    assert tiny.contents() == before
    tiny.train(0, restart=True)
    assert read_run(tiny.fold()) is not None


def test_a_trained_fold_without_its_checkpoint_is_not_trained_from_nothing(tiny: Tiny) -> None:
    tiny.fold().checkpoint.unlink()
    before = tiny.contents()
    with pytest.raises(WorkspaceError, match=r"checkpoint\.safetensors: is missing.*--restart"):
        tiny.train(0, iterations=4)
    assert tiny.contents() == before
    assert tiny.train(0) == read_evaluation(tiny.fold().validation.metrics)


def test_a_validation_behind_a_link_is_refused(tiny: Tiny) -> None:
    shutil.move(tiny.fold().validation.root, tiny.root / "elsewhere")
    tiny.fold().validation.root.symlink_to(tiny.root / "elsewhere")
    before = tiny.contents()
    for options in ({}, {"iterations": 4}):
        with pytest.raises(WorkspaceError, match="is a link"):
            tiny.train(0, **options)
    assert tiny.contents() == before


def test_a_stop_file_that_came_too_late_does_not_end_a_longer_training(tiny: Tiny) -> None:
    tiny.fold().stop.touch()
    tiny.train(0)
    tiny.train(1)
    tiny.fold(1).stop.touch()
    tiny.train(1, iterations=3)
    assert not tiny.fold(1).stop.exists()
    record = read_record(tiny.fold(1))
    assert record is not None
    assert record.iterations == 3


@pytest.mark.parametrize("options", [{"restart": True}, {"iterations": 5}])
def test_a_stop_file_for_a_training_that_has_ended_does_not_end_a_new_or_longer_one(
    tiny: Tiny, monkeypatch: pytest.MonkeyPatch, options: dict[str, object]
) -> None:
    def end(trainer: Trainer) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Trainer, "run", end)
    tiny.fold().stop.touch()
    with pytest.raises(KeyboardInterrupt):
        tiny.train(0, **options)
    assert not tiny.fold().stop.exists()


FOLDS = ("00", "01", "+1", "-1", "1.0", "٣", "²", "5", "99", "", " 0", "0\n", "../0", "fold_0", "FULL")


@pytest.mark.parametrize("fold", FOLDS)
def test_what_names_no_fold_is_refused(tiny: Tiny, fold: str) -> None:
    before = tiny.contents()
    with pytest.raises(PlanError, match="There is no fold"):
        tiny.train(fold)
    with pytest.raises(AutosegError, match=r"There is no fold|is not trained yet"):
        model_face.predict(tiny.scan("case_0"), tiny.root / "masks", tiny.workspace, folds=(fold,))
    assert tiny.contents() == before
    assert not (tiny.root / "masks").exists()


def test_what_is_averaged_counts_once(tiny: Tiny) -> None:
    for given, what in (({"folds": (0, 0)}, "fold 0"), ({"configurations": (CONFIGURATION,) * 2}, CONFIGURATION)):
        with pytest.raises(PlanError, match=f"{what} is named twice"):
            model_face.predict(tiny.scan("case_0"), tiny.root / "masks", tiny.workspace, **given)
    assert not (tiny.root / "masks").exists()


def arrays(tiny: Tiny) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in tiny.workspace.root.glob("preprocessed/*/*.b2nd")}


def test_arrays_are_not_replaced_while_a_training_reads_them(tiny: Tiny) -> None:
    (store,) = tiny.workspace.root.glob("preprocessed/*")
    before = arrays(tiny)
    with shared(store, "a test"):
        tiny.plan()  # nothing changed
        tiny.plan(plan_name="more")
        relabel(tiny)
        with pytest.raises(WorkspaceError, match="at work on a training that reads these arrays"):
            tiny.plan()
        assert arrays(tiny) == before
    tiny.plan()
    assert arrays(tiny) != before
    with locked(store, "a test"), pytest.raises(WorkspaceError, match="preprocessing its cases again"):
        tiny.train(1)


def test_a_plan_made_for_a_time_is_trained_for_that_time_unless_steps_are_asked_for(tiny: Tiny) -> None:
    minutes = 0.05
    plan, _ = read_plan(tiny.workspace, "default")
    write_json(tiny.workspace.plan("default"), replace(plan, max_hours=minutes / 60))
    listening = Listening()
    tiny.train(1, progress=listening)
    assert "The plan was made for 3 s per fold, and so long is trained here." in listening.messages
    timed = read_record(tiny.fold(1))
    assert timed is not None
    assert timed.max_minutes == pytest.approx(minutes)
    assert timed.iterations != timed.planned_iterations
    # Finished it stays, whatever was trained before the plan's time was known, too.
    for fold in (0, 1):
        before = read_record(tiny.fold(fold))
        tiny.train(fold)
        assert read_record(tiny.fold(fold)) == before
    tiny.train(1, iterations=timed.iterations + 2)
    longer = read_record(tiny.fold(1))
    assert longer is not None
    assert (longer.max_minutes, longer.iterations) == (None, timed.iterations + 2)
    tiny.train(2, iterations=3)
    asked = read_record(tiny.fold(2))
    assert asked is not None
    assert (asked.max_minutes, asked.iterations) == (None, 3)


def train_unvalidated(tiny: Tiny, fold: int = 0, **changes: object) -> None:
    options = replace(OPTIONS, **changes)  # type: ignore[arg-type]
    assert train_fold(tiny.workspace, str(fold), options, SilentProgress(), validated=False) is None


def test_a_fold_of_which_only_the_weights_are_used_is_validated_when_it_is_asked_for(tiny: Tiny) -> None:
    before = read_evaluation(tiny.fold().validation.metrics)
    train_unvalidated(tiny, restart=True)
    record, weights = read_record(tiny.fold()), identify_weights(tiny.fold())
    assert record is not None
    assert record.status == "trained"
    assert not tiny.fold().validation.metrics.exists()
    assert Need(configuration=CONFIGURATION, fold="0", validated=False).is_met(tiny.fold())
    assert not Need(configuration=CONFIGURATION, fold="0", validated=True).is_met(tiny.fold())
    assert resolve_job(tiny.workspace, "0", OPTIONS, validated=False).is_finished()
    assert not resolve_job(tiny.workspace, "0", OPTIONS).is_finished()
    assert tiny.train(0) == before
    assert identify_weights(tiny.fold()) == weights
    assert resolve_job(tiny.workspace, "0", OPTIONS).is_finished()


def test_a_trained_fold_of_which_only_the_weights_are_used_needs_no_arrays_and_loses_no_scores(tiny: Tiny) -> None:
    train_unvalidated(tiny, 1)
    shutil.rmtree(tiny.workspace.root / "preprocessed")
    before = tiny.contents()
    for fold in (0, 1):
        train_unvalidated(tiny, fold)
    assert tiny.contents() == before


class Shrinking:
    """A job that says on what evidence it is made smaller."""

    def step_down(self, evidence: str) -> None:
        raise PlanError(f"There is nothing smaller ({evidence}).")


def test_a_lack_of_memory_without_a_word_makes_a_fold_smaller_too(monkeypatch: pytest.MonkeyPatch) -> None:
    def run_out(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr(one_fold, "_train", run_out)
    with pytest.raises(PlanError, match=r"nothing smaller \(MemoryError\)"):
        one_fold._train_fitting(Shrinking(), None, SilentProgress())  # type: ignore[arg-type]


def test_a_finished_fold_of_other_steps_than_planned_says_both_numbers(
    tiny: Tiny, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ("train", "0", "-c", CONFIGURATION, "-w", tiny.workspace.root)
    assert run(monkeypatch, *arguments) == 0
    assert "It had" not in capsys.readouterr().out
    record = read_record(tiny.fold())
    assert record is not None
    write_json(tiny.fold().record, replace(record, iterations=1500, max_minutes=5.0))
    assert run(monkeypatch, *arguments) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert f"Fold 0 is finished. It had 1,500 steps (planned: {record.iterations})." in said
