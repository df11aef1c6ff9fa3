"""Labels that a configuration learns: those of the data set, or some of them, merged or not."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from dataset_fingerprints.dataset import Label, LabelScheme

# Groups of label values; each group is one label of the configuration. Empty for the labels as they are.
Targets = Sequence[Sequence[int]]


def choose_scheme(scheme: LabelScheme, targets: Targets) -> LabelScheme:
    """Return the labels that a configuration learns.

    A group of several labels has the value of its first one, and their names joined by `+`. Labels of no group are
    background; ignored voxels stay ignored.

    Args:
        scheme: of the data set, without regions where there are groups.
        targets: groups of its label values.
    """
    if not targets:
        return scheme
    names = {label.value: label.name for label in scheme.labels}
    merged = (Label(name="+".join(names[value] for value in group), value=group[0]) for group in targets)
    return LabelScheme(labels=tuple(sorted(merged, key=lambda label: label.value)), ignore_value=scheme.ignore_value)


def as_regions(scheme: LabelScheme, targets: Targets) -> LabelScheme:
    """Return what a configuration learns as regions of the data set's labels, in the order of its outputs.

    So several configurations of different labels are put together (`dataset_fingerprints.dataset.join_schemes`).

    Args:
        scheme: of the data set.
        targets: groups of its label values; empty for all labels, each a region of its own.
    """
    chosen = choose_scheme(scheme, targets)
    groups = {group[0]: tuple(group) for group in targets}
    regions = [
        (replace(region, values=groups.get(value, region.values)), value) for region, value in chosen.written_regions()
    ]
    return replace(
        scheme,
        regions=tuple(region for region, _ in regions),
        region_export_order=tuple(value for _, value in regions),
    )


def map_indices(scheme: LabelScheme, targets: Targets) -> tuple[int, ...]:
    """Return for each label index of the data set that of the configuration; empty where they are the same."""
    if not targets:
        return ()
    chosen = choose_scheme(scheme, targets)
    places = {value: index for index, value in enumerate(chosen.known_values())}
    first = {value: group[0] for group in targets for value in group}
    ignored = {scheme.ignore_value: scheme.ignore_value} if scheme.ignore_value is not None else {}
    merged = {0: 0, **first, **ignored}
    return tuple(places[merged.get(value, 0)] for value in scheme.known_values())


def find_target_problems(name: str, targets: Targets, scheme: LabelScheme) -> Iterator[str]:
    """Yield what is wrong with the groups of a configuration.

    Args:
        name: of the configuration.
        targets: its groups.
        scheme: of the data set.
    """
    if not targets:
        return
    shown = f"{name}.targets is {[list(group) for group in targets]}"
    if scheme.regions:
        yield f"{shown}, but the data set has regions. Expected none: targets choose and merge labels."
        return
    values = [value for group in targets for value in group]
    unknown = sorted(set(values) - set(scheme.values()))
    if unknown or not all(targets):
        known = ", ".join(f"{label.value} ({label.name})" for label in scheme.labels)
        yield f"{shown}. Expected groups of values of the labels {known}."
    elif len(set(values)) < len(values):
        yield f"{shown}, which names a label twice. Expected each in one group at most."
