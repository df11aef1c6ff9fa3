"""Division of a time over the rungs of a search and the trainings that prove its result."""

from __future__ import annotations

import math
from dataclasses import dataclass

from dataset_fingerprints.durations import HOUR, MINUTE, show_duration
from dataset_fingerprints.errors import PlanError
from dataset_fingerprints.names import counted

# Of each rung's candidates one of so many goes on, for so many times the length.
KEPT = 3
# Trainings by each of the two plans that are compared in the end: at least, and where steps are counted.
LEAST_PAIRS, PAIRS = 3, 5
# The same by the hours that there are for everything: in short trainings luck is most of what differs.
_PAIRS = ((2.0, PAIRS), (0.0, 8))
# The share of the time that is searched in; the proof has the rest.
SEARCH_SHARE = 0.4
# The share of the proof's time that its trainings are planned to take, so that all of them fit.
PROOF_SHARE = 0.95
# What loading its cases and scoring them takes beside a training until that was measured: a share, and seconds.
APART, APART_SECONDS = 0.1, 2.0
# The share of the search's time that is trained in at least.
_LEAST = 0.3
# With fewer steps, trainings differ by chance more than by their values: the search says so, and nothing is proven.
FEW_STEPS = 100
# The shortest trainings that are begun: in less, a busy CPU takes single steps, and all that is scored is chance.
LEAST_SECONDS = 8.0
# Candidates by the hours that there are for everything.
_CANDIDATES = ((8.0, 27), (0.5, 9), (0.0, 6))


@dataclass(frozen=True, kw_only=True, slots=True)
class Length:
    """Length of a training, in one of two measures.

    Attributes:
        minutes: its validation included; null where steps are counted.
        iterations: null where time is.
    """

    minutes: float | None = None
    iterations: int | None = None

    def describe(self) -> str:
        """Return the length in words."""
        return counted(self.iterations or 0, "step") if self.minutes is None else show_duration(self.minutes * MINUTE)


@dataclass(frozen=True, kw_only=True, slots=True)
class Rung:
    """Candidates that are trained for the same length.

    Attributes:
        candidates: how many.
        length: in all, what they were trained in earlier rungs included.
    """

    candidates: int
    length: Length


@dataclass(frozen=True, kw_only=True, slots=True)
class Schedule:
    """A search and its proof.

    Attributes:
        rungs: shortest first.
        proof: of each training that is compared in the end; null until the search has ended, where time is divided.
        pairs: trainings by each side.
        search_seconds: after which no other training of the search begins; null without a time.
        seconds: for everything; null without a time.
    """

    rungs: tuple[Rung, ...]
    proof: Length | None
    pairs: int
    search_seconds: float | None = None
    seconds: float | None = None

    def describe(self) -> str:
        """Return the division in a sentence or two."""
        first, *others = self.rungs
        steps = [f"{counted(first.candidates, 'candidate')} for {first.length.describe()} each"]
        steps += [f"the best {rung.candidates} go on to {rung.length.describe()}" for rung in others]
        apart = f"{self.pairs} trainings each by the plan as it is and by the best candidate"
        if self.seconds is None or self.search_seconds is None:
            assert self.proof is not None
            return f"Search: {', '.join(steps)}. Proof: {apart}, {self.proof.describe()} each."
        rest = self.seconds - self.search_seconds
        each = show_duration(rest / (2 * self.pairs))
        return (
            f"Search, {show_duration(self.search_seconds)}: {', '.join(steps)}. "
            f"Proof, {show_duration(rest)}: {apart}, about {each} each."
        )

    def describe_left(self, spent_seconds: float) -> str:
        """Return in a sentence, behind a blank, how much of the time is left; nothing without a time."""
        return "" if self.seconds is None else f" About {show_duration(max(self.seconds - spent_seconds, 0.0))} left."


