from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from autoseg.models import read_fold
from autoseg.pipeline.folds.out_of_fold import read_probabilities
from autoseg.prediction import NetworkInput, decide, find_box, make_members, quantise
from autoseg.preprocessing import Store, fit_crops, store_key, whole
from autoseg.workspace.workspace import Workspace
from dataset_fingerprints.reading.images import read_label_map
from planners.stage_inputs import CropTo


@pytest.mark.parametrize("threshold", [0.3, 0.5])
def test_what_a_fold_has_found_of_a_case_is_read_again_with_the_box_around_it(trained: Path, threshold: float) -> None:
    workspace = Workspace(root=trained / "ws")
    folder = workspace.fold("default", "3d_fullres", "0")
    model = read_fold(folder)
    (member,) = make_members(model, torch.device("cpu"), mirror=True)
    scheme, configuration = model.run.scheme, model.run.own()
    store = Store(folder=workspace.store(store_key(configuration.preprocessing, scheme)))
    for case in model.run.validation_cases:
        record = store.read_record(case)
        seen = NetworkInput(image=store.read(case)[0], record=record, crop=whole(record))
        predicted = member.predict_prepared(seen)
        stored = read_probabilities(folder.validation, case, scheme, record.source_grid)
        assert torch.allclose(stored.read_box(record.box), predicted.read_box(record.box), atol=1.1 / 255)
        assert np.array_equal(quantise(stored).values, quantise(predicted).values)
        written = read_label_map(folder.validation.mask(case)).voxels[0]
        assert np.array_equal(written, scheme.to_values(decide(predicted)))
        found = find_box(stored, threshold)
        assert found == find_box(quantise(predicted).restore(scheme, record.source_grid), threshold)
        assert found is not None
        crop = CropTo(configuration=configuration.name, margin_mm=0.0, threshold=threshold)
        # The arrays have the scan's own voxels.
        assert fit_crops([(crop, found)], record).box == found.relative_to(record.box)
