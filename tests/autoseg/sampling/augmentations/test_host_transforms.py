"""Transforms of batchgenerators: what a plan can name of them, and batches that follow from their parameters."""

from __future__ import annotations

import random
import re
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
import torch

from autoseg import processes
from autoseg.sampling import BatchParameters, BatchRules, PatchGeometry, TrainingCase, hold_voxels, sample_batch
from autoseg.sampling import make_case as make_case_of
from autoseg.sampling.augmentations.host_transforms import build_transform, find_transforms
from dataset_fingerprints.errors import PlanError
from planners.choices import Choice
from tests.autoseg.sampling.builders import CPU, make_batch, make_case, make_geometry, make_rules, standard, with_masks
from tests.synthetic.heads import plain_heads, plain_scheme

GEOMETRIES = {
    "3d": make_geometry(patch_shape=(12, 14, 10), batch_size=6),
    "2d": make_geometry(patch_shape=(12, 1, 14), slice_axis=1, batch_size=6),
}


def pipeline(*transforms: tuple[str, dict[str, Any]]) -> Choice:
    """The augmentation that applies these transforms."""
    listed = [{"name": name, "options": options} for name, options in transforms]
    return Choice(name="batchgenerators", options={"transforms": listed})


def more_da(axes: int, **always: float) -> Choice:
    """nnU-Net v1's `moreDA` behind its SpatialTransform (data_augmentation_moreDA.py of its last release)."""
    gamma = {"gamma_range": [0.7, 1.5], "per_channel": True, "retain_stats": True}
    return pipeline(
        ("GaussianNoiseTransform", {"p_per_sample": 0.1, **always}),
        (
            "GaussianBlurTransform",
            {
                "blur_sigma": [0.5, 1.0],
                "different_sigma_per_channel": True,
                "p_per_sample": 0.2,
                "p_per_channel": 0.5,
                **always,
            },
        ),
        ("BrightnessMultiplicativeTransform", {"multiplier_range": [0.75, 1.25], "p_per_sample": 0.15, **always}),
        ("ContrastAugmentationTransform", {"p_per_sample": 0.15, **always}),
        (
            "SimulateLowResolutionTransform",
            {
                "zoom_range": [0.5, 1],
                "per_channel": True,
                "p_per_channel": 0.5,
                "order_downsample": 0,
                "order_upsample": 3,
                "p_per_sample": 0.25,
                "ignore_axes": None,
                **always,
            },
        ),
        ("GammaTransform", {**gamma, "invert_image": True, "p_per_sample": 0.1, **always}),
        ("GammaTransform", {**gamma, "invert_image": False, "p_per_sample": 0.3, **always}),
        ("MirrorTransform", {"axes": list(range(axes))}),
        ("RemoveLabelTransform", {"remove_label": -1, "replace_with": 0}),
    )


MIRROR = pipeline(("MirrorTransform", {"axes": [0, 1]}))


def readable_case(seed: int = 0) -> TrainingCase:
    """A case whose image shows its labels: the first channel is the label index, the second its negative."""
    label = make_case(shape=(20, 24, 18), seed=seed).voxels.maps[0].numpy()
    label[1:9, 2:11, 3:8] = 1
    image = np.stack([label, -label.astype(np.float32)]).astype(np.float32)
    return make_case_of("readable", hold_voxels(image, label, CPU), label, plain_heads(3))


def draw(cases: list[TrainingCase], rules: BatchRules, seed: int = 3) -> BatchParameters:
    return sample_batch(np.random.default_rng(seed), cases, rules)


