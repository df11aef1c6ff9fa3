"""Messages of planning and training in the words of `label train`: a round has one plan, and its folds no names."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from itertools import pairwise

from autoseg.progress import Progress, Task
from dataset_fingerprints.errors import AutosegError

_NEW = r"\(plan_and_preprocess --plan-name NEW\)"
# What another plan, other folds or another model would cure, none of which a round takes.
_PHRASES = (
    (
        r", begin it anew with --restart((?:, which removes its weights and scores)?), or name another plan with "
        r"--plan",
        r", or begin it anew with --restart\1",
    ),
    (r"Leave out --from to go on with it, or begin it anew", "Begin it anew"),
    (r"Name the model with --from once more, or begin", "Begin"),
    (rf",? or (?:leave it as it is and )?plan again under another name {_NEW}", ""),
    (rf",? or keep plans of different labels apart {_NEW}", ""),
    (rf": to train on all, plan again under another name {_NEW}", ""),
    (
        r"; to leave such cases out, plan again \(plan_and_preprocess, with --plan-name NEW where folds are begun\)",
        "",
    ),
    (r"; to have both, plan with --plan-name NEW", ""),
    (r"(longer: `[^`]*`), and so for the others", r"\1"),
    (
        r"Give the new plan a name of its own with --plan-name, which leaves these folds as they are, or delete",
        "Delete",
    ),
    (r"plan folds of your own of which this one trains on them \(plan_and_preprocess --splits\), ", ""),
    (
        r"Give more time, or plan for this time, with smaller steps: `autoseg plan_and_preprocess [^`]*`, then train "
        r"with `--plan short`",
        "Give more time with `--max-minutes`",
    ),
)
_COMMAND = re.compile(r"`(?:autoseg )?(?:train|plan_and_preprocess)((?: [^`]*)?)`")
# Options of these commands that `label train` has, too, by what stays of them; all else is as the round has it.
_KEPT = {"--restart": "--restart", "--allow-seen": "--allow-seen", "--like": "--like-last", "full": "--fold full"}
_MEMORY = "--gpu-memory-gb"
# Minutes of each unit in which a time is advised; a round takes minutes.
_MINUTES = {"--max-minutes": 1, "--max-hours": 60}
# How planning tells of the round's own tables of cases and folds, of which a person knows nothing.
_UNSAID = re.compile(r"^Found CSV of paths\b|^Columns of labelled\.csv: |^\d+ folds? of your own \(")
_NUMBER = re.compile(r"[0-9.]+")


class LoopProgress:
    """Progress of a round, whose sentences name what `label train` takes."""

    def __init__(self, shown: Progress) -> None:
        self._shown = shown

    def task(self, title: str, total: int, done: int = 0) -> AbstractContextManager[Task]:
        """Open a piece of work."""
        return self._shown.task(title, total, done)

    def say(self, message: str) -> None:
        """Show one line that stays, unless it is about tables that the loop has written itself."""
        if not _UNSAID.search(message):
            self._shown.say(say_in_loop(message))


@contextmanager
def speaking_of_rounds() -> Iterator[None]:
    """Let errors of the block name what `label train` takes."""
    try:
        yield
    except AutosegError as error:
        error.args = (say_in_loop(str(error)), *error.args[1:])
        raise


def say_in_loop(message: str) -> str:
    """Return a message that names `label train` and its options in the place of other commands and theirs."""
    for pattern, text in _PHRASES:
        message = re.sub(pattern, text, message)
    return _COMMAND.sub(_as_round, message)


def _as_round(found: re.Match[str]) -> str:
    words = found[1].split()
    times = [
        ("--max-minutes", f"{float(value) * _MINUTES[word]:g}")
        for word, value in pairwise(words)
        if word in _MINUTES and _NUMBER.fullmatch(value)
    ]
    if times and "--restart" not in words:
        # The round goes on with the fold that it has.
        return f"`{' '.join(('autoseg label train', *times[0]))}`"
    kept = [_KEPT[word] for word in words if word in _KEPT]
    if _MEMORY in words[:-1]:
        # The plan of a round that is begun changes only with it.
        kept += ["--restart", _MEMORY, words[words.index(_MEMORY) + 1]]
    return f"`{' '.join(('autoseg label train', *kept))}`"
