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
    assert json.loads(curve.path.read_text(encoding="utf-8").splitlines()[0])["loss"] is None


GARBAGE = [
    b"\xff\xfe\n",
    b"[1, 2]\n",
    b'{"iteration": "x"}\n',
    b'{"iteration": true}\n',
    b'{"kind": "train"}\n',
    b"[" * 100_000 + b"\n",
    b"\0\n",
]


def test_garbage_between_the_lines_is_left_out_and_reported(tmp_path, caplog):
    curve = Curve(path=tmp_path / "metrics.jsonl")
    curve.append({"iteration": 1, "kind": "train", "loss": 0.5})
    sound = curve.path.read_bytes()
    changed = sound.replace(b"0.5", b"0.4")
    curve.path.write_bytes(b"".join((*GARBAGE, sound, changed)))
    assert curve.read() == ({"iteration": 1, "kind": "train", "loss": 0.5},)
    # A picture needs no checksums, but lines.
    assert [line["loss"] for line in curve.skim()] == [0.5, 0.4]
    curve.rewind(1)
    assert curve.path.read_bytes() == sound
    assert f"{len(GARBAGE) + 1} half-written or damaged lines are left out" in caplog.text
