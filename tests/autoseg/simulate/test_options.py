from __future__ import annotations

from pathlib import Path

import pytest

from autoseg.simulate import SimulationOptions, choose_voxels, oddity_kinds, parse_shape, simulate_dataset
from dataset_fingerprints.errors import AutosegError


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (SimulationOptions(cases=0), "0 training"),
        (SimulationOptions(spacing_mm=0.5), "spacing_mm is 0.5"),
        (SimulationOptions(seed=-1), "seed is -1"),
        (SimulationOptions(min_lesion_ml=5.0, max_lesion_ml=2.0), "from 5.0 to 2.0 ml"),
        (SimulationOptions(anisotropic_share=1.5), "anisotropic_share is 1.5"),
        (SimulationOptions(lesion_value=0), "lesion_value is 0"),
        (SimulationOptions(shape=(100, 100)), "shape is 100,100. Choose three lengths from 50"),
        (SimulationOptions(shape=(100, 100, 20)), "shape is 100,100,20"),
        (SimulationOptions(lesion_masks="/nowhere"), "/nowhere: is not a folder"),
        (SimulationOptions(oddities=("shap",)), "no kind of defect called 'shap'. Did you mean 'shape'"),
        (SimulationOptions(oddities=("channel-grid",)), "channel-grid needs a second channel"),
    ],
)
def test_options_that_cannot_be_met_are_refused_before_writing(
    options: SimulationOptions, message: str, tmp_path: Path
) -> None:
    with pytest.raises(AutosegError, match=message):
        simulate_dataset(tmp_path / "out", options)
    assert not (tmp_path / "out").exists()


def test_shape_is_read_from_text_and_refused_if_it_is_not_a_shape() -> None:
    assert parse_shape(None) == ()
    assert parse_shape("197,233,189") == parse_shape("197x233x189") == (197, 233, 189)
    with pytest.raises(AutosegError, match=r"shape is '197,a,3'. Write three numbers"):
        parse_shape("197,a,3")


def test_one_voxel_size_and_a_share_of_others_exclude_each_other() -> None:
    assert choose_voxels(True, None) == "cubic"
    assert choose_voxels(False, None) == "sites"
    assert choose_voxels(False, 0.33) == "thick-slices"
    with pytest.raises(AutosegError, match=r"share of 0.33 were asked for"):
        choose_voxels(True, 0.33)


def test_defects_of_the_second_channel_are_planted_only_where_there_is_one() -> None:
    assert set(oddity_kinds(flair=True)) - set(oddity_kinds(flair=False)) == {"missing-channel", "channel-grid"}
