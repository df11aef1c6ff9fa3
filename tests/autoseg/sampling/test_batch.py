from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch

from autoseg.sampling import BatchParameters, BatchRules, ResidentVoxels, TrainingCase, sample_batch
from autoseg.sampling.augmentations import BUILDERS
from planners.choices import Choice
from planners.parts import AUGMENTATIONS, PATCHES
from tests.autoseg.sampling.builders import (
    BUSY,
    GEOMETRIES,
    example,
    make_batch,
    make_case,
    make_empty_case,
    make_geometry,
    make_rules,
    standard,
)

# Lists of augmentations by what they are.
LISTS = {
    "no list": (),
    **{name: (example(name),) for name in AUGMENTATIONS},
    "standard, always": (standard(**BUSY),),
    "two": (example("batchgenerators"), standard(**BUSY)),
    "two, the other way round": (standard(**BUSY), example("batchgenerators")),
}


@pytest.fixture(scope="module")
def cases() -> list[TrainingCase]:
    return [make_case(channels=2, seed=seed) for seed in range(3)]


@pytest.mark.parametrize("augmentations", LISTS.values(), ids=LISTS.keys())
@pytest.mark.parametrize("geometry", GEOMETRIES.values(), ids=GEOMETRIES.keys())
class TestEveryAugmentation:
    def test_a_batch_has_the_shape_that_the_network_sees(self, augmentations, geometry, cases) -> None:
        rules = make_rules(geometry, *augmentations)
        images, labels = make_batch(draw(cases, rules), cases, rules)
        axes = [edge for axis, edge in enumerate(geometry.patch_shape) if axis != geometry.slice_axis]
        assert images.shape == (geometry.batch_size, 2, *axes)
        assert labels.shape == (geometry.batch_size, *axes)
        assert (images.dtype, labels.dtype) == (torch.float32, torch.uint8)
        assert bool(torch.isfinite(images).all())

    def test_labels_stay_among_the_classes(self, augmentations, geometry, cases) -> None:
        rules = make_rules(geometry, *augmentations)
        _, labels = make_batch(draw(cases, rules), cases, rules)
        assert set(labels.unique().tolist()) <= {0, 1, 2}

    def test_the_same_parameters_give_the_same_batch(self, augmentations, geometry, cases) -> None:
        rules = make_rules(geometry, *augmentations)
        parameters = draw(cases, rules)
        assert parameters == draw(cases, rules)
        for first, again in zip(*(make_batch(parameters, cases, rules) for _ in range(2)), strict=True):
            torch.testing.assert_close(first, again, rtol=0, atol=0)

    def test_a_batch_equals_its_samples_one_by_one(self, augmentations, geometry, cases) -> None:
        rules = make_rules(geometry, *augmentations)
        parameters = draw(cases, rules)
        images, labels = make_batch(parameters, cases, rules)
        for row, sample in enumerate(parameters.samples):
            image, label = make_batch(BatchParameters(samples=(sample,)), cases, rules)
            # A shared box moves float32 coordinates by 1e-5 voxels; gamma then stretches the differences.
            torch.testing.assert_close(images[row], image[0], rtol=1e-3, atol=1e-3)
            torch.testing.assert_close(labels[row], label[0], rtol=0, atol=0)

    def test_the_cases_are_not_changed(self, augmentations, geometry, cases) -> None:
        before = [case.voxels.image.clone() for case in cases]
        rules = make_rules(geometry, *augmentations)
        make_batch(draw(cases, rules), cases, rules)
        assert all(torch.equal(case.voxels.image, image) for case, image in zip(cases, before, strict=True))

    def test_patches_lie_at_the_same_places_as_without_augmentation(self, augmentations, geometry, cases) -> None:
        drawn = [draw(cases, make_rules(geometry, *some)) for some in ((), augmentations)]
        places = [[sample.patch for sample in one.samples] for one in drawn]
        assert places[0] == places[1]

    def test_cases_without_foreground_are_not_an_error(self, augmentations, geometry, cases) -> None:
        empty, rules = [make_empty_case()], make_rules(geometry, *augmentations)
        _, labels = make_batch(draw(empty, rules), empty, rules)
        assert not labels.any()


@pytest.mark.parametrize("name", PATCHES)
@pytest.mark.parametrize("geometry", GEOMETRIES.values(), ids=GEOMETRIES.keys())
class TestEveryPlaceOfPatches:
    def test_patches_lie_in_cases_and_the_same_numbers_place_them_again(self, name: str, geometry, cases) -> None:
        # Boxes of a grid may reach out of a case that they do not fill, but none of them holds nothing of it.
        outside = 1 if name == "grid" else 0
        rules = make_rules(geometry, patches=Choice(name=name))
        parameters = draw(cases, rules)
        assert parameters == draw(cases, rules)
        assert len(parameters.samples) == geometry.batch_size
        for sample in parameters.samples:
            shape = cases[sample.patch.case].voxels.shape
            for start, edge, length in zip(sample.patch.start, geometry.patch_shape, shape, strict=True):
                reach = outside * (edge - 1)
                assert min(0, length - edge) - reach <= start <= max(0, length - edge) + reach
                assert -edge < start < length


def test_something_builds_every_augmentation() -> None:
    assert set(AUGMENTATIONS.values()) == set(BUILDERS.own)


