"""A plan for a person to read: as tables for the terminal, and as plain values for other programs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from dataset_fingerprints.geometry import AXIS_NAMES, show_lengths, show_spacing
from dataset_fingerprints.simulated import mark_title
from dataset_fingerprints.sizes import GIB, show_gib
from planners.choices import Choice, resolve
from planners.defaults import is_full_size
from planners.networks.memory_decisions import predict_configuration
from planners.parts import NETWORKS
from planners.plan import Configuration, Decision, Plan
from planners.sizing.growth import describe_patch
from planners.stage_inputs import CropTo, MaskOf

_WORDS = {
    "machine.device": "The machine that trains",
    "preprocessing.spacing_mm": "Voxel size of all scans after resampling",
    "preprocessing.coarse_axis": "Axis with much thicker slices",
    "preprocessing.normalization": "How intensities are made comparable",
    "sampling.patches.options.foreground_share": "Share of training patches that hold a lesion or label",
    "training.iterations": "Length of a training, in steps",
    "default_configuration": "Configuration that is trained unless another is named",
    "ensemble": "Configurations that predict together",
    "max_hours": "Time to train each fold in, in hours",
    "configurations.2d": "Whether slices are segmented one by one",
    "configurations.3d_fullres": "Whether volumes are segmented at full resolution",
    "configurations.3d_lowres": "Whether volumes are segmented at a low resolution as well",
    "configurations.3d_cascade_fullres": "Whether the low resolution's masks are refined",
    "configurations.3d_crop_fullres": "Whether the box of what was found is segmented anew",
    "slice_axis": "Axis that slices are cut across",
    "patch_shape": "What the network sees at once",
    "batch_size": "Patches per training step",
    "network": "Depth and width of the network",
    "memory": "Memory that training needs",
    "scale": "What features, patches and batches are divided by, to try the plan out",
    "tuning": "What a search changed (`autoseg tune`)",
}
_RULES = "rules"
_POSTPROCESSING = "postprocessing"
_NOT_SETTABLE = {
    _RULES,
    _POSTPROCESSING,
    "max_hours",
    "machine",
    "configurations",
    "slice_axis",
    "network",
    "memory",
    "scale",
    "tuning",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Section:
    """One table: a title, column names, and rows of as many texts."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def explain_plan(plan: Plan) -> tuple[Section, ...]:
    """Return what the plan is for, its configurations side by side, and why each value is what it is."""
    return (_explain_plan_itself(plan), _explain_configurations(plan), _explain_decisions(plan))


def plan_as_json(plan: Plan) -> dict[str, Any]:
    """Return the plan's main values, ready for `json.dumps`; per configuration the preprocessing lies flat."""
    return {
        "name": plan.name,
        "planner": plan.planner,
        "dataset": plan.dataset,
        "device": plan.machine.device,
        "memory_gb": plan.memory_gb,
        "rules": list(plan.rules),
        "max_hours": plan.max_hours,
        "seed": plan.seed,
        "scale": plan.scale,
        "default_configuration": plan.default_configuration,
        "ensemble": list(plan.ensemble),
        "configurations": {entry.name: _configuration_as_json(plan, entry) for entry in plan.configurations},
        "postprocessing": [_with_lists(asdict(candidates)) for candidates in plan.postprocessing],
        "decisions": [asdict(decision) for decision in plan.decisions],
    }


def _explain_plan_itself(plan: Plan) -> Section:
    labels = plan.scheme.regions or plan.scheme.labels
    rows = (
        ("data set", plan.dataset),
        ("channels", ", ".join(plan.channels)),
        ("regions" if plan.scheme.regions else "labels", ", ".join(label.name for label in labels)),
        ("planner", plan.planner),
        ("made for", f"{plan.machine.device} ({plan.machine.name}), {describe_memory(plan)}"),
        ("configuration trained by default", plan.default_configuration),
        ("predicts with", " and ".join(plan.predicting())),
        ("scale", describe_scale(plan.scale)),
        ("classes of lesions", describe_choice(plan.lesion_classes) if plan.lesion_classes else ""),
    )
    title = mark_title(f"Plan {plan.name}", plan.simulated)
    return Section(title=title, columns=("what", "value"), rows=tuple(row for row in rows if row[1]))


def describe_memory(plan: Plan) -> str:
    """Return the memory that a plan is sized for, and that of its machine where it is another."""
    if plan.memory_gb == plan.machine.memory_gb:
        return f"{plan.memory_gb:g} GiB"
    return f"{plan.machine.memory_gb:.3g} GiB; sized for {plan.memory_gb:g} GiB, as the planner or --gpu-memory-gb says"


def describe_scale(scale: float) -> str:
    """Return that a plan was made smaller to try it out; nothing at full size."""
    return "" if is_full_size(scale) else f"1/{scale:g} of full size: a deviation (--scale)"


def _explain_configurations(plan: Plan) -> Section:
    described = [_describe_configuration(plan, configuration) for configuration in plan.configurations]
    rows = tuple((name, *(values[name] for values in described)) for name in described[0])
    columns = ("what", *(configuration.name for configuration in plan.configurations))
    return Section(title="Configurations", columns=columns, rows=rows)


