"""The whole way: patches to a classifier, and scans to label maps."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from autoseg.classical.texture import Rating, find_scale, fit_classifier, measure_patches, rate_classifier
from autoseg.classical.texture.labelling import TextureLabeller
from autoseg.classical.texture.svm import refuse_few
from autoseg.hardware import count_cores
from autoseg.pipeline.outputs import (
    refuse_inputs,
    refuse_names,
    refuse_no_folder,
    refuse_no_place,
    refuse_raw,
    refuse_read_only,
    refuse_reserved,
)
from autoseg.pipeline.predictions.inputs import Search, find_inputs
from autoseg.pipeline.scans.new_scans import NewScan
from autoseg.pipeline.weak_labels.gathering import Gathered, gather_patches
from autoseg.pipeline.weak_labels.opening import CHANNEL, find_inside, open_scan
from autoseg.pipeline.weak_labels.options import WeakOptions
from autoseg.pipeline.weak_labels.records import (
    BACKGROUND,
    PATCHES,
    RECORD,
    Knowledge,
    has_record,
    read_label_maps,
    refuse_foreign_description,
    write_description,
    write_record,
)
from autoseg.pipeline.weak_labels.sources import find_sources
from autoseg.pipeline.weak_labels.table import number_classes, read_patches
from autoseg.progress import Progress
from autoseg.workspace.locks import locked
from dataset_fingerprints.errors import DataError, PartlyDoneError
from dataset_fingerprints.failures import Failure, attempt, list_failures
from dataset_fingerprints.files.jsonfiles import to_line, write_json
from dataset_fingerprints.layouts import SIMULATION, Selection, find_marks
from dataset_fingerprints.measuring.identity import hash_images
from dataset_fingerprints.names import counted, some_of
from dataset_fingerprints.reading.images import write_label_map


@dataclass(frozen=True, kw_only=True, slots=True)
class WeakLabels:
    """Result of teaching patches and labelling scans.

    Attributes:
        out: the folder, a data set by itself.
        values: of the classes in label maps.
        counts: patches of each class.
        rating: of the classifier, on patches it had not seen.
        scans: number of those that have their label map now.
        kept: label maps that were there before, and stay.
        simulated: whether the scans are simulated.
    """

    out: Path
    values: Mapping[str, int]
    counts: Mapping[str, int]
    rating: Rating
    scans: int
    kept: int
    failures: tuple[Failure, ...] = ()
    simulated: bool = False


def label_weakly(
    patches: Path, scans: Sequence[Path], out: Path, options: WeakOptions, progress: Progress
) -> WeakLabels:
    """Teach a classifier the textures of patches, and write a label map for every scan.

    Given again, it goes on with the scans that have none yet. Label maps that are there stay if they were made from the
    same patches, settings, scans and masks of what counts.

    Args:
        patches: a table of scans, places and classes.
        scans: files, folders or data sets, as for `predict`; label maps that they have are not read.
        out: the folder for the label maps.
        options: of the work.
        progress: receiver of progress reports.

    Raises:
        DataError: there is nothing to learn or to label, or the folder holds something else.
        PartlyDoneError: some scans cannot be labelled; all others are.
    """
    _refuse_place(out)
    rows = read_patches(patches)
    found = _find(scans, out, options)
    others = found if options.patch_scans is None else _find([options.patch_scans], out, options)
    rows, sources = find_sources(patches, rows, others)
    inside = find_inside(options.inside, [*found, *sources])
    work = _Work(out=out, scans=found, inside=inside, options=options)
    work.refuse_places([patches, *(file for scan in sources.values() for file in scan.files())])
    with locked(out / PATCHES, "making weak labels"):
        gathered = gather_patches(rows, sources, inside, out / PATCHES, options, progress)
        known, labeller = _learn(gathered, number_classes(rows, BACKGROUND), options)
        work.begin(known)
        if known.rating.accuracy is not None:
            share = f"{known.rating.accuracy:.1%} of {counted(known.rating.judged(), 'patch', 'patches')}"
            progress.say(f"Cross-validation: {share} are given their class.")
        return work.label_all(known, labeller, progress)


def _refuse_place(out: Path) -> None:
    refuse_no_place(out)
    refuse_read_only(out)
    refuse_no_folder(out, "for the label maps", 2)
    refuse_reserved(out)
    if not has_record(out):
        refuse_raw(out, None)
    refuse_foreign_description(out)


def _find(places: Sequence[Path], out: Path, options: WeakOptions) -> Mapping[str, NewScan]:
    search = Search(selection=Selection(channels=options.channels))
    return {scan.name: scan for scan in find_inputs(places, (CHANNEL,), search, out).scans()}


def _learn(gathered: Gathered, values: Mapping[str, int], options: WeakOptions) -> tuple[Knowledge, TextureLabeller]:
    """Return the classes of the patches with the accuracy on them, and a labeller that was taught by them."""
    names = list(values)
    classes = np.array([names.index(patch.name) for patch in gathered.patches], dtype=np.int64)
    refuse_few(names, classes)
    scale = find_scale(gathered.cut)
    features = measure_patches(gathered.cut, scale, options.textures)
    scans = [patch.scan for patch in gathered.patches]
    rating = rate_classifier(features, classes, scans, cost=options.cost, seed=options.seed)
    known = Knowledge(
        made_from=hashlib.sha256(to_line([gathered.made_from, names, options.settings()])).hexdigest()[:16],
        values=values,
        counts=Counter(patch.name for patch in gathered.patches),
        rating=rating,
        settings=options.settings(),
        features=features.shape[1],
    )
    classifier = fit_classifier(features, classes, options.cost)
    return known, TextureLabeller(classifier=classifier, scale=scale, options=options.textures, step=options.step)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Work:
    """Scans that are to be labelled, and where."""

    out: Path
    scans: Mapping[str, NewScan]
    inside: Mapping[str, Path]
    options: WeakOptions

    def place(self, scan: NewScan) -> Path:
        """Return the path of a label map."""
        return self.out / f"{scan.name}{scan.mask_suffix()}"

    def entry(self, scan: NewScan) -> str:
        """Return the path of a label map in the folder, by which the record knows it."""
        return self.place(scan).relative_to(self.out).as_posix()

    def refuse_places(self, others: Sequence[Path]) -> None:
        """Make sure that label maps replace no input."""
        places = [self.place(scan) for scan in self.scans.values()]
        refuse_names(self.out, [self.entry(scan) for scan in self.scans.values()])
        inputs = [*others, *self.inside.values(), *(file for scan in self.scans.values() for file in scan.files())]
        refuse_inputs([*places, self.out / RECORD], inputs, "one of the files that are read")

    def begin(self, known: Knowledge) -> None:
        """Write what label maps are made from, before the first of them.

        Raises:
            DataError: there are some that were made from something else.
        """
        there = [scan for scan in self.scans.values() if self.place(scan).exists()]
        made = read_label_maps(self.out)
        if self.options.overwrite:
            for scan in there:
                self.place(scan).unlink()
        else:
            self._refuse_others(there, known, made)
        write_record(self.out, known, made)

    def _refuse_others(self, there: Sequence[NewScan], known: Knowledge, made: Mapping[str, str]) -> None:
        others = [entry for scan in there if made.get(entry := self.entry(scan)) != self._digest(scan, known)]
        if others:
            raise DataError(
                f"{self.out}: holds label maps of other patches, settings, scans or masks of what counts "
                f"({some_of(others)}). Name another folder, or give --overwrite to make them anew."
            )

    def _digest(self, scan: NewScan, known: Knowledge) -> str:
        """Return a digest of everything that a label map follows from."""
        content = hash_images([*scan.files(), *([self.inside[scan.name]] if scan.name in self.inside else [])])
        return hashlib.sha256(f"{known.made_from} {content}".encode()).hexdigest()[:16]

    def label_all(self, known: Knowledge, labeller: TextureLabeller, progress: Progress) -> WeakLabels:
        """Label all scans that have no label map yet."""
        kept = [name for name, scan in self.scans.items() if self.place(scan).exists()]
        failures = []
        with progress.task("Labelling scans by their textures", len(self.scans), len(kept)) as task:
            for name, scan in self.scans.items():
                if name in kept:
                    continue
                outcome = attempt(name, "cannot be labelled", partial(self._label, scan, known, labeller))
                failures += [outcome] if isinstance(outcome, Failure) else []
                task.advance()
        return self._conclude(known, len(kept), tuple(failures))

    def _label(self, scan: NewScan, known: Knowledge, labeller: TextureLabeller) -> None:
        opened = open_scan(scan, self.inside.get(scan.name), self.options.normalization)
        classes = labeller.label(opened.voxels, opened.inside, opened.axis, count_cores())
        # What lies outside, -1, becomes the last entry.
        values = np.array([*known.values.values(), 0], dtype=np.uint8)
        whole = np.zeros(opened.read.canonical_shape(), dtype=np.uint8)
        whole[opened.read.box.slices()] = values[classes]
        # Before the label map: a run that is stopped leaves none of which it is not known what it was made from.
        write_record(self.out, known, read_label_maps(self.out) | {self.entry(scan): self._digest(scan, known)})
        place = self.place(scan)
        place.parent.mkdir(parents=True, exist_ok=True)
        write_label_map(place, whole, opened.read.source_grid, opened.read.header)

    def _conclude(self, known: Knowledge, kept: int, failures: tuple[Failure, ...]) -> WeakLabels:
        made = [(scan, place) for scan in self.scans.values() if (place := self.place(scan)).exists()]
        simulated = find_marks(file for scan in self.scans.values() for file in scan.files()).simulated
        if simulated and not (self.out / SIMULATION).exists():
            write_json(self.out / SIMULATION, {"simulated": True})
        channel = self.options.channels[0] if self.options.channels else "0"
        if made:
            write_description(self.out, channel, known.values, made)
        result = WeakLabels(
            out=self.out,
            values=known.values,
            counts=known.counts,
            rating=known.rating,
            scans=len(made),
            kept=kept,
            failures=failures,
            simulated=simulated,
        )
        if failures:
            failed = f"{len(failures)} of {counted(len(self.scans), 'scan')} cannot be labelled"
            message = f"{failed}:\n{list_failures(failures)}"
            raise PartlyDoneError(message, result=result) if made else DataError(message)
        return result
