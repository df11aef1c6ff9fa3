"""The run: what a fold holds, enough to train it further and to predict with it without its workspace's plan."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from operator import not_
from typing import Annotated, Any

from pydantic import Field

from dataset_fingerprints.dataset import LabelScheme, join_schemes
from dataset_fingerprints.fingerprint import FingerprintSummary
from dataset_fingerprints.names import check_case_name, check_fold_name, check_folder_name, counted
from planners.defaults import FULL_SIZE, is_full_size
from planners.machine import MachineProfile
from planners.order import order_by_need
from planners.plan import SCHEMA_VERSION, Configuration, Plan, count_targets, list_mask_schemes
from planners.spelling_out import spell_out
from planners.start import NOTHING_SEEN, ModelStart, SeenBefore, Task
from planners.step_sizes import StepDown
from planners.targets import as_regions, choose_scheme

# Normalisations that are the same for every scan: intensities have a unit, or a range of their own.
ABSOLUTE = ("ct", "ct_window", "none", "scale")


@dataclass(frozen=True, kw_only=True, slots=True)
class CaseContent:
    """A case and the content of its raw files.

    Attributes:
        sha256: of each file: the scans in the order of their channels, then the label map; an empty text in its place
            for scans without one.
    """

    case: str
    sha256: tuple[str, ...]

    def __post_init__(self) -> None:
        check_case_name(self.case)

    def scans(self) -> tuple[str, ...]:
        """Return the hashes of its scans: a label map without a label is the same in many cases."""
        return self.sha256[:-1]


@dataclass(frozen=True, kw_only=True, slots=True)
class Run:
    """Settings that one fold of one configuration was begun with.

    Attributes:
        plan: the plan's name.
        planner: the entry of `planners.presets.PLANNERS` that made the plan.
        dataset: the data set's name.
        scheme: the data set's labels; see `learned` for those of the trained configuration.
        machine: the machine that the plan was made for.
        memory_gb: the memory that the plan was made to fit into.
        configuration: the name of the one that is trained.
        configurations: all that the trained one needs, each behind what it needs itself; the trained one is the last.
        fold: a number, or `full` for a model of all cases.
        validation_cases: that the fold is judged on; none for a model of all cases.
        contents: of all these cases, in this order.
        summary: of the data set.
        steps: the steps down in size that the fold took for lack of memory.
        start: the model that the training started from, or null.
        seen: cases that this model, and others before it, were trained on.
        unlabelled: scans without labels that it trains on by pseudo-labels. Not written where there are none.
        cases_known: whether the cases are those that it was trained on; those of another program's model are not
            known, and none are listed. Not written where they are known.
        scale: of the plan: what features, patches and batches were divided by. Not written at full size.
        schema_version: that of plans, whose configurations it holds.
    """

    plan: str
    planner: str
    dataset: str
    channels: tuple[str, ...]
    scheme: LabelScheme
    seed: int
    machine: MachineProfile
    memory_gb: float
    configuration: str
    configurations: tuple[Configuration, ...]
    fold: str
    train_cases: tuple[str, ...]
    validation_cases: tuple[str, ...]
    contents: tuple[CaseContent, ...]
    summary: FingerprintSummary
    steps: tuple[StepDown, ...] = ()
    start: ModelStart | None = None
    seen: SeenBefore = NOTHING_SEEN
    unlabelled: Annotated[tuple[CaseContent, ...], Field(exclude_if=not_)] = ()
    cases_known: Annotated[bool, Field(exclude_if=bool)] = True
    scale: Annotated[float, Field(exclude_if=is_full_size)] = FULL_SIZE
    schema_version: int = SCHEMA_VERSION

    def __post_init__(self) -> None:
        check_folder_name(self.plan, "a plan")
        check_folder_name(self.configuration, "a configuration")
        check_fold_name(self.fold)
        if _names(self.contents) != self.train_cases + self.validation_cases:
            raise ValueError("contents are not of the train cases and validation cases, in this order")

    def own(self) -> Configuration:
        """Return the configuration that is trained."""
        return self.configurations[-1]

    def input_channels(self) -> int:
        """Return the channels that the trained network sees."""
        shown = list_mask_schemes(self.scheme, self.own(), self.configurations)
        return self.own().input_channels(len(self.channels), count_targets(shown))

    def learned(self) -> LabelScheme:
        """Return the labels that the trained configuration learns."""
        return choose_scheme(self.scheme, self.own().targets)

    def regions(self) -> LabelScheme:
        """Return the same as regions of the data set's labels, as it is put together with other configurations."""
        return as_regions(self.scheme, self.own().targets)

    def task(self) -> Task:
        """Return inputs and outputs of the trained network."""
        return describe_task(self.channels, self.scheme, self.own(), self.configurations)

    def has_seen(self) -> SeenBefore:
        """Return the cases that the weights were trained on, here and before, by their scans."""
        train = self.contents[: len(self.train_cases)]
        own = SeenBefore(scans=tuple(scan for content in train for scan in content.scans()))
        return own.join(self.seen_beside())

    def seen_beside(self) -> SeenBefore:
        """Return the scans that the weights were trained on beside the labelled cases of the fold."""
        own = SeenBefore(scans=tuple(scan for content in self.unlabelled for scan in content.scans()))
        return own.join(self.seen) if self.unlabelled else self.seen

    def seen_cases(self) -> tuple[str, ...]:
        """Return the validation cases that a model was trained on that the training started from."""
        known = frozenset(self.seen.scans)
        judged = self.contents[len(self.train_cases) :]
        return tuple(content.case for content in judged if known.intersection(content.scans()))

    def absolute_channels(self) -> tuple[int, ...]:
        """Return the positions of channels that it sees and normalises alike in every scan: intensities have a unit."""
        preprocessing = self.own().preprocessing
        seen = sorted(preprocessing.seen_channels(len(self.channels)))
        return tuple(position for position in seen if preprocessing.normalization[position].name in ABSOLUTE)

    def of_cases(self, train: tuple[CaseContent, ...], validation: tuple[CaseContent, ...]) -> Run:
        """Return the same run of other cases."""
        names, held_out = _names(train), _names(validation)
        return replace(self, train_cases=names, validation_cases=held_out, contents=train + validation)


