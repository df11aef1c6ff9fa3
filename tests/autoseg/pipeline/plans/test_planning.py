"""A planning that is refused leaves the workspace as it was, and says what it found."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from autoseg.pipeline.faces import face
from autoseg.pipeline.plans import inspecting, planning
from autoseg.pipeline.plans.planning import PlanningOptions, plan_and_preprocess
from autoseg.pipeline.plans.reading import read_plan
from autoseg.preprocessing.store import CODE_VERSION, StoredCase
from autoseg.progress import SilentProgress
from autoseg.training.record import read_record
from autoseg.workspace.locks import shared
from dataset_fingerprints.errors import AutosegError
from dataset_fingerprints.files.jsonfiles import read_json, write_json
from dataset_fingerprints.measuring.one_pass import Limits
from dataset_fingerprints.sizes import GIB
from tests.synthetic.tiny import CONFIGURATION, QUICK, Tiny, write_tiny

# What a pass over the files keeps of it: measurements of single cases, and the findings.
OF_THE_PASS = ("cases", "check.json")


def contents(tiny: Tiny) -> dict[str, bytes]:
    root = tiny.workspace.root
    files = (path for path in root.rglob("*") if path.is_file() and path.name != ".lock")
    return {
        str(path.relative_to(root)): path.read_bytes()
        for path in files
        if path.relative_to(root).parts[0] not in OF_THE_PASS
    }


def plan(tiny: Tiny, **options: object) -> object:
    given: dict[str, object] = {"configurations": (CONFIGURATION,), "assignments": QUICK, **options}
    return face.plan_and_preprocess(tiny.raw, workspace=tiny.workspace.root, **given)  # type: ignore[arg-type]


def describe_anew(tiny: Tiny) -> None:
    """Name another label, which makes every later file of the workspace another one."""
    path = tiny.raw / "dataset.json"
    description = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps(description | {"labels": {"background": 0, "dark": 1, "new": 2}}), encoding="utf-8")


def add_a_case(tiny: Tiny) -> dict[str, object]:
    tiny.add("case_9", 9)
    return {}


def ask_for_other_folds(tiny: Tiny) -> dict[str, object]:
    return {"splits": tiny.write_splits([["case_0", "case_2"], ["case_1", "case_3"]])}


def ask_for_a_similar_name(tiny: Tiny) -> dict[str, object]:
    return {"plan_name": "DeFault"}


def ask_for_an_unknown_configuration(tiny: Tiny) -> dict[str, object]:
    return {"configurations": ("3d_lowres",)}


def damage_a_label_map(tiny: Tiny) -> dict[str, object]:
    tiny.label("case_3").write_bytes(tiny.label("case_3").read_bytes()[:50])
    return {}


def ask_for_too_little_memory(tiny: Tiny) -> dict[str, object]:
    return {"gpu_memory_gb": 1e-4}


def relabel(tiny: Tiny) -> dict[str, object]:
    tiny.relabel("case_3", 99)
    return {}


@contextmanager
def arrays_in_use(tiny: Tiny) -> Iterator[None]:
    (store,) = (tiny.workspace.root / "preprocessed").iterdir()
    with shared(store, "a training"):
        yield


REFUSED: dict[str, tuple[Callable[[Tiny], dict[str, object]], str]] = {
    "other cases": (add_a_case, "begun with other cases"),
    "other folds": (ask_for_other_folds, "begun with other cases or another split"),
    "a name in other letters": (ask_for_a_similar_name, "has a plan 'default'.*same name as 'DeFault'"),
    "an unknown configuration": (ask_for_an_unknown_configuration, "has no configuration '3d_lowres'"),
    "a damaged case": (damage_a_label_map, "case_3"),
    "no plan fits": (ask_for_too_little_memory, "memory"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_a_refused_planning_leaves_the_workspace_as_it_was(tiny: Tiny, kind: str) -> None:
    change, message = REFUSED[kind]
    describe_anew(tiny)
    options = change(tiny)
    if kind == "other cases":
        describe_anew(tiny)
    before = contents(tiny)
    with pytest.raises(AutosegError, match=message):
        plan(tiny, **options)
    assert contents(tiny) == before


def test_arrays_that_a_training_reads_are_not_replaced_and_nothing_else_is(tiny: Tiny) -> None:
    relabel(tiny)
    before = contents(tiny)
    with arrays_in_use(tiny), pytest.raises(AutosegError, match="another process is at work on a training that reads"):
        plan(tiny)
    assert contents(tiny) == before
    plan(tiny)
    assert contents(tiny).keys() == before.keys()
    assert contents(tiny)["fingerprint.json"] != before["fingerprint.json"]


def test_a_plan_is_made_anew_under_its_own_name_beside_similar_ones(tiny: Tiny) -> None:
    # As on a disk that tells upper and lower case apart, where both were made before.
    other = tiny.workspace.plan("DEFAULT")
    other.parent.mkdir()
    other.write_bytes(tiny.workspace.plan("default").read_bytes())
    plan(tiny)
    with pytest.raises(AutosegError, match=r"has a plan 'DEFAULT'"):
        plan(tiny, plan_name="Default")


class Listener:
    """Keeps what is said."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def say(self, message: str) -> None:
        self.said.append(message)

    def __getattr__(self, name: str) -> object:
        from autoseg.progress import SilentProgress

        return getattr(SilentProgress(), name)


