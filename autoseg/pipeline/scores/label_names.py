"""Names of labels for an evaluation: given, of a data set or a workspace, or of what lies beside the files."""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
from pathlib import Path

from autoseg.evaluation import Evaluation
from autoseg.pipeline.predictions.places import RECORD, record_of_mask, report_folder
from autoseg.pipeline.predictions.record import read_record
from autoseg.workspace.workspace import Workspace, is_workspace
from dataset_fingerprints.dataset import Dataset, Label, LabelScheme
from dataset_fingerprints.errors import AutosegError, DataError
from dataset_fingerprints.files.jsonfiles import read_json
from dataset_fingerprints.layouts.description import expect_labels, read_description, read_scheme
from dataset_fingerprints.layouts.msd import is_msd, read_msd_labels
from dataset_fingerprints.names import show_name

_log = logging.getLogger(__name__)
_NAMED = re.compile(r"\s*([^=]*[^=\s])\s*=\s*(-?[0-9]{1,10})\s*")
_DESCRIPTION = "dataset.json"


def parse_names(texts: Sequence[str]) -> tuple[Label, ...]:
    """Return the labels that texts such as `lesion=1` name.

    Raises:
        DataError: a text names none, or a value or a name is given twice.
    """
    labels: dict[int, Label] = {}
    for text in texts:
        match = _NAMED.fullmatch(text)
        if match is None:
            raise DataError(f"--name {show_name(text)}: cannot be read. Expected a name and a value: lesion=1.")
        label = Label(name=match[1].strip(), value=int(match[2]))
        if label.value in labels:
            raise DataError(f"--name: the label {label.value} has two names. Give each label one.")
        same = next((one for one in labels.values() if one.name == label.name), None)
        if same is not None:
            raise DataError(
                f"--name {show_name(text)}: {same.value} is called {label.name}, too. Give each label a name of its "
                f"own, or score both as one: --region {label.name}={same.value},{label.value}."
            )
        labels[label.value] = label
    return tuple(labels.values())


def find_names(
    prediction: Path, reference: Path, scheme: LabelScheme | None, workspace: Workspace | None
) -> tuple[Label, ...]:
    """Return the names of labels: of a workspace that is given, of the references, or of what lies around the files.

    Args:
        prediction: a label file, or a folder of them.
        reference: the same, or a data set.
        scheme: that the data set of the references names.
        workspace: whose labels the masks hold, or None.

    Raises:
        AutosegError: the workspace that is given cannot be read.
    """
    if workspace is not None:
        return _name_all(read_json(workspace.dataset, Dataset).labels)
    if scheme is not None:
        return _name_all(scheme)
    for path in (reference, prediction):
        folder = path if path.is_dir() else path.parent
        for place in (folder, folder.absolute().parent):
            found = _names_in(place)
            if found:
                return found
    recorded = _names_in_record(prediction)
    if recorded:
        return recorded
    root = next((above for above in prediction.absolute().parents if is_workspace(above)), None)
    return _names_in_workspace(root) if root else ()


def keep_scored(labels: Sequence[Label], evaluation: Evaluation) -> tuple[Label, ...]:
    """Return the names of labels that were scored."""
    scored = {summary.label for summary in evaluation.summary}
    return tuple(label for label in labels if label.value in scored)


def _names_in(folder: Path) -> tuple[Label, ...]:
    path = folder / _DESCRIPTION
    if is_workspace(folder):
        return _names_in_workspace(folder)
    try:
        description = read_description(path)
        if "labels" not in description:
            return ()
        if is_msd(folder, description):
            return _name_all(read_msd_labels(folder, description))
        labels = expect_labels(path, description["labels"])
        return _name_all(read_scheme(path, labels, description.get("regions_class_order")))
    except (AutosegError, OSError) as error:
        _log.warning("no names of labels are taken from it: %s", error)
        return ()


def _names_in_record(masks: Path) -> tuple[Label, ...]:
    """Return the labels that masks, a folder or a single one, were recorded to hold when they were predicted."""
    alone = () if masks.is_dir() else (record_of_mask(masks),)
    folder = masks if masks.is_dir() else masks.parent
    records = map(read_record, (*alone, report_folder(folder) / RECORD))
    return next((record.model.labels for record in records if record is not None), ())


def _names_in_workspace(root: Path) -> tuple[Label, ...]:
    try:
        return _name_all(read_json(Workspace(root=root).dataset, Dataset).labels)
    except (AutosegError, OSError):
        return ()


def _name_all(scheme: LabelScheme) -> tuple[Label, ...]:
    ignored = () if scheme.ignore_value is None else (Label(name="ignore", value=scheme.ignore_value),)
    return (*scheme.labels, *ignored)