@dataclass(frozen=True, kw_only=True, slots=True)
class Difference:
    """A value by which two runs differ, such as `3d_fullres.batch_size`; null on the side that lacks it."""

    field: str
    before: Any
    now: Any


def describe_task(
    channels: tuple[str, ...], scheme: LabelScheme, own: Configuration, known: Sequence[Configuration]
) -> Task:
    """Return inputs and outputs of a configuration's network.

    Args:
        channels: of the scans.
        scheme: of the data set.
        own: the configuration.
        known: all that it needs.
    """
    learned, shown = choose_scheme(scheme, own.targets), list_mask_schemes(scheme, own, known)
    return Task(
        channels=own.name_channels(channels),
        scheme=learned,
        masks=tuple(entry.configuration for entry in own.masks()),
        mask_schemes=() if all(one == learned for one in shown) else shown,
        neighbours=own.neighbours,
    )


def join_learned(runs: Sequence[Run]) -> LabelScheme:
    """Return the labels that models trained by some runs predict together: of different ones, regions of all of them.

    Args:
        runs: at least one, of data of the same labels.
    """
    first, *others = (run.learned() for run in runs)
    return join_schemes([run.regions() for run in runs]) if any(other != first for other in others) else first


def make_run(
    plan: Plan,
    configuration: str,
    fold: str,
    train: tuple[CaseContent, ...],
    validation: tuple[CaseContent, ...],
    summary: FingerprintSummary,
) -> Run:
    """Return what a fold that is trained by a plan holds.

    Args:
        plan: all values.
        configuration: the name of the one that is trained.
        fold: a number, or `full`.
        train: the cases that it trains on.
        validation: the cases that it is judged on.
        summary: of the data set.

    Raises:
        PlanError: the plan has no such configuration.
    """
    return Run(
        plan=plan.name,
        planner=plan.planner,
        dataset=plan.dataset,
        channels=plan.channels,
        scheme=plan.scheme,
        seed=plan.seed,
        machine=plan.machine,
        memory_gb=plan.memory_gb,
        configuration=configuration,
        configurations=order_by_need(plan.configurations, [configuration], f"plan {plan.name}"),
        fold=fold,
        train_cases=_names(train),
        validation_cases=_names(validation),
        contents=train + validation,
        summary=summary,
        scale=plan.scale,
    )


