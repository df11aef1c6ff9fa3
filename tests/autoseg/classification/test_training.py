"""Training of a classifier on components."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from autoseg.classification import CaseComponents, train_classifier
from autoseg.classification.components import UNTOUCHED
from autoseg.classification.training import Sample, join_components, measure_scaling, weigh_classes
from autoseg.models.lesion_classifier import run_layers
from autoseg.postprocessing.component_features import NAMES
from dataset_fingerprints.errors import DataError
from planners.choices import Choice
from tests.autoseg.classification.made_up import SMALL, make_case

NAMED = ("ms", "stroke")
# As the source states them: two layers of 400 nodes, Adam with a rate of 0.1, 100 epochs.
PUBLISHED = Choice(name="fully_connected", options={"hidden": [400, 400], "epochs": 100, "lr": 0.1})


def with_options(**options: object) -> Choice:
    return Choice(name="fully_connected", options={**SMALL.options, **options})


def find_share_right(method: Choice, cases: list[CaseComponents], others: list[CaseComponents]) -> float:
    trained = train_classifier(method, cases, NAMED, 0)
    found = [run_layers(trained.weights, trained.scaling.apply(case.features)).argmax(1).numpy() for case in others]
    return float(np.mean(np.concatenate(found) == np.concatenate([case.classes for case in others])))


@pytest.mark.parametrize("method", [SMALL, PUBLISHED], ids=["small", "published"])
def test_classes_that_differ_are_told_apart_in_other_cases(method: Choice) -> None:
    cases = [make_case(number, 20) for number in range(10)]
    # With the published rate of 0.1 a few are wrong.
    assert find_share_right(method, cases[:8], cases[8:]) > 0.9


def test_the_same_components_and_seed_give_the_same_weights_and_another_seed_others() -> None:
    cases = [make_case(number) for number in range(4)]
    first, again, other = (train_classifier(SMALL, cases, NAMED, seed) for seed in (0, 0, 1))
    assert all(torch.equal(tensor, again.weights[name]) for name, tensor in first.weights.items())
    assert first.losses == again.losses
    assert not torch.equal(first.weights["0.weight"], other.weights["0.weight"])
    assert len(first.losses) == 100
    assert min(first.losses) < first.losses[0]


def test_batches_of_components_train_as_well() -> None:
    batched = with_options(batch_size=10)
    assert find_share_right(batched, [make_case(number) for number in range(8)], [make_case(8), make_case(9)]) == 1


def test_a_single_epoch_trains() -> None:
    cases = [make_case(number) for number in range(4)]
    slow, fast = (train_classifier(with_options(epochs=1, lr=lr), cases, NAMED, 0) for lr in (0.01, 0.05))
    assert not torch.equal(slow.weights["0.weight"], fast.weights["0.weight"])


@pytest.mark.parametrize("batch_size", [0, 10])
def test_the_weights_are_those_of_the_lowest_loss(batch_size: int) -> None:
    cases = [make_case(number) for number in range(8)]
    trained = train_classifier(with_options(batch_size=batch_size), cases, NAMED, 0)
    sample = join_components(cases, NAMED, removed=False)
    logits = run_layers(trained.weights, trained.scaling.apply(sample.features))
    loss = torch.nn.functional.cross_entropy(logits, torch.from_numpy(sample.classes), weigh_classes(sample))
    assert float(loss) == pytest.approx(min(trained.losses), rel=1e-5, abs=1e-7)  # single precision


def test_a_training_that_diverges_is_said() -> None:
    with pytest.raises(DataError, match=r"not a finite number after any of 100 epochs with lr 1e\+30. Set a smaller"):
        train_classifier(with_options(lr=1e30), [make_case(number) for number in range(4)], NAMED, 0)


def test_classes_weigh_the_same_however_many_components_they_have() -> None:
    sample = Sample(features=np.zeros((8, len(NAMES))), classes=np.array([0] * 6 + [1] * 2), count=2)
    # 8 components, 2 classes: 8 / (2 * 6) and 8 / (2 * 2).
    assert weigh_classes(sample).tolist() == pytest.approx([2 / 3, 2])


def test_features_are_scaled_to_mean_0_and_deviation_1_and_constant_ones_to_0() -> None:
    features = np.random.default_rng(0).uniform(1, 1000, (50, len(NAMES)))
    features[:, 3] = 7
    scaled = measure_scaling(features, ("voxels",)).apply(features).double().numpy()
    assert scaled.mean(axis=0) == pytest.approx(np.zeros(len(NAMES)), abs=1e-5)  # single precision
    assert np.delete(scaled.std(axis=0), 3) == pytest.approx(np.ones(len(NAMES) - 1), abs=1e-5)
    assert not scaled[:, 3].any()


def test_false_components_are_left_out_or_a_class_of_their_own() -> None:
    case = make_case(0)
    cases = [replace(case, classes=np.array([0, 0, 1, 1, UNTOUCHED, UNTOUCHED]))]
    assert join_components(cases, NAMED, removed=False).classes.tolist() == [0, 0, 1, 1]
    kept = join_components(cases, NAMED, removed=True)
    assert (kept.classes.tolist(), kept.count) == ([0, 0, 1, 1, 2, 2], 3)
    assert join_components([make_case(0), make_case(1)], NAMED, removed=True).count == 2


def test_a_class_without_components_is_named() -> None:
    with pytest.raises(DataError, match="no component of class stroke"):
        train_classifier(SMALL, [make_case(0)], NAMED, 0)
    with pytest.raises(DataError, match="only the class ms"):
        train_classifier(SMALL, [make_case(0)], ("ms",), 0)