class TestPublishedPipelines:
    @pytest.mark.parametrize("geometry", GEOMETRIES.values(), ids=GEOMETRIES.keys())
    @pytest.mark.parametrize("always", [{}, {"p_per_sample": 1.0}], ids=["as published", "always"])
    def test_nnunets_list_runs_and_labels_are_mirrored_with_their_images(self, geometry: PatchGeometry, always) -> None:
        cases, axes = [readable_case(seed) for seed in range(2)], 3 if geometry.slice_axis < 0 else 2
        rules = make_rules(geometry, more_da(axes, **always))
        parameters = draw(cases, rules)
        images, labels = make_batch(parameters, cases, rules)
        plain, before = make_batch(parameters, cases, make_rules(geometry))
        moved = 0
        for image, label, source, old in zip(images, labels, plain, before, strict=True):
            flips = find_flips(old, label)
            assert flips, "the labels are not a mirror image of what was cut"
            # Noise and blur blur the picture; a picture mirrored otherwise would not follow its labels.
            assert max(correlate(image[0], source[0].flip(flip)) for flip in flips) > 0.6
            moved += [] not in flips
        assert moved > 0
        assert (images != plain).any() or not always

    @pytest.mark.parametrize("geometry", GEOMETRIES.values(), ids=GEOMETRIES.keys())
    def test_mirroring_moves_image_labels_and_masks_of_other_configurations_alike(self, geometry) -> None:
        cases = [readable_case(seed) for seed in range(2)]
        cases = [with_masks(case, plain_heads(3), *[case.voxels.maps[0].numpy()] * 2) for case in cases]
        rules = make_rules(geometry, MIRROR)
        parameters = draw(cases, rules)
        images, labels = make_batch(parameters, cases, rules)
        assert torch.equal(images[:, 0].to(torch.uint8), labels)
        for number, index in enumerate((1, 2, 1, 2)):
            assert torch.equal(images[:, 2 + number] > 0, labels == index)
        assert not torch.equal(labels, make_batch(parameters, cases, make_rules(geometry))[1])

    def test_the_spatial_transform_runs_where_it_keeps_the_shape_of_the_patch(self) -> None:
        geometry, cases = GEOMETRIES["3d"], [readable_case()]
        spatial = {
            "patch_size": list(geometry.patch_shape),
            "patch_center_dist_from_border": None,
            "do_elastic_deform": False,
            "angle_x": [-0.5, 0.5],
            "border_mode_data": "constant",
            "border_cval_seg": -1,
            "order_seg": 1,
            "random_crop": False,
        }
        removal = ("RemoveLabelTransform", {"remove_label": -1})
        rules = make_rules(geometry, pipeline(("SpatialTransform", spatial), removal))
        images, labels = make_batch(draw(cases, rules), cases, rules)
        assert images.shape[2:] == labels.shape[1:] == geometry.patch_shape
        rules = make_rules(geometry, pipeline(("SpatialTransform", spatial)))
        with pytest.raises(PlanError, match=r"leave -1 in 'seg'\. Expected indices of labels, 0, 1, 2.*RemoveLabel"):
            make_batch(draw(cases, rules), cases, rules)

    @pytest.mark.parametrize("geometry", GEOMETRIES.values(), ids=GEOMETRIES.keys())
    def test_the_spatial_transform_takes_the_patch_s_own_shape_and_moves_labels_with_their_image(
        self, geometry: PatchGeometry
    ) -> None:
        spatial = {
            "random_crop": False,
            "angle_x": [0.3, 0.3],
            "scale": [0.8, 0.8],
            "alpha": [100.0, 100.0],
            "sigma": [9.0, 9.0],
            "order_data": 0,
            "border_mode_data": "constant",
        }
        cases = [readable_case(seed) for seed in range(2)]
        cases = [with_masks(case, plain_heads(3), case.voxels.maps[0].numpy()) for case in cases]
        rules = make_rules(geometry, pipeline(("SpatialTransform", spatial)))
        parameters = draw(cases, rules)
        images, labels = make_batch(parameters, cases, rules)
        assert torch.equal(images[:, 0].to(torch.uint8), labels)
        assert all(torch.equal(images[:, 1 + index] > 0, labels == index) for index in (1, 2))
        assert not torch.equal(labels, make_batch(parameters, cases, make_rules(geometry))[1])

    def test_brightness_and_contrast_change_images_and_no_labels(self) -> None:
        changes = (
            ("BrightnessMultiplicativeTransform", {"multiplier_range": [0.8, 0.8], "p_per_sample": 1.0}),
            ("ContrastAugmentationTransform", {"contrast_range": [1.2, 1.2], "p_per_sample": 1.0}),
        )
        geometry, cases = GEOMETRIES["2d"], [readable_case()]
        rules, plain = (make_rules(geometry, *augmentations) for augmentations in ((pipeline(*changes),), ()))
        parameters = draw(cases, rules)
        (images, labels), (before, kept) = (make_batch(parameters, cases, chosen) for chosen in (rules, plain))
        assert torch.equal(labels, kept)
        assert not torch.equal(images, before)

    def test_ignored_voxels_keep_their_index(self) -> None:
        label = np.full((20, 24, 18), 3, dtype=np.uint8)
        label[4:8, 5:9, 6:10] = 1
        heads = plain_scheme(2, ignore_value=9).heads()
        cases = [make_case_of("sparse", hold_voxels(label[None].astype(np.float32), label, CPU), label, heads)]
        rules = make_rules(GEOMETRIES["3d"], MIRROR, indices=(0, 1, 3))
        images, labels = make_batch(draw(cases, rules), cases, rules)
        assert torch.equal(images[:, 0].to(torch.uint8), labels)
        assert set(labels.unique().tolist()) == {1, 3}


