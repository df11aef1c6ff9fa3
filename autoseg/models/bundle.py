"""A bundle: trained models in one file, which predicts without the workspace that it comes from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from operator import not_
from pathlib import Path
from typing import Annotated, TypeVar

from pydantic import Field

from autoseg.models.archive import LIST, REMEDY, Archive, ArchiveWriter, ListedFile, writing_archive
from autoseg.models.lesion_classifier import LesionClasses, LesionClassifier
from autoseg.models.model import Model
from autoseg.models.model_set import ModelSet, Rule, Stages
from autoseg.models.predicted_dice import PredictedDiceFile
from autoseg.models.quality import QualityFile
from autoseg.models.selection import Selection
from autoseg.models.tensors import pack_tensors, unpack_weights
from dataset_fingerprints.dataset import first_of_each
from dataset_fingerprints.errors import DataError, FileFormatError
from dataset_fingerprints.files.jsonfiles import parse_json, parse_sealed, to_sealed_json
from dataset_fingerprints.installed import find_version
from dataset_fingerprints.likeness import Traits
from dataset_fingerprints.names import check_fold_name, check_folder_name
from planners.editing.plan_checks import check_run
from planners.run import CaseContent, Run

T = TypeVar("T")

SCHEMA_VERSION = 1
# Of the measurements of the training scans.
SCANS_VERSION = 1
CARD = "README.md"
_SCANS, _SELECTION = "scans.json", "selection.json"
_DICE, _QUALITY = "predicted_dice.json", "quality.json"
_CLASSES, _CLASSES_WEIGHTS = "lesion_classes.json", "lesion_classes.safetensors"
# Of one fold; a training keeps a few.
MOST_NETWORKS = 64


@dataclass(frozen=True, kw_only=True, slots=True)
class BundledFold:
    """A trained fold in a bundle.

    Attributes:
        configuration: its name.
        fold: its name.
        networks: number of files of weights: its snapshots, or one; at least 1.
        iterations: steps that it was trained for; null where that is not known.
    """

    configuration: str
    fold: str
    networks: int
    iterations: int | None

    def __post_init__(self) -> None:
        check_folder_name(self.configuration, "a configuration")
        check_fold_name(self.fold)
        if not 1 <= self.networks <= MOST_NETWORKS:
            raise ValueError(f"has {self.networks} networks, expected 1 to {MOST_NETWORKS}")

    def settings(self) -> str:
        """Return the path of what it was trained by."""
        return f"{self.configuration}/{self.fold}/run.json"

    def weights(self) -> tuple[str, ...]:
        """Return the paths of its files of weights."""
        return tuple(
            f"{self.configuration}/{self.fold}/weights-{number}.safetensors" for number in range(1, self.networks + 1)
        )

    def paths(self) -> tuple[str, ...]:
        """Return the paths of all of its files."""
        return (self.settings(), *self.weights())


@dataclass(frozen=True, kw_only=True, slots=True)
class BundledStage:
    """The folds of a configuration that predict together."""

    configuration: str
    folds: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class BundleDescription:
    """Contents of a bundle.

    Attributes:
        name: of the model.
        licence: under which the weights may be used.
        made_by: the program and its version.
        rule: by which folds are averaged.
        averaged: for each configuration that is averaged, the stages in order of need, itself last.
        folds: of all stages, each once.
        files: in the archive, but for this list.
        simulated: whether it was trained on simulated scans. Not written where it was not.
    """

    name: str
    licence: str
    made_by: str
    rule: Rule
    averaged: tuple[tuple[BundledStage, ...], ...]
    folds: tuple[BundledFold, ...]
    files: tuple[ListedFile, ...]
    simulated: Annotated[bool, Field(exclude_if=not_)] = False
    schema_version: int = SCHEMA_VERSION


@dataclass(frozen=True, kw_only=True, slots=True)
class KnownTraits:
    """Measurements of the scans that a model was trained for, without their names."""

    scans: tuple[Traits, ...]
    schema_version: int = SCANS_VERSION


@dataclass(frozen=True, kw_only=True, slots=True)
class Cover:
    """Words about a model that travel with it.

    Attributes:
        name: of the model.
        licence: under which the weights may be used.
        card: for people, in Markdown.
    """

    name: str
    licence: str
    card: str


class Bundle:
    """A bundle that was opened; weights are read when they are asked for.

    Args:
        path: of the file.

    Raises:
        DataError: it is no bundle, or was made to do harm.
        FileFormatError: its list is damaged, or of another version.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._archive = Archive(path)
        self.description = parse_sealed(self._archive.read_list(), BundleDescription, f"{path}: {LIST}", REMEDY)
        self._archive.refuse_unlisted(self.description.files)
        self._files = {file.path: file for file in self.description.files}
        self._refuse_incomplete()

    @cached_property
    def runs(self) -> Mapping[tuple[str, str], Run]:
        """What each fold was trained by, by the names of configuration and fold."""
        runs = {(fold.configuration, fold.fold): self._read_run(fold) for fold in self.description.folds}
        self._refuse_mixed(runs)
        return runs

    def averaged(self) -> tuple[Run, ...]:
        """Return what the first fold of each configuration that is averaged was trained by."""
        return tuple(self.runs[one[-1].configuration, one[-1].folds[0]] for one in self.description.averaged)

    def run(self) -> Run:
        """Return what the first of the averaged folds was trained by."""
        return self.averaged()[0]

    def first_folds(self) -> tuple[BundledFold, ...]:
        """Return the first fold of the first configuration that finds the same, and of each stage that it needs."""
        places = first_of_each([run.regions() for run in self.averaged()])
        stages = [stage for place in places for stage in self.description.averaged[place]]
        first = {(stage.configuration, stage.folds[0]) for stage in stages}
        return tuple(fold for fold in self.description.folds if (fold.configuration, fold.fold) in first)

    def read(self) -> ModelSet:
        """Return the models with their weights.

        Raises:
            DataError: a file is not what is listed.
            WorkspaceError: weights cannot be used.
        """
        models = {(fold.configuration, fold.fold): self._read_model(fold) for fold in self.description.folds}
        stages = tuple(
            {stage.configuration: tuple(models[stage.configuration, fold] for fold in stage.folds) for stage in one}
            for one in self.description.averaged
        )
        known, dice, quality = (
            self._read(_SCANS, KnownTraits),
            self._read(_DICE, PredictedDiceFile),
            self._read(_QUALITY, QualityFile),
        )
        return ModelSet(
            stages=stages,
            rule=self.description.rule,
            traits=known.scans if known else (),
            selection=self._read(_SELECTION, Selection),
            predicted_dice=dice.calibrations[0] if dice and dice.calibrations else None,
            efforts=quality.configurations if quality else (),
            lesion_classes=self._read_classifier(),
        )

    def read_classes(self) -> LesionClasses | None:
        """Return what is known of the classifier that gives lesions classes; None where they get none.

        Raises:
            DataError: its file is not what is listed.
        """
        return self._read(_CLASSES, LesionClasses)

    def read_fold(self, configuration: str, fold: str) -> Model:
        """Return one of its models with its weights.

        Raises:
            DataError: a file is not what is listed.
            WorkspaceError: weights cannot be used.
        """
        named = (configuration, fold)
        return self._read_model(next(one for one in self.description.folds if (one.configuration, one.fold) == named))

    def _read(self, name: str, kind: type[T]) -> T | None:
        """Return what a file holds; None where there is no such file."""
        if name not in self._files:
            return None
        return parse_sealed(self._archive.read(self._files[name]), kind, self._where(name), REMEDY)

    def _read_classifier(self) -> LesionClassifier | None:
        description = self.read_classes()
        if description is None:
            return None
        if _CLASSES_WEIGHTS not in self._files:
            raise DataError(f"{self.path}: lacks {_CLASSES_WEIGHTS}. {REMEDY}")
        where = self._where(_CLASSES_WEIGHTS)
        weights = unpack_weights(self._archive.read(self._files[_CLASSES_WEIGHTS]), where, REMEDY)
        classifier = LesionClassifier(description=description, weights=weights)
        classifier.refuse_misfit(where)
        return classifier

    def _read_run(self, fold: BundledFold) -> Run:
        content = self._archive.read(self._files[fold.settings()])
        return parse_sealed(content, Run, self._where(fold.settings()), REMEDY, check_run)

    def _read_model(self, fold: BundledFold) -> Model:
        contents = (
            unpack_weights(self._archive.read(self._files[path]), self._where(path), REMEDY) for path in fold.weights()
        )
        return Model(
            run=self.runs[fold.configuration, fold.fold],
            weights=tuple(contents),
            origin=f"{self.path}: {fold.configuration}, fold {fold.fold}",
        )

    def _refuse_incomplete(self) -> None:
        """Make sure that the list names at least one model, and all files of those that it names."""
        folds = {(fold.configuration, fold.fold) for fold in self.description.folds}
        named = {
            (stage.configuration, fold) for one in self.description.averaged for stage in one for fold in stage.folds
        }
        ends = [one[-1].folds if one else () for one in self.description.averaged]
        files = {path for fold in self.description.folds for path in fold.paths()}
        missing = sorted(files - self._files.keys())
        missing += [f"fold {fold} of {name}" for name, fold in sorted(named - folds)]
        if not ends or not all(ends):
            missing = ["a trained model"]
        if missing:
            raise DataError(f"{self.path}: lacks {missing[0]}. {REMEDY}")

    def _refuse_mixed(self, runs: Mapping[tuple[str, str], Run]) -> None:
        """Make sure that the folds are what they are called, and of the same labels and channels."""
        wrong = [key for key, run in runs.items() if key != (run.configuration, run.fold)]
        kinds = {(run.scheme, run.channels) for run in runs.values()}
        if wrong or len(kinds) > 1:
            what = f"fold {wrong[0][1]} of {wrong[0][0]} is another one" if wrong else "its folds are of other labels"
            raise DataError(f"{self.path}: does not fit together ({what}). {REMEDY}")

    def _where(self, name: str) -> str:
        return f"{self.path}: {name}"


