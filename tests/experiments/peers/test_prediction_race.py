"""The race of predictions: what of it does not need nnU-Net."""

from __future__ import annotations

from experiments.peers.measuring import Cost
from experiments.peers.prediction_race import RACE, RACE_ON_GPU, Predicted


def test_ratios_are_ours_over_theirs() -> None:
    ours, theirs = (
        Cost(wall_seconds=wall, cpu_seconds=2 * wall, largest_process_gb=1.0, all_processes_gb=memory)
        for wall, memory in ((10.0, 1.0), (40.0, 4.0))
    )
    row = Predicted(scan="a", flips=True, way="command", autoseg=ours, nnunet=theirs, seconds=(5.0, 10.0)).row()
    assert row[:3] == ("a", "flips", "its command")
    assert (row[5], row[6], row[7], row[-1]) == ("0.50", "0.25", "0.25", "0.25")


def test_the_race_on_a_card_has_the_same_scans_and_a_network_worth_a_card() -> None:
    assert (RACE_ON_GPU.scans, RACE_ON_GPU.device) == (RACE.scans, "cuda")
    assert RACE_ON_GPU.number != RACE.number
    assert max(RACE_ON_GPU.features) > max(RACE.features)
