"""Scans like those of a data set are never reported, others are, each for what it is."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from autoseg.simulate import SimulationOptions, image_path, simulate_dataset
from dataset_fingerprints import likeness
from dataset_fingerprints.geometry import make_grid
from dataset_fingerprints.likeness import FACTOR, KnownScans, Traits, advise_on_order, measure_traits
from dataset_fingerprints.measuring.intensities import SKETCH_POINTS
from dataset_fingerprints.measuring.scans import make_scan, read_scan

CHANNELS = ("T1w", "FLAIR")


def sketch(kind: str, seed: int) -> tuple[float, ...]:
    """Return quantiles of three tissues in the order of a contrast, on a scale of the scan's own."""
    rng = np.random.default_rng(seed)
    levels = {"T1w": (30.0, 70.0, 100.0), "FLAIR": (20.0, 110.0, 95.0), "T2w": (300.0, 120.0, 90.0)}[kind]
    counts = rng.normal((0.15, 0.45, 0.4), 0.02).clip(0.05)
    tissues = [rng.normal(level, 6.0, int(20_000 * share)) for level, share in zip(levels, counts, strict=True)]
    points = (np.arange(SKETCH_POINTS) + 0.5) / SKETCH_POINTS
    return tuple(np.quantile(np.concatenate(tissues), points) * rng.uniform(0.5, 5.0))


def traits(seed: int, kinds: tuple[str, ...] = CHANNELS) -> Traits:
    rng = np.random.default_rng(seed)
    return Traits(
        spacing_mm=(1.0, 1.0, float(rng.uniform(1.0, 1.5))),
        extent_mm=tuple(rng.uniform(0.9, 1.1, 3) * (140.0, 175.0, 145.0)),
        body_ml=float(rng.uniform(1100, 1700)),
        sketches=tuple(sketch(kind, 1000 * seed + number) for number, kind in enumerate(kinds)),
    )


def known(count: int = 40, kinds: tuple[str, ...] = CHANNELS, **other: object) -> KnownScans:
    cases = tuple(traits(seed, kinds) for seed in range(count))
    return KnownScans(channels=kinds, cases=cases, **other)  # type: ignore[arg-type]


KNOWN = known()
USUAL = traits(999)


@pytest.mark.parametrize("cases", [1, 2, 7, 8, 20, 40])
def test_scans_of_the_same_kind_are_not_reported(cases):
    some = known(cases)
    lengths = {"spacing_mm": some.cases[0].spacing_mm, "extent_mm": some.cases[0].extent_mm}
    found = [some.compare(replace(traits(seed), **lengths)) for seed in range(500, 540)]
    assert not any(found)


@pytest.mark.parametrize(
    ("changes", "kind", "says"),
    [
        ({"spacing_mm": (2.0, 2.0, 3.0)}, "spacing", "voxels of 2x2x3 mm, in training 1x1x1 to 1x1x1."),
        ({"spacing_mm": (0.5, 1.0, 1.2)}, "spacing", "voxels of 0.5x1x1.2 mm"),
        ({"spacing_mm": (1.0, 1.0, 6.0)}, "spacing", "voxels of 1x1x6 mm"),
        ({"body_ml": 4200.0, "extent_mm": (160.0, 200.0, 220.0)}, "body", "4,200 ml of the scan are not background"),
        ({"body_ml": 15000.0, "extent_mm": (240.0, 240.0, 240.0)}, "body", "is it a whole head"),
        ({"body_ml": 500.0}, "body", "is it skull-stripped"),
        ({"extent_mm": (140.0, 175.0, 40.0), "body_ml": 900.0}, "extent", "the scan covers 140x175x40 mm"),
        ({"sketches": USUAL.sketches[::-1]}, "channels", "its channels look like FLAIR, T1w, where the model expects"),
        ({"sketches": (sketch("T2w", 5), USUAL.sketches[1])}, "intensities", "the intensities of T1w are spread"),
        ({"sketches": (USUAL.sketches[0], sketch("T2w", 5))}, "intensities", "the intensities of FLAIR are spread"),
        (
            {"sketches": (tuple(-v for v in USUAL.sketches[0][::-1]), USUAL.sketches[1])},
            "intensities",
            "inverted or clipped",
        ),
    ],
)
def test_what_is_far_outside_is_named_with_what_was_known_and_what_to_do(changes, kind, says):
    (unlike,) = KNOWN.compare(replace(USUAL, **changes))
    assert unlike.kind == kind
    assert says in unlike.message
    assert "training" in unlike.message or "the model expects" in unlike.message
    assert unlike.message.endswith((".", "?"))


def test_nothing_is_said_where_nothing_can_be_known():
    assert KnownScans(channels=CHANNELS, cases=()).compare(USUAL) == ()
    # Without intensities, as fingerprints of other versions may be; and with flat or absent channels.
    bare = KnownScans(channels=CHANNELS, cases=tuple(replace(case, sketches=((), ())) for case in KNOWN.cases))
    assert bare.compare(USUAL) == ()
    assert KNOWN.compare(replace(USUAL, sketches=(USUAL.sketches[0], ()))) == ()
    assert KNOWN.compare(replace(USUAL, sketches=(USUAL.sketches[0], (5.0,) * SKETCH_POINTS))) == ()
    assert KNOWN.compare(replace(USUAL, sketches=USUAL.sketches[:1])) == ()


