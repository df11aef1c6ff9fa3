"""Cases with one planted defect each, to see what the checks of a data set find; one table of all kinds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from autoseg.simulate import defects
from autoseg.simulate.case import ODD, CaseRequest, request_case
from autoseg.simulate.defects import CaseFiles
from autoseg.simulate.options import SimulationOptions
from autoseg.simulate.records import PlantedDefect
from dataset_fingerprints.errors import AutosegError, did_you_mean


@dataclass(frozen=True, kw_only=True, slots=True)
class Oddity:
    """One odd case.

    Attributes:
        kind: as `autoseg check` calls it.
        plant: spoils the case's files; its docstring says how.
        variant: number among the cases of one kind.
        twin: whether the case is training case 1 once more.
        sessions: of one subject, a case each; () for a single case.
        needs_flair: whether it takes a second channel.
    """

    kind: str
    plant: Callable[[CaseFiles], CaseFiles]
    variant: str = ""
    twin: bool = False
    sessions: tuple[str, ...] = ()
    needs_flair: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class OddCase:
    """An odd case to be simulated."""

    request: CaseRequest
    oddity: Oddity


ODDITIES = (
    Oddity(kind="missing-label", plant=defects.drop_label),
    Oddity(kind="missing-channel", plant=defects.drop_second_channel, needs_flair=True),
    Oddity(kind="unreadable", plant=defects.truncate_image),
    Oddity(kind="shape", plant=defects.crop_label),
    Oddity(kind="affine", plant=defects.shift_label_far, variant="far"),
    Oddity(kind="affine", plant=defects.shift_label_a_little, variant="near"),
    Oddity(kind="qform-sform", plant=defects.disagree_in_qform),
    Oddity(kind="skewed-axes", plant=defects.shear_axes, variant="sheared"),
    Oddity(kind="skewed-axes", plant=defects.round_axes, variant="rounded"),
    Oddity(kind="channel-grid", plant=defects.shift_second_channel, variant="shifted", needs_flair=True),
    Oddity(kind="channel-grid", plant=defects.crop_second_channel, variant="cropped", needs_flair=True),
    Oddity(kind="not-finite", plant=defects.put_nan, variant="nan"),
    Oddity(kind="not-finite", plant=defects.put_infinity, variant="infinity"),
    Oddity(kind="constant", plant=defects.flatten_image),
    Oddity(kind="unexpected-label", plant=defects.add_unexpected_value),
    Oddity(kind="fractional-label", plant=defects.lose_digits_of_label, variant="rounded"),
    Oddity(kind="fractional-label", plant=defects.interpolate_label, variant="interpolated"),
    Oddity(kind="empty-label", plant=defects.empty_label),
    Oddity(kind="label-is-image", plant=defects.store_image_as_label),
    Oddity(kind="duplicate-image", plant=defects.leave_as_is, twin=True),
    Oddity(kind="spacing-outlier", plant=defects.stretch_slices),
    Oddity(kind="orientation-mix", plant=defects.turn_axes),
    Oddity(kind="shared-subject", plant=defects.leave_as_is, sessions=("ses-1", "ses-2")),
)


def oddity_kinds(*, flair: bool) -> tuple[str, ...]:
    """Return all kinds of defects that can be planted in scans with or without a second channel."""
    return tuple(dict.fromkeys(oddity.kind for oddity in ODDITIES if flair or not oddity.needs_flair))


def plan_oddities(options: SimulationOptions) -> tuple[OddCase, ...]:
    """Return the odd cases that were asked for; each is another brain than all others.

    Raises:
        AutosegError: a kind is unknown, or needs a second channel.
    """
    known = oddity_kinds(flair=True)
    for kind in options.oddities:
        if kind not in known:
            raise AutosegError(f"simulate: there is no kind of defect called '{kind}'. {did_you_mean(kind, known)}")
        if kind not in oddity_kinds(flair=options.flair):
            raise AutosegError(f"simulate: {kind} needs a second channel. Ask for flair as well, or leave {kind} out.")
    return tuple(
        OddCase(request=request, oddity=oddity)
        for number, oddity in enumerate(ODDITIES, start=1)
        if oddity.kind in options.oddities
        for request in _requests(number, oddity)
    )


def list_defects(cases: Sequence[OddCase]) -> tuple[PlantedDefect, ...]:
    """Return what was planted, for simulation.json."""
    planted: dict[Oddity, list[str]] = {}
    for case in cases:
        twin = [request_case(1).name] if case.oddity.twin else []
        planted.setdefault(case.oddity, twin).append(case.request.name)
    return tuple(
        PlantedDefect(kind=oddity.kind, cases=tuple(names), what=_describe(oddity)) for oddity, names in planted.items()
    )


def _requests(number: int, oddity: Oddity) -> tuple[CaseRequest, ...]:
    if oddity.sessions:
        subject = f"sub-odd{number}"
        return tuple(
            CaseRequest(number=number, stream=ODD, name=f"{subject}_{session}", subject=subject, session=session)
            for session in oddity.sessions
        )
    name = f"odd_{oddity.kind}" + (f"_{oddity.variant}" if oddity.variant else "")
    if oddity.twin:
        plain = request_case(1)
        return (CaseRequest(number=plain.number, stream=plain.stream, name=name),)
    return (CaseRequest(number=number, stream=ODD, name=name),)


def _describe(oddity: Oddity) -> str:
    if oddity.twin:
        return "One image in two cases."
    if oddity.sessions:
        return "One subject in two cases."
    return str(oddity.plant.__doc__)
