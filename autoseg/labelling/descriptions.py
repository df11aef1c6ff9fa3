"""Names and colours of labels for the programs that people edit masks with."""

from __future__ import annotations

from collections.abc import Sequence

from dataset_fingerprints.dataset import LabelScheme
from dataset_fingerprints.geometry import TripleFloat
from dataset_fingerprints.reading.segmentations import Segment

# Told apart by colour-blind people (after Okabe 2008); from the ninth on, steps of the golden section.
_COLOURS = (
    (255, 90, 54),
    (53, 180, 255),
    (255, 210, 31),
    (47, 214, 160),
    (255, 138, 216),
    (195, 155, 255),
    (255, 169, 77),
    (155, 225, 93),
)
_HEAD = """################################################
# Labels of autoseg, for ITK-SNAP: Segmentation > Import label descriptions
# value   red green blue   opacity  visible  in 3D   name
################################################
"""


def make_segments(scheme: LabelScheme) -> tuple[Segment, ...]:
    """Return the labels of a data set with a colour each, the value of unlabelled voxels among them."""
    named = [(label.name, label.value) for label in scheme.labels]
    named += [] if scheme.ignore_value is None else [("ignore", scheme.ignore_value)]
    return tuple(
        Segment(name=name, value=value, colour=_choose_colour(place)) for place, (name, value) in enumerate(named)
    )


def describe_for_itk_snap(segments: Sequence[Segment]) -> str:
    """Return the text of a label description file of ITK-SNAP, the line of the background first."""
    lines = [f'{0:>5}   {0:>5} {0:>4} {0:>4}  {0:>8}  {0:>6}  {0:>4}    "Clear Label"']
    for segment in segments:
        red, green, blue = (round(255 * part) for part in segment.colour)
        name = segment.name.replace('"', "'")
        lines.append(f'{segment.value:>5}   {red:>5} {green:>4} {blue:>4}  {1:>8}  {1:>6}  {1:>4}    "{name}"')
    return _HEAD + "\n".join(lines) + "\n"


def _choose_colour(place: int) -> TripleFloat:
    if place < len(_COLOURS):
        red, green, blue = _COLOURS[place]
        return (red / 255, green / 255, blue / 255)
    import colorsys

    return colorsys.hsv_to_rgb(place * 0.618034 % 1.0, 0.55 + 0.4 * (place % 2), 1.0)
