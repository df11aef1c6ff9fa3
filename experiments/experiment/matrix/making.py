"""`experiment matrix`: every model on every data set, one cell after the other, and what differs between them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from autoseg.evaluation import DEFAULT_CONVENTION, METRICS, Convention, add_metrics, write_evaluation
from autoseg.progress import Progress
from dataset_fingerprints.errors import AutosegError, PartlyDoneError, PlanError, StoppedError, did_you_mean
from dataset_fingerprints.names import counted
from experiments.experiment.matrix.cells import Cell, Scoring, make_cell
from experiments.experiment.matrix.data import MatrixData, read_data
from experiments.experiment.matrix.models import MatrixModel, find_models
from experiments.experiment.matrix.table import Matrix, compare_cells, make_tables
from experiments.experiment.matrix.writing import write_matrix
from experiments.experiment.showing import Table

USUAL = ("dice", "lesion_f1")
SCORES = "scores"


@dataclass(frozen=True, kw_only=True, slots=True)
class MatrixRequest:
    """Request for a matrix.

    Attributes:
        models: places of models, see `find_models`.
        data: places of data sets, see `read_data`.
        out: the folder for masks, scores and tables.
        by: the column that cases are grouped by; empty for none.
        metrics: that are shown and compared; empty for Dice and lesion F1.
        foreground: whether all labels are scored together as one.
    """

    models: tuple[str, ...]
    data: tuple[str, ...]
    out: Path
    by: str = ""
    metrics: tuple[str, ...] = ()
    foreground: bool = False

    def choose_convention(self) -> Convention:
        """Return the definitions of all metrics, those that are asked for among them.

        Raises:
            PlanError: there is none of a name.
        """
        known = {*DEFAULT_CONVENTION.column_titles(), *METRICS}
        for name in self.metrics:
            if name not in known:
                raise PlanError(f"--metric {name}: there is no such metric of a case. {did_you_mean(name, known)}")
        return add_metrics(DEFAULT_CONVENTION, self.metrics)


@dataclass(frozen=True, kw_only=True, slots=True)
class MatrixOutcome:
    """A matrix, as far as it could be made.

    Attributes:
        tables: as they were written.
        written: the files: Markdown, means, tests.
        failures: of cells, why they are in no figure.
    """

    matrix: Matrix
    tables: tuple[Table, ...]
    written: tuple[Path, ...]
    failures: tuple[str, ...]

    def refuse_failures(self) -> None:
        """Make sure that every model was scored on every data set.

        Raises:
            PartlyDoneError: some were not; the others are in the tables.
        """
        if self.failures:
            listed = "\n".join(f"  {failure}" for failure in self.failures)
            raise PartlyDoneError(
                f"{counted(len(self.failures), 'pair')} of a model and a data set could not be scored; the tables are "
                f"of the others:\n{listed}\nGive the same command again: masks that are there stay.",
                result=self,
            )


def make_matrix(request: MatrixRequest, progress: Progress) -> MatrixOutcome:
    """Score every model on every data set, and write tables.

    A case that a model's fold was judged on has the mask of that fold, which did not train on it; all others are
    predicted by the mean of the model's folds. Cases that these were trained on are marked, and in no test.

    Given again after a kill, it goes on: masks that are there stay.

    Raises:
        StoppedError: a signal came; masks that were made are kept.
        AutosegError: a model or a data set cannot be read, or no model could be scored on any data set.
    """
    scoring = Scoring(out=request.out, convention=request.choose_convention(), foreground=request.foreground)
    models = find_models(request.models, progress)
    data = read_data(request.data, request.by, progress)
    cells, failures = _make_cells(scoring, models, data, progress)
    if not cells:
        listed = "\n".join(f"  {failure}" for failure in failures)
        raise AutosegError(f"{request.out}: no model could be scored on any data set:\n{listed}")
    matrix = compare_cells(cells, request.metrics or USUAL, request.by)
    tables = make_tables(matrix)
    written = write_matrix(request.out, matrix, tables)
    return MatrixOutcome(matrix=matrix, tables=tables, written=written, failures=tuple(failures))


def _make_cells(
    scoring: Scoring, models: Sequence[MatrixModel], data: Sequence[MatrixData], progress: Progress
) -> tuple[list[Cell], list[str]]:
    cells: list[Cell] = []
    failures: list[str] = []
    with progress.task("Models on data sets", len(models) * len(data)) as task:
        for model in models:
            for one in data:
                try:
                    cell = make_cell(model, one, scoring, progress)
                except StoppedError:
                    raise
                except AutosegError as error:
                    failures.append(f"{model.name} on {one.name}: {error}")
                    progress.say(f"{model.name} on {one.name}: failed; the others go on. {error}")
                else:
                    path = scoring.out / SCORES / model.name / f"{one.name}.json"
                    path.parent.mkdir(parents=True, exist_ok=True)
                    write_evaluation(path, cell.evaluation)
                    cells.append(cell)
                task.advance()
    return cells, failures