def find_differences(begun: Run, now: Run) -> Iterator[Difference]:
    """Yield the values that make two runs of a fold different trainings; names, machine and memory do not.

    Configurations that the trained one needs have folds of their own, which are compared themselves. More iterations
    do not count as a difference: they extend what was begun.

    Args:
        begun: as the fold was begun.
        now: as it would be begun today.
    """
    iterations = f"{now.configuration}.training.iterations"
    for difference in _compare(_relevant(begun), _relevant(now)):
        if difference.field != iterations or difference.now < difference.before:
            yield difference


def find_other_cases(begun: Run, now: Run) -> Iterator[str]:
    """Yield in what the cases of two runs of a fold differ, as the rest of a sentence about the fold; worst first.

    Args:
        begun: as the fold was begun.
        now: as it would be begun today.
    """
    before, today = ({one.case: one for one in (*run.contents, *run.unlabelled)} for run in (begun, now))
    leaking = set(begun.train_cases) & set(now.validation_cases)
    swapped = set(begun.validation_cases) & set(now.train_cases)
    if leaking:
        yield f"would be judged on {_some(leaking)}, which it was trained on"
    if swapped:
        yield f"would be trained on {_some(swapped)}, which it was to be judged on"
    if today.keys() - before.keys():
        yield f"was begun without {_some(today.keys() - before.keys())}"
    if before.keys() - today.keys():
        yield f"was begun with {_some(before.keys() - today.keys())}, which is not there any more"
    changed = [name for name in today.keys() & before.keys() if today[name].sha256 != before[name].sha256]
    if changed:
        first = min(changed)
        what = _name_files(before[first], today[first])
        yield f"was begun with another content of {_some(changed)} (in {first}: {what})"


def _names(contents: Iterable[CaseContent]) -> tuple[str, ...]:
    return tuple(one.case for one in contents)


def _name_files(before: CaseContent, today: CaseContent) -> str:
    """Return which files of a case differ: the last one is the label map."""
    if len(before.sha256) != len(today.sha256):
        return "the number of files"
    *scans, labels = (known != found for known, found in zip(before.sha256, today.sha256, strict=True))
    return " and ".join((["scan"] if any(scans) else []) + (["label map"] if labels else []))


def _some(names: Iterable[str]) -> str:
    first, *others = sorted(names)
    return f"{first} and {counted(len(others), 'other case')}" if others else first


def _relevant(run: Run) -> dict[str, Any]:
    return {
        "planner": run.planner,
        "channels": run.channels,
        "scheme": asdict(run.scheme),
        "seed": run.seed,
        run.configuration: asdict(spell_out(run.own())),
    }


def _compare(before: Any, now: Any, where: str = "") -> Iterator[Difference]:
    if isinstance(before, dict) and isinstance(now, dict):
        for key in sorted({*before, *now}):
            yield from _compare(before.get(key), now.get(key), f"{where}.{key}" if where else key)
    elif isinstance(before, tuple) and isinstance(now, tuple) and len(before) == len(now):
        for index, (first, second) in enumerate(zip(before, now, strict=True)):
            yield from _compare(first, second, f"{where}[{index}]")
    elif before != now:
        yield Difference(field=where, before=before, now=now)
