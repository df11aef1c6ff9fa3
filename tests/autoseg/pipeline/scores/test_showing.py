from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from autoseg.pipeline.scores.showing import (
    Amount,
    choose_showing,
    describe_amounts,
    find_stored,
    measure_amounts,
    show_run,
)
from dataset_fingerprints.dataset import Label, LabelScheme, Region
from dataset_fingerprints.fingerprint import drop_cases
from planners.choices import Choice
from planners.plan import Preprocessing
from tests.autoseg.models.portable.builders import configure, train
from tests.synthetic.fingerprints import SyntheticCase, make_fingerprint, make_quantiles

LABELS = LabelScheme(labels=(Label(name="dark", value=3), Label(name="bright", value=700)))
REGIONS = LabelScheme(
    labels=tuple(Label(name=name, value=value) for value, name in enumerate("abc", start=1)),
    regions=(
        Region(name="core", values=(2, 3)),
        Region(name="whole", values=(1, 2, 3)),
        Region(name="rim", values=(3,)),
    ),
    region_export_order=(2, 1, 3),
)


def test_labels_and_regions_are_called_by_their_names():
    labels, regions = (choose_showing(scheme, ("T1w",), None) for scheme in (LABELS, REGIONS))
    assert [labels.name_of(value) for value in (3, 700, 9)] == ["dark", "bright", "9"]
    assert regions.name_of("core") == "core"
    assert labels.note() == ""
    # What lies in others is drawn after them.
    assert [shown.name for shown in regions.shown()] == ["whole", "core", "rim"]


@pytest.mark.parametrize(
    ("contrasts", "channel"),
    [(((-1.0, 3.0),), 1), (((-3.0, 2.0),), 0), (((1.0, 0.0), (0.0, -2.0)), 1), (((1.0, 1.0),), 0)],
)
def test_the_channel_in_which_labels_stand_out_most_is_drawn_and_named(contrasts, channel):
    fingerprint = make_fingerprint(
        [SyntheticCase(body_shape=(9, 9, 9))], channels=("T1w", "FLAIR"), labels=len(contrasts)
    )
    labels = tuple(
        replace(label, contrast=tuple(make_quantiles([value]) for value in values))
        for label, values in zip(fingerprint.labels, contrasts, strict=True)
    )
    summary = drop_cases(replace(fingerprint, labels=labels))
    showing = choose_showing(LABELS, ("T1w", "FLAIR"), summary)
    assert showing.channel == channel
    assert showing.note() == f"Channel: {('T1w', 'FLAIR')[channel]}."


def test_amounts_are_volumes_and_components_of_each_label_or_region():
    labels = np.zeros((9, 9, 9), dtype=np.int16)
    labels[1:3, 1, 1], labels[6, 6, 6], labels[7, 7, 7] = 3, 3, 700
    showing = choose_showing(LABELS, ("T1w",), None)
    assert measure_amounts(labels, showing.targets, (10.0, 10.0, 10.0)) == (
        Amount(ml=3.0, lesions=2, volumes_mm3=(2000.0, 1000.0)),
        Amount(ml=1.0, lesions=1, volumes_mm3=(1000.0,)),
    )
    regions = np.zeros((9, 9, 9), dtype=np.uint8)
    regions[1:4, 1, 1] = (1, 2, 3)
    found = measure_amounts(regions, choose_showing(REGIONS, ("T1w",), None).targets, (10.0, 10.0, 10.0))
    assert [amount.ml for amount in found] == [2.0, 3.0, 1.0]
    nothing = measure_amounts(np.zeros((4, 4, 4), dtype=np.uint8), showing.targets, (1.0, 1.0, 1.0))
    assert nothing == (Amount(ml=0.0, lesions=0),) * 2


def test_amounts_in_words():
    some, none = Amount(ml=12.345, lesions=3), Amount(ml=0.0, lesions=0)
    assert describe_amounts(("dark",), (some,)) == "dark 12.3 ml in 3 lesions"
    assert describe_amounts(("dark", "bright"), (Amount(ml=1234.5, lesions=1), none)) == "dark 1,234 ml · bright 0 ml"
    assert describe_amounts(("dark",), (none,)) == "nothing found"
    assert describe_amounts(("cell",), (Amount(ml=0.001, lesions=1),), pixels=True) == "cell 1 pixel"


def test_of_channels_that_a_network_sees_the_one_of_most_contrast_is_drawn() -> None:
    contrast = (make_quantiles([-3.0]), make_quantiles([0.5]), make_quantiles([1.0]))
    fingerprint = make_fingerprint([SyntheticCase(body_shape=(20, 20, 20))], channels=("ADC", "T1w", "DWI"))
    label = replace(fingerprint.labels[0], contrast=contrast)
    summary = drop_cases(replace(fingerprint, labels=(label,)))
    channels = ("ADC", "T1w", "DWI")
    drawn = [choose_showing(LABELS, channels, summary, seen).channel for seen in (None, (1, 2), (1,))]
    assert drawn == [0, 2, 1]
    assert choose_showing(LABELS, channels, None, (2, 1)).channel == 2


def test_a_drawn_channel_is_found_in_arrays_of_some_channels() -> None:
    preprocessing = Preprocessing(
        spacing_mm=(1.0, 1.0, 1.0), normalization=(Choice(name="zscore"),) * 3, coarse_axis=-1, channels=(2, 1)
    )
    run = train([configure(preprocessing=preprocessing)], channels=("ADC", "T1w", "DWI")).run
    assert [find_stored(run, channel) for channel in (0, 1, 2)] == [0, 1, 0]
    assert show_run(run).channel in (1, 2)