def test_an_empty_list_gives_patches_as_they_are(cases: list[TrainingCase]) -> None:
    batches = []
    for augmentations in ((), (Choice(name="none"),)):
        rules = make_rules(GEOMETRIES["3d"], *augmentations)
        batches.append(make_batch(draw(cases, rules), cases, rules))
    assert all(map(torch.equal, *batches))


def test_without_augmentation_a_2d_sample_is_a_slice(cases: list[TrainingCase]) -> None:
    rules = make_rules(GEOMETRIES["2d"])
    parameters = draw(cases, rules)
    images, labels = make_batch(parameters, cases, rules)
    for row, sample in enumerate(parameters.samples):
        x, y, z = sample.patch.start
        case = cases[sample.patch.case]
        torch.testing.assert_close(images[row], case.voxels.image[:, x : x + 12, y, z : z + 14].float(), rtol=0, atol=0)
        torch.testing.assert_close(labels[row], case.voxels.maps[0][x : x + 12, y, z : z + 14], rtol=0, atol=0)


def test_mirroring_can_be_switched_off(cases: list[TrainingCase]) -> None:
    parameters = draw(cases, make_rules(GEOMETRIES["3d"], standard(mirror=False)))
    assert {sample.cut.spatial.flips for sample in parameters.samples} == {(False, False, False)}


def test_each_intensity_transform_hits_its_share_of_the_samples(cases: list[TrainingCase]) -> None:
    geometry = make_geometry(batch_size=3000)
    artefacts = {"bias": 0.1, "thick_slices": 0.2, "ringing": 0.15, "ghosts": 0.3}
    augmentation = standard(**{f"{name}_probability": share for name, share in artefacts.items()})
    changes = [sample.changes[0] for sample in draw(cases, make_rules(geometry, augmentation)).samples]
    # With two channels at 0.5 each, three quarters of the samples that are hit show it.
    expected = {
        "noise": 0.1,
        "blur": 0.2 * 0.75,
        "brightness": 0.15,
        "contrast": 0.15,
        "low_resolution": 0.25 * 0.75,
        "inverted_gamma": 0.1,
        "gamma": 0.3,
        **artefacts,
    }
    assert set(expected) == {field.name for field in dataclasses.fields(changes[0])}
    for name, share in expected.items():
        hits = np.mean([any(value is not None for value in getattr(change, name)) for change in changes])
        assert abs(hits - share) < 0.042, name  # five standard deviations of 3000 draws at a share of 0.3


def test_resolution_of_a_flat_patch_is_kept_across_its_slices(cases: list[TrainingCase]) -> None:
    parameters = draw(cases, make_rules(GEOMETRIES["flat"], standard(**BUSY)))
    zooms = [zoom for sample in parameters.samples for zoom in sample.changes[0].low_resolution]
    assert all(zoom is not None and zoom[2] == 1.0 and zoom[0] == zoom[1] < 1.0 for zoom in zooms)


def draw(cases: list[TrainingCase], rules: BatchRules) -> BatchParameters:
    return sample_batch(np.random.default_rng([7, 0, 3]), cases, rules)


def move(voxels: ResidentVoxels, device: torch.device) -> ResidentVoxels:
    return ResidentVoxels(image=voxels.image.to(device), maps=tuple(values.to(device) for values in voxels.maps))


@pytest.mark.gpu
def test_a_batch_on_the_gpu_equals_the_one_on_the_host_and_never_waits(cases: list[TrainingCase]) -> None:
    geometry, cuda = GEOMETRIES["3d"], torch.device("cuda")
    # Without noise, whose values depend on the kind of device.
    rules, noisy = (make_rules(geometry, standard(**(BUSY | noise))) for noise in ({"noise_probability": 0.0}, {}))
    parameters = draw(cases, rules)
    resident = [dataclasses.replace(case, voxels=move(case.voxels, cuda)) for case in cases]
    torch.cuda.set_sync_debug_mode("error")
    try:
        images, labels = make_batch(parameters, resident, rules, cuda)
        make_batch(draw(cases, noisy), resident, noisy, cuda)
    finally:
        torch.cuda.set_sync_debug_mode("default")
    expected_images, expected_labels = make_batch(parameters, cases, rules)
    # Nearest labels may differ where a coordinate falls between two voxels.
    assert (labels.cpu() == expected_labels).float().mean() > 0.999
    torch.testing.assert_close(images.cpu(), expected_images, rtol=1e-2, atol=1e-2)


@pytest.mark.parametrize("geometry", ["3d", "2d"])
def test_mirroring_goes_along_the_axes_that_are_named(cases: list[TrainingCase], geometry: str) -> None:
    """The slices are cut across y."""

    def flips(*axes: str) -> set[tuple[bool, bool, bool]]:
        rules = make_rules(dataclasses.replace(GEOMETRIES[geometry], batch_size=200), standard(mirror_axes=list(axes)))
        return {sample.cut.spatial.flips for sample in draw(cases, rules).samples}

    assert flips("left_right") == {(False, False, False), (True, False, False)}
    along_y = {(False, False, False), (False, True, False)} if geometry == "3d" else {(False, False, False)}
    assert flips("anterior_posterior") == along_y
    assert len(flips("left_right", "anterior_posterior", "inferior_superior")) == (8 if geometry == "3d" else 4)
    assert flips() == {(False, False, False)}
