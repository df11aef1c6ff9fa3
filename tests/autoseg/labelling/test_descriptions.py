from __future__ import annotations

import re

from autoseg.labelling.descriptions import describe_for_itk_snap, make_segments
from dataset_fingerprints.dataset import Label, LabelScheme


def test_a_label_description_has_a_line_per_label_in_the_columns_of_itk_snap() -> None:
    scheme = LabelScheme(labels=(Label(name='the "left" one', value=3), Label(name="vein", value=7)), ignore_value=255)
    text = describe_for_itk_snap(make_segments(scheme))
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    columns = [re.fullmatch(r'\s*(\d+)((?:\s+\d+){3})\s+([01])\s+([01])\s+([01])\s+"([^"]*)"', line) for line in lines]
    assert [(int(found[1]), found[6]) for found in columns if found] == [
        (0, "Clear Label"),
        (3, "the 'left' one"),
        (7, "vein"),
        (255, "ignore"),
    ]
    assert all(0 <= int(part) <= 255 for found in columns if found for part in found[2].split())


def test_many_labels_have_different_colours() -> None:
    scheme = LabelScheme(labels=tuple(Label(name=f"l{value}", value=value) for value in range(1, 60)))
    segments = make_segments(scheme)
    assert len({segment.colour for segment in segments}) == len(segments)
    assert all(0 <= part <= 1 for segment in segments for part in segment.colour)