def is_bundle(path: Path) -> bool:
    """Return whether a file is a bundle, whatever its version."""
    try:
        parse_json(Archive(path).read_list(), BundleDescription, str(path))
    except DataError:
        return False
    except FileFormatError:
        return True
    return True


def write_bundle(
    path: Path,
    models: ModelSet,
    cover: Cover,
    iterations: Mapping[tuple[str, str], int],
    others: Iterable[tuple[str, bytes]] = (),
) -> None:
    """Write models into one file; of equal models and words it is the same, byte for byte.

    Names of cases stay out of it: they may be those of people. Contents are known by their hashes.

    Args:
        path: of the file.
        models: to write.
        cover: words about them.
        iterations: steps that folds were trained for, by the names of configuration and fold, as far as known.
        others: files that are put into it for other programs, by their paths.
    """
    folds = {_name(model): model for one in models.stages for group in one.values() for model in group}
    bundled = tuple(
        BundledFold(configuration=name, fold=fold, networks=len(model.weights), iterations=iterations.get((name, fold)))
        for (name, fold), model in folds.items()
    )
    with writing_archive(path) as writer:
        for entry, model in zip(bundled, folds.values(), strict=True):
            _write_fold(writer, entry, model)
        for name, value in _list_kept(models).items():
            writer.write(name, [to_sealed_json(value).encode()])
        if models.lesion_classes is not None:
            writer.write(_CLASSES_WEIGHTS, pack_tensors(models.lesion_classes.weights, {}))
        writer.write(CARD, [cover.card.encode()])
        for name, content in others:
            writer.write(name, [content])
        description = BundleDescription(
            name=cover.name,
            licence=cover.licence,
            made_by=f"autoseg {own_version()}",
            rule=models.rule,
            averaged=tuple(map(_list_stages, models.stages)),
            folds=bundled,
            files=tuple(writer.listed),
            simulated=any(model.run.summary.simulated for model in folds.values()),
        )
        writer.write_list(to_sealed_json(description))


