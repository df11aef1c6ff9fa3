"""Requirements of an installation, each of which is used."""

from __future__ import annotations

import ast
import re
from importlib.metadata import packages_distributions, requires
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement

ROOT = Path(__file__).parents[1]
PACKAGES = ("dataset_fingerprints", "planners", "autoseg", "experiments")


def find_imports() -> set[str]:
    """Return the top-level modules that the shipped code imports."""
    found = set()
    for package in PACKAGES:
        for path in (ROOT / package).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Import):
                    found |= {name.name.partition(".")[0] for name in node.names}
                elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                    found.add(node.module.partition(".")[0])
    return found


def normalise(distribution: str) -> str:
    """Return a distribution's name as package indexes compare it."""
    return re.sub(r"[-_.]+", "-", distribution).lower()


def test_every_required_package_is_imported() -> None:
    imported = find_imports()
    used = {
        normalise(name) for module, names in packages_distributions().items() if module in imported for name in names
    }
    required = [entry for entry in requires("autoseg-lesion") or () if "extra ==" not in entry]
    assert len(required) > 10
    unused = [entry for entry in required if normalise(re.split(r"[><=!~;\[ ]", entry)[0]) not in used]
    assert unused == []


def read_setup(name: str) -> Any:
    """Return a list or a dictionary of setup.py, as it is written there."""
    tree = ast.parse((ROOT / "setup.py").read_text(encoding="utf-8"))
    (value,) = (
        node.value
        for node in tree.body
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and node.targets[0].id == name
    )
    return ast.literal_eval(value)


def test_every_required_package_has_a_lowest_version() -> None:
    """Without one, an installer that looks for the oldest versions takes one from before what is used of it."""
    required = read_setup("RUNTIME")
    assert len(required) > 10
    assert [entry for entry in required if re.fullmatch(r"[\w.-]+>=\d+(\.\d+)*", entry) is None] == []


def test_the_pinned_versions_are_allowed_ones() -> None:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pins = {normalise(name): version for name, _, version in (line.partition("==") for line in lines if "==" in line)}
    entries = [*read_setup("RUNTIME"), *(entry for extra in read_setup("EXTRAS").values() for entry in extra)]
    asked = [Requirement(entry) for entry in entries]
    assert [str(one) for one in asked if normalise(one.name) not in pins] == []
    assert [str(one) for one in asked if not one.specifier.contains(pins[normalise(one.name)])] == []
