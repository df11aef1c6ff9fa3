"""The functions of the labelling loop take its folder first."""

from __future__ import annotations

from pathlib import Path

from autoseg.pipeline.faces import label_face
from tests.autoseg.pipeline.labelling.loops import choose


def test_a_loop_that_is_given_first_is_taken_for_the_loop_and_not_for_masks(tmp_path: Path) -> None:
    made = choose(tmp_path)
    assert len(label_face.label_accept(made.loop.root, allow=("unchanged",)).taken) == 3
