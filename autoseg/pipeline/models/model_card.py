"""The card of an exported model: what it segments, what it was trained on, how well, and what it is meant for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from autoseg.evaluation import Evaluation, LabelSummary
from autoseg.models import ModelSet
from autoseg.models.bundle import own_version
from dataset_fingerprints.dataset import LabelScheme
from dataset_fingerprints.fingerprint import Quantiles
from dataset_fingerprints.geometry import show_lengths, show_spacing
from dataset_fingerprints.names import counted
from dataset_fingerprints.simulated import MARK, mark_title
from planners.choices import resolve
from planners.parts import NETWORKS
from planners.run import Run

UNSTATED = "not stated"
USE = (
    "Research on scans like those that it was trained on. It is not a medical device: no mask may decide on a patient "
    "without a person who looked at it."
)
_PORTABLE = (
    "Without autoseg and torch, where numpy, scipy, nibabel and onnxruntime are installed:\n\n"
    "    python THIS_FILE.zip SCANS -o MASKS\n\n"
    "That runs the program in this file (predict.py): do so only if you trust whoever gave it to you."
)
UNJUDGED = (
    "Unknown: another program trained it, and the cases are not listed in it. A score on a case that it was trained on "
    "says nothing of new ones."
)
_MADE_UP = (
    "this model was trained on scans that a program made, and never saw a patient. Its scores are of such scans, and "
    "say nothing of patients."
)
_METRICS = {"dice": "Dice", "lesion_f1": "lesion F1", "hd95_mm": "HD95 mm"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Words:
    """A person's words about a model; empty ones are filled in."""

    name: str = ""
    licence: str = ""
    intended_use: str = ""


UNSAID = Words()


@dataclass(frozen=True, kw_only=True, slots=True)
class ScoredModel:
    """Scores on cases that a model was not trained on."""

    title: str
    evaluation: Evaluation


def write_card(
    words: Words,
    models: ModelSet,
    scored: Sequence[ScoredModel],
    steps: Mapping[tuple[str, str], int],
    portable: bool = False,
    remarks: Sequence[str] = (),
) -> str:
    """Return a model's card in Markdown.

    Args:
        words: about it.
        models: that it is made of.
        scored: their scores.
        steps: that the folds were trained for, by the names of configuration and fold.
        portable: whether a program is in the file that predicts without torch.
        remarks: sentences about what is not in it.
    """
    run = models.run()
    parts = [
        f"# {words.name or run.dataset}",
        *([f"**{MARK} scans: {_MADE_UP}**"] if run.summary.simulated else []),
        f"A model that segments scans, exported by autoseg {own_version()}.\n\n"
        "    autoseg predict SCANS -o MASKS -m THIS_FILE.zip",
        *([_PORTABLE] if portable else []),
        "## Scans and labels\n\n" + _list(_describe_task(run)),
        "## Training data\n\n" + _list([*_describe_data(run), *_describe_starts(models)]),
        "## Networks\n\n" + _list([*_describe_networks(models, steps), *remarks]),
        "## Scores\n\n" + (_describe_scores(scored, run.learned()) if run.cases_known else UNJUDGED),
        f"## Intended use\n\n{words.intended_use or USE}",
        f"## Licence\n\n{words.licence or UNSTATED.capitalize() + ': ask whoever gave you the file.'}",
    ]
    return "\n\n".join(parts) + "\n"


def _list(lines: Sequence[str]) -> str:
    return "\n".join(f"* {line}" for line in lines)


def _describe_task(run: Run) -> list[str]:
    seen = {name for entry in run.configurations for name in entry.name_channels(run.channels)}
    some = [name for name in run.channels if name in seen]
    alone = [] if len(some) == len(run.channels) else [f"Channels that its networks see: {', '.join(some)}"]
    return [f"Channels, in this order: {', '.join(run.channels)}", *alone, *_describe_labels(run.learned())]


