"""`container`: everything that an image with a trained model is built from, in one folder."""

from __future__ import annotations

import platform
import shutil
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path

from jinja2 import Environment, FunctionLoader, StrictUndefined

from autoseg.models import Bundle
from autoseg.pipeline.containers.wheel import find_own, find_pin, list_pins, name_wheel, write_wheel
from autoseg.pipeline.outputs import refuse_no_folder, refuse_no_place, refuse_raw, refuse_read_only, refuse_reserved
from autoseg.pipeline.serving.interface import (
    INTERFACE,
    MOUNTED_MODEL,
    OWN_MODEL,
    PORT,
    Interface,
    check_model,
    make_interface,
    read_interface,
    write_interface,
)
from autoseg.progress import Progress
from autoseg.workspace.workspace import Workspace
from dataset_fingerprints.errors import DataError
from dataset_fingerprints.fault_log import printable
from dataset_fingerprints.files.atomic import replacing, write_bytes
from dataset_fingerprints.files.places import is_same

PINS, MODEL = "constraints.txt", "model.zip"
DOCKERFILE, APPTAINER, CARD, IGNORED = "Dockerfile", "apptainer.def", "README.md", ".dockerignore"
# Torch for the GPU of grand-challenge.org, a T4, whose driver knows CUDA 12.6.
TORCH_INDEX = "https://download.pytorch.org/whl/cu126"
MARK = "Written by `autoseg container`"
_TEMPLATES = files("autoseg.pipeline.containers") / "templates"


@dataclass(frozen=True, kw_only=True, slots=True)
class ContainerFolder:
    """What was written.

    Attributes:
        root: the folder.
        interface: the table of inputs and outputs.
        kept: whether that was there before, and stays as it was.
    """

    root: Path
    interface: Path
    kept: bool


def write_container(model: Path, out: Path, progress: Progress) -> ContainerFolder:
    """Write a Dockerfile, an Apptainer recipe and all that they put into an image; nothing is built or downloaded.

    Args:
        model: an exported model.
        out: the folder; of an earlier one the table of inputs and outputs stays, for people edit it.
        progress: receiver of progress reports.

    Raises:
        DataError: it is not an exported model, something else lies at `out`, or the table that lies there does not fit
            the model, or names no port.
        FileFormatError: the table that lies there is not one.
    """
    _refuse_place(out)
    if model.is_dir():
        workspace = model if Workspace(root=model).dataset.exists() else "WORKSPACE"
        raise DataError(
            f"{model}: is a folder. Expected an exported model: `autoseg export {workspace} -o model.zip` writes one; "
            "then give model.zip."
        )
    if is_same(model, out / MODEL):
        raise DataError(f"{model}: is the copy in the folder itself. Give the model that it was made of.")
    bundle = Bundle(model)
    run, table = bundle.run(), out / INTERFACE
    kept = table.exists()
    interface = read_interface(table) if kept else make_interface(run.channels, run.scheme)
    check_model(interface, run.channels, run.scheme, str(table))
    _refuse_no_port(interface, table)
    own = find_own()
    pins = list_pins(own)
    with progress.task("Writing the folder of the image", 3) as task:
        # The Dockerfile marks the folder as ours, whatever comes then.
        _write_recipes(out, _describe(interface, pins, name_wheel(own), bundle.description.name))
        task.advance()
        for wheel in out.glob("*.whl"):
            wheel.unlink()
        write_wheel(out / name_wheel(own), own)
        task.advance()
        with replacing(out / MODEL) as temporary:
            shutil.copyfile(model, temporary)
        task.advance()
    write_bytes(out / PINS, ("\n".join(pins) + "\n").encode())
    if not kept:
        write_interface(table, interface)
    return ContainerFolder(root=out, interface=table, kept=kept)


def _describe(interface: Interface, pins: tuple[str, ...], wheel: str, name: str) -> dict[str, object]:
    """Return the values of the templates."""
    major, minor, _ = platform.python_version_tuple()
    return {
        "mark": MARK,
        # On one line: what follows a line's end in a Dockerfile is an instruction.
        "name": " ".join(printable(name).split()),
        "python": f"{major}.{minor}",
        "wheel": wheel,
        "pins": PINS,
        "torch": find_pin(pins, "torch"),
        "torch_index": TORCH_INDEX,
        "model": OWN_MODEL,
        "mounted": MOUNTED_MODEL,
        "interface": interface,
        "table": INTERFACE,
    }


def _write_recipes(out: Path, values: dict[str, object]) -> None:
    for name in (DOCKERFILE, APPTAINER, CARD, IGNORED):
        template = f"{name.lstrip('.')}.j2"
        write_bytes(out / name, _environment().get_template(template).render(values).encode())


@cache
def _environment() -> Environment:
    return Environment(
        # What is written is no HTML.
        autoescape=False,
        loader=FunctionLoader(lambda name: (_TEMPLATES / name).read_text(encoding="utf-8")),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


def _refuse_place(out: Path) -> None:
    """Refuse a place that is not for a folder of ours."""
    refuse_no_place(out)
    refuse_read_only(out)
    refuse_no_folder(out, "for what the image is built from", 1)
    refuse_reserved(out)
    refuse_raw(out, None)
    dockerfile = out / DOCKERFILE
    known = dockerfile.is_file() and MARK in dockerfile.read_text(encoding="utf-8", errors="replace").partition("\n")[0]
    if out.is_dir() and any(out.iterdir()) and not known:
        raise DataError(f"{out}: holds other files. Name a new folder with -o, for example {out / 'container'}.")


def _refuse_no_port(interface: Interface, table: Path) -> None:
    """Refuse a port that is chosen when the server starts: nobody can ask an image for it."""
    if not interface.port:
        raise DataError(
            f"{table}: port is 0, for any that is free, which nobody finds in an image. Expected a number such as "
            f"{PORT}."
        )
