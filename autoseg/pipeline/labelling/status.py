"""`label status`: where a loop stands, and what is next."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from autoseg.labelling.state import Loop, Round
from autoseg.labelling.summary import dice_by_case
from autoseg.workspace.loop import LoopFolder
from dataset_fingerprints.names import counted, some_of

COLUMNS = ("round", "cases", "held-out Dice", "chosen", "taken in")
_NAMED = 10


@dataclass(frozen=True, kw_only=True, slots=True)
class LoopStatus:
    """Where a loop stands.

    Attributes:
        rows: per round: number, cases, Dice, scans that were chosen and how, masks that were taken in.
        counts: cases of each kind, in words.
        following: what to do next, in words.
    """

    rows: tuple[tuple[str, ...], ...]
    counts: str
    following: str


def describe_loop(folder: LoopFolder, loop: Loop) -> LoopStatus:
    """Return where a loop stands."""
    return LoopStatus(
        rows=tuple(_describe_round(loop, one) for one in loop.rounds),
        counts=(
            f"{counted(len(loop.labelled()), 'labelled case')} to train on, {len(loop.test)} held out, "
            f"{counted(len(loop.unlabelled()), 'scan')} without labels.{_describe_given_up(loop)}"
        ),
        following=" ".join(_advise(folder, loop)),
    )


def _describe_given_up(loop: Loop) -> str:
    names = loop.abandoned()
    return f" Given up: {some_of(names, _NAMED)}." if names else ""


def _describe_round(loop: Loop, own: Round) -> tuple[str, ...]:
    dice = [*dice_by_case(own).values()]
    choice = own.choice
    way = "" if choice is None else f" ({f'block {choice.block}' if choice.block else choice.way})"
    return (
        str(own.number),
        str(len(own.cases)),
        f"{sum(dice) / len(dice):.3f}" if dice else "-" if own.scores else "not trained",
        "-" if choice is None else f"{len(choice.scans)}{way}",
        str(len({one.case for one in loop.accepted if one.during == own.number})),
    )


def _advise(folder: LoopFolder, loop: Loop) -> Iterator[str]:
    """Yield what to do next."""
    own, waiting = loop.current(), loop.awaited()
    if not own.scores:
        yield f"Next: `autoseg label train` trains round {own.number}."
        return
    if own.choice is not None and waiting:
        place = folder.round(own.number).to_correct
        yield (
            f"To be corrected: {some_of(waiting, _NAMED)}, in {place}; then `autoseg label accept`."
            if own.choice.written
            else "Not all masks to correct are written yet: give `autoseg label next` again."
        )
    news = loop.news()
    if news:
        yield f"`autoseg label train` trains round {own.number + 1} with {counted(len(news), 'new mask')}."
    elif not waiting and loop.unlabelled():
        yield "Next: `autoseg label next --count K` chooses scans to label."
    elif not waiting:
        yield "No scan is left without labels. `autoseg label table` shows all rounds."
