from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from autoseg.confidence import measure_signs
from autoseg.prediction import Cascade, Decision, Ensemble, Stage, loaded
from autoseg.prediction.sliding.watching import watching
from tests.autoseg.prediction.builders import configure, make_scan, make_volume
from tests.autoseg.prediction.test_memory import make_model, make_networks
from tests.synthetic.heads import plain_scheme


@pytest.mark.parametrize("autocast", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("thresholds", [(), (0.3, 0.2)])
def test_many_labels_are_counted_in_one_look_and_say_the_same_of_a_mask(autocast, thresholds, monkeypatch):
    scheme, scan = plain_scheme(2), make_scan(make_volume()[0])
    (member,) = make_networks(scheme, configure("3d", (1.3, 1.2, 1.1)), 1)
    member = replace(member, window=replace(member.window, autocast=autocast))
    predictor = Cascade(stages=(Stage(configuration="3d", predictor=Ensemble(members=(member,))),))
    model = replace(make_model(predictor, scheme), decision=Decision(thresholds=thresholds))
    exact = model.segment(scan)
    expected = measure_signs(exact, thresholds)
    monkeypatch.setattr(loaded, "MOST_BYTES", 0)
    passes: list[int] = []
    with watching(lambda done, total: passes.append(done)):
        counted = model.segment(scan, rounded=True)
        once = len(passes)
        found = measure_signs(counted, thresholds)
    assert len(passes) == once > 0
    assert counted.tally is not None
    assert exact.labels.any()
    assert np.array_equal(exact.labels, counted.labels)
    assert found == expected
