"""Predicted memory of a plan's trainings, in words; written anew after a value was changed."""

from __future__ import annotations

from dataclasses import replace

from dataset_fingerprints.sizes import GIB, show_gib
from planners.choices import resolve
from planners.networks.training_memory import Memory, Shape, describe_execution, predict_memory
from planners.parts import NETWORKS
from planners.plan import Configuration, Decision, Plan
from planners.sizing.growth import list_sizes

FIELD = "memory"
LEAST_SHARE = 0.01  # of the whole: memory below it is not listed
_PARTS = {
    "activations": "activations",
    "passing": "gradients on their way and working memory",
    "parameters": "weights",
    "gradients": "their gradients",
    "optimizer": "the optimiser",
    "copies": "kept copies of the weights",
    "batch": "the batch",
    "context": "the device's libraries",
}


def predict_configuration(plan: Plan, configuration: Configuration) -> Memory:
    """Predict the peak memory of a configuration's training at its largest size, without the training cases."""
    return max((_predict(plan, size) for size in list_sizes(configuration)), key=Memory.total)


def _predict(plan: Plan, configuration: Configuration) -> Memory:
    """Predict the peak memory of steps of the configuration's own size."""
    heads = plan.scheme_of(configuration).heads()
    shape = Shape(
        channels=plan.input_channels(configuration),
        outputs=heads.count(),
        patch=configuration.network_patch(),
        batch_size=configuration.batch_size,
    )
    execution = describe_execution(configuration.training, plan.machine, exclusive=heads.exclusive)
    return predict_memory(resolve(configuration.network, NETWORKS, "network"), shape, execution)


def explain_memory(plan: Plan) -> Plan:
    """Return the plan with one decision per configuration on its predicted memory, in place of earlier ones."""
    fields = {f"{entry.name}.{FIELD}" for entry in plan.configurations}
    kept = tuple(decision for decision in plan.decisions if decision.field not in fields)
    return replace(plan, decisions=kept + tuple(_explain(plan, entry) for entry in plan.configurations))


def _explain(plan: Plan, configuration: Configuration) -> Decision:
    memory = predict_configuration(plan, configuration)
    parts = sorted(_PARTS, key=lambda name: -getattr(memory, name))
    large = [name for name in parts if getattr(memory, name) >= LEAST_SHARE * memory.total()]
    return Decision(
        field=f"{configuration.name}.{FIELD}",
        value=f"{show_gib(memory.total() / GIB)} predicted",
        rule="Everything that is in memory when a training step needs most, counted layer by layer. The waiting "
        "training cases come on top, as far as there is space.",
        evidence=", ".join(f"{_PARTS[name]} {show_gib(getattr(memory, name) / GIB)}" for name in large)
        + f"; planned for {plan.memory_gb:g} GiB",
        change="another patch, batch, network or optimiser",
    )
