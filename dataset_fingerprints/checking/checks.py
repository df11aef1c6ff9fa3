"""Checks of a case before anything is trained on it; findings are graded and never silent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from dataset_fingerprints.dataset import LabelScheme
from dataset_fingerprints.errors import DataError
from dataset_fingerprints.geometry import Grid, affine_distance_mm, canonical_grid, show_lengths, show_turn
from dataset_fingerprints.names import counted
from dataset_fingerprints.tolerances import REFUSED_SHIFT, REPORTED_SHIFT

Grade = Literal["error", "warning", "fixed"]

# A label voxel may differ from its integer by rounding when files pass through float formats (0.9999, 254.99999).
ROUNDING = 1e-3
# One voxel, and several, whose value cannot be a label.
NOT_INTEGER = ("voxel with values that are not integers", "voxels that are not integers")
_WRONG_TURN = "Correct the wrong header, for example by storing the label map with the scan's affine"


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """One thing found in one case.

    Attributes:
        grade: an error stops, a warning does not, fixed was corrected on the way.
        kind: a short name that stays the same, for example `unexpected-label`.
        message: what was found, what was expected and what to do.
    """

    case: str
    grade: Grade
    kind: str
    message: str


def check_grids(case: str, image: Grid, label: Grid) -> tuple[Finding, ...]:
    """Compare the grids of a scan and its label map, both as stored."""
    scan, mask = canonical_grid(image), canonical_grid(label)
    turn = show_turn(label, image)
    if scan.shape != mask.shape:
        message = (
            f"the label map is {show_lengths(label.shape)} voxels but the scan is {show_lengths(image.shape)}. "
            "Resample one onto the other, then run again."
        )
        if label.shape == image.shape:
            message = (
                f"label map and scan have {show_lengths(label.shape)} voxels, but their headers turn these "
                f"differently: the axes run {turn}. {_WRONG_TURN}."
            )
        return (Finding(case=case, grade="error", kind="shape", message=message),)
    voxels = affine_distance_mm(scan, mask) / min(scan.spacing_mm())
    if voxels <= REPORTED_SHIFT:
        return ()
    refused = voxels > REFUSED_SHIFT
    cure = "Correct the wrong header" if refused else "The label map was taken to lie on the scan's grid"
    found = f"label map and scan lie {voxels:.2g} voxels apart in space though their shapes agree"
    if refused and turn:
        found, cure = f"{found}: their axes run {turn}", _WRONG_TURN
    message = f"{found}. {cure}."
    return (Finding(case=case, grade="error" if refused else "warning", kind="affine", message=message),)


def check_voxels(case: str, voxels: NDArray[np.float32], channels: Sequence[str]) -> tuple[Finding, ...]:
    """Look for intensities that cannot be trained on.

    Args:
        case: its name.
        voxels: (channel, x, y, z).
        channels: their names.
    """
    findings = []
    for name, channel in zip(channels, voxels, strict=True):
        bad = int(channel.size - np.isfinite(channel).sum())
        if bad:
            voxels_of = counted(bad, "voxel that is NaN or infinite", "voxels that are NaN or infinite")
            message = f"channel {name} holds {voxels_of}. Replace {'it' if bad == 1 else 'them'}, for example by 0."
            findings.append(Finding(case=case, grade="error", kind="not-finite", message=message))
        elif channel.min() == channel.max():
            message = f"channel {name} is {channel.flat[0]:g} everywhere. Expected a scan: export it again."
            findings.append(Finding(case=case, grade="error", kind="constant", message=message))
    return tuple(findings)


def check_twins(case: str, voxels: NDArray[np.float32], labels: NDArray[Any]) -> tuple[Finding, ...]:
    """Find a label map that was stored as its own scan, or the reverse.

    Args:
        case: its name.
        voxels: (channel, x, y, z).
        labels: (x, y, z) as stored.
    """
    if not any(np.array_equal(channel, labels) for channel in voxels):
        return ()
    message = "scan and label map hold the same voxels. One was saved in the other's place: export it again."
    return (Finding(case=case, grade="error", kind="label-is-image", message=message),)


def check_labels(case: str, labels: NDArray[Any], scheme: LabelScheme) -> tuple[NDArray[np.uint8], tuple[Finding, ...]]:
    """Turn stored label values into class indices, and report what was fixed or cannot be.

    Args:
        case: its name.
        labels: (x, y, z), any number type.
        scheme: the values that may occur.

    Returns:
        Indices by `LabelScheme.to_indices` (all 0 where an error was found), and the findings.
    """
    whole, findings = _round_labels(case, labels)
    if whole is None:
        return np.zeros(labels.shape, dtype=np.uint8), findings
    try:
        indices = scheme.to_indices(whole)
    except ValueError:
        found = sorted(set(np.unique(whole).tolist()) - set(scheme.known_values()))
        example = ", ".join(f'"NAME {value}": {value}' for value in np.unique(whole)[:10].tolist() if value)
        same = _advise_same(found, scheme)
        message = (
            f"the label map holds {found[:10]}, but the labels are {list(scheme.known_values())}. {same}"
            "Correct the file, or "
            'name all labels in a dataset.json in the folder of the data set: {"labels": {"background": 0, '
            f"{example}}}}}."
        )
        unexpected = Finding(case=case, grade="error", kind="unexpected-label", message=message)
        return np.zeros(labels.shape, dtype=np.uint8), (*findings, unexpected)
    foreground = scheme.foreground(indices)
    if not foreground.any():
        ignored = np.count_nonzero(indices) / indices.size
        rest = f" apart from {ignored:.0%} of ignored voxels" if ignored else ""
        message = f"the label map is empty{rest}. It is used as a scan without any label; check that this is meant."
        findings = (*findings, Finding(case=case, grade="warning", kind="empty-label", message=message))
    return indices, findings


def _advise_same(found: Sequence[int], scheme: LabelScheme) -> str:
    """Say what to do if the one value of a mask stands for the one label; empty where there are more."""
    known = [value for value in scheme.known_values() if value]
    if len(known) != 1 or len(found) != 1:
        return ""
    return (
        f"If {found[0]} stands for the same as {known[0]}, write {known[0]} in its place (for ATLAS, `autoseg "
        "import-atlas` does). "
    )


def refuse_errors(root: str, findings: Sequence[Finding]) -> None:
    """Raise one error that names every case with a finding graded error.

    Raises:
        DataError: if there is any.
    """
    errors = [finding for finding in findings if finding.grade == "error"]
    if not errors:
        return
    shown = "\n".join(f"  case {finding.case}: {finding.message}" for finding in errors[:20])
    more = f"\n  and {len(errors) - 20} more" if len(errors) > 20 else ""
    raise DataError(f"{root}: {counted(len(errors), 'error')} in the data.\n{shown}{more}")


def _round_labels(case: str, labels: NDArray[Any]) -> tuple[NDArray[np.integer] | None, tuple[Finding, ...]]:
    if np.issubdtype(labels.dtype, np.integer):
        return labels, ()
    rounded = np.rint(labels)
    # Infinity minus infinity is found below.
    with np.errstate(invalid="ignore"):
        distance = np.abs(labels - rounded)
    if not np.isfinite(labels).all() or distance.max() > ROUNDING:
        strays = labels[~(distance <= ROUNDING)]
        message = (
            f"the label map holds {counted(strays.size, *NOT_INTEGER)}, for example {float(strays[0]):.6g}. "
            "Labels must be integers: was the file resampled with interpolation?"
        )
        return None, (Finding(case=case, grade="error", kind="fractional-label", message=message),)
    if distance.max() == 0:
        return rounded.astype(np.int64), ()
    message = f"label values differ from integers by up to {distance.max():.2g} and were rounded."
    return rounded.astype(np.int64), (Finding(case=case, grade="fixed", kind="fractional-label", message=message),)
