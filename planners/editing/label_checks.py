"""Check the labels that boxes around other configurations' results lie around."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from dataset_fingerprints.dataset import LabelScheme
from planners.plan import Configuration
from planners.targets import choose_scheme


def find_box_problems(scheme: LabelScheme, configurations: Sequence[Configuration]) -> Iterator[str]:
    """Yield the labels that configurations crop to and that the other configuration does not find.

    Args:
        scheme: the data set's.
        configurations: of the plan, which name only each other, and learn labels that there are.
    """
    known = {configuration.name: configuration for configuration in configurations}
    for configuration in configurations:
        for crop in configuration.crops():
            learned = choose_scheme(scheme, known[crop.configuration].targets)
            found = [region.name for region, _ in learned.written_regions()]
            unknown = [name for name in crop.labels if name not in found]
            if unknown:
                yield (
                    f"{configuration.name}.inputs: the crop to {crop.configuration} lies around '{unknown[0]}', which "
                    f"that one does not find. Expected some of {', '.join(found)}."
                )
