"""Check what configurations learn in place of the plan's labels, and who uses the results of whom."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from dataset_fingerprints.dataset import LabelScheme
from planners.plan import Configuration
from planners.stage_inputs import CropTo


def find_learned_problems(scheme: LabelScheme, configurations: Sequence[Configuration]) -> Iterator[str]:
    """Yield what is wrong with the labels that configurations learn, and with the labels that boxes lie around.

    Args:
        scheme: the plan's.
        configurations: of the plan, which name only each other.
    """
    known = {configuration.name: configuration for configuration in configurations}
    for configuration in configurations:
        yield from _find_region_problems(scheme, configuration)
        for crop in configuration.crops():
            yield from _find_crop_problems(scheme, configuration, crop, known[crop.configuration])
        masks = {entry.configuration: "inputs" for entry in configuration.masks()}
        pseudo = configuration.pseudo_labels.configurations if configuration.pseudo_labels else ()
        for name, field in {**masks, **dict.fromkeys(pseudo, "pseudo_labels")}.items():
            if name in known and known[name].labels != configuration.labels:
                yield (
                    f"{configuration.name}.{field} uses masks of {name}, which learns other labels. Expected the same "
                    "`labels` in both, or a box (crop_to) in place of masks."
                )


def _find_region_problems(scheme: LabelScheme, configuration: Configuration) -> Iterator[str]:
    where, values = f"{configuration.name}.labels", set(scheme.values())
    names = [region.name for region in configuration.labels]
    if len(set(names)) < len(names) or not all(names):
        yield f"{where} names {', '.join(names)}. Expected different names."
    for region in configuration.labels:
        if not region.values or len(set(region.values)) < len(region.values) or not set(region.values) <= values:
            yield (
                f"{where}: '{region.name}' is made of {list(region.values)}. Expected some of the labels "
                f"{sorted(values)}, each once."
            )


def _find_crop_problems(
    scheme: LabelScheme, configuration: Configuration, crop: CropTo, other: Configuration
) -> Iterator[str]:
    found = [region.name for region, _ in other.learned(scheme).written_regions()]
    unknown = [name for name in crop.labels if name not in found]
    if unknown:
        yield (
            f"{configuration.name}.inputs: the crop to {other.name} lies around '{unknown[0]}', which that one does "
            f"not find. Expected some of {', '.join(found)}."
        )
