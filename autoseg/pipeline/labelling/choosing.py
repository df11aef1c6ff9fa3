"""`label next`: which scans people label now, with the model's masks of them to correct."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cache, partial

from autoseg.labelling.minutes import read_minutes
from autoseg.labelling.ranking import choose_first, choose_random, choose_uncertain
from autoseg.labelling.state import Choice, Chosen, Way
from autoseg.pipeline.labelling.looking import Looker, look_at, make_looker
from autoseg.pipeline.labelling.loop_state import OpenLoop, find_mask
from autoseg.pipeline.labelling.presegmenting import write_for_people
from autoseg.pipeline.labelling.short_rounds import describe_short_round
from autoseg.pipeline.labelling.training import choose_models
from autoseg.pipeline.models.sources import find_source
from autoseg.progress import Progress
from dataset_fingerprints.errors import DataError, PlanError, did_you_mean
from dataset_fingerprints.files.hashes import hash_files
from dataset_fingerprints.names import counted, natural_order, some_of

COLUMNS = ("scan", "uncertainty", "unlike the others")
_NAMED = 10


@dataclass(frozen=True, kw_only=True, slots=True)
class NextOptions:
    """What a person asked for; all have a default.

    Attributes:
        count: number of scans; None for the next block of the table.
        way: to choose; None for blocks where there is a table and no count, else by uncertainty.
        without: scans that are given up: neither this round nor a later one chooses them.
    """

    count: int | None = None
    way: Way | None = None
    without: Sequence[str] = ()


def choose_next(opened: OpenLoop, options: NextOptions, progress: Progress) -> Choice:
    """Choose scans with the last round's model, and write its masks of them for people; given again, go on with it.

    Raises:
        AutosegError: the round is not trained, no scan is left, or all that were chosen are labelled.
    """
    own = opened.loop.current()
    if not own.scores:
        raise PlanError(
            f"{opened.folder.root}: round {own.number} is not trained yet. Run `autoseg label train` first."
        )
    _give_up(opened, options.without, progress)
    loop = opened.loop
    load = cache(partial(_make_looker, opened, progress))
    choice = own.choice
    if choice is None or set(choice.names()) <= set(loop.abandoned()):
        _forget_empty_minutes(opened)
        choice = _choose(opened, load, options, progress)
        opened.keep(loop.with_round(replace(own, choice=choice)))
    elif not loop.awaited():
        raise PlanError(
            f"{opened.folder.root}: all scans that were chosen in round {own.number} are labelled"
            f"{' or given up' if loop.abandoned() else ''}. Run `autoseg label train` now, and choose with the next "
            "model."
        )
    else:
        names = some_of(loop.awaited(), _NAMED)
        progress.say(f"Round {own.number} has chosen before; still to be labelled: {names}.")
    write_for_people(opened, load, opened.loop.awaited(), progress)
    choice = replace(choice, written=True)
    opened.keep(opened.loop.with_round(replace(opened.loop.current(), choice=choice)))
    return choice


def _give_up(opened: OpenLoop, names: Sequence[str], progress: Progress) -> None:
    """Write down which scans are not to be chosen any more.

    Raises:
        DataError: one is not a scan of the loop, or not without a label; nothing is written then.
    """
    loop = opened.loop
    known, labelled = {case.name for case in loop.cases}, {*loop.labelled(), *loop.test}
    for name in names:
        if name not in known:
            raise DataError(f"--without {name}: the loop has no such scan. {did_you_mean(name, known)}")
        if name in labelled:
            raise DataError(f"--without {name}: has a label map. Only scans without one are chosen, or given up.")
    new = tuple(name for name in dict.fromkeys(names) if name not in loop.given_up)
    if new:
        opened.keep(replace(loop, given_up=(*loop.given_up, *new)))
        progress.say(
            f"Given up: {some_of(new, _NAMED)}. No round chooses them; a mask of them is still taken in where "
            "`autoseg label accept FOLDER` names its folder."
        )


def _forget_empty_minutes(opened: OpenLoop) -> None:
    """Remove a table without minutes that was written for scans that were given up: it is written for the next ones."""
    path = opened.now().minutes
    with suppress(DataError):  # of what a person wrote into it, which `accept` tells
        if path.is_file() and not read_minutes(path, [label.name for label in opened.loop.labels.labels]):
            path.unlink()


def _make_looker(opened: OpenLoop, progress: Progress) -> Looker:
    if doubt := describe_short_round(opened):
        progress.say(doubt)
    source = find_source(opened.now().workspace, choose_models(opened.loop.current()))
    return make_looker(source, hash_files(source.files))


def _choose(opened: OpenLoop, load: Callable[[], Looker], options: NextOptions, progress: Progress) -> Choice:
    loop = opened.loop
    left = loop.unlabelled()
    if not left:
        but = f", but {some_of(loop.abandoned(), _NAMED)}, given up before" if loop.abandoned() else ""
        raise PlanError(f"{opened.folder.root}: no scan is left without labels{but}.")
    way = options.way or ("block" if loop.blocks and options.count is None else "uncertainty")
    if way == "block":
        return _choose_block(opened, left, options)
    if options.count is None or options.count < 1:
        found = "is not given" if options.count is None else f"is {options.count}"
        raise PlanError(f"--count {found}. Expected the number of scans to label, 1 or more.")
    if options.count > len(left):
        progress.say(f"Only {counted(len(left), 'scan is', 'scans are')} left without labels.")
    if way == "random":
        scans = choose_random(left, options.count, (loop.seed, loop.current().number))
    elif way == "order":
        scans = choose_first(left, options.count)
    else:
        scans = _choose_uncertain(opened, load(), options.count, progress)
    return Choice(way=way, scans=scans)


def _choose_uncertain(opened: OpenLoop, looker: Looker, count: int, progress: Progress) -> tuple[Chosen, ...]:
    loop = opened.loop
    known = {name: find_mask(opened.folder, loop, loop.case(name)) for name in loop.labelled()}
    cases = [loop.case(name) for name in (*loop.unlabelled(), *known)]
    looks = look_at(opened.now(), looker, cases, known, progress)
    candidates = [look.candidate() for look in looks if look.case not in known]
    return choose_uncertain(candidates, [look.portrait() for look in looks if look.case in known], count)


def _choose_block(opened: OpenLoop, left: Sequence[str], options: NextOptions) -> Choice:
    """Return the first block, by number and name, of which a scan is not labelled."""
    loop = opened.loop
    blocks = sorted({loop.blocks[name] for name in left if name in loop.blocks}, key=natural_order)
    if not blocks:
        what = "no scan of its table of blocks is left" if loop.blocks else "the loop has no table of blocks"
        raise PlanError(f"{opened.folder.root}: {what}. Choose with --count K.")
    names = [name for name in left if loop.blocks.get(name) == blocks[0]]
    if options.count is not None:
        scans = counted(len(names), "scan")
        raise PlanError(f"--count is {options.count}, and block {blocks[0]} has {scans}. Leave --count out.")
    return Choice(way="block", scans=choose_first(names, len(names)), block=blocks[0])


def describe_choice(choice: Choice) -> tuple[tuple[str, str, str], ...]:
    """Return a row per chosen scan: its name, the model's uncertainty about it, how unlike the known scans it is."""
    return tuple(
        (
            one.case,
            "-" if one.uncertainty is None else f"{one.uncertainty:.3f}",
            "-" if one.distance is None else f"{one.distance:.3f}",
        )
        for one in choice.scans
    )
