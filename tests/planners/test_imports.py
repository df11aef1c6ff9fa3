import subprocess
import sys

import pytest

import planners


def modules_after(statement: str) -> set[str]:
    code = f"{statement}\nimport sys\nsys.stdout.write(' '.join(sys.modules))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, encoding="utf-8", check=True)
    return set(found.stdout.split())


@pytest.mark.parametrize("heavy", ["torch", "sklearn", "scipy", "SimpleITK", "pandas"])
def test_planning_starts_without_heavy_packages(heavy: str) -> None:
    assert heavy not in modules_after("import planners")


@pytest.mark.parametrize("heavy", ["torch", "acvl_utils", "batchgenerators"])
def test_splitting_needs_no_torch(heavy: str) -> None:
    assert heavy not in modules_after("import planners.splits")


def test_every_exported_name_exists() -> None:
    assert all(hasattr(planners, name) for name in planners.__all__)
