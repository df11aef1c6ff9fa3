"""What of a round's training needs no training: its options, its folds, and when there is nothing to train."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from autoseg.labelling.state import HeldOutScore, Training
from autoseg.pipeline.faces import label_face
from autoseg.pipeline.folds.jobs import TrainingOptions
from autoseg.pipeline.labelling import training
from autoseg.pipeline.labelling.loop_state import read_loop
from autoseg.pipeline.labelling.round_folds import write_folds
from autoseg.pipeline.labelling.training import settle
from autoseg.workspace.locks import locked
from dataset_fingerprints.errors import AutosegError, PlanError, WorkspaceError
from dataset_fingerprints.files.jsonfiles import write_json
from dataset_fingerprints.fingerprint import drop_cases
from dataset_fingerprints.layouts.table_text import read_table
from planners.editing.following import Followed
from planners.plan import Fold, Plan, Splits
from planners.planner import PlanRequest
from planners.presets import make_plan
from planners.run import Run, make_run
from planners.stage_inputs import Initial
from tests.autoseg.pipeline.labelling.loops import Made, begin, choose
from tests.synthetic.fingerprints import SyntheticCase, make_fingerprint, repeat_case
from tests.synthetic.machines import GPU


def test_what_is_given_holds_on_and_a_new_length_replaces_the_old_one() -> None:
    first = Training(planner="nnunet", iterations=100, assignments=("batch_size=2",))
    assert settle(first, Training(), ()) == first
    assert settle(first, Training(max_minutes=5.0), ("max_minutes",)) == replace(
        first, iterations=None, max_minutes=5.0
    )
    assert settle(first, Training(planner="default"), ("planner",)).iterations == 100


def test_without_a_new_mask_there_is_nothing_to_train(tmp_path: Path) -> None:
    made = choose(tmp_path)
    with pytest.raises(PlanError, match="3 scans are to be corrected and given to `autoseg label accept`"):
        label_face.label_train(made.loop.root)


def test_a_case_stays_in_its_fold_and_new_ones_go_to_the_smallest(tmp_path: Path) -> None:
    made = choose(tmp_path)
    with made.open() as found:
        workspace = made.loop.round(1).workspace
        fingerprint = make_fingerprint(repeat_case(7, SyntheticCase(body_shape=(40, 48, 40))))
        write_json(workspace.plan("default"), make_plan(fingerprint, PlanRequest(machine=GPU, memory_gb=8.0)))
        folds = (
            Fold(train=("s03", "s05"), validation=("s00", "s02")),
            Fold(train=("s00", "s02"), validation=("s03", "s05")),
        )
        write_json(workspace.splits("default"), Splits(folds=folds, origin="here"))
        # A name may hold what separates the cells of a table.
        cases = (replace(case, name="s06, left") if case.name == "s06" else case for case in found.loop.cases)
        own = replace(
            found.loop.current(), number=2, cases=("s00", "s02", "s03", "s05", "s06, left", "s07", "s08"), scores=()
        )
        loop = replace(found.loop, cases=tuple(cases)).with_round(replace(own, choice=None))
        assert not write_folds(made.loop, loop, 1)
        assert write_folds(made.loop, loop, 2)
    dealt = {line.cells["Name"]: line.cells["Fold"] for line in read_table(made.loop.round(2).folds).lines}
    assert [dealt[name] for name in ("s00", "s02", "s03", "s05")] == ["0", "0", "1", "1"]
    assert sorted(dealt[name] for name in ("s06, left", "s07", "s08")) == ["0", "0", "1"]


def test_a_second_process_changes_nothing_of_what_the_first_one_trains(tmp_path: Path) -> None:
    made = begin(tmp_path)
    before = made.loop.state.read_bytes()
    with (
        locked(made.loop.round(1).root, "a training"),
        pytest.raises(WorkspaceError, match="another process is at work on the training of round 1"),
    ):
        label_face.label_train(made.loop.root, iterations=7)
    assert made.loop.state.read_bytes() == before


@pytest.mark.parametrize(
    ("option", "value", "said"),
    [
        ("iterations", 0, "--iterations is 0"),
        ("fold", "first", "'first' is not a fold"),
        ("scale", 0.0, "--scale is 0"),
        ("assignments", ("nonsense=3",), "--set nonsense: the plan has no field 'nonsense'"),
        ("assignments", ("training.loss=nonsense",), "--set training.loss: there is no 'nonsense'"),
    ],
)
def test_an_option_that_cannot_be_meant_is_refused_and_not_kept(
    tmp_path: Path, option: str, value: object, said: str
) -> None:
    made = begin(tmp_path)
    before = made.loop.state.read_bytes()
    with pytest.raises(AutosegError, match=said):
        label_face.label_train(made.loop.root, **{option: value})  # type: ignore[arg-type]
    assert made.loop.state.read_bytes() == before


FINGERPRINT = make_fingerprint(repeat_case(7, SyntheticCase(body_shape=(40, 48, 40))))
FOLDS = (
    Fold(train=("s03", "s05"), validation=("s00", "s02")),
    Fold(train=("s00", "s02"), validation=("s03", "s05")),
)


def plan_first_round(made: Made, *trained: str) -> Plan:
    """Write the plan of the first round, and weights of some of its configurations, trained on all cases."""
    workspace = made.loop.round(1).workspace
    plan = make_plan(FINGERPRINT, PlanRequest(machine=GPU, memory_gb=8.0))
    write_json(workspace.plan("default"), plan)
    write_json(workspace.splits("default"), Splits(folds=FOLDS, origin="here"))
    for name in trained:
        weights = workspace.fold("default", name, "full").weights
        weights.parent.mkdir(parents=True)
        weights.write_bytes(b"")
    return plan


def stage(plan: Plan) -> tuple[str, str, Plan]:
    """Return a configuration, the default one, and the plan with the second starting from weights of the first."""
    last = plan.default_configuration
    first = next(one.name for one in plan.configurations if one.name != last)
    staged = tuple(
        replace(one, initial=Initial(configuration=first)) if one.name == last else one for one in plan.configurations
    )
    return first, last, replace(plan, configurations=staged)


def make_first_run(plan: Plan) -> Run:
    return make_run(plan, plan.default_configuration, "full", (), (), drop_cases(FINGERPRINT))


def note_trainings(monkeypatch: pytest.MonkeyPatch, plan: Plan) -> list[tuple[str, TrainingOptions]]:
    """Let rounds have a plan and a score, and note which folds would be trained, and how."""
    noted: list[tuple[str, TrainingOptions]] = []
    score = HeldOutScore(case="s01", structure="core", dice=0.5)
    monkeypatch.setattr(training, "_plan", lambda *given: plan)
    monkeypatch.setattr(training, "train_fold", lambda *given: noted.append((given[1], given[2])))
    monkeypatch.setattr(training, "judge_round", lambda *given: (score,))
    return noted


def test_another_plan_for_a_round_that_is_begun_is_refused_and_not_kept(tmp_path: Path) -> None:
    made = begin(tmp_path)
    run = make_first_run(plan_first_round(made))
    write_json(made.loop.round(1).workspace.fold("default", run.configuration, "full").run, run)
    before = made.loop.state.read_bytes()
    said = r"round 1 was begun with another value of --set, --scale\. Leave it out .* or add --restart"
    with pytest.raises(PlanError, match=said):
        label_face.label_train(made.loop.root, assignments=("batch_size=2",), scale=2.0)
    assert made.loop.state.read_bytes() == before


def test_with_restart_a_round_that_is_begun_is_begun_anew_by_another_plan(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = begin(tmp_path)
    plan = plan_first_round(made)
    run = make_first_run(plan)
    write_json(made.loop.round(1).workspace.fold("default", run.configuration, "full").run, run)
    noted = note_trainings(monkeypatch, plan)
    label_face.label_train(made.loop.root, scale=2.0, restart=True)
    assert [(fold, options.restart) for fold, options in noted] == [("full", True)]
    assert read_loop(made.loop).current().training.scale == 2.0


def test_a_finished_round_is_trained_further_or_anew_until_scans_are_chosen_with_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = choose(tmp_path)
    chosen = read_loop(made.loop)
    noted = note_trainings(monkeypatch, plan_first_round(made))
    with pytest.raises(PlanError, match=r"scans were chosen with its model.* train the next round longer"):
        label_face.label_train(made.loop.root, restart=True)
    with pytest.raises(PlanError, match="3 scans are to be corrected"):
        label_face.label_train(made.loop.root, iterations=500)
    write_json(made.loop.state, chosen.with_round(replace(chosen.current(), choice=None, seconds=9.0)))
    with pytest.raises(
        PlanError, match=r"or train round 1 further \(--max-minutes, --iterations\) or anew \(--restart"
    ):
        label_face.label_train(made.loop.root)
    further = label_face.label_train(made.loop.root, iterations=500)
    assert (further.number, further.seconds >= 9.0) == (1, True)
    anew = label_face.label_train(made.loop.root, max_minutes=60, restart=True)
    assert (anew.number, anew.seconds < 9.0) == (1, True)
    assert [(one.iterations, one.max_minutes, one.restart) for _, one in noted] == [
        (500, None, False),
        (None, 60, True),
    ]


def test_a_finished_round_keeps_its_scores_where_it_cannot_be_planned_anew(tmp_path: Path) -> None:
    made = choose(tmp_path)
    chosen = read_loop(made.loop)
    write_json(made.loop.state, chosen.with_round(replace(chosen.current(), choice=None)))
    before = made.loop.state.read_bytes()
    with pytest.raises(PlanError, match="no planner 'nonsense'"):
        label_face.label_train(made.loop.root, planner="nonsense", restart=True)
    assert made.loop.state.read_bytes() == before


@pytest.mark.parametrize(
    ("fold", "planned", "said"),
    [("9", False, "Give one of 0, 1, 2, 3, 4, or `full`"), ("2", True, "Give one of 0, 1, or `full`")],
)
def test_a_fold_that_there_is_not_is_refused_before_anything_is_planned(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fold: str, planned: bool, said: str
) -> None:
    made = choose(tmp_path)
    label_face.label_accept(None, made.loop.root, allow=("unchanged",))
    if planned:
        plan_first_round(made)
    monkeypatch.setattr(training, "_plan", lambda *given: pytest.fail("it was planned"))
    before = made.loop.state.read_bytes()
    with pytest.raises(PlanError, match=rf"There is no fold '{fold}' \(--fold\)\. {said}"):
        label_face.label_train(made.loop.root, fold=fold, own_plan=True)
    assert made.loop.state.read_bytes() == before


def test_what_cannot_be_planned_is_not_kept_for_the_next_command(tmp_path: Path) -> None:
    made = begin(tmp_path)
    before = made.loop.state.read_bytes()
    with pytest.raises(PlanError, match="no planner 'nonsense'"):
        label_face.label_train(made.loop.root, planner="nonsense")
    assert made.loop.state.read_bytes() == before


def test_folds_that_would_start_from_weights_that_know_their_cases_are_trained_only_where_that_is_allowed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = choose(tmp_path)
    label_face.label_accept(None, made.loop.root, allow=("unchanged",))
    plan = plan_first_round(made)
    plan_first_round(made, plan.default_configuration)
    noted = note_trainings(monkeypatch, plan)
    said = r"fold 0, would start from weights of round 1 \(fold full\).* or add --allow-seen"
    with pytest.raises(PlanError, match=said):
        label_face.label_train(made.loop.root, fold="0")
    assert not noted
    assert read_loop(made.loop).current().training == Training()
    assert b"allow_seen" not in made.loop.state.read_bytes()
    label_face.label_train(made.loop.root, fold="0", allow_seen=True)
    ((fold, options),) = noted
    assert (fold, options.allow_seen) == ("0", True)
    assert options.from_model == str(made.loop.round(1).workspace.root)
    assert read_loop(made.loop).current().training.allow_seen


def test_what_starts_from_another_configuration_of_its_round_does_not_start_from_the_round_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = choose(tmp_path)
    label_face.label_accept(None, made.loop.root, allow=("unchanged",))
    first, last, staged = stage(plan_first_round(made))
    plan_first_round(made, first, last)
    noted = note_trainings(monkeypatch, staged)
    label_face.label_train(made.loop.root)
    before = str(made.loop.round(1).workspace.root)
    assert [(options.configuration, options.from_model) for _, options in noted] == [(first, before), (last, None)]


def test_a_fold_that_starts_from_another_configuration_is_not_refused_for_weights_of_the_round_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = choose(tmp_path)
    label_face.label_accept(None, made.loop.root, allow=("unchanged",))
    first, last, staged = stage(plan_first_round(made))
    plan_first_round(made, last)
    noted = note_trainings(monkeypatch, staged)
    label_face.label_train(made.loop.root, fold="0")
    assert [(fold, options.configuration, options.from_model) for fold, options in noted] == [
        ("0", first, None),
        ("0", last, None),
    ]


def test_a_configuration_that_the_model_of_the_round_before_does_not_have_needs_a_plan_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = choose(tmp_path)
    label_face.label_accept(None, made.loop.root, allow=("unchanged",))
    followed = Followed(name="round 1", run=make_first_run(plan_first_round(made)))
    monkeypatch.setattr(training, "_find_followed", lambda *given: followed)
    with pytest.raises(PlanError, match=r"-c names other.* Leave -c out, or add --own-plan"):
        label_face.label_train(made.loop.root, configuration="other")
    assert read_loop(made.loop).current().training.configuration is None


def test_what_cannot_be_trained_is_not_kept_unless_it_is_begun(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = begin(tmp_path)
    plan = plan_first_round(made)
    run = make_first_run(plan)
    note_trainings(monkeypatch, plan)

    def refuse(*given: object) -> None:
        raise PlanError("nothing of its weights fits")

    def begin_and_fail(*given: object) -> None:
        write_json(made.loop.round(1).workspace.fold("default", run.configuration, "full").run, run)
        raise PlanError("nothing is smaller")

    for train, scale in ((refuse, 1.0), (begin_and_fail, 2.0)):
        monkeypatch.setattr(training, "train_fold", train)
        with pytest.raises(PlanError, match="nothing"):
            label_face.label_train(made.loop.root, scale=2.0)
        assert read_loop(made.loop).current().training.scale == scale
