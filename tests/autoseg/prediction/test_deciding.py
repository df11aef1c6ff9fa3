from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from autoseg.prediction import Decision, Ensemble, Probabilities, StoredLayers, choose_labels, decide
from dataset_fingerprints.errors import PlanError
from dataset_fingerprints.geometry import make_box
from planners.choices import Choice
from tests.autoseg.prediction.builders import SHAPE, configure, constant, make_member, make_scan, make_volume
from tests.synthetic.heads import plain_heads, plain_scheme, region_scheme

BOX = make_box((2, 3, 4), (8, 7, 9))


def chosen(values: list[list[float]], thresholds: tuple[float, ...] = ()) -> list[int]:
    """Return the labels of voxels in a row; each list holds one output."""
    outputs = torch.tensor(values).reshape(len(values), -1, 1, 1)
    return choose_labels(outputs, plain_heads(len(values)), thresholds).flatten().tolist()


def test_the_most_probable_label_marks_and_background_wins_ties() -> None:
    assert chosen([[0.5, 0.2, 0.3, 0.1], [0.5, 0.5, 0.3, 0.1], [0.0, 0.3, 0.4, 0.8]]) == [0, 1, 2, 2]


@pytest.mark.parametrize("outputs", [2, 3, 5, 40])
def test_of_labels_that_are_as_probable_the_first_one_marks(outputs: int) -> None:
    generator = torch.Generator().manual_seed(outputs)
    values = torch.randint(0, 3, (outputs, 20, 21, 22), generator=generator) / 2
    expected = values.numpy().argmax(0)
    assert np.array_equal(choose_labels(values, plain_heads(outputs)).numpy(), expected)


def test_a_label_marks_above_its_threshold_and_the_most_probable_of_several_does() -> None:
    values = [[0.75, 0.5, 0.25, 0.5], [0.25, 0.375, 0.25, 0.125], [0.0, 0.125, 0.5, 0.375]]
    assert chosen(values, (0.25, 0.375)) == [0, 1, 2, 0]
    assert chosen(values, (0.125, 0.125)) == [1, 1, 2, 2]
    assert chosen(values, (0.9, 0.9)) == [0, 0, 0, 0]


def test_a_threshold_of_one_half_for_a_single_label_is_the_usual_rule() -> None:
    label = torch.rand(1000, generator=torch.Generator().manual_seed(0))
    values = torch.stack([1 - label, label])
    assert torch.equal(choose_labels(values, plain_heads(2), (0.5,)), choose_labels(values, plain_heads(2)))


def test_regions_are_written_over_each_other_in_the_stated_order() -> None:
    heads = region_scheme().heads()
    values = torch.tensor([[0.2, 0.7, 0.7, 0.2], [0.2, 0.2, 0.7, 0.7]]).reshape(2, 4, 1, 1)
    assert choose_labels(values, heads).flatten().tolist() == [0, 1, 2, 2]
    assert choose_labels(values, heads, (0.1, 0.8)).flatten().tolist() == [1, 1, 1, 1]
    reversed_order = replace(heads, members=heads.members[::-1], written=heads.written[::-1])
    assert choose_labels(values.flip(0), reversed_order).flatten().tolist() == [0, 1, 1, 2]


def test_there_is_a_threshold_per_label() -> None:
    with pytest.raises(ValueError, match="3 thresholds for 2 labels"):
        decide(constant((0.2, 0.4, 0.4), BOX), Decision(thresholds=(0.5, 0.5, 0.5)))


def test_everything_outside_the_box_is_background() -> None:
    indices = decide(constant((0.2, 0.8), BOX))
    assert indices.shape == SHAPE
    assert indices.dtype == np.uint8
    assert indices[BOX.slices()].all()
    assert indices.sum() == np.prod(BOX.shape())


def lesions() -> Probabilities:
    """Return three lesions of one label: 8 voxels up to 0.9, 27 up to 0.7, 1 of 0.95."""
    values = torch.zeros(2, *SHAPE)
    values[1, 3:5, 3:5, 3:5] = 0.6
    values[1, 4, 4, 4] = 0.9
    values[1, 10:13, 10:13, 10:13] = 0.7
    values[1, 20, 20, 15] = 0.95
    values[0] = 1 - values[1]
    probabilities = constant((1.0, 0.0), make_box((0, 0, 0), SHAPE))
    return replace(probabilities, layers=StoredLayers(values=values))


@pytest.mark.parametrize(
    ("choice", "sizes"),
    [
        (Choice(name="smallest_volume", options={"volume_mm3": 8.0}), [8, 27]),
        (Choice(name="smallest_volume", options={"volume_mm3": 8.1}), [27]),
        (Choice(name="largest_component"), [27]),
        (Choice(name="least_peak", options={"probability": 0.9}), [1, 8]),
        (Choice(name="least_peak", options={"probability": 0.91}), [1]),
    ],
    ids=str,
)
def test_components_are_taken_out_by_volume_and_by_their_peak(
    choice: Choice, sizes: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    for values in (1, 10**9):
        monkeypatch.setattr("autoseg.prediction.probabilities.SLAB_VALUES", values)
        indices = decide(lesions(), Decision(postprocessing=(choice,)))
        assert indices.sum() == sum(sizes)


def test_steps_follow_each_other() -> None:
    small = Choice(name="smallest_volume", options={"volume_mm3": 8.0})
    probable = Choice(name="least_peak", options={"probability": 0.9, "label": "label 1"})
    assert decide(lesions(), Decision(postprocessing=(small, probable))).sum() == 8


def test_an_unknown_label_is_refused_by_name() -> None:
    step = Choice(name="largest_component", options={"label": "lable 1"})
    with pytest.raises(PlanError, match=r"no label or region 'lable 1'\. Did you mean 'label 1'"):
        decide(lesions(), Decision(postprocessing=(step,)))


def test_acvl_utils_finds_the_components_of_a_prediction(monkeypatch: pytest.MonkeyPatch) -> None:
    from acvl_utils.morphology import morphology_helper

    masks = []

    def counting(mask: np.ndarray, connectivity: int) -> object:
        masks.append(mask)
        return label(mask, connectivity)

    label = morphology_helper.cc3d_label_with_component_sizes
    monkeypatch.setattr(morphology_helper, "cc3d_label_with_component_sizes", counting)
    voxels, labels = make_volume()
    voxels[2, 2, 2] = 40
    scheme = plain_scheme(2)
    probabilities = Ensemble(members=(make_member(configure("3d"), scheme),)).predict(make_scan(voxels))
    assert np.array_equal(decide(probabilities) > 0, (labels > 0) | (voxels < 70))
    kept = decide(probabilities, Decision(postprocessing=(Choice(name="largest_component"),)))
    assert np.array_equal(kept, labels)
    assert len(masks) == 2, "one for each label"
