"""Files of an exported model: a zip file or the folder that it was unpacked into."""

from __future__ import annotations

import hashlib
import json
import lzma
import struct
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Json = Mapping[str, Any]
Array = NDArray[Any]
SCHEMAS = {"model.json": 1, "run.json": 3, "selection.json": 1, "scans.json": 1}
NORMALIZATIONS = ("ct", "none", "rescale", "scale", "white_stripe", "zscore", "zscore_body")
POSTPROCESSING = ("fill_holes", "large_or_probable", "largest_component", "least_peak", "smallest_volume")
# What steers preprocessing and prediction; a model with more is predicted by rules that are not known here.
PREPROCESSING_FIELDS = ("spacing_mm", "normalization", "coarse_axis")
PREDICTION_FIELDS = ("step_share", "mirror_axes", "gaussian_sigma_share", "centre_shape", "tile_shape")
# A zip file that is cut, changed or of an unusual kind, as Python's modules say it.
BROKEN = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    struct.error,
    EOFError,
    LookupError,
    OSError,
    OverflowError,
    RuntimeError,
    ValueError,
)
INPUT_KINDS = ("mask_of", "crop_to")
UNKNOWN = "which this program does not know"


class RefusedError(Exception):
    """A sentence about what cannot be done."""


class Files:
    """Files of a model; each is checked by its hash.

    Args:
        place: of the zip file or the folder.
    """

    def __init__(self, place: Path) -> None:
        self.place = place
        self.listed: dict[str, str] = {}
        self.description = self.parse("model.json")
        try:
            self.listed = {file["path"]: file["sha256"] for file in self.description["files"]}
        except (LookupError, TypeError) as error:
            raise RefusedError(f"{place}: model.json is damaged ({error}). Get the model again.") from error

    def read(self, name: str) -> bytes:
        """Return the content of a file.

        Raises:
            RefusedError: it is not there, or not what was exported.
        """
        try:
            if self.place.is_dir():
                content = (self.place / name).read_bytes()
            else:
                with zipfile.ZipFile(self.place) as opened:
                    content = opened.read(name)
        except BROKEN as error:
            raise RefusedError(f"{self.place}: {name} cannot be read ({error}). Get the model again.") from error
        if self.listed.get(name, "") not in ("", hashlib.sha256(content).hexdigest()):
            raise RefusedError(f"{self.place}: {name} is not what was exported. Get the model again.")
        return content

    def parse(self, name: str) -> Any:
        """Return what a JSON file holds.

        Raises:
            RefusedError: it is damaged, or of another version.
        """
        expected = SCHEMAS[name.rpartition("/")[2]]
        try:
            content = json.loads(self.read(name))
            found = content["schema_version"]
        except (ValueError, KeyError, TypeError) as error:
            raise RefusedError(f"{self.place}: {name} is damaged ({error}). Get the model again.") from error
        if found != expected:
            raise RefusedError(f"{self.place}: {name} is of version {found}, this program reads {expected}.")
        return content


def find_learned(run: Json) -> Json:
    """Return the labels that a run's trained configuration learns: those of the data set, or groups of them."""
    scheme: Json = run["scheme"]
    groups = run["configurations"][-1].get("targets", ())
    if not groups:
        return scheme
    names = {label["value"]: label["name"] for label in scheme["labels"]}
    merged = [{"name": "+".join(names[value] for value in group), "value": group[0]} for group in groups]
    return {**scheme, "labels": sorted(merged, key=lambda label: label["value"])}


class Heads:
    """Meaning of a network's outputs, in indices of labels; 0 is background.

    Args:
        scheme: of labels, as a run holds it.
    """

    def __init__(self, scheme: Json) -> None:
        labels = [0, *(label["value"] for label in scheme["labels"])]
        ignored = [] if scheme["ignore_value"] is None else [scheme["ignore_value"]]
        self.values = [*labels, *ignored]
        self.ignored = len(labels) if ignored else -1
        self.exclusive = not scheme["regions"]
        if self.exclusive:
            self.targets = [[index] for index in range(1, len(labels))]
            self.written = [*range(1, len(labels))]
        else:
            self.targets = [[labels.index(value) for value in region["values"]] for region in scheme["regions"]]
            self.written = [labels.index(value) for value in scheme["region_export_order"]]
        self.names = [entry["name"] for entry in scheme["regions"] or scheme["labels"]]

    def count(self) -> int:
        """Return the number of outputs."""
        return len(self.targets) + self.exclusive

    def to_values(self, indices: Array) -> Array:
        """Return the values of labels in the smallest type that holds them."""
        table = np.array(self.values)
        for kind in (np.uint8, np.int16):
            if np.iinfo(kind).min <= table.min() and table.max() <= np.iinfo(kind).max:
                return table.astype(kind)[indices]
        return table.astype(np.int32)[indices]


def find_obstacles(runs: Sequence[Json], decision: Json, averaged: Sequence[str] = ()) -> list[str]:
    """Return in sentences what a model needs that this program cannot do.

    Args:
        runs: of its folds.
        decision: the content of its selection.json, or nothing.
        averaged: names of the configurations that are averaged, without those that these need; empty for a single one.
    """
    found: list[str] = []
    learned = {run["configuration"]: run["configurations"][-1].get("targets", []) for run in runs}
    if any(learned[name] != learned[averaged[0]] for name in averaged):
        found.append(f"{' and '.join(averaged)} find different labels, {UNKNOWN}.")
    for own in (run["configurations"][-1] for run in runs):
        name, preprocessing, prediction = own["name"], own["preprocessing"], own["prediction"]
        for choice in preprocessing["normalization"]:
            if choice["options"].get("bias_correction"):
                found.append(f"{name} takes shading out of scans (N4), which this program cannot do.")
            if choice["name"] not in NORMALIZATIONS:
                found.append(f"{name} normalises intensities by {choice['name']}, {UNKNOWN}.")
        others = {*preprocessing} - {*PREPROCESSING_FIELDS} | {*prediction} - {*PREDICTION_FIELDS}
        others |= {entry["kind"] for entry in own["inputs"]} - {*INPUT_KINDS}
        found += [f"{name} is predicted by a rule of its own ({other}), {UNKNOWN}." for other in sorted(others)]
    for choice in decision.get("postprocessing", ()):
        if choice["name"] not in POSTPROCESSING:
            found.append(f"masks are changed by {choice['name']}, {UNKNOWN}.")
    return [*dict.fromkeys(found)]