def find_flips(before: torch.Tensor, after: torch.Tensor) -> list[list[int]]:
    """The axes along which a label map was mirrored; several answers where it is symmetric."""
    subsets = [[axis for axis in range(before.ndim) if number >> axis & 1] for number in range(2**before.ndim)]
    return [axes for axes in subsets if torch.equal(before.flip(axes), after)]


def correlate(first: torch.Tensor, second: torch.Tensor) -> float:
    if second.std() == 0:
        return 1.0
    return float(torch.corrcoef(torch.stack([first.flatten(), second.flatten()]))[0, 1])


class TestRandomness:
    # Noise asks Python's state for its variance and numpy's for its values.
    rules = make_rules(GEOMETRIES["3d"], more_da(3, p_per_sample=1.0))
    cases = tuple(readable_case(seed) for seed in range(2))

    def make(self, parameters: BatchParameters) -> tuple[torch.Tensor, torch.Tensor]:
        return make_batch(parameters, self.cases, self.rules)

    def test_a_batch_follows_from_its_parameters_whatever_the_global_states_are(self) -> None:
        parameters = draw(list(self.cases), self.rules)
        np.random.seed(1)
        random.seed(1)
        first = self.make(parameters)
        np.random.seed(2)
        random.seed(2)
        assert all(map(torch.equal, first, self.make(parameters)))
        others = draw(list(self.cases), self.rules, seed=4)
        assert not torch.equal(first[0], self.make(others)[0])

    def test_the_global_states_are_put_back_also_where_a_transform_fails(self) -> None:
        failing = make_rules(GEOMETRIES["3d"], pipeline(("GaussianNoiseTransform", {"noise_variance": ["a", "b"]})))
        np.random.seed(5)
        random.seed(5)
        expected = np.random.uniform(size=3).tolist(), random.random()
        np.random.seed(5)
        random.seed(5)
        self.make(draw(list(self.cases), self.rules))
        with pytest.raises(PlanError, match="GaussianNoiseTransform failed"):
            make_batch(draw(list(self.cases), failing), self.cases, failing)
        assert (np.random.uniform(size=3).tolist(), random.random()) == expected

    def test_batches_made_in_threads_are_those_made_in_turn(self) -> None:
        parameters = [draw(list(self.cases), self.rules, seed) for seed in range(8)]
        expected = [self.make(one) for one in parameters]
        with ThreadPoolExecutor(4) as pool:
            for first, second in zip(expected, pool.map(self.make, parameters), strict=True):
                assert all(map(torch.equal, first, second))

    def test_several_processes_make_the_samples_that_one_would(self, monkeypatch: pytest.MonkeyPatch) -> None:
        parameters = draw(list(self.cases), self.rules)
        whole = self.make(parameters)
        monkeypatch.setattr(processes, "count", lambda: 2)
        for number in (0, 1):
            monkeypatch.setattr(processes, "number", lambda number=number: number)
            part = self.make(BatchParameters(samples=tuple(processes.part_of(parameters.samples))))
            assert all(torch.equal(all_of_it[number::2], some) for all_of_it, some in zip(whole, part, strict=True))

    def test_a_list_of_augmentations_is_applied_in_its_order(self) -> None:
        brighter = pipeline(("BrightnessTransform", {"mu": 5.0, "sigma": 0.0}))
        clipped = pipeline(("ClipValueRange", {"min": -1.0, "max": 1.0}))
        highest = []
        for augmentations in ((brighter, clipped), (clipped, brighter)):
            rules = make_rules(GEOMETRIES["3d"], *augmentations)
            images, _ = make_batch(draw(list(self.cases), rules), self.cases, rules)
            highest.append(float(images.max()))
        assert highest == [1.0, 6.0]

    def test_standard_beside_transforms_of_batchgenerators_turns_patches_first(self) -> None:
        turned = standard(**dict.fromkeys(("rotation_probability", "scaling_probability"), 1.0), mirror=True)
        rules = make_rules(GEOMETRIES["3d"], MIRROR, turned)
        assert any(sample.cut.spatial.interpolates() for sample in draw(list(self.cases), rules).samples)
        make_batch(draw(list(self.cases), rules), self.cases, rules)


