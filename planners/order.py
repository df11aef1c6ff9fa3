"""Order in which configurations have to be trained: they use each other's masks, boxes and weights."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from dataset_fingerprints.errors import PlanError, did_you_mean
from planners.plan import Configuration


def find_configuration(configurations: Sequence[Configuration], name: str, where: str) -> Configuration:
    """Return a configuration by name.

    Args:
        configurations: of a plan.
        name: of one of them.
        where: the name was given, for the message.

    Raises:
        PlanError: there is none of that name.
    """
    for configuration in configurations:
        if configuration.name == name:
            return configuration
    known = [configuration.name for configuration in configurations]
    raise PlanError(f"{where}: has no configuration '{name}'. {did_you_mean(name, known)}")


def order_by_need(
    configurations: Sequence[Configuration], names: Sequence[str], where: str
) -> tuple[Configuration, ...]:
    """Return configurations and all that they need, each behind those that it needs.

    Args:
        configurations: of a plan.
        names: of those that are wanted.
        where: the configurations come from, for messages.

    Raises:
        PlanError: a name is unknown, or configurations need each other in a circle, which is named.
    """
    found: dict[str, Configuration] = {}

    def visit(name: str, path: tuple[str, ...]) -> None:
        if name in found:
            return
        if name in path:
            circle = " -> ".join((*path[path.index(name) :], name))
            raise PlanError(f"{where}: configurations need each other in a circle: {circle}. Take one input away.")
        configuration = find_configuration(configurations, name, f"{where}, needed by {path[-1]}" if path else where)
        for needed in configuration.needs():
            visit(needed, (*path, name))
        found[name] = configuration

    for name in names:
        visit(name, ())
    return tuple(found.values())


def find_order_problems(configurations: Sequence[Configuration]) -> Iterator[str]:
    """Yield what is wrong with the configurations' names and with what they need of each other."""
    names = [configuration.name for configuration in configurations]
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield f"there are {names.count(name)} configurations '{name}'. Expected different names."
    try:
        order_by_need(configurations, names, "the plan")
    except PlanError as error:
        yield str(error)
        return
    for configuration in configurations:
        yield from _find_pseudo_label_problems(configuration, configurations)


def _find_pseudo_label_problems(configuration: Configuration, known: Sequence[Configuration]) -> Iterator[str]:
    """Yield what is wrong with a configuration's pseudo-labels; all configurations that it names are known."""
    chosen, name = configuration.pseudo_labels, configuration.name
    if chosen is None:
        return
    if not 0 <= chosen.least_confidence <= 1:
        yield f"{name}.pseudo_labels.least_confidence is {chosen.least_confidence:g}. Expected 0 to 1."
    if not chosen.configurations or len(set(chosen.configurations)) < len(chosen.configurations):
        named = ", ".join(chosen.configurations) or "none"
        yield f"{name}.pseudo_labels.configurations holds {named}. Expected one or more, each once."
    # Scans without labels are in no fold, so that nothing is found in them that others could look at.
    if configuration.inputs:
        yield f"{name} has pseudo_labels and inputs. Expected one of them: it sees results of labelled cases only."
    for other in known:
        if other.name in chosen.configurations and other.inputs:
            yield (
                f"{name}.pseudo_labels names {other.name}, which needs inputs from other configurations. Expected "
                "configurations that see the scan alone."
            )
        if other.name in chosen.configurations and other.targets != configuration.targets:
            yield f"{name}.pseudo_labels names {other.name}, which learns other labels. Expected the same targets."