def divide(hours: float | None, iterations: int | None, candidates: int | None, most: int = 1000) -> Schedule:
    """Return how a time is divided, or a number of steps.

    A rung's candidates share its time evenly. Each later rung trains a third of them for three times as long: their
    trainings, which have ended with the rate at its lowest, get more steps and warm up again, so that scores of a rung
    are of finished trainings of one length.

    Args:
        hours: for everything; None for as long as the steps take.
        iterations: of the longest trainings; None where the time says how long they are.
        candidates: of the first rung, the plan as it is among them; None for a number by the time.
        most: that there are.

    Raises:
        PlanError: the time is too short for anything.
    """
    counts = _count(min(candidates or _choose(_CANDIDATES, 1.0 if hours is None else hours), most))
    pieces = sum(count * (KEPT**place - KEPT ** (place - 1) if place else 1) for place, count in enumerate(counts))
    if iterations is not None:
        lengths = [Length(iterations=max(1, iterations // KEPT**place)) for place in reversed(range(len(counts)))]
    else:
        if hours is None:
            raise PlanError("Give the time for everything with --hours, or the steps of trainings with --iterations.")
        whole = SEARCH_SHARE * hours * 60
        piece = max((1 - APART) * whole - sum(counts) * APART_SECONDS / MINUTE, _LEAST * whole) / pieces
        lengths = [Length(minutes=piece * KEPT**place) for place in range(len(counts))]
    seconds = None if hours is None else hours * 3600
    return Schedule(
        rungs=tuple(Rung(candidates=count, length=length) for count, length in zip(counts, lengths, strict=True)),
        proof=None if iterations is None else lengths[-1],
        pairs=PAIRS if hours is None else _choose(_PAIRS, hours),
        search_seconds=None if seconds is None else SEARCH_SHARE * seconds,
        seconds=seconds,
    )


def is_short(hours: float | None, iterations: int | None, candidates: int | None, most: int) -> bool:
    """Return whether a time leaves some training less than `LEAST_SECONDS`; arguments as for `divide`."""
    if hours is None or iterations is not None:
        return False
    return min(_shortest(hours, candidates, most)) < LEAST_SECONDS


def refuse_short(hours: float | None, iterations: int | None, candidates: int | None, most: int = 1000) -> None:
    """Make sure that a time divided over trainings leaves each of them `LEAST_SECONDS`; arguments as for `divide`.

    Raises:
        PlanError: it does not; the message says which time would do.
    """
    if hours is None or not is_short(hours, iterations, candidates, most):
        return
    first, proof = _shortest(hours, candidates, most)
    minutes = max(1, math.floor(hours * HOUR / MINUTE))
    while is_short(minutes * MINUTE / HOUR, None, candidates, most):
        minutes += 1
    needed = math.ceil(100 * minutes * MINUTE / HOUR) / 100
    fewer = " or fewer --candidates" if candidates is not None else ""
    raise PlanError(
        f"{show_duration(hours * HOUR)} is too short for a search: its first trainings would have {first:.1f} s each, "
        f"and those of the proof {proof:.1f} s. Expected {LEAST_SECONDS:g} s or more, in which a network learns "
        f"anything. Give at least --max-minutes {minutes} (--hours {needed:g}){fewer}."
    )


def _shortest(hours: float, candidates: int | None, most: int) -> tuple[float, float]:
    """Return the seconds of a first training of the search, and of one of the proof as it is planned."""
    schedule = divide(hours, None, candidates, most)
    proof = fit_proof((1 - SEARCH_SHARE) * hours * HOUR, APART_SECONDS, schedule.pairs)
    return (schedule.rungs[0].length.minutes or 0.0) * MINUTE, (proof.minutes or 0.0) * MINUTE


def fit_proof(left_seconds: float, apart_seconds: float, pairs: int) -> Length:
    """Return the length of the trainings of a proof that fit into what is left of the time.

    Args:
        left_seconds: for all of them.
        apart_seconds: that one takes beside its own time, as measured in the search.
        pairs: trainings by each side.
    """
    each = PROOF_SHARE * max(left_seconds, 1.0) / (2 * pairs)
    return Length(minutes=max(each - 1.1 * apart_seconds, APART * each) / MINUTE)


def _choose(table: tuple[tuple[float, int], ...], hours: float) -> int:
    return next(count for least, count in table if hours >= least)


def _count(candidates: int) -> list[int]:
    counts = [candidates]
    while counts[-1] > KEPT:
        counts.append(max(2, -(-counts[-1] // KEPT)))
    return counts
