"""A workspace that somebody edited, badly or with ill will, is refused by name; nothing outside of it is touched."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from autoseg.workspace.workspace import Workspace
from dataset_fingerprints.errors import AutosegError
from tests.autoseg.workspace.small import COMMANDS

Plain = dict[str, Any]
Edit = Callable[[Plain], object]


def own(plain: Plain) -> Plain:
    """Return the configuration that is trained."""
    found: Plain = next(entry for entry in plain["configurations"] if entry["name"] == "3d_fullres")
    return found


def network(**changes: object) -> Edit:
    return lambda plain: own(plain)["network"]["options"].update(changes)


def part(group: str, **changes: object) -> Edit:
    return lambda plain: own(plain)[group].update(changes)


def optimizer(**changes: object) -> Edit:
    return lambda plain: own(plain)["training"]["optimizer"].update(name="adamw", options=changes)


def scheme(**changes: object) -> Edit:
    return lambda plain: plain["scheme"].update(changes)


# What is edited in plan.json and run.json alike -> what the message says.
BOTH: dict[str, tuple[Edit, str]] = {
    "patch of 0": (lambda p: own(p).update(patch_shape=[0, 8, 8]), "patch_shape is 0x8x8"),
    "negative patch": (lambda p: own(p).update(patch_shape=[8, -28, 8]), "patch_shape is 8x-28x8"),
    "huge patch": (lambda p: own(p).update(patch_shape=[10**9] * 3), "patch_shape is 1e"),
    "batch of 0": (lambda p: own(p).update(batch_size=0), "batch_size is 0. Expected 1 or more"),
    "slices along a fourth axis": (lambda p: own(p).update(slice_axis=7), "slice_axis is 7"),
    "features beyond memory": (network(features=[10**9, 4]), r"features is \[1000000000, 4\]"),
    "negative features": (network(features=[2, -3]), r"features is \[2, -3\]"),
    "no stages": (
        network(features=[], kernels=[], strides=[], encoder_blocks=[], decoder_blocks=[]),
        "features is empty",
    ),
    "stages that do not match": (network(kernels=[[3, 3, 3]]), "kernels has 1 levels, but 2 features"),
    "an even kernel": (network(kernels=[[2, 3, 3]] * 2), "kernels is .*Expected odd"),
    "a mirror axis that is none": (part("prediction", mirror_axes=[9]), r"mirror_axes holds \[9\]"),
    "a mirror axis twice": (part("prediction", mirror_axes=[0, 0, 1]), r"mirror_axes holds \[0, 0, 1\]"),
    "sigma of 0": (part("prediction", gaussian_sigma_share=0.0), "gaussian_sigma_share is 0"),
    "a step of 0": (part("prediction", step_share=0.0), "step_share is 0"),
    "spacing of 0": (part("preprocessing", spacing_mm=[0.0, 1.0, 1.0]), "spacing_mm is 0x1x1"),
    "negative spacing": (part("preprocessing", spacing_mm=[-1.0, 1.0, 1.0]), "spacing_mm is -1x1x1"),
    "spacing that is no number": (part("preprocessing", spacing_mm=[float("nan"), 1.0, 1.0]), "spacing_mm is nanx1x1"),
    "too few normalisations": (part("preprocessing", normalization=[]), "normalization holds 0 for 1 channel"),
    "no iterations": (part("training", iterations=0), "training.iterations is 0"),
    "iterations without end": (part("training", iterations=10**30), "training.iterations is 1000"),
    "iterations that are no whole number": (part("training", iterations=1e30), "training.iterations: .*integer"),
    "a rate that is no number": (optimizer(lr=float("nan")), "lr .*nan"),
    "a negative rate": (optimizer(lr=-1.0), "lr is -1.0. Expected more than 0"),
    "a part that is none": (lambda p: own(p)["training"]["loss"].update(name="dise"), "no loss 'dise'"),
    "its own previous stage": (
        lambda p: own(p).update(inputs=[{"kind": "mask_of", "configuration": "3d_fullres"}]),
        "need each other in a circle: 3d_fullres -> 3d_fullres",
    ),
    "a stage that is not there": (
        lambda p: own(p).update(inputs=[{"kind": "mask_of", "configuration": "3d_lowres"}]),
        "no configuration '3d_lowres'",
    ),
    "weights of one that is not there": (
        lambda p: own(p).update(initial={"configuration": "x", "layers": "all"}),
        "no configuration 'x'",
    ),
    "a label beyond 32 bits": (scheme(labels=[{"name": "lesion", "value": 10**12}]), "1000000000000"),
    "labels of one value": (
        scheme(labels=[{"name": "a", "value": 1}, {"name": "b", "value": 1}]),
        r"scheme.labels holds the values \[0, 1, 1\]",
    ),
    "300 labels": (scheme(labels=[{"name": str(n), "value": n} for n in range(1, 301)]), "301 different label values"),
    "a region of no label": (
        scheme(regions=[{"name": "core", "values": [9]}], region_export_order=[1]),
        "scheme.regions: 'core'",
    ),
    "no channels": (lambda p: p.update(channels=[]), "channels lists 0"),
    "memory without end": (lambda p: p.update(memory_gb=1e300), "memory_gb is 1e[+]300"),
    "a seed below 0": (lambda p: p.update(seed=-1), "seed is -1"),
    "a configuration that leaves its folder": (lambda p: own(p).update(name="../../x"), "cannot name a configuration"),
    "an unknown field": (lambda p: own(p).update(btach_size=1), "btach_size"),
}
PLAN: dict[str, tuple[Edit, str]] = {
    "no configurations": (lambda p: p.update(configurations=[]), "it has no configurations"),
    "a default that is none": (lambda p: p.update(default_configuration="x"), "default_configuration is 'x'"),
    "a name that leaves its folder": (lambda p: p.update(name="../../x"), "cannot name a plan"),
    "an absolute name": (lambda p: p.update(name="/tmp/x"), "cannot name a plan"),
    "a name with a command": (lambda p: p.update(name="a\ntouch owned"), "cannot name a plan"),
    "another name": (lambda p: p.update(name="other"), "Expected its folder's, 'default'"),
}
RUN: dict[str, tuple[Edit, str]] = {
    "no configurations": (lambda p: p.update(configurations=[]), "its last configuration is not '3d_fullres'"),
    "a fold that is none": (lambda p: p.update(fold="../1"), "is not a fold"),
    "other cases than their contents": (lambda p: p["train_cases"].pop(), "contents are not of the train cases"),
    "a case that leaves its folder": (
        lambda p: p["contents"][0].update(case="../x"),
        "cannot name the files of a case",
    ),
}
SPLITS: dict[str, tuple[Edit, str]] = {
    f"a case {name!r}": (
        lambda p, name=name: p["folds"][0].update(validation=[name]),  # type: ignore[misc]
        "splits.json: folds.*cannot name the files of a case",
    )
    for name in ("../x", "/abs", "a\\b", "", "a\0b", "a\nb", ".x", "x" * 300)
}


def edit_json(path: Path, edit: Edit) -> None:
    """Edit a file as somebody who knows how: its checksum goes."""
    plain = json.loads(path.read_text(encoding="utf-8"))
    plain.pop("checksum", None)
    edit(plain)
    path.write_text(json.dumps(plain), encoding="utf-8")


def picture(root: Path) -> dict[str, tuple[int, bytes]]:
    """Return all files beside and in a workspace, but for the marks that keep a second process out."""
    files = [path for path in root.rglob("*") if path.is_file() and path.name != ".lock"]
    return {str(path.relative_to(root)): (path.stat().st_mtime_ns, path.read_bytes()) for path in files}


def refuse(root: Path, commands: tuple[str, ...], message: str) -> None:
    """Make sure that commands refuse a workspace by name, and that nothing changed."""
    before = picture(root)
    for name in commands:
        with pytest.raises(AutosegError, match=message):
            COMMANDS[name](root)
    assert picture(root) == before


@pytest.fixture
def root(small: Path, tmp_path: Path) -> Path:
    shutil.copytree(small, tmp_path / "here")
    return tmp_path / "here"


@pytest.mark.parametrize("what", BOTH | PLAN)
def test_an_edited_plan_is_refused_by_every_command(root: Path, what: str) -> None:
    edit, message = (BOTH | PLAN)[what]
    edit_json(Workspace(root=root / "ws").plan("default"), edit)
    refuse(root, ("explain", "score", "go on", "predict"), f"(?s)plan.json.*{message}")


@pytest.mark.parametrize("what", BOTH | RUN)
def test_an_edited_fold_is_refused_by_whatever_reads_it(root: Path, what: str) -> None:
    edit, message = (BOTH | RUN)[what]
    edit_json(Workspace(root=root / "ws").fold("default", "3d_fullres", "0").run, edit)
    refuse(root, ("score", "go on", "predict"), f"(?s)run.json.*{message}")


@pytest.mark.parametrize("what", SPLITS)
def test_edited_folds_are_refused(root: Path, what: str) -> None:
    edit, message = SPLITS[what]
    edit_json(Workspace(root=root / "ws").splits("default"), edit)
    refuse(root, ("score", "go on", "predict"), message)


FOLD = "models/default/3d_fullres/fold_0"
CASE = "preprocessed/*/sub-0.json"
VALIDATED = f"{FOLD}/validation/cases/sub-3.json"
# What is edited in other files -> the file, how, the commands that read it, and what the message says.
OTHERS: dict[str, tuple[str, Edit, tuple[str, ...], str]] = {
    **{
        f"a case of the data set with {what}": (
            "dataset.json",
            lambda p, changes=changes: p["cases"][0].update(changes),  # type: ignore[misc]
            ("score", "go on"),
            f"dataset.json.*{message}",
        )
        for what, changes, message in (
            ("a name that leaves its folder", {"name": "../x"}, "cannot name the files of a case"),
            ("a name of two lines", {"name": "a\nb"}, "cannot name the files of a case"),
            ("a path with a zero", {"label": "a\0b/c"}, "cannot be the path of a file"),
            ("a path of 6,000 characters", {"label": "a/" * 3000}, "cannot be the path of a file"),
            ("half a character", {"images": ["\ud800"]}, "holds half a character"),
            ("images that are no list", {"images": 5}, "images"),
        )
    },
    "another label map": (
        "dataset.json",
        lambda p: p["cases"][3].update(label="/dev/zero"),
        ("score", "go on"),
        "of sub-3 were replaced since they were preprocessed",
    ),
    "a label of the data set beyond 32 bits": (
        "dataset.json",
        lambda p: p["labels"]["labels"][0].update(value=10**12),
        ("score", "go on"),
        "dataset.json.*1000000000000",
    ),
    "a preprocessed case of no voxels": (CASE, lambda p: p["record"].update(shape=[0, 0, 0]), ("go on",), "sub-0"),
    "a fold that ended in no known way": (
        f"{FOLD}/record.json",
        lambda p: p.update(status="x"),
        ("score", "go on"),
        "record.json: status",
    ),
    "iterations of text": (f"{FOLD}/record.json", lambda p: p.update(iterations="4"), ("score", "go on"), "iterations"),
    "no folds": (
        "plans/default/splits.json",
        lambda p: p.update(folds=5),
        ("score", "go on"),
        "splits.json: folds",
    ),
    "a case that trains and validates": (
        "plans/default/splits.json",
        lambda p: p["folds"][0]["train"].append("sub-3"),
        ("score", "go on"),
        "splits.json.*sub-3",
    ),
    "a case twice in a fold": (
        "plans/default/splits.json",
        lambda p: p["folds"][0]["train"].append("sub-0"),
        ("score", "go on"),
        "splits.json.*sub-0",
    ),
}


@pytest.mark.parametrize("what", OTHERS)
def test_other_edited_files_are_refused_by_what_reads_them(root: Path, what: str) -> None:
    place, edit, commands, message = OTHERS[what]
    (path,) = (root / "ws").glob(place)
    edit_json(path, edit)
    refuse(root, commands, f"(?s){message}")


def test_files_larger_than_any_that_can_be_meant_are_not_read(root: Path) -> None:
    reading = {"plans/default/plan.json": ("explain", "score", "predict"), f"{FOLD}/run.json": ("score", "predict")}
    for place, commands in reading.items():
        path = root / "ws" / place
        content = path.read_bytes()
        os.truncate(path, 1 << 40)
        for name in commands:
            with pytest.raises(AutosegError, match=rf"{path.name}.*it holds 1099511627776 bytes; at most"):
                COMMANDS[name](root)
        path.write_bytes(content)


@pytest.mark.parametrize("name", ["../../x", "a/b", "/abs", "", "a\nb", ".x", "x" * 300])
def test_a_plans_name_stays_in_the_workspace(root: Path, name: str) -> None:
    import autoseg

    before = picture(root)
    workspace = root / "ws"
    calls: tuple[Callable[[], object], ...] = (
        lambda: autoseg.plan_and_preprocess(root / "raw", workspace=workspace, plan_name=name),
        lambda: autoseg.train(workspace, 0, plan_name=name),
        lambda: autoseg.predict(root / "raw" / "imagesTr", root / "masks", workspace, plan_name=name),
    )
    for call in calls:
        with pytest.raises(AutosegError, match="cannot name a plan"):
            call()
    assert picture(root) == before


LINKS = {
    ".lock": ("plan",),
    "cases": ("plan",),
    "cases/*.jsonl": ("plan",),
    "plans": ("plan",),
    "plans/default": ("plan",),
    "preprocessed": ("plan",),
    "preprocessed/*": ("plan",),
    "models": ("go on", "score"),
    "models/default": ("go on", "score"),
    "models/default/3d_fullres": ("go on", "score"),
    "models/default/3d_fullres/fold_0": ("go on", "score"),
    "models/default/3d_fullres/fold_0/.lock": ("go on", "score"),
    "models/default/3d_fullres/fold_0/metrics.jsonl": ("go on", "score"),
    "models/default/3d_fullres/fold_0/tensorboard": ("go on", "score"),
    "models/default/3d_fullres/fold_0/validation": ("go on", "score"),
    "models/default/3d_fullres/fold_0/validation/cases": ("go on", "score"),
}


@pytest.mark.parametrize("place", LINKS)
def test_a_link_out_of_a_workspace_is_not_written_through(root: Path, place: str) -> None:
    outside = root / "outside"
    outside.mkdir()
    (path,) = (root / "ws").glob(place)
    shutil.move(path, outside / path.name)
    path.symlink_to(outside / path.name)
    before = picture(outside)
    for name in LINKS[place]:
        with pytest.raises(AutosegError, match=r"is a link to .*outside.* give the same command again"):
            COMMANDS[name](root)
    assert picture(outside) == before


def test_the_root_of_a_workspace_may_be_a_link(root: Path) -> None:
    shutil.move(root / "ws", root / "elsewhere")
    (root / "ws").symlink_to(root / "elsewhere")
    assert COMMANDS["score"](root)[0] is not None


CHECKPOINTS: dict[str, tuple[Callable[[dict[str, Any], dict[str, str]], object], str]] = {
    "an unknown group": (lambda tensors, texts: tensors.update({"x/y": next(iter(tensors.values()))}), "holds 'x/y'"),
    "no position": (lambda tensors, texts: texts.clear(), "does not say how far"),
    "a position that is no JSON": (lambda tensors, texts: texts.update(position="{"), "is not valid JSON"),
    "an iteration below 0": (
        lambda tensors, texts: texts.update(position=texts["position"].replace('"iteration": 4', '"iteration": -5')),
        "says that -5 of 4 iterations",
    ),
    "more iterations than there can be": (
        lambda tensors, texts: texts.update(position=texts["position"].replace(": 4,", ": 1000000000000,")),
        "has 1000000000000 iterations",
    ),
    "iterations of 0": (
        lambda tensors, texts: texts.update(position=texts["position"].replace('"iterations": 4', '"iterations": 0')),
        "were not counted in iterations",
    ),
    "weights that are no numbers": (
        lambda tensors, texts: next(tensors[key] for key in tensors if key.startswith("network/")).fill_(float("nan")),
        "not finite",
    ),
}


@pytest.mark.parametrize("what", CHECKPOINTS)
def test_an_edited_checkpoint_is_refused(root: Path, what: str) -> None:
    from safetensors.torch import save_file

    from autoseg.models.tensors import load_tensors

    path = Workspace(root=root / "ws").fold("default", "3d_fullres", "0").checkpoint
    tensors, texts = load_tensors(path)
    edit, message = CHECKPOINTS[what]
    edit(tensors, texts)
    save_file({name: tensor.clone() for name, tensor in tensors.items()}, path, texts)
    weights = path.with_name("weights.safetensors").read_bytes()
    with pytest.raises(AutosegError, match=rf"checkpoint\.safetensors.*{message}.*(starts|start) over"):
        COMMANDS["go on"](root)
    assert path.with_name("weights.safetensors").read_bytes() == weights


WEIGHTS: dict[str, tuple[Callable[[Any], Any], str]] = {
    "not a number": (lambda tensor: tensor.fill_(float("nan")), "not finite"),
    "infinity": (lambda tensor: tensor.fill_(float("inf")), "not finite"),
    "whole numbers": (lambda tensor: tensor.int(), "holds int32 values, expected float32"),
    "another shape": (lambda tensor: tensor[:1], r"is of shape \(1,.*expected"),
}


@pytest.mark.parametrize("what", WEIGHTS)
def test_edited_weights_are_refused_by_name(root: Path, what: str) -> None:
    from safetensors.torch import save_file

    from autoseg.models.tensors import load_tensors

    path = Workspace(root=root / "ws").fold("default", "3d_fullres", "0").weights
    tensors, texts = load_tensors(path)
    name = "encoder.0.blocks.0.conv.weight" if "encoder.0.blocks.0.conv.weight" in tensors else next(iter(tensors))
    edit, message = WEIGHTS[what]
    tensors[name] = edit(tensors[name].clone())
    save_file({key: tensor.clone() for key, tensor in tensors.items()}, path, texts)
    with pytest.raises(AutosegError, match=rf"{name}.*{message}.*Train the fold again"):
        COMMANDS["predict"](root)
    assert not (root / "masks").exists() or not list((root / "masks").iterdir())
