"""Names of files and folders of a workspace stand in one package; the source of the others is searched for them."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import autoseg.workspace

ROOT = Path(autoseg.workspace.__file__).parents[2]
WORKSPACE = ROOT / "autoseg" / "workspace"
# Names of files, or their beginnings and ends: nowhere else in a text without blanks. `dataset.json` is also what a raw
# data set's description is called.
FILES = (
    ".b2nd",
    ".lock",
    "-autoseg",
    "check.json",
    "checkpoint.safetensors",
    "cross_validation.json",
    "fingerprint.json",
    "fold_",
    "job.json",
    "metrics.json",
    "plan.json",
    "progress.png",
    "record.json",
    "run.json",
    "splits.json",
    "train.log",
    "weights.safetensors",
)
# Words that also mean other things: nowhere else in a path.
FOLDERS = ("cases", "full", "models", "plans", "preprocessed", "probabilities", "stop", "tensorboard", "validation")
# Looks into workspaces of other checkouts, which may lie otherwise.
OF_OTHER_CHECKOUTS = "experiments/checkouts.py"
# What nnU-Net and bundles call their own files, and the folders of experiments.
OTHERS = {
    ("autoseg/models/bundle.py", "/run.json"),
    ("autoseg/models/nnunet/folder.py", "fold_(0|[1-9][0-9]*|all)"),
    ("autoseg/models/nnunet/folder.py", "fold_*"),
    ("autoseg/models/portable/program/files.py", "run.json"),
    ("autoseg/models/portable/program/predict.py", "/run.json"),
    ("experiments/costs/case_residency.py", "train.log"),
    ("experiments/costs/prediction.py", "train.log"),
    ("experiments/peers/nnunet.py", "preprocessed"),
    ("experiments/peers/parity.py", "fold_"),
    ("experiments/peers/prediction_race.py", "race-autoseg.log"),
    ("experiments/peers/prediction_race.py", "race-job.json"),
    ("experiments/peers/race.py", "fold_0"),
    ("experiments/peers/race.py", "preprocessed"),
    ("experiments/peers/race.py", "race-autoseg-"),
    ("experiments/peers/race.py", "race-autoseg.log"),
    ("experiments/peers/race.py", "validation"),
    ("experiments/peers/steps.py", "preprocessed"),
    ("experiments/peers/steps.py", "steps-autoseg"),
}


def read_sources(root: Path) -> Iterator[tuple[str, ast.Module]]:
    for path in sorted(root.rglob("*.py")):
        yield str(path.relative_to(ROOT)), ast.parse(path.read_text(encoding="utf-8"))


def find_texts(tree: ast.AST) -> Iterator[str]:
    """Yield the texts in a source without its docstrings."""
    docstrings = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings:
            yield node.value


def find_path_texts(tree: ast.AST) -> Iterator[str]:
    """Yield the texts that are joined to a path or looked for in a folder, split at slashes."""
    for node in ast.walk(tree):
        ends: list[ast.expr] = []
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):
            ends = [node.left, node.right]
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            ends = list(node.args) if node.func.attr in {"glob", "rglob", "joinpath", "with_name"} else []
        for end in ends:
            for text in find_texts(end):
                yield from text.split("/")


def find_names(tree: ast.AST) -> set[str]:
    """Return the texts in a source that spell a name of the workspace's."""
    files = {text for text in find_texts(tree) if not any(map(str.isspace, text)) and any(n in text for n in FILES)}
    return files | {text for text in find_path_texts(tree) if text in FOLDERS}


def test_no_other_room_spells_a_name_of_the_workspaces() -> None:
    found = {
        (name, text)
        for package in ("autoseg", "experiments")
        for name, tree in read_sources(ROOT / package)
        if not (ROOT / name).is_relative_to(WORKSPACE) and name != OF_OTHER_CHECKOUTS
        for text in find_names(tree)
    }
    assert found == OTHERS


def test_every_name_that_is_searched_for_is_one_that_the_room_spells() -> None:
    trees = [tree for _, tree in read_sources(WORKSPACE)]
    texts = {text for tree in trees for text in find_texts(tree)}
    assert [name for name in FILES if not any(name in text for text in texts)] == []
    assert set(FOLDERS) <= {part for text in texts for part in text.split("/")}


def test_the_search_finds_names_in_paths_and_leaves_words_and_sentences_alone() -> None:
    spelled = 'a = root / "validation"; b = root.glob("*/plan.json"); c = f"{root}/fold_{k}"; d = f"{case}.labels.b2nd"'
    assert find_names(ast.parse(spelled)) == {"validation", "*/plan.json", "/fold_", ".labels.b2nd"}
    others = '"""plan.json"""\nkind = {"kind": "validation"}\nsay("Expected a fingerprint.json here.")'
    assert find_names(ast.parse(others)) == set()


def test_the_room_imports_nothing_of_autoseg_but_itself() -> None:
    for name, tree in read_sources(WORKSPACE):
        for node in ast.walk(tree):
            modules = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            modules += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            own = [module for module in modules if module.split(".")[0] in {"autoseg", "planners", "experiments"}]
            assert all(module.startswith("autoseg.workspace.") for module in own), name
