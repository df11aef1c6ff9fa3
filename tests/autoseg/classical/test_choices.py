import pytest

from autoseg.classical import BASELINES, choose_baselines, parse_baseline
from autoseg.classical.clustering import KMeansOptions
from autoseg.classical.threshold import ThresholdOptions
from dataset_fingerprints.errors import PlanError


def test_methods_are_named_with_and_without_options() -> None:
    assert parse_baseline("threshold") == ThresholdOptions()
    assert parse_baseline("threshold:sigmas=2.5") == ThresholdOptions(sigmas=2.5)
    assert parse_baseline("kmeans:clusters=3") == KMeansOptions(clusters=3)


def test_no_name_means_all_methods() -> None:
    assert list(choose_baselines(())) == list(BASELINES)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("treshold", "Did you mean 'threshold'"),
        ("threshold:sigma=2", "Did you mean 'sigmas'"),
        ("threshold:sigmas=many", "Expected a number"),
        ("threshold:sigmas", "Expected a number"),
        ("threshold:sigmas=nan", "Expected a number"),
        ("kmeans:clusters=2.5", "Expected a whole number"),
        ("kmeans:clusters=1", "Expected 2 or more"),
        ("graph_cut:edge_sigmas=0", "edge_sigmas is 0. Expected more than 0"),
        ("region_growing:seeds=3", "no option 'seeds'"),
    ],
)
def test_what_cannot_be_meant_is_refused_by_name(text: str, said: str) -> None:
    with pytest.raises(PlanError, match=said):
        parse_baseline(text)
