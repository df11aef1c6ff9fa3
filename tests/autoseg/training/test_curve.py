from __future__ import annotations

import json

from autoseg.training.curve import Curve


def test_the_curve_forgets_what_came_after_the_checkpoint_and_half_written_lines(tmp_path):
    curve = Curve(path=tmp_path / "metrics.jsonl")
    for iteration in (1, 5, 9):
        curve.append({"iteration": iteration, "loss": float("nan") if iteration == 1 else 0.5})
    with curve.path.open("a") as stream:
        stream.write('{"iteration": 3, "lo')
    curve.rewind(5)
    assert [line["iteration"] for line in curve.read()] == [1, 5]
    assert json.loads(curve.path.read_text().splitlines()[0])["loss"] is None