def own_version() -> str:
    """Return the version of the program; `unknown` where it runs without being installed."""
    return find_version() or "unknown"


def _list_kept(models: ModelSet) -> dict[str, object]:
    """Return what is known of the models beside their weights, by the names of files."""
    kept: dict[str, object] = {}
    if models.traits:
        kept[_SCANS] = KnownTraits(scans=models.traits)
    if models.selection is not None:
        kept[_SELECTION] = models.selection
    if models.predicted_dice is not None:
        kept[_DICE] = PredictedDiceFile(calibrations=(models.predicted_dice,))
    if models.efforts:
        kept[_QUALITY] = QualityFile(configurations=models.efforts)
    if models.lesion_classes is not None:
        kept[_CLASSES] = models.lesion_classes.description
    return kept


def _write_fold(writer: ArchiveWriter, fold: BundledFold, model: Model) -> None:
    writer.write(fold.settings(), [to_sealed_json(_forget_names(model.run)).encode()])
    for path, weights in zip(fold.weights(), model.weights, strict=True):
        writer.write(path, pack_tensors(weights, {}))


def _list_stages(stages: Stages) -> tuple[BundledStage, ...]:
    return tuple(
        BundledStage(configuration=name, folds=tuple(model.run.fold for model in models))
        for name, models in stages.items()
    )


def _name(model: Model) -> tuple[str, str]:
    return model.run.configuration, model.run.fold


def _forget_names(run: Run) -> Run:
    """Return a run whose cases, and scans without labels, are called by their numbers."""
    renamed, count = _number("case", run.contents), len(run.train_cases)
    unlabelled = _number("scan", run.unlabelled)
    return replace(run.of_cases(renamed[:count], renamed[count:]), unlabelled=unlabelled)


def _number(kind: str, contents: Sequence[CaseContent]) -> tuple[CaseContent, ...]:
    digits = len(str(len(contents)))
    return tuple(
        CaseContent(case=f"{kind}-{number:0{digits}d}", sha256=content.sha256)
        for number, content in enumerate(contents, start=1)
    )
