"""Figures that other programs gave, as numbers: `python -m experiments peers metrics` makes them anew.

`metric_figures.json` holds those of surface-distance 0.1, panoptica 1.0.1 and 2.1.7, and of the scorers of ISLES'26
(ezequieldlrosa/isles26@91965d0), ISLES'22 (ezequieldlrosa/isles22@31b7c8c) and ATLAS R2.0
(npnl/atlas2_grand_challenge@55b9524), of the pairs made by hand, and of random ones that it holds itself.
"""

from __future__ import annotations

import base64
import json
import math
from pathlib import Path

import numpy as np
import pytest

from autoseg.evaluation import METRICS
from experiments.peers.metric_peers import PEERS, SHAPE, SPACINGS, make_by_hand, make_pair, make_pairs
from planners.choices import resolve

STORED = json.loads((Path(__file__).parent / "metric_figures.json").read_text(encoding="utf-8"))
FIGURES = [(peer, name) for peer in PEERS for name in peer.figures]


def unpack(text):
    bits = np.unpackbits(np.frombuffer(base64.b64decode(text), dtype=np.uint8), count=math.prod(SHAPE))
    return bits.reshape(SHAPE) > 0


@pytest.fixture(scope="module")
def pairs():
    by_hand = [(*pair, SPACINGS[1]) for pair in make_by_hand()]
    random = [
        (unpack(one["prediction"]), unpack(one["reference"]), tuple(one["spacing_mm"])) for one in STORED["random"]
    ]
    return [*by_hand, *random]


@pytest.mark.parametrize(("peer", "name"), FIGURES, ids=[f"{peer.name}-{name}" for peer, name in FIGURES])
def test_metrics_are_those_of_other_programs(pairs, peer, name):
    metric = resolve(peer.figures[name], METRICS, "metric", "test")
    compared = 0
    for masks, theirs in zip(pairs, STORED["figures"][peer.name], strict=True):
        if name in theirs:
            ours = metric.measure(make_pair(masks, soft=name.startswith("soft_"), needs=name == "pr_auc"))
            # Sums over places are taken in another order.
            assert ours == pytest.approx(theirs[name], rel=1e-12, abs=1e-12)
            compared += 1
    assert compared >= 5


def test_both_versions_of_panoptica_differ_in_the_dice_without_a_matched_lesion():
    old, new = (
        [one.get("global_dice_0.25") for one in STORED["figures"][f"panoptica {v}"]] for v in ("1.0.1", "2.1.7")
    )
    apart = [(first, second) for first, second in zip(old, new, strict=True) if first != second]
    assert apart
    assert all(first == 0.0 < second for first, second in apart)


def test_random_pairs_are_the_same_every_time_and_hold_lesions():
    first, second = (list(make_pairs(6)) for _ in range(2))
    assert len(first) == len(list(make_by_hand())) + 6
    for (prediction, reference, spacing_mm), again in zip(first, second, strict=True):
        assert np.array_equal(prediction, again[0])
        assert np.array_equal(reference, again[1])
        assert spacing_mm == again[2]
    assert all(prediction.any() and reference.any() for prediction, reference, _ in first[-6:])
