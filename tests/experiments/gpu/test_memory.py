"""Predicted memory of training steps beside what torch counts on a card."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from experiments.gpu.bench import Bench
from experiments.gpu.memory import VARIANTS, compare_memory


@pytest.mark.gpu
@pytest.mark.parametrize("name", ["small, 3D", "two labels, nnU-Net"])
def test_the_predicted_peak_is_not_below_what_torch_counts(tmp_path: Path, name: str) -> None:
    bench = Bench(work=tmp_path, data=None, ends=time.monotonic() + 600, tiny=False)
    row, _ = compare_memory(bench, [variant for variant in VARIANTS if variant.name == name])
    assert not isinstance(row, str)
    # On an H200 it lay 17 and 26 % above: a plan may use less than it says, never more.
    assert isinstance(row["ratio"], float)
    assert 1 <= row["ratio"] < 1.35
