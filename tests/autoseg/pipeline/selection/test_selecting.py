"""`select` on folds that were trained in a moment, whose results on the cases left to them are then written by hand."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

import autoseg
from autoseg.models import Selection
from autoseg.pipeline.faces import face
from autoseg.pipeline.folds.out_of_fold import read_probabilities, read_validated
from autoseg.pipeline.models.trained_folds import find_trained
from autoseg.pipeline.plans.reading import read_plan
from autoseg.pipeline.selection.selected import find_mismatch, read_selection
from autoseg.pipeline.selection.selecting import find_candidates, select_if_possible
from autoseg.prediction import decide, decision_of
from autoseg.preprocessing import Store, store_key, write_array
from autoseg.progress import SilentProgress
from autoseg.reporting import is_drawn
from autoseg.workspace.fold import FoldFolder
from dataset_fingerprints.errors import ArgumentError, FileFormatError, PlanError, WorkspaceError
from dataset_fingerprints.files.jsonfiles import write_json
from dataset_fingerprints.geometry import make_box
from tests.synthetic.commands import run
from tests.synthetic.once import make_once
from tests.synthetic.small_networks import small_network
from tests.synthetic.tiny import CONFIGURATION, QUICK, SHAPE, Tiny, copy_tiny, write_tiny

FOLDS, CASES = 2, 12
Predict = Callable[[NDArray[np.bool_], int], NDArray[np.float64]]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Tiny:
    """Two folds of twelve cases, of two configurations."""
    return Tiny(root=make_once(tmp_path_factory, "selecting", make_trained))


def make_trained(root: Path) -> None:
    tiny = write_tiny(root, CASES)
    cases = tiny.cases()
    face.plan_and_preprocess(
        tiny.raw,
        workspace=tiny.workspace.root,
        splits=tiny.write_splits([cases[: CASES // 2], cases[CASES // 2 :]]),
        configurations=(CONFIGURATION, "2d"),
        assignments=(*QUICK, *small_network("2d", 2, 8)),
    )
    for configuration in (CONFIGURATION, "2d"):
        for fold in range(FOLDS):
            face.train(tiny.workspace, fold, configuration=configuration)


@pytest.fixture
def tiny(trained: Tiny, tmp_path: Path) -> Tiny:
    return copy_tiny(trained, tmp_path / "tiny")


def folders(tiny: Tiny, configuration: str = CONFIGURATION) -> list[FoldFolder]:
    return [tiny.workspace.fold("default", configuration, str(fold)) for fold in range(FOLDS)]


def plant(tiny: Tiny, predict: Predict, configuration: str = CONFIGURATION) -> None:
    """Write probabilities that follow from the reference and the number of the case in the place of all that are."""
    plan, splits = read_plan(tiny.workspace, "default")
    store = Store(folder=tiny.workspace.store(store_key(plan.configurations[0].preprocessing, plan.scheme)))
    for number, folder in enumerate(folders(tiny, configuration)):
        for case in splits.folds[number].validation:
            values = predict(store.read_reference(case) == 1, tiny.cases().index(case))
            packed = write_array(folder.validation.probabilities(case), np.round(values * 255).astype(np.uint8)[None])
            record = read_validated(folder.validation, case)
            planted = replace(record, probability_box=make_box((0, 0, 0), SHAPE), probabilities=packed)
            write_json(folder.validation.case_record(case), planted)


def perfect(reference: NDArray[np.bool_], number: int) -> NDArray[np.float64]:
    return np.where(reference, 0.9, 0.02)


def with_specks(reference: NDArray[np.bool_], number: int) -> NDArray[np.float64]:
    """Return what is right but for some voxels far from it, which are less sure than lesions as small as they are."""
    values = perfect(reference, number)
    for corner in ((0, 0, 0), (9, 9, 9), (0, 9, 0))[: 1 + number % 3]:
        if not reference[corner]:
            values[corner] = 0.58
    return values


def half(part: int) -> Predict:
    """Return a network that is sure of one half of a lesion and wavers in the other."""

    def predict(reference: NDArray[np.bool_], number: int) -> NDArray[np.float64]:
        sure = np.indices(reference.shape).sum(axis=0) % 2 == part
        return np.where(reference, np.where(sure, 0.98, 0.3 + 0.01 * number), 0.02)

    return predict


def select(tiny: Tiny, **options: object) -> Selection:
    return autoseg.select(tiny.workspace.root, **options)  # type: ignore[no-any-return]


def test_false_specks_are_taken_out_and_the_rule_makes_the_masks_right(tiny: Tiny) -> None:
    plant(tiny, with_specks)
    plant(tiny, with_specks, "2d")
    selection = select(tiny)
    assert selection == read_selection(tiny.workspace, "default")
    assert selection.configurations == (CONFIGURATION,)
    (step,) = selection.postprocessing
    assert step.name == "large_or_probable"
    *_, trial = selection.evidence.trials
    assert trial.taken
    assert trial.change.gain.low > 0
    assert (selection.evidence.cases, selection.evidence.subjects) == (CASES, CASES)
    assert is_drawn(tiny.workspace.selection_picture("default"))
    plan, splits = read_plan(tiny.workspace, "default")
    store = Store(folder=tiny.workspace.store(store_key(plan.configurations[0].preprocessing, plan.scheme)))
    for number, folder in enumerate(folders(tiny)):
        for case in splits.folds[number].validation:
            grid = store.read_record(case).source_grid
            probabilities = read_probabilities(folder.validation, case, plan.scheme, grid)
            assert np.array_equal(decide(probabilities, decision_of(selection)), store.read_reference(case))
            assert not np.array_equal(decide(probabilities), store.read_reference(case))


def test_of_an_ensemble_of_different_labels_nothing_is_chosen_unless_it_is_asked_for(tiny: Tiny) -> None:
    plan, _ = read_plan(tiny.workspace, "default")
    other = tuple(replace(one, targets=((1,),) if one.name == "2d" else ()) for one in plan.configurations)
    write_json(tiny.workspace.plan("default"), replace(plan, configurations=other, ensemble=("2d", CONFIGURATION)))
    with pytest.raises(PlanError, match="together, which learn different labels"):
        select(tiny)
    assert select(tiny, configurations=[CONFIGURATION]).configurations == (CONFIGURATION,)


def test_two_configurations_that_complete_each_other_are_averaged(tiny: Tiny) -> None:
    plant(tiny, half(0))
    plant(tiny, half(1), "2d")
    selection = select(tiny)
    assert selection.configurations == (CONFIGURATION, "2d")
    first, *_ = selection.evidence.trials
    assert (first.subject, first.taken, first.candidates) == ("", True, 3)
    assert selection.evidence.whole_gain().mean >= first.change.gain.mean
    assert {(one.configuration, one.fold) for one in selection.measured_on} == {
        (name, str(fold)) for name in (CONFIGURATION, "2d") for fold in range(FOLDS)
    }


def test_a_single_configuration_may_be_asked_for_and_another_score(tiny: Tiny) -> None:
    plant(tiny, with_specks)
    selection = select(tiny, configurations=[CONFIGURATION], score="dice")
    assert selection.evidence.score == "dice"
    assert [trial.subject for trial in selection.evidence.trials] == ["dark"]


def test_where_nothing_helps_prediction_stays_as_it_is(tiny: Tiny) -> None:
    for configuration in (CONFIGURATION, "2d"):
        plant(tiny, perfect, configuration)
    selection = select(tiny)
    assert (selection.configurations, selection.thresholds, selection.postprocessing) == ((CONFIGURATION,), (), ())
    assert not any(trial.taken for trial in selection.evidence.trials)
    said: list[str] = []

    class Listening(SilentProgress):
        def say(self, message: str) -> None:
            said.append(message)

    select_if_possible(tiny.workspace, "default", Listening())
    verdicts = [one for one in said if one.startswith("Selected on the cross-validation: ")]
    assert len(verdicts) == len(selection.evidence.trials) > 0
    assert verdicts[0].startswith("Selected on the cross-validation: Configurations: ")


def test_a_selection_holds_for_the_folds_that_it_was_made_on_and_their_weights(tiny: Tiny) -> None:
    plant(tiny, perfect)
    selection = select(tiny, configurations=[CONFIGURATION])
    plan, _ = read_plan(tiny.workspace, "default")
    found = find_trained(tiny.workspace, plan, selection.configurations)
    assert find_mismatch(selection, found.folders()) == ""
    one = find_trained(tiny.workspace, plan, selection.configurations, ["0"])
    assert "folds 0, 1 of 3d_fullres, and fold 0 of 3d_fullres" in find_mismatch(selection, one.folders())
    shutil.copy(tiny.fold(0).weights, tiny.fold(1).weights)
    assert "fold 1 of 3d_fullres was trained since" in find_mismatch(selection, found.folders())


def test_one_fold_is_too_few_to_choose_on_and_to_score_on(tiny: Tiny) -> None:
    for configuration in (CONFIGURATION, "2d"):
        shutil.rmtree(folders(tiny, configuration)[1].root)
    with pytest.raises(WorkspaceError, match=r"1 fold of 3d_fullres is trained .* `autoseg.train\(fold='all', conf"):
        autoseg.select(tiny.workspace)
    heard: list[str] = []

    class Listener(SilentProgress):
        def say(self, message: str) -> None:
            heard.append(message)

    select_if_possible(tiny.workspace, "default", Listener())
    assert heard[0].startswith("Nothing was selected: ")
    assert read_selection(tiny.workspace, "default") is None


def test_a_configuration_without_all_folds_is_left_out_and_refused_where_it_was_asked_for(tiny: Tiny) -> None:
    plant(tiny, perfect)
    shutil.rmtree(folders(tiny, "2d")[0].root)
    assert "2d: not all of the folds of 3d_fullres" in select(tiny).evidence.left_out[0]
    with pytest.raises(WorkspaceError, match="1 fold of 2d is trained"):
        select(tiny, configurations=[CONFIGURATION, "2d"])


def test_results_of_other_weights_do_not_count(tiny: Tiny) -> None:
    shutil.copy(tiny.fold(0).weights, tiny.fold(1).weights)
    with pytest.raises(WorkspaceError, match="1 fold of 3d_fullres is trained and validated"):
        select(tiny, configurations=[CONFIGURATION])


def test_a_plan_that_was_changed_since_does_not_hide_what_was_trained(tiny: Tiny) -> None:
    plant(tiny, perfect)
    plan, _ = read_plan(tiny.workspace, "default")
    first, *others = plan.configurations
    x, y, z = first.preprocessing.spacing_mm
    finer = replace(first, preprocessing=replace(first.preprocessing, spacing_mm=(x, y, 0.99 * z)))
    write_json(tiny.workspace.plan("default"), replace(plan, configurations=(finer, *others)))
    assert select(tiny, configurations=[CONFIGURATION]).evidence.cases == CASES


def test_configurations_are_compared_in_the_order_that_they_are_named_in_each_once(tiny: Tiny) -> None:
    plan, splits = read_plan(tiny.workspace, "default")
    third = replace(plan.configurations[0], name="third")
    other = replace(plan, configurations=(*plan.configurations, third), default_configuration="third")
    found = find_candidates(tiny.workspace, other, splits, ("2d", CONFIGURATION, "2d"))
    assert list(found.folders) == ["2d", CONFIGURATION]


def test_a_damaged_array_is_named(tiny: Tiny) -> None:
    plant(tiny, perfect)
    _, splits = read_plan(tiny.workspace, "default")
    case = splits.folds[0].validation[0]
    store = next(tiny.workspace.root.glob(f"preprocessed/*/{case}.image.b2nd"))
    for path in store.parent.glob(f"{case}.*.b2nd"):
        path.write_bytes(b"not an array")
    with pytest.raises(WorkspaceError, match=case):
        select(tiny)


def test_wrong_names_are_refused_with_what_there_is(tiny: Tiny) -> None:
    with pytest.raises(ArgumentError, match="Did you mean 'dice'"):
        select(tiny, score="dise")
    with pytest.raises(PlanError, match="3d_fullres"):
        select(tiny, configurations=["3d_fulres"])


def test_the_commands_show_what_was_chosen_and_why(
    tiny: Tiny, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    plant(tiny, with_specks)
    assert run(monkeypatch, "select", "-w", tiny.workspace.root, "-c", CONFIGURATION) == 0
    shown = capsys.readouterr().out
    assert "taken: its gain is more than chance" in shown
    assert "selection.json" in shown
    assert run(monkeypatch, "explain", tiny.workspace.root) == 0
    assert "taken: its gain is more than chance" in capsys.readouterr().out
    explained = autoseg.explain(tiny.workspace)
    assert explained.values()["selection"]["configurations"] == [CONFIGURATION]
    assert "its gain is more than chance" in str(explained)


def test_a_damaged_selection_is_refused_with_what_to_do(tiny: Tiny) -> None:
    plant(tiny, perfect)
    select(tiny, configurations=[CONFIGURATION])
    path = tiny.workspace.selection("default")
    path.write_text(path.read_text(encoding="utf-8").replace('"subjects": 12', '"subjects": 13'), encoding="utf-8")
    with pytest.raises(FileFormatError, match="Give `autoseg select` again"):
        read_selection(tiny.workspace, "default")
    assert select(tiny, configurations=[CONFIGURATION]) == read_selection(tiny.workspace, "default")


def test_a_selection_is_not_written_through_a_link(tiny: Tiny, tmp_path: Path) -> None:
    tiny.workspace.selection("default").symlink_to(tmp_path / "elsewhere.json")
    with pytest.raises(WorkspaceError, match="is a link"):
        select(tiny)
