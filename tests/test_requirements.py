"""Requirements of an installation, each of which is used."""

from __future__ import annotations

import ast
import re
from importlib.metadata import packages_distributions, requires
from pathlib import Path

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
