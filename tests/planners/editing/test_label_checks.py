"""Labels that boxes lie around."""

from __future__ import annotations

from dataclasses import replace

from dataset_fingerprints.files.jsonfiles import parse_json, to_json
from planners.editing.label_checks import find_box_problems
from planners.plan import Configuration
from planners.stage_inputs import CropTo
from tests.synthetic.configurations import tiny_configuration
from tests.synthetic.heads import plain_scheme, region_scheme

SCHEME = plain_scheme(3)


def configure(name: str, *inputs: CropTo, targets: tuple[tuple[int, ...], ...] = ()) -> Configuration:
    return replace(tiny_configuration(), name=name, inputs=inputs, targets=targets)


def crop(*labels: str) -> CropTo:
    return CropTo(configuration="locate", margin_mm=1.0, labels=labels)


def test_the_labels_of_a_box_are_not_written_where_they_are_all() -> None:
    assert '"labels"' not in to_json(configure("segment", crop()))
    named = configure("segment", crop("label 2"))
    assert parse_json(to_json(named).encode(), Configuration, "here") == named


def test_a_box_lies_around_labels_that_the_other_one_finds() -> None:
    locate = configure("locate", targets=((1, 2),))
    assert list(find_box_problems(SCHEME, [locate, configure("segment", crop("label 1+label 2"))])) == []
    (problem,) = find_box_problems(SCHEME, [locate, configure("segment", crop("label 3"))])
    assert problem == (
        "segment.inputs: the crop to locate lies around 'label 3', which that one does not find. Expected some of "
        "label 1+label 2."
    )
    assert list(find_box_problems(SCHEME, [configure("locate"), configure("segment", crop("label 3"))])) == []
    first = region_scheme().regions[0].name
    assert list(find_box_problems(region_scheme(), [configure("locate"), configure("segment", crop(first))])) == []