def _describe_labels(scheme: LabelScheme) -> list[str]:
    labels = ", ".join(f"{label.value} {label.name}" for label in scheme.labels)
    regions = "; ".join(f"{region.name} (labels {', '.join(map(str, region.values))})" for region in scheme.regions)
    return [f"Labels: 0 background, {labels}", *([f"Regions, which may overlap: {regions}"] if regions else [])]


def _describe_data(run: Run) -> list[str]:
    summary = run.summary
    cases = counted(summary.case_count, "case") if summary.case_count else "Cases"
    lines = [f"{cases} of the data set {summary.name}"]
    if not run.cases_known:
        lines.append(f"Trained with nnU-Net v2 (plans {run.plan}), by whose rules it predicts; the cases are not known")
    if len(summary.sites) > 1:
        lines.append(f"{len(summary.sites)} sites")
    middle = [axis.p50 for axis in summary.spacing_mm]
    if all(length is not None for length in middle):
        x, y, z = (float(length or 0) for length in middle)
        lines.append(f"Voxels of {show_spacing((x, y, z))} mm (median of each axis)")
    for label in summary.labels:
        sizes = _show_range(label.volume_mm3)
        without = f"; {label.cases_without:.0%} of the cases are without" if label.cases_without else ""
        if sizes:
            lines.append(f"{label.name}: {sizes} ml per case (5th, 50th, 95th percentile){without}")
    return lines


def _describe_starts(models: ModelSet) -> list[str]:
    """Return from which models the trainings started: their data are a part of what the weights know."""
    runs = [model.run for one in models.stages for group in one.values() for model in group]
    found = {(run.start.name, run.start.sha256) for run in runs if run.start is not None}
    return [f"Training started from another model: {name}, weights {sha256[:12]}" for name, sha256 in sorted(found)]


def _show_range(volumes: Quantiles) -> str:
    values = (volumes.p05, volumes.p50, volumes.p95)
    return "" if None in values else ", ".join(f"{(value or 0) / 1000:.3g}" for value in values)


def _describe_networks(models: ModelSet, steps: Mapping[tuple[str, str], int]) -> list[str]:
    selected = models.selection.describe_taken() if models.selection else ""
    classes = models.lesion_classes.description.describe() if models.lesion_classes else ""
    lines = [f"Averaged: {models.describe()}", *filter(None, (selected, classes))]
    for one in models.stages:
        for name, group in one.items():
            own = group[0].run.own()
            made = [steps[name, model.run.fold] for model in group if (name, model.run.fold) in steps]
            trained = f", trained for {' / '.join(f'{count:,}' for count in made)} steps" if made else ""
            network = resolve(own.network, NETWORKS, "network").describe()
            lines.append(f"{name}: {network}, patches of {show_lengths(own.patch_shape)} voxels{trained}")
    return list(dict.fromkeys(lines))


def _describe_scores(scored: Sequence[ScoredModel], scheme: LabelScheme) -> str:
    if not scored:
        return "None: no case was left to judge it by."
    rows = ["| of | label | cases | " + " | ".join(_METRICS.values()) + " |", "|---|---|---|" + "---|" * len(_METRICS)]
    for one in scored:
        for label in one.evaluation.summary:
            title = mark_title(one.title, one.evaluation.simulated)
            cells = [title, scheme.names().get(label.label, str(label.label)), str(len(one.evaluation.cases))]
            rows.append(f"| {' | '.join(cells + [_show_metric(label, metric) for metric in _METRICS])} |")
    seen = "".join(
        f"\n\n{one.title}: {one.evaluation.seen.describe()}" for one in scored if one.evaluation.seen.brief()
    )
    return (
        "Means, with the 95 % interval of the mean, each case segmented by networks that were not trained on it, whole "
        "volumes on their own grid. The average of all networks was judged on no other data.\n\n"
        + "\n".join(rows)
        + seen
    )


def _show_metric(label: LabelSummary, metric: str) -> str:
    found = next((one.statistics for one in label.metrics if one.name == metric), None)
    if found is None or found.mean is None:
        return ""
    between = f" ({found.ci95[0]:.3f} to {found.ci95[1]:.3f})" if found.ci95 else ""
    return f"{found.mean:.3f}{between}"
