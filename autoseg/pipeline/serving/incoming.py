"""Inputs of one request: the image of each channel; values beside them are looked at, but no model uses them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from autoseg.pipeline.serving.interface import LIST, ImageInput, Interface, is_inside
from dataset_fingerprints.errors import DataError, FileFormatError
from dataset_fingerprints.files.jsonfiles import read_plain_json
from dataset_fingerprints.names import some_of
from dataset_fingerprints.reading.images import IMAGE_SUFFIXES, is_image


class IncomingError(DataError):
    """What was sent is incomplete, or is not what the interface says."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Incoming:
    """What a request is about.

    Attributes:
        images: the file of each channel of the model.
        remarks: sentences on what is odd about it and does not matter.
    """

    images: Mapping[str, Path]
    remarks: tuple[str, ...]


def find_incoming(interface: Interface) -> Incoming:
    """Find the inputs of a request in the folder of inputs.

    Where `inputs.json` lists them, as grand-challenge.org does, it says where they lie; else the interface does.

    Raises:
        IncomingError: an image is missing, there are several in its place, or the list is none.
    """
    root = Path(interface.input)
    if not root.is_dir():
        raise IncomingError(f"{root}: is not a folder. Expected the inputs in it.")
    listed = _read_list(root / LIST)
    remarks = []
    images = {image.channel: _find_image(root, image, listed) for image in interface.images}
    for entry in interface.values:
        path = root / ((listed or {}).get(entry.slug) or entry.path)
        if not path.exists():
            if entry.slug in (listed or {}):
                remarks.append(
                    f"{path}: is not there, although {LIST} lists it. The mask does not depend on this file."
                )
            continue
        try:
            read_plain_json(path)
        except FileFormatError as error:
            remarks.append(f"{str(error).rstrip('.')}. The mask does not depend on this file.")
    return Incoming(images=images, remarks=tuple(remarks))


def _read_list(path: Path) -> dict[str, str] | None:
    """Return where the inputs lie by their slugs, empty for those of which the list does not say it; None without one.

    Each entry has a `socket`, which the platform once called `interface`, with a slug and a relative path.
    """
    if not path.exists():
        return None
    try:
        entries = read_plain_json(path)
    except FileFormatError as error:
        raise IncomingError(str(error)) from error
    found = {}
    for entry in entries if isinstance(entries, list) else [None]:
        named = entry.get("socket") or entry.get("interface") if isinstance(entry, dict) else None
        socket = named if isinstance(named, dict) else {}
        slug = socket.get("slug")
        if not isinstance(slug, str):
            raise IncomingError(f"{path}: is not a list of inputs. Expected for each one its socket with a slug.")
        place = socket.get("relative_path") or ""
        if not isinstance(place, str) or (place and not is_inside(place)):
            raise IncomingError(f"{path}: {slug} lies at {place!r}. Expected a path below the folder of inputs.")
        found[slug] = place
    return found


def _find_image(root: Path, image: ImageInput, listed: Mapping[str, str] | None) -> Path:
    if listed is not None and image.slug not in listed:
        raise IncomingError(
            f"{root / LIST}: lists {some_of(list(listed)) or 'nothing'}. Expected {image.slug}, the {image.channel} "
            "image."
        )
    place = root / ((listed or {}).get(image.slug) or image.path)
    if place.is_file():
        return place
    if not place.is_dir():
        raise IncomingError(f"{place}: is not there. Expected the {image.channel} image in it.")
    found = sorted(file for file in place.iterdir() if file.is_file() and is_image(file))
    if len(found) != 1:
        seen = f"{len(found)} images ({some_of([file.name for file in found])})" if found else "no image"
        raise IncomingError(
            f"{place}: holds {seen}. Expected one, the {image.channel} image ({', '.join(IMAGE_SUFFIXES)})."
        )
    return found[0]
