"""A plan whose network sees a data set as a trained model saw its own, so that all of its weights fit."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from dataset_fingerprints.geometry import show_lengths, show_spacing
from planners.choices import Choice, resolve
from planners.editing.contradictions import refuse_contradictions
from planners.editing.plan_checks import check_plan
from planners.networks.memory_decisions import explain_memory
from planners.parts import NETWORKS, OPTIMIZERS
from planners.plan import Configuration, Decision, Plan, Preprocessing, Training
from planners.run import Run
from planners.stage_inputs import CropTo, MaskOf
from planners.start import match_tasks

# Of the planner's learning rate, and of the training's steps. At the rate that random weights need, more steps left
# less of what a model knew (experiments/LOG.md, "Starting from a trained model").
RATE_SHARE = 0.1
WARMUP_SHARE = 0.1
_LR = "lr"
_CHANGE = "another model, or a plan of its own (without --like)"


@dataclass(frozen=True, kw_only=True, slots=True)
class Followed:
    """Trained model that a plan follows.

    Attributes:
        name: of the file or folder that it was read from.
        run: what it was trained by.
    """

    name: str
    run: Run


def follow(plan: Plan, model: Followed) -> Plan:
    """Return a plan with a model's network, patch, voxel size and normalisation, and what else it needs.

    Labels and channels, augmentation, loss and length of the training stay the plan's; the learning rate becomes a
    tenth after a warm-up. Channels that the model does not know are normalised as planned.

    Args:
        plan: of the data set.
        model: to follow.

    Raises:
        PlanError: what comes out does not fit together.
    """
    run = model.run
    kept = _list_used(run)
    configurations = tuple(_follow_one(plan, entry, run) for entry in run.configurations if entry.name in kept)
    names = {entry.name for entry in configurations}
    before = _find_base(plan, run.own())
    replaced = {entry.name for entry in plan.configurations} | names
    decisions = tuple(entry for entry in plan.decisions if not _is_overruled(entry.field, replaced))
    followed = replace(
        plan,
        configurations=configurations,
        default_configuration=run.configuration,
        ensemble=(),
        decisions=(*decisions, *_explain(plan, before, configurations[-1], model)),
    )
    check_plan(followed)
    refuse_contradictions(followed)
    return explain_memory(followed)


def _list_used(run: Run) -> frozenset[str]:
    """Return the names of a model's configuration and of those whose masks or boxes it uses, not of its start."""
    used = {run.configuration}
    for entry in reversed(run.configurations):
        if entry.name in used:
            used |= {one.configuration for one in entry.inputs}
    return frozenset(used)


def _find_base(plan: Plan, wanted: Configuration) -> Configuration:
    """Return the planned configuration that is most like a model's: of its name, or else of as many axes."""
    axes = len(wanted.network_axes())
    order = sorted(
        plan.configurations,
        key=lambda entry: (entry.name != wanted.name, len(entry.network_axes()) != axes),
    )
    return order[0]


def _follow_one(plan: Plan, wanted: Configuration, run: Run) -> Configuration:
    base = _find_base(plan, wanted)
    return replace(
        wanted,
        inputs=tuple(_follow_input(entry, plan) for entry in wanted.inputs),
        initial=None,
        pseudo_labels=None,
        targets=(),
        only_cases=base.only_cases,
        preprocessing=_follow_preprocessing(plan, base.preprocessing, wanted.preprocessing, run),
        sampling=base.sampling,
        training=_slow_down(base.training),
    )


def _follow_input(entry: MaskOf | CropTo, plan: Plan) -> MaskOf | CropTo:
    """Return an input; a box whose labels the data set does not all have lies around all labels that it has."""
    names = {region.name for region, _ in plan.scheme.written_regions()}
    if isinstance(entry, MaskOf) or names.issuperset(entry.labels):
        return entry
    return replace(entry, labels=())


def _find_places(plan: Plan, wanted: Preprocessing, run: Run) -> tuple[int | None, ...]:
    """Return for each channel of the data set its place among those that a model's network sees; None for new ones."""
    seen = wanted.seen_channels(len(run.channels))
    known = replace(run.task(), channels=tuple(run.channels[position] for position in seen))
    return match_tasks(replace(known, channels=plan.channels, scheme=plan.scheme), known).channels


