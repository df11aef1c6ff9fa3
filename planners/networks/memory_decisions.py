"""What a plan's trainings are predicted to take of the memory, in words; said anew after a value was changed."""

from __future__ import annotations

from dataclasses import replace

from planners.networks.layers import Network, describe_network
from planners.networks.training_memory import GIB, Execution, Memory, predict_memory
from planners.plan import Configuration, Decision, Plan

FIELD = "memory"
LEAST_SHARE = 0.01  # of the whole: parts below it are not listed
_PARTS = {
    "activations": "activations",
    "passing": "gradients on their way and room to work in",
    "parameters": "weights",
    "gradients": "their gradients",
    "optimizer": "the optimiser",
    "average": "averaged weights",
    "batch": "the batch",
    "context": "the device's libraries",
}


def predict_configuration(plan: Plan, configuration: Configuration) -> Memory:
    """Predict the peak memory of a configuration's training, without the training cases."""
    axes = configuration.network_axes()
    patch = tuple(configuration.patch_shape[axis] for axis in axes)
    execution = Execution(
        device=plan.machine.device,
        half=configuration.training.mixed_precision and plan.machine.bfloat16,
        optimizer=configuration.training.optimizer,
        loss=configuration.training.loss,
        exclusive=plan.scheme.heads().exclusive,
        recomputed=configuration.training.recomputed,
    )
    return predict_memory(describe_plans_network(plan, configuration), patch, configuration.batch_size, execution)


def describe_plans_network(plan: Plan, configuration: Configuration) -> Network:
    """Return a configuration's network as far as its costs depend on it."""
    return describe_network(configuration, plan.input_channels(configuration), plan.scheme.heads().count())


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
        value=f"{memory.total() / GIB:.2f} GB predicted",
        rule="Everything that is in memory when a training step needs most, counted layer by layer. The waiting "
        "training cases come on top, as far as there is room.",
        evidence=", ".join(f"{_PARTS[name]} {getattr(memory, name) / GIB:.2f}" for name in large)
        + f"; planned for {plan.memory_gb:g} GB",
        change="another patch, batch, network or optimiser",
    )
