"""Labels that a configuration learns in place of the plan's, and labels that boxes lie around."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dataset_fingerprints.dataset import Region
from dataset_fingerprints.files.jsonfiles import parse_json, to_json
from planners.editing.label_checks import find_learned_problems
from planners.plan import Configuration
from planners.pseudo_labels import PseudoLabels
from planners.stage_inputs import CropTo, MaskOf
from tests.synthetic.configurations import tiny_configuration
from tests.synthetic.heads import plain_scheme, region_scheme

SCHEME = plain_scheme(3)
WHOLE = Region(name="organ", values=(1, 2, 3))


def configure(name: str, *inputs: MaskOf | CropTo, labels: tuple[Region, ...] = ()) -> Configuration:
    return replace(tiny_configuration(), name=name, inputs=inputs, labels=labels)


def crop(*labels: str) -> CropTo:
    return CropTo(configuration="locate", margin_mm=1.0, labels=labels)


def test_a_network_that_learns_labels_as_one_has_one_output_and_writes_its_first_value() -> None:
    learned = configure("locate", labels=(replace(WHOLE, values=(2, 1, 3)),)).learned(SCHEME)
    heads = learned.heads()
    assert (heads.count(), heads.exclusive, heads.members, heads.written) == (1, False, ((2, 1, 3),), (2,))
    assert learned.labels == SCHEME.labels
    assert configure("all").learned(SCHEME) == SCHEME


def test_neither_labels_of_its_own_nor_those_of_a_box_are_written_where_there_are_none() -> None:
    plain = configure("segment", crop())
    assert '"labels"' not in to_json(plain)
    named = configure("segment", crop("organ"), labels=(WHOLE,))
    assert parse_json(to_json(named).encode(), Configuration, "here") == named


@pytest.mark.parametrize(
    ("region", "said"),
    [
        (Region(name="organ", values=()), "is made of []"),
        (Region(name="organ", values=(1, 9)), "is made of [1, 9]. Expected some of the labels [1, 2, 3]"),
        (Region(name="organ", values=(1, 1)), "each once"),
        (Region(name="", values=(1,)), "Expected different names"),
    ],
)
def test_regions_are_made_of_labels_that_there_are(region: Region, said: str) -> None:
    (problem,) = find_learned_problems(SCHEME, [configure("locate", labels=(region,))])
    assert said in problem


def test_a_box_lies_around_labels_that_the_other_one_finds() -> None:
    locate = configure("locate", labels=(WHOLE,))
    assert list(find_learned_problems(SCHEME, [locate, configure("segment", crop("organ"))])) == []
    (problem,) = find_learned_problems(SCHEME, [locate, configure("segment", crop("label 2"))])
    assert problem == (
        "segment.inputs: the crop to locate lies around 'label 2', which that one does not find. Expected some of "
        "organ."
    )
    first = region_scheme().regions[0].name
    assert list(find_learned_problems(region_scheme(), [configure("locate"), configure("segment", crop(first))])) == []


def test_masks_are_shared_among_configurations_of_the_same_labels_only() -> None:
    locate = configure("locate", labels=(WHOLE,))
    mask = MaskOf(configuration="locate")
    (problem,) = find_learned_problems(SCHEME, [locate, configure("segment", mask)])
    assert "segment.inputs uses masks of locate, which learns other labels" in problem
    assert list(find_learned_problems(SCHEME, [locate, configure("segment", mask, labels=(WHOLE,))])) == []
    student = replace(configure("student"), pseudo_labels=PseudoLabels(configurations=("locate",)))
    (problem,) = find_learned_problems(SCHEME, [locate, student])
    assert "student.pseudo_labels uses masks of locate" in problem
