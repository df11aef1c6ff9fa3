from dataclasses import replace

import pytest

from dataset_fingerprints.measuring.intensities import NO_INTENSITIES
from planners import PlanRequest, make_plan
from planners.choices import resolve
from planners.parts import NORMALIZATIONS
from planners.parts.normalizations import CtOptions
from planners.rules.normalization import choose_normalization
from tests.synthetic.fingerprints import SyntheticCase, make_fingerprint, repeat_case
from tests.synthetic.machines import GPU


@pytest.mark.parametrize(
    ("channel", "name"),
    [
        ("CT", "ct"),
        ("ct", "ct"),
        ("T1w", "zscore_body"),
        ("0000", "zscore_body"),
        ("noNorm", "none"),
        ("rescale_to_0_1", "rescale"),
        ("rgb_to_0_1", "scale"),
    ],
)
def test_the_channels_name_chooses(channel: str, name: str) -> None:
    choices, decisions = choose_normalization(
        make_fingerprint([SyntheticCase(body_shape=(9, 9, 9))], channels=[channel])
    )
    assert [choice.name for choice in choices] == [name]
    assert decisions[0].value == name
    resolve(choices[0], NORMALIZATIONS, "normalization")


def test_ct_takes_its_window_from_the_foreground() -> None:
    choices, _ = choose_normalization(make_fingerprint([SyntheticCase(body_shape=(9, 9, 9))], channels=["CT"]))
    assert resolve(choices[0], NORMALIZATIONS, "normalization") == CtOptions(
        lower=50.0, upper=150.0, mean=100.0, sd=20.0
    )


def test_ct_without_any_foreground_is_scored_per_image() -> None:
    fingerprint = make_fingerprint([SyntheticCase(body_shape=(9, 9, 9))], channels=["CT"])
    empty = replace(fingerprint.channels[0], foreground=NO_INTENSITIES)
    choices, _ = choose_normalization(replace(fingerprint, channels=(empty,)))
    assert choices[0].name == "zscore"


def test_ct_whose_foreground_has_a_single_intensity_is_scored_per_image() -> None:
    fingerprint = make_fingerprint([SyntheticCase(body_shape=(9, 9, 9))], channels=["CT"])
    (channel,) = fingerprint.channels
    seen = replace(channel.foreground, percentile_00_5=40.0, percentile_99_5=40.0, mean=40.0, sd=0.0)
    plan = make_plan(
        replace(fingerprint, channels=(replace(channel, foreground=seen),)), PlanRequest(machine=GPU, memory_gb=8.0)
    )
    assert {entry.preprocessing.normalization[0].name for entry in plan.configurations} == {"zscore"}


@pytest.mark.parametrize(
    ("background", "body_share", "name"),
    [(0.0, 0.3, "zscore_body"), (0.0, 0.8, "zscore"), (None, 0.3, "zscore")],
)
def test_body_statistics_need_a_background_and_a_small_body(
    background: float | None, body_share: float, name: str
) -> None:
    case = SyntheticCase(body_shape=(9, 9, 9), background=background, body_share=body_share)
    choices, _ = choose_normalization(make_fingerprint(repeat_case(4, case)))
    assert choices[0].name == name