def test_duplicates_and_folds_of_other_labels_are_named(tiny: Tiny) -> None:
    tiny.scan("case_4").write_bytes(tiny.scan("case_3").read_bytes())
    describe_anew(tiny)
    listener = Listener()
    plan(tiny, progress=listener)
    said = " ".join(listener.said)
    assert "duplicate-image (1: case_3 has the same image file as case_4)" in said
    assert "with other labels or channels than plan default has now: 3d_fullres, fold 0." in said
    assert "`autoseg train FOLD --restart`" in said


def test_a_first_planning_that_is_refused_names_no_data_set(tiny: Tiny, tmp_path: Path) -> None:
    with pytest.raises(AutosegError, match="has no configuration"):
        face.plan_and_preprocess(tiny.raw, workspace=tmp_path / "new", configurations=("3d_lowres",))
    assert not (tmp_path / "new" / "dataset.json").exists()
    assert not (tmp_path / "new" / "plans").exists()


def test_a_scaled_plan_keeps_values_that_are_set_and_follows_no_model(tiny: Tiny) -> None:
    plan(tiny, plan_name="small", assignments=("3d_fullres.batch_size=3",), scale=4)
    made, _ = read_plan(tiny.workspace, "small")
    (volumes,) = (entry for entry in made.configurations if entry.name == CONFIGURATION)
    assert (made.scale, volumes.batch_size) == (4, 3)
    with pytest.raises(AutosegError, match=r"--like takes the network .* give one of them"):
        plan(tiny, plan_name="like", scale=4, like=tiny.fold(0).root)


def test_folds_by_subject_can_be_asked_of_a_planner_that_shuffles_and_those_of_a_plan_of_another(tiny: Tiny) -> None:
    asked = {"planner": "nnunet", "assignments": (), "configurations": ()}
    plan(tiny, plan_name="shuffled", **asked)
    plan(tiny, plan_name="dealt", splits="by-subject", **asked)
    shuffled, dealt, usual = (read_plan(tiny.workspace, name)[1] for name in ("shuffled", "dealt", "default"))
    assert "shuffled" in shuffled.origin
    assert dealt == usual
    options = PlanningOptions(workspace=tiny.workspace.root, plan_name="copied", splits=shuffled)
    plan_and_preprocess(tiny.raw, options, SilentProgress())
    assert read_plan(tiny.workspace, "copied")[1] == shuffled


def test_no_more_cases_are_preprocessed_at_once_than_fit_into_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock, inside, seen = threading.Lock(), [], []
    prepare = planning.prepare

    def watched(*given: object) -> object:
        with lock:
            inside.append(given)
            seen.append(len(inside))
        threading.Event().wait(0.02)
        try:
            return prepare(*given)  # type: ignore[arg-type]
        finally:
            with lock:
                inside.pop()

    monkeypatch.setattr(planning, "prepare", watched)
    monkeypatch.setattr(planning, "count_cores", lambda: 4)
    monkeypatch.setattr(planning, "choose_limits", lambda: Limits(workers=4, memory_bytes=1.0))
    plan(write_tiny(tmp_path, 5))
    assert seen == [1] * 5, "of a memory that holds none, each alone"


def test_scans_that_are_read_and_that_wait_share_the_free_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inspecting, "free_memory_gb", lambda: 0.25)
    assert inspecting.WaitingScans().limit_bytes + inspecting.choose_limits().memory_bytes < 0.25 * GIB


def test_cases_that_another_version_preprocessed_are_preprocessed_again_and_begun_folds_go_on(tiny: Tiny) -> None:
    (store,) = tiny.workspace.stores()
    records = [store.record(case) for case in tiny.cases()]
    for record in records:
        write_json(record, replace(read_json(record, StoredCase), code_version=CODE_VERSION - 1))
    first, second = Listener(), Listener()
    plan(tiny, progress=first)
    said = " ".join(first.said)
    assert "5 cases were preprocessed by another version of autoseg, and are preprocessed again. Folds that" in said
    assert {read_json(record, StoredCase).code_version for record in records} == {CODE_VERSION}
    plan(tiny, progress=second)
    assert "another version" not in " ".join(second.said)
    tiny.train(0, iterations=3)
    trained = read_record(tiny.fold(0))
    assert trained is not None
    assert (trained.status, trained.iterations) == ("finished", 3)
