from __future__ import annotations

import numpy as np

from experiments.peers.race import Race


def test_both_sides_are_compared_case_by_case_for_every_label_and_their_mean() -> None:
    ours = np.array([[0.9, 0.7], [0.8, 0.6], [0.7, 0.5]])
    race = Race(labels=("front", "back"), autoseg=ours, nnunet=ours - [0.1, 0.3])
    assert race.rows() == [
        ("front", "0.8000", "0.7000", "+0.1000 (+0.1000 to +0.1000)"),
        ("back", "0.6000", "0.3000", "+0.3000 (+0.3000 to +0.3000)"),
        ("mean", "0.7000", "0.5000", "+0.2000 (+0.2000 to +0.2000)"),
    ]
