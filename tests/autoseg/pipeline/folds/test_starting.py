from __future__ import annotations

import json
import shutil
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

from autoseg.models import load_weights
from autoseg.models.bundle import Bundle
from autoseg.pipeline.faces import face, model_face
from autoseg.pipeline.folds import starting
from autoseg.pipeline.folds.job_file import read_job, write_job
from autoseg.pipeline.folds.jobs import TrainingOptions, resolve_job
from autoseg.pipeline.folds.runs import read_run
from autoseg.pipeline.models.short_trainings import describe_short
from autoseg.pipeline.plans.reading import read_plan
from dataset_fingerprints.errors import AutosegError, PlanError, WorkspaceError
from planners.run import Run
from planners.start import ModelStart
from tests.synthetic.commands import run
from tests.synthetic.once import make_once
from tests.synthetic.scans import head, write_description, write_nifti
from tests.synthetic.tiny import QUICK, SHAPE, Tiny, copy_tiny

OTHERS = ("new_0", "new_1", "new_2", "new_3")


@dataclass(frozen=True, kw_only=True, slots=True)
class Said:
    """Keeps what is said."""

    lines: list[str]

    def say(self, message: str) -> None:
        self.lines.append(message)

    def task(self, title: str, total: int, done: int = 0) -> object:
        from autoseg.progress import SilentProgress

        return SilentProgress().task(title, total, done)