def _describe_configuration(plan: Plan, configuration: Configuration) -> dict[str, str]:
    preprocessing, training, sampling = configuration.preprocessing, configuration.training, configuration.sampling
    mirrored = ", ".join(AXIS_NAMES[axis] for axis in configuration.prediction.mirror_axes) or "none"
    labels = plan.scheme_of(configuration)
    return {
        "sees": ", ".join((describe_view(plan, configuration), *map(_describe_input, configuration.inputs))),
        "starts from": f"{configuration.initial.configuration}" if configuration.initial else "random weights",
        "trains on": describe_cases(configuration),
        "learns": ", ".join(label.name for label in labels.regions or labels.labels),
        "voxel size": f"{show_spacing(preprocessing.spacing_mm)} mm",
        "normalization": ", ".join(describe_choice(choice) for choice in preprocessing.normalization),
        "patch": describe_patch(configuration),
        "batch": str(configuration.batch_size),
        "memory to train": f"{show_gib(predict_configuration(plan, configuration).total() / GIB)}",
        "network": resolve(configuration.network, NETWORKS, "network").describe(),
        "loss": describe_choice(training.loss),
        "optimizer": describe_choice(training.optimizer),
        "schedule": describe_choice(training.schedule),
        "weights kept": describe_choice(training.weights),
        "iterations": f"{training.iterations:,}",
        "cases": describe_choice(sampling.cases),
        "patches": describe_choice(sampling.patches),
        "augmentation": ", ".join(describe_choice(choice) for choice in sampling.augmentations) or "none",
        "mirrored when predicting": mirrored,
    }


def describe_view(plan: Plan, configuration: Configuration) -> str:
    """Return what is looked at of a scan, in words."""
    centre, chosen = configuration.prediction.centre_shape, configuration.preprocessing.channels
    scan = "the scan" if chosen is None else f"{' and '.join(configuration.name_channels(plan.channels))} of the scan"
    seen = scan if centre is None else f"{scan}, of new ones {show_lengths(centre)} voxels at the centre"
    halves = configuration.halves
    if halves is None:
        return seen
    return f"{seen}, by halves along {AXIS_NAMES[halves.axis]}, the {halves.mirrored} one mirrored"


def describe_cases(configuration: Configuration) -> str:
    """Return what is trained on, in words."""
    chosen, only = configuration.pseudo_labels, configuration.only_cases
    labelled = "labelled cases" if only is None else f"labelled cases of which {only.describe()}"
    if chosen is None:
        return labelled
    sure = f" of a confidence of {chosen.least_confidence:g} or more" if chosen.least_confidence else ""
    return f"{labelled}, and scans without labels by masks{sure} of {' and '.join(chosen.configurations)}"


def _describe_input(entry: MaskOf | CropTo) -> str:
    if isinstance(entry, MaskOf):
        return f"masks of {entry.configuration}"
    of = f"{' and '.join(entry.labels)} by {entry.configuration}" if entry.labels else entry.configuration
    return f"the box of {of} and {entry.margin_mm:g} mm around it"


def _explain_decisions(plan: Plan) -> Section:
    rows = tuple(
        (
            say_plainly(decision.field),
            decision.field,
            decision.value,
            decision.rule,
            decision.evidence,
            _say_what_changes(decision),
        )
        for decision in sorted(plan.decisions, key=lambda decision: _find_place(plan, decision))
    )
    columns = ("what", "field", "value", "why", "evidence", "what would change it")
    return Section(title="Decisions", columns=columns, rows=rows)


def _find_place(plan: Plan, decision: Decision) -> int:
    """Return where a decision is reported: on everything, on each configuration in its turn, and then the rules."""
    names = [str(configuration.name) for configuration in plan.configurations]
    first = decision.field.split(".")[0]
    return len(names) + 1 if first == _RULES else names.index(first) + 1 if first in names else 0


def say_plainly(field: str) -> str:
    """Return what a field is, in words; the longest known piece of its path counts."""
    keys = field.split(".")
    titles = {_RULES: "Rule", _POSTPROCESSING: "What masks may lose afterwards:"}
    words = f"{titles[keys[0]]} {keys[1]}" if keys[0] in titles else ""
    for start in range(len(keys)):
        for stop in range(len(keys), start, -1):
            words = words or _WORDS.get(".".join(keys[start:stop]), "")
    return words or keys[-1].replace("_", " ").capitalize()


def _say_what_changes(decision: Decision) -> str:
    keys = decision.field.split(".")
    by_hand = "" if _NOT_SETTABLE & {keys[0], keys[-1]} else f"--set {decision.field}=..."
    if "normalization" in keys:
        by_hand = "--set preprocessing.normalization.0=... (the channel's place in the list)"
    return ", or ".join(text for text in (decision.change, by_hand) if text) or "nothing"


def _configuration_as_json(plan: Plan, configuration: Configuration) -> dict[str, Any]:
    values = asdict(configuration)
    preprocessing = values.pop("preprocessing")
    memory = predict_configuration(plan, configuration)
    predicted = {"memory_bytes": {**asdict(memory), "total": memory.total()}}
    return {name: _with_lists(value) for name, value in {**values, **preprocessing, **predicted}.items()}


def _with_lists(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _with_lists(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [_with_lists(item) for item in value]
    return value


def describe_choice(choice: Choice) -> str:
    """Return a part in words: its name and options."""
    options = ", ".join(f"{name} {_describe_option(value)}" for name, value in choice.options.items())
    return f"{choice.name} ({options})" if options else choice.name


def _describe_option(value: Any) -> str:
    """Return an option in words: numbers short, parts within a part as parts."""
    if type(value) is float:
        return f"{value:g}"
    if isinstance(value, Mapping) and "name" in value:
        return describe_choice(Choice(name=value["name"], options=value.get("options", {})))
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_describe_option, value))}]"
    return str(value)
