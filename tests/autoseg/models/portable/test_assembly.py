"""The exported program as one file."""

from __future__ import annotations

import ast
import builtins
import sys
from collections import Counter
from importlib import import_module

from autoseg.models.portable.assembly import MODULES, assemble

ALLOWED = {"numpy", "scipy", "nibabel", "onnxruntime"}


def list_definitions(tree: ast.Module) -> list[str]:
    names = []
    guarded = [entry for node in tree.body if isinstance(node, ast.Try) for entry in node.body]
    for node in [*tree.body, *guarded]:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            names.append(node.name)
        elif isinstance(node, ast.Assign):
            names += [name.id for target in node.targets for name in ast.walk(target) if isinstance(name, ast.Name)]
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            names.append(node.target.id)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            names += [(name.asname or name.name).partition(".")[0] for name in node.names]
    return names


def test_it_imports_four_packages_and_the_standard_library() -> None:
    tree = ast.parse(assemble())
    modules = {name.name for node in ast.walk(tree) if isinstance(node, ast.Import) for name in node.names}
    modules |= {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert {module.partition(".")[0] for module in modules} - set(sys.stdlib_module_names) == ALLOWED


def test_no_name_is_defined_twice() -> None:
    assert [name for name, count in Counter(list_definitions(ast.parse(assemble()))).items() if count > 1] == []


def test_every_name_that_is_read_is_defined() -> None:
    tree = ast.parse(assemble())
    bound = {*list_definitions(tree), *dir(builtins), "__file__", "__name__"}
    bound |= {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    bound |= {node.arg for node in ast.walk(tree) if isinstance(node, ast.arg)}
    bound |= {
        node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.ExceptHandler) and node.name
    }
    read = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}
    assert read - bound == set()


def test_it_defines_what_its_modules_define() -> None:
    defined = set(list_definitions(ast.parse(assemble())))
    for name in MODULES:
        own = {key for key, value in vars(import_module(name)).items() if getattr(value, "__module__", None) == name}
        assert own <= defined