@pytest.fixture(scope="session")
def model(finished: Tiny, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The exported model of fold 0 of the tiny cases."""
    return model_face.export(finished.workspace, tmp_path_factory.mktemp("model") / "model.zip")


@pytest.fixture(scope="session")
def others_made(tmp_path_factory: pytest.TempPathFactory) -> Tiny:
    return Tiny(root=make_once(tmp_path_factory, "others", make_others))


def make_others(root: Path) -> None:
    """Write and plan other scans, with a channel and a label more."""
    tiny = Tiny(root=root)
    (tiny.raw / "labelsTr").mkdir(parents=True)
    for seed, name in enumerate(OTHERS, 20):
        image, labels = head(seed, SHAPE)
        write_nifti(tiny.scan(name), image)
        write_nifti(tiny.raw / "imagesTr" / f"{name}_0001.nii.gz", image * 0.5)
        write_nifti(tiny.label(name), labels.astype(np.uint8))
    write_description(tiny.raw, {"background": 0, "bright": 1, "dark": 2}, ("T1w", "FLAIR"), len(OTHERS))
    tiny.plan()


@pytest.fixture
def others(others_made: Tiny, tmp_path: Path) -> Tiny:
    return copy_tiny(others_made, tmp_path / "others")


def begun(tiny: Tiny, fold: int | str = 0) -> Run:
    found = read_run(tiny.fold(fold))
    assert found is not None
    return found


def start_of(tiny: Tiny, fold: int | str = 0) -> ModelStart:
    start = begun(tiny, fold).start
    assert start is not None
    return start


def test_a_fold_starts_from_a_model_for_other_channels_and_labels_and_says_what_it_took(
    others: Tiny, finished: Tiny, model: Path
) -> None:
    said = Said(lines=[])
    others.train(0, from_model=model, progress=said)
    start = start_of(others)
    assert (start.name, start.configuration, start.fold) == ("model.zip", "3d_fullres", "0")
    assert start.report[:2] == (
        "Channels: T1w as in the model; FLAIR new, starting as the mean of the model's T1w.",
        "Labels: background, dark as in the model; bright new, starting at random.",
    )
    assert "start at random" in start.report[2]
    assert [line for line in said.lines if line in start.report] == list(start.report)
    assert any(line.startswith("Starting from model.zip (3d_fullres, fold 0") for line in said.lines)
    # Its own cases and those of the model: whoever starts from it has to know of both.
    seen = set(begun(others).has_seen().scans)
    assert set(begun(finished).has_seen().scans) < seen
    assert not others.fold().start.exists()
    assert others.fold().weight_files()
    # Few steps are enough for one that knew something.
    plan, _ = read_plan(others.workspace, "default")
    assert describe_short(others.workspace, plan, [others.fold()]) == ""


def test_its_first_weights_are_those_of_the_model(others: Tiny, model: Path, killed: pytest.MonkeyPatch) -> None:
    with pytest.raises(KeyboardInterrupt):
        others.train(0, from_model=model)
    kept, theirs = load_weights(others.fold().start), Bundle(model).read_fold("3d_fullres", "0").weights[-1]
    assert kept.keys() == theirs.keys()
    assert all(bool((kept[name] == tensor).all()) for name, tensor in theirs.items())


def test_a_fold_that_was_killed_goes_on_without_the_model_to_the_same_weights(
    others: Tiny, model: Path, tmp_path: Path, killed: pytest.MonkeyPatch
) -> None:
    copy = Path(shutil.copy(model, tmp_path / "copy.zip"))
    with pytest.raises(KeyboardInterrupt):
        others.train(0, from_model=copy)
    copy.unlink()
    killed.undo()
    others.train(0)
    other = replace(others, root=others.root.with_name("whole"))
    shutil.copytree(others.root, other.root)
    shutil.rmtree(other.fold().root)
    # As a job that Slurm starts again, which names a model that is gone.
    with pytest.raises(WorkspaceError, match=r"--from .*copy\.zip: there is no such file"):
        other.train(0, from_model=copy)
    assert not other.fold().run.exists()
    other.train(0, from_model=model)
    first, second = (load_weights(tiny.fold().weights) for tiny in (others, other))
    assert all(bool((first[name] == tensor).all()) for name, tensor in second.items())
    others.train(0, from_model=copy)


def test_a_begun_fold_neither_changes_nor_gets_its_start_later(
    others: Tiny, finished: Tiny, model: Path, killed: pytest.MonkeyPatch
) -> None:
    with pytest.raises(KeyboardInterrupt):
        others.train(1)
    with pytest.raises(WorkspaceError, match="was begun without a model to start from"):
        others.train(1, from_model=model)
    with pytest.raises(KeyboardInterrupt):
        others.train(0, from_model=model)
    with pytest.raises(KeyboardInterrupt):  # the same weights, read from another place
        others.train(0, from_model=finished.fold(0).root)
    with pytest.raises(KeyboardInterrupt):
        others.train(2, from_model=finished.workspace.root)
    weights = load_weights(finished.fold(0).weights)
    assert start_of(others, 2) == replace(start_of(others, 0), name="ws")
    before = others.contents()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(starting, "load_weights", lambda _: {name: tensor + 1 for name, tensor in weights.items()})
        with pytest.raises(WorkspaceError, match=r"was begun from model\.zip .*and --from names fold_0 "):
            others.train(0, from_model=finished.fold(0).root)
    assert others.contents() == before


def test_beginning_anew_takes_another_start_or_none(others: Tiny, model: Path, killed: pytest.MonkeyPatch) -> None:
    with pytest.raises(KeyboardInterrupt):
        others.train(0)
    with pytest.raises(KeyboardInterrupt):
        others.train(0, from_model=model, restart=True)
    assert begun(others).start is not None
    assert others.fold().start.is_file()
    with pytest.raises(KeyboardInterrupt):
        others.train(0, restart=True)
    assert begun(others).start is None
    assert not begun(others).seen.scans
    assert not others.fold().start.exists()


def test_a_fold_that_is_begun_anew_from_itself_keeps_its_weights(tiny: Tiny, killed: pytest.MonkeyPatch) -> None:
    theirs, said = load_weights(tiny.fold().weights), Said(lines=[])
    with pytest.raises(KeyboardInterrupt):
        tiny.train(0, from_model=tiny.fold().root, restart=True, progress=said)
    assert any(line.startswith("Starting from fold_0 (3d_fullres, fold 0") for line in said.lines)
    assert not tiny.fold().weight_files()
    kept = load_weights(tiny.fold().start)
    assert all(bool((kept[name] == tensor).all()) for name, tensor in theirs.items())
    killed.undo()
    # As a job that Slurm starts again.
    tiny.train(0, from_model=tiny.fold().root)
    assert start_of(tiny).name == "fold_0"


def test_a_model_of_other_voxels_is_named(others: Tiny, model: Path, killed: pytest.MonkeyPatch) -> None:
    job = resolve_job(others.workspace, "0", TrainingOptions(from_model=str(model)))
    assert job.start is not None
    assert not any("saw voxels" in sentence for sentence in job.start.model.report)
    runs = list_of_two_millimetres(model)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Bundle, "runs", runs)
        job = resolve_job(others.workspace, "0", TrainingOptions(from_model=str(model)))
    assert job.start is not None
    assert any("saw voxels of 2x2x2 mm, and this plan has 1x1x1 mm" in text for text in job.start.model.report)


def list_of_two_millimetres(model: Path) -> dict[tuple[str, str], Run]:
    """Return the runs of a model as if it had been trained on larger voxels."""
    changed = {}
    for key, known in Bundle(model).runs.items():
        own = known.own()
        preprocessing = replace(own.preprocessing, spacing_mm=(2.0, 2.0, 2.0))
        changed[key] = replace(
            known, configurations=(*known.configurations[:-1], replace(own, preprocessing=preprocessing))
        )
    return changed


def test_weights_that_are_gone_with_their_model_are_asked_for(
    others: Tiny, model: Path, killed: pytest.MonkeyPatch
) -> None:
    with pytest.raises(KeyboardInterrupt):
        others.train(0, from_model=model)
    others.fold().start.unlink()
    with pytest.raises(WorkspaceError, match=r"start\.safetensors: is missing or damaged: the weights of model\.zip"):
        others.train(0)
    with pytest.raises(KeyboardInterrupt):
        others.train(0, from_model=model)
    assert others.fold().start.is_file()


def test_a_model_that_was_trained_on_a_validation_case_is_refused_before_anything_is_written(
    tiny: Tiny, model: Path
) -> None:
    before = tiny.contents()
    with pytest.raises(PlanError, match=r"was trained on 1 of the 1 case that fold 1 is judged on \(case_") as error:
        tiny.train(1, from_model=model)
    assert all(way in str(error.value) for way in ("--splits", "train full", "--allow-seen"))
    assert tiny.contents() == before


@pytest.mark.parametrize("kind", ["empty", "picture", "hostile", "folder"])
def test_what_is_no_model_is_named_before_anything_is_written(others: Tiny, tmp_path: Path, kind: str) -> None:
    place = tmp_path / "model.zip"
    if kind == "folder":
        place.mkdir()
    else:
        place.write_bytes({"empty": b"", "picture": b"\x89PNG\r\n", "hostile": b"PK\x03\x04" + bytes(50)}[kind])
    before = others.contents()
    with pytest.raises(AutosegError, match=r"model\.zip"):
        others.train(0, from_model=place)
    assert others.contents() == before


def test_seen_cases_are_known_through_several_generations(tiny: Tiny, others: Tiny, model: Path) -> None:
    others.train(0, from_model=model)
    grandchild = model_face.export(others.workspace, others.root / "grandchild.zip")
    with pytest.raises(PlanError, match=r"grandchild\.zip: was trained on 1 of the 1 case that fold 1"):
        tiny.train(1, from_model=grandchild)


def test_fold_of_the_same_number_is_taken_where_it_has_not_seen_the_validation_cases(
    tiny: Tiny, killed: pytest.MonkeyPatch
) -> None:
    killed.undo()
    tiny.train(1)
    both = model_face.export(tiny.workspace, tiny.root / "both.zip")
    plan = tiny.plan(plan_name="again")
    job = resolve_job(plan, "1", TrainingOptions(plan_name="again", from_model=str(both)))
    assert job.start is not None
    assert job.start.model.fold == "1"
    with pytest.raises(PlanError, match="fold 2 is judged on"):
        resolve_job(plan, "2", TrainingOptions(plan_name="again", from_model=str(both)))
    whole = resolve_job(plan, "full", TrainingOptions(plan_name="again", from_model=str(both)))
    assert whole.start is not None


def test_a_model_of_unknown_cases_starts_a_fold_and_its_scores_say_so(
    others: Tiny, finished: Tiny, tmp_path: Path
) -> None:
    fold = finished.fold(0)
    copied = tmp_path / "nameless"
    shutil.copytree(fold.root, copied)
    plain = json.loads((copied / "run.json").read_text(encoding="utf-8"))
    plain |= {"train_cases": [], "validation_cases": [], "contents": []}
    del plain["checksum"]
    (copied / "run.json").write_text(json.dumps(plain))
    scores = others.train(0, from_model=copied)
    assert begun(others).seen.unknown == ("nameless",)
    assert scores.seen.unknown == begun(others).validation_cases  # type: ignore[attr-defined]
    assert "unknown whether its training cases are among" in scores.seen.describe()  # type: ignore[attr-defined]


def test_a_configuration_that_starts_from_another_one_cannot_start_from_a_model_too(others: Tiny, model: Path) -> None:
    path = others.workspace.plan("default")
    plain = json.loads(path.read_text(encoding="utf-8"))
    chosen = next(entry for entry in plain["configurations"] if entry["name"] == "3d_fullres")
    plain["configurations"].append({**chosen, "name": "first"})
    chosen["initial"] = {"configuration": "first", "layers": "all"}
    del plain["checksum"]
    path.write_text(json.dumps(plain))
    with pytest.raises(AutosegError, match="first"):
        others.train(0, from_model=model)


def test_allow_seen_without_a_model_is_refused(others: Tiny) -> None:
    with pytest.raises(PlanError, match="Give both"):
        others.train(0, allow_seen=True)


def test_the_path_of_a_model_goes_to_another_process_from_its_file(others: Tiny, model: Path) -> None:
    options = TrainingOptions(from_model=str(model))
    path = write_job(others.workspace, "3d_fullres", "0", options)
    assert str(model) not in path.read_text(encoding="utf-8")
    _, job = read_job(path)
    assert job.options.from_model == str(model)


def test_a_plan_like_the_model_takes_all_of_its_weights(others: Tiny, model: Path) -> None:
    workspace = face.plan_and_preprocess(
        others.raw,
        workspace=others.workspace.root,
        plan_name="like",
        like=model,
        assignments=[text for text in QUICK if "network" not in text and "patch" not in text],
    )
    job = resolve_job(workspace, "0", TrainingOptions(plan_name="like", from_model=str(model)))
    assert job.start is not None
    assert job.start.model.report[-1].startswith("All ")
    assert "Bundle" not in workspace.plan("like").read_text(encoding="utf-8")


def test_a_network_of_which_nothing_is_the_models_is_refused_with_the_way_out(others: Tiny, model: Path) -> None:
    levels = {"features": [200], "kernels": [[1, 1, 1]], "strides": [[1, 1, 1]]}
    network = {**levels, "encoder_blocks": [1], "decoder_blocks": [], "norm": "batch", "deep_supervision": False}
    assignment = f"3d_fullres.network={json.dumps({'name': 'unet', 'options': network})}"
    with pytest.raises(PlanError, match=r"next to nothing, fits 3d_fullres.* --like "):
        resolve_job(others.workspace, "0", TrainingOptions(from_model=str(model), assignments=(assignment,)))


@pytest.mark.long
def test_the_command_line_trains_all_folds_from_a_model(
    others: Tiny, model: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, "train", "all", "-w", others.workspace.root, "--from", model) == 0
    assert all(start_of(others, fold).name == "model.zip" for fold in range(4))
    assert "Starting from model.zip" in capsys.readouterr().out