class TestWhatAPlanCanName:
    @pytest.mark.parametrize(
        ("transform", "message"),
        [
            (("GaussianNoise", {}), "there is no transform 'GaussianNoise'. Did you mean 'GaussianNoiseTransform'?"),
            (
                ("GaussianNoiseTransform", {"p_per_samples": 0.1}),
                "GaussianNoiseTransform has no argument 'p_per_samples'. Did you mean 'p_per_sample'?",
            ),
            (("BrightnessTransform", {"mu": 0.0}), "BrightnessTransform needs the argument 'sigma'."),
            (("MirrorTransform", {"axes": [2, 3, 4]}), "MirrorTransform does not take {'axes': [2, 3, 4]}: ValueError"),
            (("Compose", {"transforms": []}), "there is no transform 'Compose'."),
            (("batchgenerators.transforms.color_transforms.GammaTransform", {}), "there is no transform"),
            (("AbstractTransform", {}), "there is no transform 'AbstractTransform'."),
            (("os.system", {}), "there is no transform 'os.system'."),
        ],
    )
    def test_anything_else_is_refused(self, transform: tuple[str, dict[str, Any]], message: str) -> None:
        with pytest.raises(PlanError, match=re.escape(f"plan.json: augmentation batchgenerators: {message}")):
            make_rules(GEOMETRIES["3d"], pipeline(transform))

    def test_every_name_is_a_class_of_the_package(self) -> None:
        known = find_transforms()
        assert {"MirrorTransform", "GammaTransform", "BrightnessGradientAdditiveTransform"} <= set(known)
        assert all(kind.__module__.startswith("batchgenerators.transforms.") for kind in known.values())

    def test_lists_become_tuples_to_any_depth(self) -> None:
        options = {"zoom_range": [[0.5, 1], [0.5, 1], [0.5, 1]]}
        transform = build_transform(Choice(name="SimulateLowResolutionTransform", options=options), (8, 8, 8))
        assert transform.zoom_range == ((0.5, 1), (0.5, 1), (0.5, 1))  # type: ignore[attr-defined]


class TestShapes:
    @pytest.mark.parametrize(
        ("transforms", "message"),
        [
            (
                [("CenterCropTransform", {"crop_size": [6, 6, 6]}), ("GammaTransform", {})],
                "behind CenterCropTransform there is 'data' with the shape 1x2x6x6x6. Expected 1x2x12x14x10",
            ),
            ([("ConvertSegToOnehotTransform", {"classes": [0, 1, 2]})], "there is 'seg' with the shape 1x3x12x14x10"),
            ([("RenameTransform", {"in_key": "seg", "out_key": "target", "delete_old": True})], "there is no 'seg'"),
        ],
    )
    def test_a_list_that_changes_the_shape_is_refused_at_the_first_batch(self, transforms, message: str) -> None:
        cases, rules = [readable_case()], make_rules(GEOMETRIES["3d"], pipeline(*transforms))
        with pytest.raises(PlanError, match=re.escape(message)):
            make_batch(draw(cases, rules), cases, rules)

    def test_a_shape_may_change_on_the_way(self) -> None:
        jitter = [
            ("PadTransform", {"new_size": [16, 18, 14]}),
            ("RandomCropTransform", {"crop_size": [12, 14, 10]}),
            ("NumpyToTensor", {"keys": ["data", "seg"], "cast_to": "float"}),
        ]
        cases, rules = [readable_case()], make_rules(GEOMETRIES["3d"], pipeline(*jitter))
        images, labels = make_batch(draw(cases, rules), cases, rules)
        assert torch.equal(images[:, 0].to(torch.uint8), labels)
