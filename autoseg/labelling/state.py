"""Everything that is known of a labelling loop, as its one file holds it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from operator import not_
from typing import Annotated, Literal

from pydantic import Field

from dataset_fingerprints.dataset import Case, LabelScheme
from dataset_fingerprints.errors import DataError
from dataset_fingerprints.names import check_case_names, some_of

SCHEMA_VERSION = 1
# How scans are chosen: the most uncertain that are unlike each other, by chance, in the order of their names, or those
# of the next block of a table.
Way = Literal["uncertainty", "random", "order", "block"]
_NAMED = 5


@dataclass(frozen=True, kw_only=True, slots=True)
class Training:
    """What a person asked of a round's training.

    Attributes:
        planner: that plans it.
        own_plan: whether the planner alone plans a later round; else its network, patch, voxels and normalisation are
            those of the round before, at a tenth of the planned learning rate.
        configuration: that is trained, with those that it needs; None for the plan's default.
        fold: `full` for one model of all cases, `all` for a cross-validation, or a fold's number.
        assignments: `--set` values of the plan.
        scale: divides features, patch and batch to try a plan out; 1 for full size.
        gpu_memory_gb: to plan for; None for this machine.
        iterations: in place of the plan's.
        max_minutes: per fold.
        allow_seen: whether a fold may start from weights of the round before that know cases that it is judged on. Not
            written where it may not.
    """

    planner: str = "default"
    own_plan: bool = False
    configuration: str | None = None
    fold: str = "full"
    assignments: tuple[str, ...] = ()
    scale: float = 1.0
    gpu_memory_gb: float | None = None
    iterations: int | None = None
    max_minutes: float | None = None
    allow_seen: Annotated[bool, Field(exclude_if=not_)] = False


USUAL_TRAINING = Training()


@dataclass(frozen=True, kw_only=True, slots=True)
class Chosen:
    """A scan that people are to label.

    Attributes:
        uncertainty: of the model about it, 0 to 1; None where it was not asked.
        distance: from the nearest scan that was labelled or chosen before, 0 to 1; None where it was not measured.
    """

    case: str
    uncertainty: float | None = None
    distance: float | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Choice:
    """Scans that were chosen in a round.

    Attributes:
        block: of a table, where they are one.
        written: whether all files for people are there.
    """

    way: Way
    scans: tuple[Chosen, ...]
    block: str = ""
    written: bool = False

    def names(self) -> tuple[str, ...]:
        """Return the names of the scans."""
        return tuple(scan.case for scan in self.scans)


@dataclass(frozen=True, kw_only=True, slots=True)
class StructureChange:
    """What a person changed of one label.

    Attributes:
        before_ml: volume in the pre-segmentation.
        after_ml: volume in the corrected mask.
        changed_ml: volume of the voxels that are in one of the two only.
        rms_mm: root mean square distance from the points of the pre-segmentation's surface to the corrected one's;
            None where one of them is empty.
        points: number of these points.
    """

    structure: str
    before_ml: float
    after_ml: float
    changed_ml: float
    rms_mm: float | None = None
    points: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Accepted:
    """A corrected mask that was taken in.

    Attributes:
        round: whose model made the pre-segmentation, or else in which the mask came.
        during: the round that was the last one when the mask came.
        file: path of our copy from the folder of masks.
        changes: of each label; empty where there was no pre-segmentation.
        minutes: that people took, by label; empty where they did not say.
    """

    case: str
    round: int
    during: int
    file: str
    changes: tuple[StructureChange, ...] = ()
    minutes: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class HeldOutScore:
    """A round's model on one label of a held-out case.

    Attributes:
        dice: None where the label is in neither mask.
        rms_mm: root mean square distance from the points of the reference's surface to the model's; None where one is
            empty.
        points: number of these points.
    """

    case: str
    structure: str
    dice: float | None
    rms_mm: float | None = None
    points: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Round:
    """One training, and what was made of its model.

    Attributes:
        cases: that it trains on; their masks are those of the round's table.
        training: that was asked for.
        scores: on the held-out cases; empty before it is trained.
        seconds: that training and testing took, all starts together, as far as they came to their end.
        choice: of scans to label with its model; None before `next`.
    """

    number: int
    cases: tuple[str, ...]
    training: Training
    scores: tuple[HeldOutScore, ...] = ()
    seconds: float = 0.0
    choice: Choice | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Loop:
    """A labelling loop.

    Attributes:
        name: of the data set.
        channels: names.
        labels: of the data set.
        cases: all scans; those that were labelled when the loop began have a label map.
        test: held out from the first round on: never trained on, and never chosen.
        blocks: of scans without labels, by their names, where a table says in which order they come.
        seed: of what is drawn.
        rounds: in their order.
        accepted: in the order in which they came; of a case that came twice the last counts.
        manual_minutes: of people who labelled without a network, by case and label.
        simulated: whether the scans are simulated. Not written where they are not.
        given_up: scans that are not to be chosen any more, as they cannot be read or labelled. Not written without
            any.
    """

    name: str
    channels: tuple[str, ...]
    labels: LabelScheme
    cases: tuple[Case, ...]
    test: tuple[str, ...]
    blocks: Mapping[str, str] = field(default_factory=dict)
    seed: int = 0
    rounds: tuple[Round, ...] = ()
    accepted: tuple[Accepted, ...] = ()
    manual_minutes: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    simulated: Annotated[bool, Field(exclude_if=not_)] = False
    given_up: Annotated[tuple[str, ...], Field(exclude_if=not_)] = ()
    schema_version: int = SCHEMA_VERSION

    def __post_init__(self) -> None:
        names = [case.name for case in self.cases]
        check_case_names(names)
        known = frozenset(names)
        used = (*self.test, *self.blocks, *self.given_up, *(name for one in self.rounds for name in one.cases))
        strange = sorted({*used, *(one.case for one in self.accepted)} - known)
        if strange:
            raise DataError(f"names cases that it does not list: {some_of(strange, _NAMED)}.")
        leaked = sorted({*self.test} & {name for one in self.rounds for name in one.cases})
        if leaked:
            raise DataError(f"trains on held-out cases: {some_of(leaked, _NAMED)}.")
        if [one.number for one in self.rounds] != list(range(1, len(self.rounds) + 1)):
            raise DataError("its rounds are not numbered from 1 on.")

    def case(self, name: str) -> Case:
        """Return a case by its name."""
        return next(case for case in self.cases if case.name == name)

    def latest(self) -> dict[str, Accepted]:
        """Return the masks that count of those that were taken in, by case."""
        return {one.case: one for one in self.accepted}

    def labelled(self) -> tuple[str, ...]:
        """Return the names of the cases that can be trained on, in the order of the cases."""
        taken, test = self.latest(), frozenset(self.test)
        return tuple(case.name for case in self.cases if (case.label or case.name in taken) and case.name not in test)

    def unlabelled(self) -> tuple[str, ...]:
        """Return the names of the scans that can be chosen, in the order of the cases."""
        known = {*self.labelled(), *self.test, *self.given_up}
        return tuple(case.name for case in self.cases if case.name not in known)

    def abandoned(self) -> tuple[str, ...]:
        """Return the scans that were given up and have no mask since, in the order in which they were."""
        known = frozenset(self.labelled())
        return tuple(name for name in self.given_up if name not in known)

    def trained(self) -> tuple[Round, ...]:
        """Return the rounds whose models are trained and scored."""
        return tuple(one for one in self.rounds if one.scores)

    def current(self) -> Round:
        """Return the last round."""
        return self.rounds[-1]

    def awaited(self) -> tuple[str, ...]:
        """Return the scans that were chosen with the last model and are not labelled yet."""
        choice = self.current().choice
        left = frozenset(self.unlabelled())
        return tuple(name for name in choice.names() if name in left) if choice else ()

    def news(self) -> tuple[str, ...]:
        """Return the cases that were labelled since the last round began, or labelled anew."""
        seen = self.current().cases
        again = {one.case for one in self.accepted if one.during == self.current().number}
        return tuple(name for name in self.labelled() if name not in seen or name in again)

    def versions(self, case: str) -> int:
        """Return how often a mask of a case was taken in."""
        return sum(one.case == case for one in self.accepted)

    def with_round(self, changed: Round) -> Loop:
        """Return the loop with a round in the place of that of the same number, or as the next one."""
        kept: Sequence[Round] = [one for one in self.rounds if one.number != changed.number]
        return replace(self, rounds=tuple(sorted((*kept, changed), key=lambda one: one.number)))
