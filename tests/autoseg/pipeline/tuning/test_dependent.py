from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from autoseg.pipeline.tuning.tuning import _refuse_dependent
from dataset_fingerprints.errors import PlanError


def test_where_a_stage_uses_others_it_names_those_that_stand_alone() -> None:
    low = SimpleNamespace(name="low", needs=lambda: ())
    high = SimpleNamespace(name="high", needs=lambda: ("low",))
    plan = SimpleNamespace(configurations=(low, high))
    job: Any = SimpleNamespace(name="high", configuration=high, unlabelled=(), steps=(), plan=plan)
    with pytest.raises(PlanError, match=r"stands alone, with -c: low\.$"):
        _refuse_dependent(job)
