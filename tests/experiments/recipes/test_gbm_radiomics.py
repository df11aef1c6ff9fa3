"""The recipe gbm_radiomics, beside what its source says (section 4.4 of the thesis)."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import nibabel
import numpy as np
import pytest
import torch
from torch import nn

from autoseg.networks import build_network
from autoseg.radiomics import FAMILIES, RadiomicsOptions, family_of, measure_features
from autoseg.workspace.workspace import Workspace
from dataset_fingerprints.errors import PlanError
from dataset_fingerprints.publications import expand, read_published
from experiments.recipes.gbm_radiomics import FEATURES, GBM_RADIOMICS, KEPT, NAME
from planners.choices import resolve
from planners.networks.training_memory import Shape, describe_execution, predict_memory
from planners.parts import NETWORKS, NORMALIZATIONS
from planners.plan import Plan
from planners.planner import PlanRequest
from planners.presets import make_plan
from tests.autoseg.radiomics.lesions import SHAPE, jitter, lesion
from tests.synthetic.commands import run
from tests.synthetic.machines import BFLOAT16_CPU, GPU
from tests.synthetic.scans import affine_of, write_description, write_nifti
from tests.synthetic.small_networks import as_options


def make(data: str = "atlas_r2_mni", **changes: object) -> Plan:
    request = replace(PlanRequest(machine=GPU, memory_gb=12.0, planner=NAME), **changes)  # type: ignore[arg-type]
    return make_plan(expand(read_published(data)), request)


@pytest.mark.parametrize("machine", [GPU, BFLOAT16_CPU])
def test_scans_are_resampled_to_1_mm_corrected_and_normalised_by_white_stripe(machine) -> None:
    """Source: `resampling to 1 x 1 x 1 mm`; `Bias field correction and intensity normalization`, `WhiteStripe`."""
    (configuration,) = make(machine=machine, data="isles_2mm").configurations
    assert configuration.preprocessing.spacing_mm == (1.0, 1.0, 1.0)
    assert configuration.preprocessing.coarse_axis == -1
    (stripe,) = configuration.preprocessing.normalization
    options = resolve(stripe, NORMALIZATIONS, "normalization")
    assert (stripe.name, options.peak, options.bias_correction) == ("white_stripe", "last", True)  # type: ignore[attr-defined]


def test_channels_beside_the_t1_scan_have_the_stripe_of_their_kind() -> None:
    """Source: `WhiteStripe packages` of R: the last peak of T1-weighted scans, the largest of T2-weighted and FLAIR."""
    published = replace(read_published("isles_2mm"), channels=("T1ce", "T2w", "FLAIR"))
    plan = make_plan(expand(published), PlanRequest(machine=GPU, memory_gb=12.0, planner=NAME))
    stripes = plan.configurations[0].preprocessing.normalization
    peaks = [resolve(stripe, NORMALIZATIONS, "normalization").peak for stripe in stripes]  # type: ignore[attr-defined]
    assert peaks == ["last", "largest", "largest"]


def test_the_network_is_a_3d_u_net_with_squeeze_and_excitation_that_fits_a_card_of_12_gib() -> None:
    """Source: `3D U-Net with SE building blocks`."""
    (configuration,) = make().configurations
    with torch.device("meta"):
        network = build_network(configuration, 1, 2)
    kinds = [type(module).__name__ for module in network.modules()]
    # One at the end of each of five levels of the encoder and four of the decoder.
    assert kinds.count("SqueezeExcitation") == 9
    assert sum(isinstance(module, nn.Conv3d | nn.ConvTranspose3d) for module in network.modules()) > 18
    options = resolve(configuration.network, NETWORKS, "network")
    layers = options.layers(1, 2, configuration.network_patch())
    assert layers.parameters() == sum(parameter.numel() for parameter in network.parameters())
    shape = Shape(channels=1, outputs=2, patch=configuration.network_patch(), batch_size=configuration.batch_size)
    execution = describe_execution(configuration.training, GPU, exclusive=True)
    assert 4 < predict_memory(options, shape, execution).total() / 2**30 < 12


def test_slices_are_refused() -> None:
    published = replace(read_published("isles_2mm"), shape=(200, 200, 1))
    with pytest.raises(PlanError, match="Expected scans in 3D"):
        make_plan(expand(published), PlanRequest(machine=GPU, memory_gb=12.0, planner=NAME))


def test_what_was_published_is_the_text_of_the_section() -> None:
    """Source: `seven volumes and shape features, 17 first-order features, 162 texture features, and 1432`; 1618."""
    assert sum(FEATURES.values()) == 1618
    assert FEATURES["wavelet"] == 1432
    values = {figure.of: figure.value for figure in GBM_RADIOMICS.published}
    assert [values[f"texture features, {when} treatment"] for when in ("before", "after")] == ["79.0", "69.1"]
    assert values["external, second of two that are not named"] == "0.65 (0.46-0.84)"
    assert values["internal, first of two that are not named"] == "0.81 (0.64-0.99)"
    assert values["internal, second of two that are not named"] == "0.81 (0.60-1.00)"
    assert len(GBM_RADIOMICS.published) == 2 * len(KEPT) + 1 + 6


@pytest.mark.slow
def test_ours_has_as_many_features_as_its_deviations_say() -> None:
    pytest.importorskip("mirp")
    found = measure_features(*lesion(0), (1.0, 1.0, 1.0), RadiomicsOptions())
    counts = [sum(family_of(name) == family for name in found) for family in FAMILIES]
    assert counts == [25, 18, 95, (18 + 95) * 8]
    assert f"{sum(counts)} in all" in GBM_RADIOMICS.deviations[0]


SMALL = (
    "training.iterations=3",
    "training.validation_rounds=0",
    "training.compiled=false",
    "patch_shape=[16,16,16]",
    "batch_size=1",
    "network.options.features=[4,8]",
    "network.options.kernels=[[3,3,3],[3,3,3]]",
    "network.options.strides=[[1,1,1],[2,2,2]]",
    "network.options.encoder_blocks=[1,1]",
    "network.options.decoder_blocks=[1]",
    "prediction.step_share=1.0",
    "prediction.mirror_axes=[]",
)
CASES = 8


@pytest.mark.long
def test_a_small_one_is_trained_predicts_and_its_masks_are_judged_by_their_features(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("mirp")
    raw, workspace = tmp_path / "raw", Workspace(root=tmp_path / "ws")
    for number in range(CASES):
        voxels, mask = lesion(number, rough=number % 2 == 0)
        write_nifti(raw / "imagesTr" / f"sub-{number}_0000.nii.gz", voxels, affine_of())
        write_nifti(raw / "labelsTr" / f"sub-{number}.nii.gz", mask.astype(np.uint8), affine_of())
    write_description(raw, {"background": 0, "tumour": 1}, ("T1w",), CASES)
    plan = ("plan_and_preprocess", raw, "--planner", NAME, *as_options(*SMALL), "-w", workspace.root)
    assert run(monkeypatch, *plan) == 0
    assert run(monkeypatch, "train", "0", "-w", workspace.root) == 0
    scan = raw / "imagesTr" / "sub-0_0000.nii.gz"
    assert run(monkeypatch, "predict", scan, "-o", tmp_path / "predicted.nii.gz", "-w", workspace.root) == 0
    assert nibabel.load(tmp_path / "predicted.nii.gz").shape == SHAPE
    # Three steps find nothing of use: another reader's masks stand for what a network finds.
    for number in range(CASES):
        mask = jitter(lesion(number)[1], number, 0.2)
        write_nifti(tmp_path / "masks" / f"sub-{number}.nii.gz", mask.astype(np.uint8), affine_of())
    measured = ("--no-wavelets", "--normalization", "white_stripe", "--bias-correction")
    for kind, place in (("human", raw / "labelsTr"), ("automatic", tmp_path / "masks")):
        assert run(monkeypatch, "radiomics", place, raw / "imagesTr", "-o", tmp_path / f"{kind}.csv", *measured) == 0
    rows = "\n".join(f"sub-{number},{number % 2},{'pre' if number < 5 else 'post'}" for number in range(CASES))
    (tmp_path / "outcomes.csv").write_text(f"case,responded,time\n{rows}\n")
    compare = ("radiomics-compare", tmp_path / "human.csv", tmp_path / "automatic.csv", "-o", tmp_path / "found.json")
    columns = ("--outcomes", tmp_path / "outcomes.csv", "--outcome", "responded", "--by", "time", "--folds", "2")
    assert run(monkeypatch, *compare, *columns) == 0
    found = json.loads((tmp_path / "found.json").read_text(encoding="utf-8"))
    assert set(found["shares"]) == {"all", "pre", "post"}
    assert [share["family"] for share in found["shares"]["all"]] == ["shape", "first_order", "texture"]
    assert found["areas"]["all"]["first"]["positives"] == CASES // 2
