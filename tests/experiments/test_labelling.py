from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from autoseg.pipeline.faces import label_face
from autoseg.pipeline.labelling.loop_state import read_loop
from autoseg.progress import SilentProgress
from autoseg.workspace.loop import LoopFolder
from dataset_fingerprints.files.jsonfiles import read_json
from experiments.labelling import SIMULATION, Setting, compare_ways, make_scans, play_all, show_rounds
from planners.run import Run
from tests.synthetic.small_networks import QUICK

SETTING = Setting(
    ways=("uncertainty", "random"),
    seeds=1,
    first=5,
    count=2,
    pool=8,
    copies=2,
    test=5,
    iterations=6,
    assignments=QUICK,
    simulation=replace(SIMULATION, spacing_mm=6.0, min_lesion_ml=10.0),
)


def test_scans_are_the_same_for_the_same_seed_and_copies_differ_by_noise(tmp_path: Path) -> None:
    setting = replace(SETTING, first=1, test=1, pool=2)
    scans = make_scans(setting, 3, tmp_path)
    before = scans.table.read_bytes()
    assert make_scans(setting, 3, tmp_path) == scans
    assert scans.table.read_bytes() == before
    first, copy = scans.truth
    assert copy == f"{first}-copy-1"
    assert scans.truth[first] == scans.truth[copy]


@pytest.mark.slow
def test_loops_of_people_and_networks_are_played_through_and_go_on_where_they_were(tmp_path: Path) -> None:
    played = play_all(SETTING, tmp_path, SilentProgress())
    for one in played:
        loop, folder = one.loop, LoopFolder(root=tmp_path / "0" / one.way)
        assert [len(own.cases) for own in loop.rounds] == [5, 7, 9]
        assert all(len({score.case for score in own.scores}) == 5 for own in loop.rounds)
        chosen = [name for own in loop.rounds for name in (own.choice.names() if own.choice else ())]
        assert len(chosen) == len(set(chosen)) == 4
        assert not {*chosen} & {*loop.test}
        assert all(taken.changes and taken.minutes for taken in loop.accepted)
        hashes = []
        for number in (1, 2, 3):
            workspace = folder.round(number).workspace
            fold = workspace.fold("default", workspace.configuration_names("default")[0], "full")
            run = read_json(fold.run, Run)
            assert not {*run.train_cases} & {*loop.test}
            hashes.append(None if run.start is None else run.start.sha256)
        assert hashes[0] is None
        assert len(set(hashes)) == 3
    uncertain = played[0].loop
    for own in uncertain.rounds[:2]:
        assert own.choice is not None
        # Not a scan and its copy.
        assert len({name.split("-copy-")[0] for name in own.choice.names()}) == 2
        assert all(scan.uncertainty is not None and scan.distance for scan in own.choice.scans)
    states = {path: path.read_bytes() for path in tmp_path.rglob("loop.json")}
    assert play_all(SETTING, tmp_path, SilentProgress()) == played
    assert {path: path.read_bytes() for path in states} == states
    rows = show_rounds(played)
    assert [row[:3] for row in rows[:3]] == [("uncertainty", str(n), str(3 + 2 * n)) for n in (1, 2, 3)]
    assert len(compare_ways(played)) == 2 * 3 + 1
    table = label_face.table(tmp_path / "0" / "random")
    assert "SIMULATED" in table.remarks[-1]
    assert all(np.isfinite(float(row[3])) for row in table.rows)
    assert read_loop(LoopFolder(root=tmp_path / "0" / "random")).simulated
