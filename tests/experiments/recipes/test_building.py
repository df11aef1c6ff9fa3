"""What several recipes make of a planner's plan."""

from __future__ import annotations

import pytest

from dataset_fingerprints.dataset import Label
from experiments.recipes.building import CHANGES, count_training_cases, keep_changes, make_unet, name_labels
from planners.choices import resolve
from planners.parts import AUGMENTATIONS
from planners.splits import make_splits
from tests.synthetic.fingerprints import SyntheticCase, make_fingerprint, repeat_case


@pytest.mark.parametrize("cases", [2, 3, 5, 12, 30])
def test_as_many_cases_are_counted_as_a_fold_trains_on(cases: int) -> None:
    fingerprint = make_fingerprint(repeat_case(cases, SyntheticCase(body_shape=(20, 20, 20))))
    folds = make_splits(fingerprint, 0, "by_subject").folds
    assert count_training_cases(fingerprint) in {len(fold.train) for fold in folds}


def test_labels_are_called_by_their_names_as_far_as_these_differ() -> None:
    labels = [Label(name=name, value=value) for value, name in enumerate(("liver", "a/b", "A b", "胰腺"), start=1)]
    assert name_labels(labels) == {1: "liver", 2: "label_2", 3: "label_3", 4: "label_4"}
    labels = [Label(name=name, value=value) for value, name in enumerate(("Label_2", "a b", "a_b"), start=1)]
    assert name_labels(labels) == {1: "label_1", 2: "label_2", 3: "label_3"}


def test_changes_that_are_not_kept_never_happen_and_options_count_over_those_of_nnunet() -> None:
    options = resolve(keep_changes("noise", noise_probability=1.0, mirror_axes=["left_right"]), AUGMENTATIONS, "")
    chances = {change: getattr(options, f"{change}_probability") for change in CHANGES}
    assert chances == {change: float(change == "noise") for change in CHANGES}
    assert options.mirror_axes == ("left_right",)  # type: ignore[attr-defined]


def test_a_u_net_halves_between_its_levels_along_every_axis_that_it_sees() -> None:
    unet = make_unet((8, 16, 32), axes=2)
    assert unet.strides == ((1, 1), (2, 2), (2, 2))
    assert unet.kernels == ((3, 3),) * 3
    assert (unet.encoder_blocks, unet.decoder_blocks) == ((2, 2, 2), (2, 2))
    assert make_unet((8, 16), axes=3, stride=3).strides == ((1, 1, 1), (3, 3, 3))
