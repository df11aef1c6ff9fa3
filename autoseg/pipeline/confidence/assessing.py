"""Assessment of masks while scans are predicted: predicted Dice and lesions, in tables and in words."""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from autoseg.confidence import Assessment, assess, measure_signs
from autoseg.pipeline.confidence.lesion_table import list_lesions, write_lesions
from autoseg.pipeline.predictions.record import PredictedDice
from autoseg.pipeline.scores.case_tables import show_figure
from autoseg.prediction import LoadedModel, Segmented
from autoseg.progress import Progress
from dataset_fingerprints.failures import Failure, attempt
from dataset_fingerprints.names import counted, some_of

_log = logging.getLogger(__name__)

DICE = "predicted Dice"
_RANGE = ("predicted Dice from", "predicted Dice to")
# Scans that are named at the end; the table has all of them.
_NAMED = 5


class Assessor:
    """Assesses scans one after the other, and keeps what is said of them at the end.

    Args:
        model: that predicts.
        names: of its labels or regions.
    """

    def __init__(self, model: LoadedModel, names: Sequence[str]) -> None:
        self._model, self._names = model, tuple(names)
        self._found: dict[str, Assessment] = {}
        self._lesions: list[Mapping[str, str]] = []

    def assess(self, name: str, segmented: Segmented) -> PredictedDice | None:
        """Find out how far the mask of a scan can be trusted; where that fails it is logged, and the mask stays.

        Returns:
            The predicted Dice; None where there is none.
        """
        found = attempt(name, "cannot be assessed", lambda: self._assess(segmented))
        if isinstance(found, Failure):
            _log.warning("%s", found.describe())
            return None
        self._found[name] = found
        self._lesions += list_lesions(name, self._names, found.signs)
        return self._record(found)

    def _record(self, found: Assessment) -> PredictedDice | None:
        calibration = self._model.calibration
        if calibration is None or calibration.scan is None or found.scan is None:
            return None
        value, low, high = (round(number, 4) for number in (found.scan.value, found.scan.low, found.scan.high))
        return PredictedDice(value=value, low=low, high=high, error=round(calibration.scan.mean_absolute, 4))

    def _assess(self, segmented: Segmented) -> Assessment:
        return assess(measure_signs(segmented, self._model.decision.thresholds), self._model.calibration)

    def columns(self) -> tuple[str, ...]:
        """Return the columns of predicted Dice in a table of scans; none where nothing is predicted."""
        return () if self._model.calibration is None else (DICE, *_RANGE, *self._target_columns())

    def _target_columns(self) -> tuple[str, ...]:
        return tuple(f"{name}: {DICE}" for name in self._names) if len(self._names) > 1 else ()

    def fill(self, name: str) -> dict[str, str]:
        """Return a scan's cells in these columns; none where it was not assessed."""
        found = self._found.get(name)
        if found is None or not self.columns():
            return {}
        estimates = (None, None, None) if found.scan is None else (found.scan.value, found.scan.low, found.scan.high)
        values = [None if one is None else one.value for one in found.targets]
        return dict(zip(self.columns(), map(show_figure, (*estimates, *values)), strict=False))

    def describe(self, name: str) -> str:
        """Return a scan's predicted Dice in words; empty where it is not predicted."""
        found = self._found.get(name)
        return "" if found is None or found.scan is None else f"{DICE} {found.scan.describe()}"

    def orders(self) -> bool:
        """Return whether scans are ordered by predicted Dice: it was measured that bad masks have lower ones."""
        calibration = self._model.calibration
        return calibration is not None and calibration.scan is not None and calibration.scan.orders()

    def rank(self, name: str) -> float:
        """Return a number by which scans are ordered, those to look at first first: those that nothing is known of."""
        found = self._found.get(name)
        if not self.orders():
            return 0.0
        return -1.0 if found is None or found.scan is None else found.scan.value

    def say(self, progress: Progress) -> None:
        """Say which scans to look at first, and how far their predicted Dice can be trusted."""
        calibration = self._model.calibration
        if not self._found:
            return
        if calibration is None:
            progress.say(
                "No Dice of the masks is predicted: the model never learnt it. `autoseg train all` ends with that, "
                "where it has two folds or more."
            )
            return
        if calibration.scan is None:
            progress.say(f"{calibration.describe()[:1].upper()}{calibration.describe()[1:]}.")
            return
        known = sorted((found.scan.value, name) for name, found in self._found.items() if found.scan is not None)
        unknown = [name for name, found in self._found.items() if found.scan is None]
        if len(known) > 1 and self.orders():
            shown = ", ".join(f"{name} {value:.2f}" for value, name in known[:_NAMED])
            progress.say(f"Lowest predicted Dice, to look at first: {shown}.")
        if unknown:
            progress.say(f"No Dice is predicted of {counted(len(unknown), 'scan')}: {some_of(unknown, _NAMED)}.")
        if known:
            seen = f" {calibration.seen}" if calibration.seen else ""
            progress.say(f"How far a predicted Dice can be trusted: {calibration.scan.describe()}.{seen}")

    def write_lesions(self, folder: Path, kept: Collection[str], simulated: Collection[str] = ()) -> Path | None:
        """Write the table of all lesions, and return its path; None where no scan was predicted.

        Args:
            folder: of the report.
            kept: scans of earlier runs whose masks are still there.
            simulated: scans that are marked as simulated.
        """
        if not self._found:
            return None
        others = [name for name in kept if name not in self._found]
        return write_lesions(folder, self._lesions, others, simulated)


def is_dice_column(column: str) -> bool:
    """Return whether a column is one of those of predicted Dice, of whatever labels."""
    return column == DICE or column in _RANGE or column.endswith(f": {DICE}")


def sort_by_dice(rows: Sequence[Mapping[str, str]]) -> list[Mapping[str, str]]:
    """Return rows of scans: first those of which no Dice is predicted, then from the lowest predicted Dice up."""

    def place(row: Mapping[str, str]) -> float:
        try:
            return float(row.get(DICE, ""))
        except ValueError:
            return -1.0

    return sorted(rows, key=place) if any(row.get(DICE) for row in rows) else list(rows)
