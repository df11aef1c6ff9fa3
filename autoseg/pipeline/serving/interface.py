"""The table that says where a server finds its model and its inputs, and what it writes where; people edit it by hand.

Its defaults are those of grand-challenge.org, and for a model of lesions on one T1w image those of ISLES'26: images lie
in folders of their own, called after what the platform calls their slugs.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from autoseg.models.quality import QUALITIES
from dataset_fingerprints.dataset import LabelScheme
from dataset_fingerprints.errors import DataError, did_you_mean
from dataset_fingerprints.files.atomic import write_bytes
from dataset_fingerprints.files.jsonfiles import read_json, to_json
from dataset_fingerprints.layouts.modalities import canonical
from dataset_fingerprints.reading.images import suffix_of

SCHEMA_VERSION = 1
PORT, MOST_PORT = 4743, 65535
INPUT, OUTPUT = "/input", "/output"
# Where the platform mounts weights; that hides what an image has there, so that an image keeps its own elsewhere.
MOUNTED_MODEL, OWN_MODEL = "/opt/ml/model", "/opt/autoseg/model.zip"
WHOLE = ""
# What `autoseg container` calls the table.
INTERFACE = "interface.json"
# In the folder of inputs, where grand-challenge.org says which input lies where.
LIST = "inputs.json"
_MAPS = (".mha", ".nrrd", ".nii.gz")
_REMEDY = "Correct it, or delete it and give `autoseg container` again, which then writes it anew."
_NO_SLUG = re.compile(r"[^a-z0-9]+")


@dataclass(frozen=True, kw_only=True, slots=True)
class ImageInput:
    """An image that is sent.

    Attributes:
        channel: of the model that it is.
        slug: by which `inputs.json` names it.
        path: below the folder of inputs: of a folder with the one image in it, or of a file.
    """

    channel: str
    slug: str
    path: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ValuesInput:
    """A file of JSON that is sent beside the images; no model uses it, and a broken one is only reported."""

    slug: str
    path: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Output:
    """A file that is written.

    Attributes:
        label: the label or region that it is about; empty for a mask of all labels with their values.
        path: below the folder of outputs; the suffix chooses the format.
    """

    label: str
    path: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Interface:
    """All that a server and its callers agree on.

    Attributes:
        port: that it listens on.
        input: the folder of inputs.
        output: the folder of outputs.
        models: an exported model each, or a folder with one in it; the first that is there is taken.
        quality: in which it predicts: standard, fast or best.
        images: one per channel of the model.
        values: other inputs.
        masks: of 0 and 1, or of all labels.
        probabilities: of labels or regions, as 32-bit floating-point numbers.
    """

    port: int = PORT
    input: str = INPUT
    output: str = OUTPUT
    models: tuple[str, ...] = (MOUNTED_MODEL, OWN_MODEL)
    quality: str = "standard"
    images: tuple[ImageInput, ...]
    values: tuple[ValuesInput, ...] = ()
    masks: tuple[Output, ...]
    probabilities: tuple[Output, ...] = ()
    schema_version: int = SCHEMA_VERSION

    def outputs(self) -> tuple[Path, ...]:
        """Return the paths of all outputs."""
        return tuple(Path(self.output, one.path) for one in (*self.masks, *self.probabilities))


def make_interface(channels: Sequence[str], scheme: LabelScheme) -> Interface:
    """Return the interface that a model has by default: that of ISLES'26 where it does what is asked for there.

    Args:
        channels: of the model.
        scheme: of its labels.
    """
    targets = [entry.name for entry in scheme.regions or scheme.labels]
    if [canonical(name) for name in channels] == ["t1w"] and len(targets) == 1:
        return Interface(
            images=(ImageInput(channel=channels[0], slug="t1-brain-mri", path="images/t1-brain-mri"),),
            values=(ValuesInput(slug="stroke-metadata", path="stroke-metadata.json"),),
            masks=(Output(label=targets[0], path="images/stroke-lesion-segmentation/output.mha"),),
            probabilities=(Output(label=targets[0], path="images/lesion-probability-map/output.mha"),),
        )
    slugs = name_slugs(channels)
    images = zip(channels, slugs, strict=True)
    maps = zip(targets, name_slugs(targets), strict=True)
    return Interface(
        images=tuple(ImageInput(channel=name, slug=slug, path=f"images/{slug}") for name, slug in images),
        masks=(Output(label=targets[0] if len(targets) == 1 else WHOLE, path="images/segmentation/output.mha"),),
        probabilities=tuple(
            Output(label=name, path=f"images/{slug}-probability-map/output.mha") for name, slug in maps
        ),
    )


def name_slugs(names: Sequence[str]) -> tuple[str, ...]:
    """Return names of channels or labels as addresses have them, each once."""
    slugs: list[str] = []
    for number, name in enumerate(names, start=1):
        plain = _NO_SLUG.sub("-", name.lower()).strip("-") or str(number)
        slugs.append(f"{plain}-{number}" if plain in slugs else plain)
    return tuple(slugs)


def write_interface(path: Path, interface: Interface) -> None:
    """Write an interface for people: without a checksum, as they edit it."""
    write_bytes(path, to_json(interface).encode())


def read_interface(path: Path) -> Interface:
    """Read an interface, and make sure that its values can be meant.

    Raises:
        FileFormatError: it is not one; the message names the field.
        DataError: a value cannot be meant, or it is a folder.
    """
    if path.is_dir():
        raise DataError(f"{path}: is a folder. Expected the table of inputs and outputs: give {path / INTERFACE}.")
    return read_json(path, Interface, remedy=_REMEDY, check=_check)


def _check(interface: Interface) -> None:
    for problem in _find_problems(interface):
        raise DataError(problem)


def _find_problems(interface: Interface) -> Iterator[str]:
    if not 0 <= interface.port <= MOST_PORT:
        yield f"port is {interface.port}. Expected 1 to {MOST_PORT}, or 0 for any that is free."
    if interface.quality not in QUALITIES:
        yield f"quality is '{interface.quality}'. {did_you_mean(interface.quality, QUALITIES)}"
    if not interface.images or not interface.masks:
        yield "there is no image, or no mask. Expected at least one of each."
    for folder in (interface.input, interface.output):
        if not PurePosixPath(folder).is_absolute():
            yield f"the folder '{folder}' is not an absolute path. Expected one such as {INPUT}."
    sent = [image.slug for image in interface.images] + [entry.slug for entry in interface.values]
    for slug in _list_twice(sent):
        yield f"the slug '{slug}' is given twice, so that {LIST} would name one file for both. Give each input its own."
    yield from _find_path_problems(interface)


def _find_path_problems(interface: Interface) -> Iterator[str]:
    sent = [image.path for image in interface.images] + [entry.path for entry in interface.values]
    written = [one.path for one in (*interface.masks, *interface.probabilities)]
    for path in (*sent, *written):
        if not is_inside(path):
            yield f"the path '{path}' leaves its folder. Expected one below it, such as images/t1-brain-mri."
    for path in _list_twice(sent) or _list_twice(written):
        yield f"the path '{path}' is given twice. Give each input and each output one of its own."
    for path in written:
        if suffix_of(Path(path)) not in _MAPS:
            yield f"the output '{path}' has no suffix of an image. Expected {', '.join(_MAPS)}."


def is_inside(path: str) -> bool:
    """Return whether a path leads to something below the folder that it is about, by its spelling."""
    parts = PurePosixPath(path).parts
    return bool(parts) and not PurePosixPath(path).is_absolute() and ".." not in parts and "\0" not in path


def _list_twice(names: Sequence[str]) -> list[str]:
    return [name for name in dict.fromkeys(names) if names.count(name) > 1]


def check_model(interface: Interface, channels: Sequence[str], scheme: LabelScheme, where: str) -> None:
    """Make sure that a model has the channels and labels that an interface names.

    Args:
        interface: the table.
        channels: of the model.
        scheme: of its labels.
        where: the table is, for messages.

    Raises:
        DataError: it has not.
    """
    named = [image.channel for image in interface.images]
    if sorted(named) != sorted(channels):
        raise DataError(
            f"{where}: names the channels {', '.join(named)}, but the model has {', '.join(channels)}. Name each "
            "channel of the model once under `images`."
        )
    targets = [entry.name for entry in scheme.regions or scheme.labels]
    known = [label.name for label in scheme.labels] + [region.name for region in scheme.regions]
    for what, outputs, names in (
        ("masks", interface.masks, (WHOLE, *known)),
        ("probabilities", interface.probabilities, targets),
    ):
        for one in outputs:
            if one.label not in names:
                advice = did_you_mean(one.label, filter(None, names))
                raise DataError(f"{where}: names the label '{one.label}' under `{what}`. {advice}")
