"""A sound data set with a trained workspace that commands are pointed at, and the words of common commands."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.synthetic.commands import run
from tests.synthetic.scans import write_nnunet_dataset
from tests.synthetic.small_networks import QUICK, as_options

PLAN = ["plan_and_preprocess", "{raw}", "-w", "{root}/new"]
TRAIN = ["train", "1", "-w", "{ws}"]
PREDICT = ["predict", "{raw}/imagesTr", "-w", "{ws}", "--no-mirror", "-o", "{root}/out"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """A sound data set, a workspace with one trained fold, and a folder of one's own; only the last may change."""

    sound: Path
    root: Path

    def fill(self, *words: object) -> list[str]:
        places = {"raw": self.sound / "raw", "ws": self.sound / "ws", "root": self.root}
        return [str(word).format(**places) for word in words]


def make_sound(root: Path) -> Path:
    """Write a data set into `raw`, and train one fold of it for three steps in `ws`."""
    write_nnunet_dataset(root / "raw", 6)
    with pytest.MonkeyPatch.context() as patch:
        short = as_options(*QUICK, "training.iterations=3")
        assert run(patch, "plan_and_preprocess", root / "raw", "-w", root / "ws", *short) == 0
        assert run(patch, "train", "0", "-w", root / "ws") == 0
    return root