def test_two_kinds_of_scans_in_training_are_both_known():
    heads = [replace(case, body_ml=12_000.0, extent_mm=(200.0, 240.0, 250.0)) for case in KNOWN.cases[:20]]
    both = replace_cases(KNOWN, (*heads, *KNOWN.cases[20:]))
    assert both.compare(USUAL) == ()
    assert both.compare(replace(USUAL, body_ml=12_000.0)) == ()
    assert [one.kind for one in both.compare(replace(USUAL, body_ml=12_000.0 * FACTOR * 1.1))] == ["body"]


def replace_cases(scans: KnownScans, cases: tuple[Traits, ...]) -> KnownScans:
    return KnownScans(channels=scans.channels, cases=cases, absolute=scans.absolute)


def test_another_unit_matters_only_for_intensities_that_have_one():
    hounsfield = tuple(np.linspace(-100.0, 300.0, SKETCH_POINTS))
    cases = tuple(replace(case, sketches=(hounsfield,)) for case in KNOWN.cases)
    shifted = replace(USUAL, sketches=(tuple(value + 1024 for value in hounsfield),))
    as_read = KnownScans(channels=("CT",), cases=cases, absolute=(0,))
    (unlike,) = as_read.compare(shifted)
    assert unlike.kind == "scale"
    assert "the median of CT in the body is 1124, in training 100 to 100" in unlike.message
    assert as_read.compare(replace(USUAL, sketches=(hounsfield,))) == ()
    assert KnownScans(channels=("T1w",), cases=cases).compare(shifted) == ()


def test_known_scans_are_looked_at_once_however_many_are_compared_with_them(monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[object] = []
    middle = likeness._middle
    monkeypatch.setattr(likeness, "_middle", lambda sketch: looked.append(sketch) or middle(sketch))
    scans = KnownScans(channels=CHANNELS, cases=KNOWN.cases, absolute=(0,))
    for seed in range(500, 503):
        scans.compare(replace(traits(seed), spacing_mm=KNOWN.cases[0].spacing_mm))
    assert len(looked) == len(KNOWN.cases) + 3, "each scan that is compared is looked at once as well"


def test_channels_of_three_that_are_exchanged_are_found():
    kinds = ("T1w", "FLAIR", "T2w")
    three = known(30, kinds)
    scan = replace(traits(700, kinds), spacing_mm=(1.0, 1.0, 1.2))
    assert three.compare(scan) == ()
    first, second, third = scan.sketches
    (unlike,) = three.compare(replace(scan, sketches=(third, second, first)))
    assert unlike.kind == "channels"
    assert "T2w, FLAIR, T1w, where the model expects T1w, FLAIR, T2w in this order" in unlike.message


def test_large_scans_are_measured_in_part_and_come_out_the_same():
    rng = np.random.default_rng(0)
    voxels = np.zeros((1, 80, 90, 100), dtype=np.float32)
    voxels[0, 10:70, 10:80, 10:90] = rng.normal(100, 10, (60, 70, 80))
    scan = make_scan(voxels, make_grid(voxels.shape[1:], np.diag([2.0, 1.0, 1.0, 1.0])))
    found = measure_traits(scan)
    assert found.spacing_mm == (2.0, 1.0, 1.0)
    assert found.extent_mm == (120.0, 70.0, 80.0)
    assert found.body_ml == pytest.approx(672)
    # Of 336,000 normal values every third is measured: quantiles to a hundredth of the deviation, the outermost less.
    assert found.sketches[0][50] == pytest.approx(100, abs=0.2)
    assert found.sketches[0][5] == pytest.approx(100 - 1.6 * 10, abs=0.5)


@pytest.fixture(scope="module")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Traits]]:
    root, found = tmp_path_factory.mktemp("simulated"), {}
    options = {
        "stripped": SimulationOptions(cases=12, held_out_cases=0, spacing_mm=3.0, seed=1, flair=True),
        "heads": SimulationOptions(cases=2, held_out_cases=0, spacing_mm=3.0, seed=2, flair=True, head=True),
        "coarse": SimulationOptions(cases=2, held_out_cases=0, spacing_mm=6.0, seed=3, flair=True),
    }
    for name, option in options.items():
        dataset = simulate_dataset(root / name, option, lambda _: None)
        first = [image_path(root / name, case) for case in dataset.cases]
        pairs = [(path, Path(str(path).replace("_0000.nii", "_0001.nii"))) for path in first]
        found[name] = [measure_traits(read_scan("a", pair, CHANNELS)) for pair in pairs]
    return found


@pytest.mark.slow
def test_simulated_scans_are_told_apart(simulated):
    new, known_ones = simulated["stripped"][:2], tuple(simulated["stripped"][2:])
    scans = KnownScans(channels=CHANNELS, cases=known_ones)
    for scan in new:
        assert scans.compare(scan) == ()
        (unlike,) = scans.compare(replace(scan, sketches=scan.sketches[::-1]))
        assert unlike.kind == "channels"
    for scan in simulated["heads"]:
        assert [unlike.kind for unlike in scans.compare(scan)] == ["body"]
    for scan in simulated["coarse"]:
        assert "spacing" in [unlike.kind for unlike in scans.compare(scan)]
    heads = KnownScans(channels=CHANNELS, cases=tuple(simulated["heads"]))
    assert [unlike.kind for unlike in heads.compare(new[0])] == ["body"]


@pytest.mark.parametrize(
    ("layout", "place"), [("", "names of its files"), ("csv", "its line in the table"), ("bids", "its folder")]
)
def test_exchanged_channels_are_to_be_looked_for_where_the_data_name_them(layout: str, place: str) -> None:
    assert place in advise_on_order(layout)
