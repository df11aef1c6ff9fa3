from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

from autoseg.labelling.state import HeldOutScore, Loop, Round, Training
from autoseg.pipeline.faces import label_face
from autoseg.pipeline.labelling.loop_state import read_loop
from autoseg.progress import SilentProgress
from autoseg.workspace.loop import LoopFolder
from dataset_fingerprints.dataset import Case
from dataset_fingerprints.errors import AutosegError
from dataset_fingerprints.files.jsonfiles import read_json
from experiments.labelling import (
    GAINS,
    SIMULATION,
    Played,
    Setting,
    check_setting,
    compare_ways,
    keep_setting,
    make_scans,
    play_all,
    show_rounds,
)
from planners.run import Run
from tests.synthetic.heads import plain_scheme
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


def played(way: str, seed: int, rounds: tuple[float, ...]) -> Played:
    """Return a loop whose rounds have these scores on each of 20 held-out scans."""
    test = tuple(f"t{number}" for number in range(20))
    cases = tuple(Case(name=name, images=(f"/{name}.nii.gz",), label="/l.nii.gz", subject=name) for name in test)
    return Played(
        way=way,
        seed=seed,
        loop=Loop(
            name="brains",
            channels=("T1w",),
            labels=plain_scheme(1),
            cases=cases,
            test=test,
            rounds=tuple(
                Round(
                    number=number,
                    cases=(),
                    training=Training(),
                    scores=tuple(HeldOutScore(case=case, structure="label 1", dice=dice) for case in test),
                )
                for number, dice in enumerate(rounds, start=1)
            ),
        ),
    )


def test_scans_that_one_model_scored_do_not_count_as_independent() -> None:
    first, *_ = compare_ways([played("random", seed, (0.5, after)) for seed, after in enumerate((0.6, 0.7, 0.5))])
    cells = dict(zip(GAINS, first, strict=True))
    assert (cells["loops"], cells["scans"]) == ("3", "60")
    assert cells["difference of Dice (95 % over scans)"].startswith("+0.100 (+0.0")
    low, high = stats.t.interval(0.95, 2, loc=0.1, scale=0.1 / np.sqrt(3))
    assert cells["95 % over loops"] == f"{low:+.3f} to {high:+.3f}"
    assert cells["paired t over loops, p"] == f"{stats.ttest_1samp([0.1, 0.2, 0.0], 0).pvalue:.2g}"


def test_one_loop_alone_proves_nothing() -> None:
    first, *_ = compare_ways([played("random", 0, (0.5, 0.6))])
    assert first[-2:] == ("-", "-")


def test_rounds_that_only_some_loops_have_are_not_compared() -> None:
    loops = [played("random", 0, (0.5, 0.6, 0.7)), played("order", 0, (0.5, 0.6))]
    assert [row[:2] for row in show_rounds(loops)] == [(way, number) for way in ("random", "order") for number in "12"]
    assert [row[0] for row in compare_ways(loops)] == [
        "random: round 2 minus 1",
        "order: round 2 minus 1",
        "round 2: random minus order",
    ]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"ways": ("uncertainty", "randm")}, "Did you mean 'random'"),
        ({"ways": ("random", "random")}, "count the same loops twice"),
        ({"copies": 3}, "a multiple of the copies"),
        ({"rounds": 6}, "6 rounds choose 10 scans"),
    ],
)
def test_a_setting_that_cannot_be_played_to_its_end_is_refused(changes: dict[str, Any], message: str) -> None:
    check_setting(SETTING)
    with pytest.raises(AutosegError, match=message):
        check_setting(replace(SETTING, **changes))


def test_loops_go_on_in_the_same_setting_only(tmp_path: Path) -> None:
    keep_setting(SETTING, tmp_path)
    keep_setting(replace(SETTING, ways=("order",), seeds=5, rounds=4), tmp_path)
    with pytest.raises(AutosegError, match="another value of count, iterations"):
        keep_setting(replace(SETTING, count=3, iterations=8), tmp_path)


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
    table = label_face.label_table(tmp_path / "0" / "random")
    assert "SIMULATED" in table.remarks[-1]
    assert all(np.isfinite(float(row[3])) for row in table.rows)
    assert read_loop(LoopFolder(root=tmp_path / "0" / "random")).simulated
