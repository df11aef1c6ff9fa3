"""Places of what a command writes, checked before it works: an output is never an input, and nobody else's file.

Paths are compared by where they lead, through links of every kind. No option turns the checks off.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from autoseg.models import is_bundle
from autoseg.workspace.fold import METRICS
from autoseg.workspace.reserved import find_reserved, is_workspace_root
from autoseg.workspace.workspace import Workspace
from dataset_fingerprints.dataset import Case, Dataset
from dataset_fingerprints.errors import DataError, FileFormatError, WorkspaceError
from dataset_fingerprints.files.jsonfiles import read_json, read_plain_json
from dataset_fingerprints.files.places import (
    find_around,
    find_too_long,
    identify_place,
    identify_places,
    is_case_blind,
    is_same,
    is_within,
    name_bytes,
    nearest_there,
    resolve,
)
from dataset_fingerprints.names import counted, refuse_undecodable, some_of
from dataset_fingerprints.reading.file_names import find_alike, images_in
from dataset_fingerprints.reading.images import suffix_of

# A suffix as files have one: a letter first, so that `masks_1.5mm` is a folder; `.v2` is a version.
_FILE_SUFFIX = re.compile(r"\.(?!v\d)[A-Za-z][A-Za-z0-9]{0,5}$")
# The folders of an nnU-Net raw data set, beside its dataset.json.
_RAW_FOLDERS = ("imagesTr", "labelsTr", "imagesTs", "labelsTs")
_DESCRIPTION = "dataset.json"
# Layouts whose folders hold nothing but data, at any depth.
_LAYOUTS_OF_FOLDERS = ("nnunet", "msd")
# Layouts in which every folder may be a patient's, but for those in here.
_TREES = ("bids", "patients")
_DERIVATIVES = "derivatives"
# Fields of a file of ours, whatever its version; other files are told from it by their first bytes, or by these.
_EVALUATION = frozenset({"schema_version", "conventions", "cases", "summary"})
_FINDINGS = frozenset({"schema_version", "dataset", "cases", "findings"})
_START_BYTES = 64
_APART, _OTHER_FILE = "Name another place with -o.", "name another file with -o."


def refuse_scores_place(prediction: Path, reference: Path, out: Path) -> None:
    """Make sure that scores can be written to a file without a loss.

    Raises:
        DataError: it is one of the masks, or anything else but an earlier evaluation.
    """
    _refuse_no_file(out, "for the scores", METRICS)
    refuse_inputs([out], [file for path in (prediction, reference) for file in _files_at(path)], "one of the masks")
    _refuse_foreign(out, "an evaluation", _EVALUATION)
    _refuse_kept(out)


def refuse_result_place(out: Path, what: str, fields: frozenset[str], inputs: Iterable[Path]) -> None:
    """Make sure that a result made from files can be written to a JSON file without a loss.

    Args:
        out: the file.
        what: its content, for messages: `comparison`.
        fields: that an earlier result of the kind has.
        inputs: files that it is made from.

    Raises:
        DataError: it is one of the inputs, or anything else but an earlier result of the kind.
    """
    _refuse_no_file(out, f"for the {what}", f"{what}.json")
    if out.suffix.lower() != ".json":
        raise DataError(
            f"{out}: is not called .json, which the {what} is. Name it {out.with_name(out.name + '.json')}."
        )
    refuse_inputs([out], inputs, "one of the inputs")
    _refuse_foreign(out, f"an earlier {what}", fields)
    _refuse_kept(out)


def refuse_masks_result_place(out: Path, what: str, fields: frozenset[str], places: Iterable[Path]) -> None:
    """Make sure of the same where the result is made from masks: files, or folders of them."""
    refuse_result_place(out, what, fields, [file for path in places for file in _files_at(path)])


def refuse_bundle_place(out: Path) -> None:
    """Make sure that a model can be exported to a file without a loss.

    Raises:
        DataError: it is anything else but a new file or an earlier export.
    """
    refuse_no_place(out)
    refuse_read_only(out)
    if out.is_dir():
        raise DataError(f"{out}: is a folder. Name a file for the model with -o, for example {out / 'model.zip'}.")
    if out.suffix.lower() != ".zip":
        taken = out.exists() or suffix_of(out)
        example = out.with_name("model.zip") if taken else out.with_name(f"{out.name}.zip")
        kind = "is a scan or another file" if taken else "is not called .zip, which a model is"
        raise DataError(f"{out}: {kind}. Name a file for it with -o, for example {example}.")
    refuse_names(out.parent, [out.name])
    _refuse_kept(out)
    if out.exists() and out.stat().st_size and not is_bundle(out):
        raise DataError(f"{out}: exists and is not an exported model. It would be replaced: {_OTHER_FILE}")


def refuse_findings_place(place: Path, dataset: Dataset, out: Path | None, pictures: Path | None) -> None:
    """Make sure that the findings of a check, and its pictures, can be written without a loss.

    Args:
        place: that the data set was given as.
        dataset: that is checked.
        out: the file for the findings, or None.
        pictures: the folder for the pictures, or None.

    Raises:
        DataError: they would lie on or among files of the data set, or anything else but an earlier check.
    """
    if out is not None:
        _refuse_no_file(out, "for the findings", "findings.json")
        description = Path(dataset.root) / _DESCRIPTION
        files = (file for case in dataset.cases for file in _files_of(case))
        refuse_inputs([out], (place, description, *files), "a file of the data set")
        if is_same(out, description):
            raise DataError(f"{out}: would be read as the description of the data set. Name another file with -o.")
        _refuse_foreign(out, "the findings of a check", _FINDINGS)
        _refuse_kept(out)
    if pictures is not None:
        refuse_no_place(pictures)
        refuse_read_only(pictures)
        refuse_no_folder(pictures, "for the pictures", len(dataset.cases))
        refuse_reserved(pictures)
        refuse_raw(pictures, dataset)
        refuse_names(pictures, [f"{case.name}.png" for case in dataset.cases])


def refuse_workspace_place(place: Path, dataset: Dataset, workspace: Workspace) -> None:
    """Make sure that a workspace lies apart from the raw data set, and not in another workspace.

    Args:
        place: that the data set was given as: a folder or a CSV.
        dataset: that the workspace is for.
        workspace: to be made, or to go on with.

    Raises:
        WorkspaceError: one lies inside the other.
        DataError: it lies inside another workspace.
    """
    refuse_no_place(workspace.root)
    # A CSV may lie above everything; a folder that was given is the data set.
    folders = [folder for folder in _folders_of(dataset) if place.is_dir() or not is_within(place, folder)]
    folders += [place] if place.is_dir() else []
    around = find_around(workspace.root, folders)
    inside = next((folder for folder in folders if is_within(folder, workspace.root)), None)
    if around is not None or inside is not None:
        how = f"lies in the raw data set ({around})" if around else f"the raw data set lies in it ({inside})"
        raise WorkspaceError(
            f"{workspace.root}: {how}. A workspace lies apart from the data: name another folder with -w."
        )
    _refuse_kept(workspace.root)


def refuse_similar_plan(workspace: Workspace, name: str) -> None:
    """Make sure that a plan does not differ from another one in upper and lower case only.

    Disks of Windows and macOS take both names for one folder, and workspaces are moved to such.

    Raises:
        WorkspaceError: another one has the name, spelled otherwise.
    """
    known = workspace.plan_names()
    similar = [other for other in known if other != name and other.casefold() == name.casefold()]
    if similar and name not in known:
        raise WorkspaceError(
            f"{workspace.root}: has a plan '{similar[0]}', which many disks take for the same name as '{name}'. Spell "
            "it as it is to plan it anew, or give --plan-name another name."
        )


def refuse_simulation_place(out: Path) -> None:
    """Make sure that a simulated data set, whose folder is new anyway, lies apart from raw data and from workspaces.

    Raises:
        DataError: it does not.
    """
    refuse_no_place(out)
    refuse_read_only(out)
    refuse_reserved(out)
    refuse_raw(out, None)


def refuse_no_place(out: Path) -> None:
    """Refuse what nothing can be written to: a device or a pipe, or a path through a file.

    Raises:
        DataError: it is such, or its name is no text.
    """
    refuse_undecodable(out.absolute())
    there = nearest_there(out)
    _refuse_long_names(there, out.absolute().relative_to(there).parts)
    if there.is_dir() or (there.is_file() and there == out.absolute()):
        return
    kind = "is a file" if there.is_file() else "is neither a file nor a folder"
    raise DataError(f"{there}: {kind}. Name another place for what is written ({out}).")


def refuse_read_only(out: Path) -> None:
    """Refuse a place without the rights to write there, before the work is done whose result would be lost.

    Raises:
        DataError: the rights are missing.
    """
    there = nearest_there(out)
    folder = there if there.is_dir() else there.parent
    if not os.access(folder, os.W_OK | os.X_OK):
        raise DataError(
            f"{folder}: cannot be written to: the rights are missing, or the disk is read-only. Name another place for "
            f"what is written ({out})."
        )


def refuse_no_folder(out: Path, purpose: str, results: int) -> None:
    """Refuse a file, and a new folder with the name of one.

    Raises:
        DataError: it is one.
    """
    if out.is_file():
        raise DataError(f"{out}: is a file. Give a folder {purpose} with -o.")
    if out.exists():
        return
    if suffix_of(out):
        raise DataError(
            f"{out}: looks like a file, but there {'is' if results == 1 else 'are'} {counted(results, 'result')}. "
            f"Give a folder {purpose}."
        )
    if _FILE_SUFFIX.search(out.name):
        raise DataError(
            f"{out}: looks like a file, but {out.suffix} is no format of images, and there is no folder of that name. "
            f"Give a folder {purpose}; make it first if it is to be called so."
        )


def _refuse_no_file(out: Path, purpose: str, example: str) -> None:
    """Refuse a folder, and the name of an image."""
    refuse_no_place(out)
    refuse_read_only(out)
    if out.is_dir():
        raise DataError(f"{out}: is a folder. Name a file {purpose} with -o, for example {out / example}.")
    if suffix_of(out):
        raise DataError(
            f"{out}: has the suffix of an image, but the file {purpose} is JSON, and would be taken for a scan or a "
            "mask. Name it .json."
        )
    refuse_names(out.parent, [out.name])


def refuse_tree(folder: Path, tree: Path) -> None:
    """Refuse a place in a data set, where masks would be taken for data; BIDS has `derivatives` for them.

    Raises:
        DataError: it lies there.
    """
    if is_within(folder, tree) and not is_within(folder, tree / _DERIVATIVES):
        raise DataError(
            f"{folder}: lies in the data set {tree}, where it would be taken for data. Name a folder outside of it "
            f"with -o, or one in {tree / _DERIVATIVES} if it is a BIDS tree."
        )


def refuse_reserved(out: Path) -> None:
    """Refuse a workspace, and its folders, in which nothing but its own files may lie.

    Raises:
        DataError: it is one.
    """
    _refuse_kept(out)
    if out.is_dir() and is_workspace_root(out):
        raise DataError(f"{out}: is a workspace. Name a folder of its own, outside of it.")


def _refuse_kept(out: Path) -> None:
    reserved = find_reserved(out)
    if reserved is not None:
        raise DataError(
            f"{out}: lies in {reserved}, where a workspace keeps its own files. Name a place outside of the workspace."
        )


def refuse_raw(folder: Path, dataset: Dataset | None) -> None:
    """Refuse the folders of a raw data set, in which anything new would be taken for data.

    Raises:
        DataError: it lies there.
    """
    place = resolve(folder)
    named = (above for above in (place, *place.parents) if above.name in _RAW_FOLDERS)
    taken = next((above for above in named if (above.parent / _DESCRIPTION).is_file()), None)
    if dataset is not None and dataset.layout in _TREES:
        refuse_tree(folder, Path(dataset.root))
    if taken is None and dataset is not None:
        own = _folders_of(dataset)
        whole = dataset.layout in _LAYOUTS_OF_FOLDERS
        taken = find_around(place, own) if whole else next((one for one in own if is_same(place, one)), None)
    if taken is not None:
        raise DataError(f"{folder}: belongs to a raw data set ({taken}), where it would be taken for data. {_APART}")


def refuse_inputs(outputs: Iterable[Path], inputs: Iterable[Path], what: str) -> None:
    """Refuse an output that is an input by any of its names.

    Raises:
        DataError: one is.
    """
    known: dict[tuple[int, int], Path] | None = None
    for out in outputs:
        identity = identify_place(out)
        if identity is not None:
            known = identify_places(inputs) if known is None else known
            if identity in known:
                other = "" if known[identity].absolute() == out.absolute() else f" by another name ({known[identity]})"
                raise DataError(f"{out}: is {what}{other}, which would be replaced. {_APART}")


def _refuse_foreign(out: Path, what: str, fields: frozenset[str]) -> None:
    """Refuse to replace a file that holds anything else than an earlier result of the same kind."""
    if out.exists() and out.stat().st_size and not _holds(out, fields):
        raise DataError(f"{out}: exists and is not {what}. It would be replaced: {_OTHER_FILE}")


def _holds(path: Path, fields: frozenset[str]) -> bool:
    with path.open("rb") as stream:
        if not stream.read(_START_BYTES).lstrip().startswith(b"{"):
            return False
    try:
        content = read_plain_json(path)
    except FileFormatError:
        return False
    return isinstance(content, dict) and fields <= content.keys()


def refuse_names(folder: Path, names: Sequence[str]) -> None:
    """Refuse names that files cannot have, or that a disk takes for the same.

    Raises:
        DataError: there are such names.
    """
    _refuse_long_names(folder, names)
    alike = find_alike(names, case_blind=is_case_blind(folder))
    if alike:
        shown = some_of([" and ".join(group) for group in alike], 10, "; ")
        raise DataError(f"{folder}: these files would be the same there: {shown}. Rename what they are made of.")


def _refuse_long_names(folder: Path, names: Sequence[str]) -> None:
    long = find_too_long(folder, names)
    if long:
        raise DataError(
            f"{folder}: no file can be called {long[0]}: the name has {len(os.fsencode(long[0]))} bytes. Expected at "
            f"most {name_bytes(folder)}: rename what it is made of."
        )


def _folders_of(dataset: Dataset) -> list[Path]:
    """Return the folders that hold the files of a data set."""
    return sorted({file.parent for case in dataset.cases for file in _files_of(case)})


def _files_of(case: Case) -> list[Path]:
    return [Path(file) for file in (*case.images, case.label) if file]


def _files_at(path: Path) -> list[Path]:
    """Return a file, or the images of a folder."""
    return images_in(path, series=False) if path.is_dir() else [path]


def read_dataset_of(workspace: Workspace) -> Dataset | None:
    """Return the data set of a workspace; None where it is of another version, which predicting does not need."""
    try:
        return read_json(workspace.dataset, Dataset)
    except FileFormatError:
        return None
