"""`radiomics`: the features of every case's region, as a table that an interrupted run goes on with."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from importlib.metadata import version
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from autoseg.pipeline.clinical.mask_files import find_masks, find_values, read_region
from autoseg.pipeline.clinical.places import refuse_table_place
from autoseg.pipeline.predictions.inputs import Search, find_inputs
from autoseg.pipeline.radiomics.tables import MADE_FROM, FeatureRow, read_rows, show_number, write_features
from autoseg.pipeline.scans.new_scans import NewScan
from autoseg.pipeline.scores.simulated_scans import is_marked
from autoseg.preprocessing.intensities import normalize
from autoseg.progress import Progress
from autoseg.radiomics import RadiomicsOptions, measure_features, refuse_missing_package
from autoseg.radiomics.extracting import PACKAGE
from dataset_fingerprints.errors import DataError, PartlyDoneError
from dataset_fingerprints.failures import Failure, attempt, list_failures
from dataset_fingerprints.files.jsonfiles import to_line
from dataset_fingerprints.geometry import canonical_grid
from dataset_fingerprints.layouts import AUTOMATIC, Selection
from dataset_fingerprints.measuring.identity import hash_images
from dataset_fingerprints.measuring.scans import Scan, read_scan
from dataset_fingerprints.names import counted, some_of
from planners.choices import Choice

CHANNEL = "image"
EMPTY = "The mask is empty: there is no region to measure."
# What leaves nothing but 0 outside of the body, or all as it is.
NORMALIZATIONS = ("none", "white_stripe", "zscore_body")


@dataclass(frozen=True, kw_only=True, slots=True)
class MeasuringOptions:
    """Options of the table; all have a default.

    Attributes:
        features: what is measured.
        values: of labels that are the region; empty for all but 0, and but that of voxels that a data set ignores.
        normalization: of the scan, before.
        masks: the kind of label maps of a data set, where there are several.
        channels: of a data set of scans, the channel that is measured; empty where there is one.
    """

    features: RadiomicsOptions = field(default_factory=RadiomicsOptions)
    values: tuple[int, ...] = ()
    normalization: Choice = field(default_factory=lambda: Choice(name="none"))
    masks: Selection = AUTOMATIC
    channels: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class MeasuredFeatures:
    """Result of measuring all cases.

    Attributes:
        table: the file.
        cases: number of cases in it that have features.
        features: number of columns of features.
        kept: number of these cases that were there before, and stay.
        empty: names of cases whose masks are empty.
    """

    table: Path
    cases: int
    features: int
    kept: int
    empty: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Pair:
    mask: Path
    scan: NewScan


def measure_radiomics(
    masks: Path, scans: Path, out: Path, options: MeasuringOptions, progress: Progress
) -> MeasuredFeatures:
    """Measure the features of every case's region, and write the table.

    It is written after every case: given again, it goes on with the cases whose mask, scan or options are others.

    Args:
        masks: a mask, a folder of masks, or a data set, of which the label maps are meant.
        scans: a scan, a folder of scans, or a data set, with the same names.
        out: the file of the table.
        options: of the table.
        progress: receiver of progress reports.

    Raises:
        DataError: the package for it is missing, nothing has a counterpart, or no case can be measured.
        PartlyDoneError: some cases cannot be measured; all others are.
    """
    refuse_missing_package()
    options = replace(options, values=find_values(masks, options.values, options.masks))
    pairs = _pair(masks, scans, out, options, progress)
    files = [file for pair in pairs.values() for file in (pair.mask, *pair.scan.files())]
    refuse_table_place(out, files, (MADE_FROM,))
    table = _Rows(out=out, before=read_rows(out), simulated=is_marked(masks, files))
    with progress.task("Measuring features", len(pairs)) as task:
        for case, pair in pairs.items():
            table.add(case, pair, options)
            task.advance()
    table.write(())
    result = table.conclude()
    if table.failures:
        failed = f"{len(table.failures)} of {counted(len(pairs), 'case')} cannot be measured"
        message = f"{failed}:\n{list_failures(table.failures)}"
        raise PartlyDoneError(message, result=result) if result.cases else DataError(message)
    return result


@dataclass(kw_only=True, slots=True)
class _Rows:
    """The rows of the table, as far as they are there.

    Attributes:
        out: the file.
        before: those of an earlier run.
        kept: how many of these stay, of cases with features.
    """

    out: Path
    before: Mapping[str, FeatureRow]
    simulated: bool
    rows: dict[str, FeatureRow] = field(default_factory=dict)
    failures: list[Failure] = field(default_factory=list)
    kept: int = 0

    def add(self, case: str, pair: _Pair, options: MeasuringOptions) -> None:
        """Measure a case, unless its row is there, and write the table."""
        known = self.before.get(case)
        row = attempt(case, "cannot be measured", lambda: _measure(pair, options, known))
        if known is not None and row is known:
            self.kept += bool(known.features)
        if isinstance(row, Failure):
            self.failures.append(row)
            row = FeatureRow(features={}, warning=row.describe())
        self.rows[case] = row
        if row is not known:
            # Rows that are still to come stay as they were: a run that is stopped loses none.
            self.write([name for name in self.before if name not in self.rows])

    def write(self, waiting: Iterable[str]) -> None:
        """Write the table, with rows of an earlier run behind."""
        old = {name: self.before[name] for name in waiting}
        write_features(self.out, self.rows | old, simulated=self.simulated)

    def conclude(self) -> MeasuredFeatures:
        """Return the result of all cases."""
        return MeasuredFeatures(
            table=self.out,
            cases=sum(bool(row.features) for row in self.rows.values()),
            features=len({name for row in self.rows.values() for name in row.features}),
            kept=self.kept,
            empty=tuple(case for case, row in self.rows.items() if row.warning == EMPTY),
        )


def _pair(masks: Path, scans: Path, out: Path, options: MeasuringOptions, progress: Progress) -> dict[str, _Pair]:
    """Return masks with their scans by the names of the cases."""
    files = find_masks(masks, options.masks)
    search = Search(selection=Selection(channels=options.channels))
    found = {scan.name: scan for scan in find_inputs([scans], (CHANNEL,), search, out.parent / out.stem).scans()}
    if len(files) == len(found) == 1:
        return {case: _Pair(mask=mask, scan=next(iter(found.values()))) for case, mask in files.items()}
    lone = [case for case in files if case not in found]
    if len(lone) == len(files):
        raise DataError(
            f"{masks}: no mask is called as a scan in {scans} ({some_of(lone)} there; {some_of(list(found))} here). "
            "Expected the same names, but for the endings of the files."
        )
    if lone:
        progress.say(f"{counted(len(lone), 'mask has', 'masks have')} no scan, and are left out ({some_of(lone)}).")
    return {case: _Pair(mask=mask, scan=found[case]) for case, mask in files.items() if case in found}


def _digest(pair: _Pair, options: MeasuringOptions) -> str:
    """Return a digest of everything that a row follows from."""
    settings = to_line([asdict(options.features), list(options.values), asdict(options.normalization)])
    content = hash_images([pair.mask, *pair.scan.files()])
    return hashlib.sha256(settings + content.encode() + version(PACKAGE).encode()).hexdigest()[:16]


def _measure(pair: _Pair, options: MeasuringOptions, known: FeatureRow | None) -> FeatureRow:
    """Return the row of a case: the one that is known, where it follows from the same."""
    digest = _digest(pair, options)
    if known is not None and known.made_from == digest:
        return known
    scan = read_scan(pair.scan.name, pair.scan.images, (CHANNEL,))
    region = read_region(pair.mask, scan, options.values)
    if not region.any():
        return FeatureRow(features={}, made_from=digest, warning=EMPTY)
    spacing_mm = canonical_grid(scan.source_grid).spacing_mm()
    measured = measure_features(_normalize(scan, options.normalization), region, spacing_mm, options.features)
    return FeatureRow(features={name: show_number(value) for name, value in measured.items()}, made_from=digest)


def _normalize(scan: Scan, choice: Choice) -> NDArray[np.float32]:
    """Return the whole scan, normalised by its body."""
    around = scan.around[0] if choice.name == NORMALIZATIONS[0] and scan.around else 0.0
    whole = np.full(scan.canonical_shape(), around, dtype=np.float32)
    whole[scan.box.slices()] = normalize(scan.voxels, scan.body, (choice,))[0]
    return whole