def _follow_preprocessing(plan: Plan, planned: Preprocessing, wanted: Preprocessing, run: Run) -> Preprocessing:
    seen = wanted.seen_channels(len(run.channels))
    places = _find_places(plan, wanted, run)
    normalization = tuple(
        own if place is None else wanted.normalization[seen[place]]
        for own, place in zip(planned.normalization, places, strict=True)
    )
    return replace(wanted, normalization=normalization, channels=_follow_channels(wanted, planned, places))


def _follow_channels(
    wanted: Preprocessing, planned: Preprocessing, places: Sequence[int | None]
) -> tuple[int, ...] | None:
    """Return the channels that a network sees that follows a model: of one that saw some of its own, those."""
    if wanted.channels is None:
        return planned.channels
    ordered = sorted((place, position) for position, place in enumerate(places) if place is not None)
    if not ordered:
        return planned.channels
    return None if len(ordered) == len(places) else tuple(position for _, position in ordered)


def _slow_down(training: Training) -> Training:
    """Return the training with a tenth of its learning rate, which rises at first."""
    schedule = Choice(name="cosine", options={"warmup_share": WARMUP_SHARE})
    options, rate = training.optimizer.options, RATE_SHARE * _find_rate(training)
    optimizer = replace(training.optimizer, options={**options, _LR: rate})
    return replace(training, optimizer=optimizer, schedule=schedule)


def _find_rate(training: Training) -> float:
    """Return the learning rate that the schedule scales."""
    return resolve(training.optimizer, OPTIMIZERS, "optimizer").lr


def _is_overruled(field: str, names: set[str]) -> bool:
    first, _, rest = field.partition(".")
    return first in {*names, "preprocessing", "default_configuration", "ensemble"} or (
        first == "configurations" and rest in names
    )


def _explain(plan: Plan, before: Configuration, now: Configuration, model: Followed) -> Iterator[Decision]:
    """Yield the reasons for what was taken from a model, each with what the data set's own plan would have been."""
    rule = f"That of the model {model.name}, so that all of its weights fit (--like)."
    own, preprocessing = now.name, now.preprocessing
    values = (
        ("patch_shape", _show_patch(now), _show_patch(before)),
        ("batch_size", str(now.batch_size), str(before.batch_size)),
        ("network", _show_network(now), _show_network(before)),
        ("preprocessing.spacing_mm", _show_spacing(preprocessing), _show_spacing(before.preprocessing)),
    )
    reason = f"Of {model.name}, whose network it is (--like)."
    yield Decision(
        field=f"configurations.{own}",
        value="planned",
        rule=reason,
        evidence=f"the model's weights are of {own}",
        change=_CHANGE,
    )
    for field, value, planned in values:
        yield Decision(field=f"{own}.{field}", value=value, rule=rule, evidence=_say_own(planned), change=_CHANGE)
    places = _find_places(plan, model.run.own().preprocessing, model.run)
    own_choices = before.preprocessing.normalization
    rows = zip(plan.channels, places, preprocessing.normalization, own_choices, strict=True)
    for channel, place, choice, own_choice in rows:
        how = "The model does not know this channel." if place is None else rule
        yield Decision(
            field=f"{own}.preprocessing.normalization.{channel}",
            value=choice.name,
            rule=how,
            evidence=_say_own(own_choice.name),
            change=_CHANGE,
        )
    yield Decision(
        field=f"{own}.training.optimizer.options.{_LR}",
        value=f"{_find_rate(now.training):g}",
        rule="A tenth of what random weights start with, after a warm-up: at the full rate a network forgets what it "
        "knows before its new outputs have learnt anything.",
        evidence=f"the plan's own would be {_find_rate(before.training):g}",
        change="--set training.optimizer.options.lr=...",
    )


def _say_own(value: str) -> str:
    return f"the data set's own plan would have {value}"


def _show_patch(configuration: Configuration) -> str:
    return f"{show_lengths(configuration.network_patch())} voxels"


def _show_spacing(preprocessing: Preprocessing) -> str:
    return f"{show_spacing(preprocessing.spacing_mm)} mm"


def _show_network(configuration: Configuration) -> str:
    return resolve(configuration.network, NETWORKS, "network").describe()
