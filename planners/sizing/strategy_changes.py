"""What rules of strategy change of a plan's basis, where they are on and their conditions hold."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from dataset_fingerprints.errors import PlanError
from planners.choices import Choice
from planners.halves import Halves
from planners.parts.networks.recalibration import AttentionName
from planners.plan import Decision
from planners.rules.strategies import CROPS_PER_CASE, MOST_WEIGHT, STRATEGIES
from planners.rules.strategy_facts import StrategyFacts
from planners.sizing.configurations import Basis

# Normalisations that can take the shading out of a channel.
_SHADED = ("zscore", "zscore_body", "white_stripe", "percentile_range")
_ATTENTION: AttentionName = "squeeze_excitation"


def apply_strategies(basis: Basis, facts: StrategyFacts, chosen: Sequence[str]) -> tuple[Basis, tuple[Decision, ...]]:
    """Return the basis with what rules change that are on and whose conditions hold, and the reasons.

    Args:
        basis: of the configurations.
        facts: of the data set.
        chosen: names of the rules that are on.

    Raises:
        PlanError: two of them contradict each other.
    """
    active = [name for name in chosen if name in CHANGES and facts.find(name).holds]
    if {"dice_focal", "class_weights"} <= {*active}:
        raise PlanError(
            "--rule dice_focal=on and --rule class_weights=on exclude each other: focal loss has no weights of "
            "classes. Take one of them."
        )
    reasons = []
    for name in active:
        before, basis = basis, CHANGES[name](basis, facts)
        reasons += [_explain(name, field, value, facts) for field, value in _list_changes(before, basis)]
    return basis, tuple(reasons)


def leave_out_changed(decisions: Sequence[Decision], changes: Sequence[Decision]) -> tuple[Decision, ...]:
    """Return decisions without those on values that were changed as a whole."""
    whole = tuple(f"{change.field}." for change in changes)
    return tuple(decision for decision in decisions if not f"{decision.field}.".startswith(whole))


def _take_crops(basis: Basis, facts: StrategyFacts) -> Basis:
    patches = Choice(name="crops_on_mask", options={"count": CROPS_PER_CASE})
    return replace(basis, sampling=replace(basis.sampling, patches=patches))


def _take_focal(basis: Basis, facts: StrategyFacts) -> Basis:
    pooled = {name: value for name, value in basis.training.loss.options.items() if name == "batch_dice"}
    return _with_loss(basis, Choice(name="dice_focal", options=pooled))


def _take_weights(basis: Basis, facts: StrategyFacts) -> Basis:
    loss, weights = basis.training.loss, [1.0, *weigh_labels(facts.shares)]
    return _with_loss(basis, Choice(name=loss.name, options={**loss.options, "class_weights": [*weights]}))


def weigh_labels(shares: Sequence[float]) -> tuple[float, ...]:
    """Return for each label how many times less than the most frequent one it fills, at most ten."""
    most = max(shares)
    return tuple(round(min(MOST_WEIGHT, most / share), 2) if share > 0 else MOST_WEIGHT for share in shares)


def _with_loss(basis: Basis, loss: Choice) -> Basis:
    training = replace(basis.training, loss=loss)
    return replace(basis, training=training, resources=replace(basis.resources, training=training))


def _take_attention(basis: Basis, facts: StrategyFacts) -> Basis:
    return replace(basis, rules=basis.rules.with_sizes(lambda sizes: replace(sizes, attention=_ATTENTION)))


def _take_slices(basis: Basis, facts: StrategyFacts) -> Basis:
    return replace(basis, slices_first=True)


def _take_small_box(basis: Basis, facts: StrategyFacts) -> Basis:
    return replace(basis, crops=basis.crops or "low")


def _take_any_box(basis: Basis, facts: StrategyFacts) -> Basis:
    return replace(basis, crops="any")


def _take_halves(basis: Basis, facts: StrategyFacts) -> Basis:
    return basis.divide(Halves()) if basis.halves is None else basis


def _correct_bias(basis: Basis, facts: StrategyFacts) -> Basis:
    choices = tuple(
        replace(choice, options={**choice.options, "bias_correction": True})
        if position in facts.mr_channels and choice.name in _SHADED
        else choice
        for position, choice in enumerate(basis.preprocessing.normalization)
    )
    return replace(basis, preprocessing=replace(basis.preprocessing, normalization=choices))


CHANGES: dict[str, Callable[[Basis, StrategyFacts], Basis]] = {
    "patch_level": _take_crops,
    "dice_focal": _take_focal,
    "squeeze_excitation": _take_attention,
    "thick_slices_2d": _take_slices,
    "tubes_2d": _take_slices,
    "crop_cascade": _take_small_box,
    "bias_correction": _correct_bias,
    "one_side": _take_halves,
    "class_weights": _take_weights,
    "parent_organ": _take_any_box,
}


def _list_changes(before: Basis, after: Basis) -> list[tuple[str, str]]:
    """Return the fields that differ, with their new values; new configurations have reasons of their own."""
    changes = []
    if after.sampling != before.sampling:
        changes.append(("sampling.patches", f"crops_on_mask, {CROPS_PER_CASE} per case"))
    if after.training.loss != before.training.loss:
        weights = after.training.loss.options.get("class_weights")
        value = after.training.loss.name + (f", class weights {weights}" if weights else "")
        changes.append(("training.loss", value))
    if after.rules != before.rules:
        changes.append(("network.options.attention", _ATTENTION))
    if after.preprocessing != before.preprocessing:
        changes.append(("preprocessing.normalization.bias_correction", "on for MR channels"))
    if after.halves != before.halves:
        changes.append(("halves", "left and right, the left one mirrored"))
    return changes


def _explain(name: str, field: str, value: str, facts: StrategyFacts) -> Decision:
    return Decision(
        field=field,
        value=value,
        rule=f"Rule {name}: {STRATEGIES[name].meaning}",
        evidence=facts.find(name).evidence,
        change=f"--rule {name}=off",
    )
