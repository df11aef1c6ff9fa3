"""What may stand beside what: for every published row, why it may not, and what differs although it may."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from experiments.benchmark.figures import DICE, PLAIN, describe_dice, describe_lesions, find_ours
from experiments.benchmark.ours import OurResult
from experiments.published import PublishedRow

# Published figures of R1.1 and R1.2 stand together: authors seldom say which they used.
RELEASES = ("R1.x", "R1.1", "R1.2", "R2.0", "R2.1", "R3.0")
# Where the masks of a release lie.
SPACES = {"R1.x": "MNI", "R1.1": "MNI", "R1.2": "MNI", "R2.0": "MNI", "R2.1": "native", "R3.0": "native"}
NATIVE, MNI = "native", "MNI"


@dataclass(frozen=True, kw_only=True, slots=True)
class Scope:
    """Which scans our figures are of.

    Attributes:
        release: of ATLAS; empty where it is not known, or is none.
        set: as in `PublishedRow`.
        space: of the masks that were scored: MNI or native; empty where it is not known.
        simulated: whether the scans are simulated.
    """

    release: str
    set: str
    space: str
    simulated: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Judged:
    """A published row with why it is not comparable with ours, a sentence each; none for one that is."""

    row: PublishedRow
    reasons: tuple[str, ...]


def judge(row: PublishedRow, scope: Scope) -> Judged:
    """Say why a published row is not comparable with figures of ours."""
    return Judged(row=row, reasons=tuple(_find_reasons(row, scope)))


def _find_reasons(row: PublishedRow, scope: Scope) -> Iterator[str]:
    if scope.simulated:
        yield "Ours are of simulated scans, these of patients."
        return
    if not scope.release:
        yield "The release that ours are of is not known: name it with --release."
    elif row.release != _group(scope.release):
        yield f"These are of release {row.release}, ours of {scope.release}: other scans."
    if row.set != scope.set:
        yield f"The scans were chosen otherwise: {row.set}; ours: {scope.set}."
    if scope.space and row.space in (NATIVE, MNI) and row.space != scope.space:
        yield (
            f"The scans lie in {row.space} space, ours in {scope.space} space: volumes and distances are of another "
            "size, and masks were resampled."
        )
    if row.space not in (NATIVE, MNI):
        yield "The source does not say in which space the scans lie."
    if row.dice_rule == "per slice":
        yield "The Dice is of slices, ours of whole scans."
    if not row.comparable:
        yield "The protocol is not known well enough, or is one of the authors' own."


def find_notes(rows: Sequence[PublishedRow], result: OurResult) -> tuple[str, ...]:
    """Return what differs from ours in rows that are comparable, a sentence for all rows of which it is true."""
    ours, count = describe_lesions(result), result.count()
    other_rules = sorted({row.lesion_rule for row in rows if row.lesion_rule and row.lesion_rule != ours})
    sizes = sorted({row.n for row in rows if row.n != count})
    unstated = [row.method for row in rows if row.dice_rule == "not stated"]
    abstracts = [row.method for row in rows if row.verified != "read"]
    notes = [
        f"Lesion F1 and lesion count difference of rows by the rule '{rule}' are not comparable with ours, by '{ours}'."
        for rule in other_rules
        if ours
    ]
    if rows and describe_dice(result) != PLAIN:
        notes.append(f"Our Dice is {describe_dice(result)}: it is below the plain one, which most rows have.")
    if sizes:
        notes.append(f"Ours are of {count} scans, others of {', '.join(map(str, sizes))}: not all scans are the same.")
    if unstated:
        notes.append(
            "The source does not say by which rule the Dice is: over scans or slices, or, in ISLES'26, 0 where no pair "
            f"of lesions reaches an IoU of 0.25: {_list(unstated)}."
        )
    if abstracts:
        notes.append(f"Only the abstract was read: {_list(abstracts)}.")
    if rows and "cross-validation" in result.set:
        notes.append("Scans fall into other folds than in these rows, unless the same folds were given with --splits.")
    return tuple(notes)


def _group(release: str) -> str:
    """Return the name under which results of a release were published."""
    return "R1.x" if release.startswith("R1.") else release


def place(row: PublishedRow, result: OurResult) -> str:
    """Return where a published Dice lies: `inside`, `above` or `below` our 95 % interval; `-` without one."""
    found = find_ours(result, DICE)
    if found is None or found.ci95 is None:
        return "-"
    low, high = found.ci95
    return "below" if row.dice < low else "above" if row.dice > high else "inside"


def _list(names: Sequence[str]) -> str:
    return "; ".join(dict.fromkeys(names))
