"""This installation of autoseg as a wheel, and the versions of what it stands on; neither needs a network."""

from __future__ import annotations

import base64
import hashlib
import importlib.util
import re
import zipfile
from collections.abc import Iterator
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

from dataset_fingerprints.errors import DataError
from dataset_fingerprints.files.atomic import replacing
from dataset_fingerprints.installed import DISTRIBUTION

_WHEEL = "Wheel-Version: 1.0\nGenerator: autoseg\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
# The earliest time that a zip knows, so that the same files make the same wheel.
_TIME = (1980, 1, 1, 0, 0, 0)
_NAME = re.compile(r"([A-Za-z0-9][A-Za-z0-9._-]*)\s*(?:\[([^\]]*)\])?")
_EXTRA = re.compile(r"extra\s*==\s*['\"]([^'\"]+)")
_NO_NAME = re.compile(r"[-_.]+")
# Beginnings of the names of what one build of torch needs and another does not: the image chooses the build itself.
_OF_A_BUILD = ("cuda-", "nvidia-", "pytorch-triton", "triton")
# The name of a distribution, and the extras of it that are needed.
_Need = tuple[str, tuple[str, ...]]


def find_own() -> Distribution:
    """Return what is installed of autoseg.

    Raises:
        DataError: it is run without being installed.
    """
    try:
        return distribution(DISTRIBUTION)
    except PackageNotFoundError as error:
        raise DataError(
            f"{DISTRIBUTION}: is not installed, so that it cannot be put into an image. Run `pip install -e .` in its "
            "checkout first."
        ) from error


def name_wheel(own: Distribution) -> str:
    """Return the name of the wheel's file."""
    return f"{_stem(own)}-py3-none-any.whl"


def write_wheel(path: Path, own: Distribution) -> None:
    """Write the installed packages of a distribution, which hold no compiled code, as a wheel.

    Raises:
        DataError: its packages are not there.
    """
    folder = f"{_stem(own)}.dist-info"
    described = {
        "METADATA": own.read_text("METADATA") or own.read_text("PKG-INFO") or "",
        "entry_points.txt": own.read_text("entry_points.txt") or "",
        "top_level.txt": "\n".join(_list_packages(own)) + "\n",
        "WHEEL": _WHEEL,
        **_read_licences(own),
    }
    entries = [(f"{folder}/{name}", text.encode()) for name, text in described.items()]
    record = []
    with replacing(path) as temporary, zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in (*_read_packages(own), *entries):
            archive.writestr(zipfile.ZipInfo(name, _TIME), content, zipfile.ZIP_DEFLATED)
            digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
            record.append(f"{name},sha256={digest},{len(content)}")
        record.append(f"{folder}/RECORD,,")
        archive.writestr(zipfile.ZipInfo(f"{folder}/RECORD", _TIME), "\n".join(record) + "\n", zipfile.ZIP_DEFLATED)


def list_pins(own: Distribution) -> tuple[str, ...]:
    """Return the installed versions of all that a distribution needs, and of what that needs, as pip's constraints.

    Libraries of CUDA are left out: torch itself says which of them its build needs.
    """
    found: dict[str, str] = {}
    waiting, seen = list(_list_needs(own)), set[_Need]()
    while waiting:
        need = waiting.pop()
        if need in seen or need[0].startswith(_OF_A_BUILD):
            continue
        seen.add(need)
        try:
            needed = distribution(need[0])
        except PackageNotFoundError:  # for another system, or another Python
            continue
        # What stands behind a + is a build, such as that for a kind of GPU.
        found[need[0]] = needed.version.partition("+")[0]
        waiting += _list_needs(needed, need[1])
    return tuple(f"{name}=={found[name]}" for name in sorted(found))


def find_pin(pins: tuple[str, ...], name: str) -> str:
    """Return the constraint of one package; its name alone where there is none."""
    return next((pin for pin in pins if pin.partition("==")[0] == name), name)


def _list_needs(own: Distribution, extras: tuple[str, ...] = ()) -> Iterator[_Need]:
    """Yield what a distribution needs with some of its extras."""
    for text in own.requires or ():
        name, extra = _NAME.match(text), _EXTRA.search(text)
        if name is not None and (extra is None or _normalize(extra[1]) in extras):
            wanted = tuple(_normalize(one.strip()) for one in (name[2] or "").split(",") if one.strip())
            yield _normalize(name[1]), wanted


def _normalize(name: str) -> str:
    """Return a name as package indexes compare it."""
    return _NO_NAME.sub("-", name).lower()


def _read_licences(own: Distribution) -> dict[str, str]:
    """Return the licences that the metadata names, by their places beside it; in a checkout they lie above it."""
    found = {}
    for name in own.metadata.get_all("License-File") or ():
        text = own.read_text(f"licenses/{name}")
        beside = Path(str(own.locate_file(name)))
        if text is None and beside.is_file():
            text = beside.read_text(encoding="utf-8")
        if text is not None:
            found[f"licenses/{name}"] = text
    return found


def _stem(own: Distribution) -> str:
    return f"{DISTRIBUTION.replace('-', '_')}-{own.version}"


def _list_packages(own: Distribution) -> list[str]:
    return (own.read_text("top_level.txt") or "").split()


def _read_packages(own: Distribution) -> Iterator[tuple[str, bytes]]:
    """Yield the files of all packages, by their paths in a wheel."""
    for package in _list_packages(own):
        spec = importlib.util.find_spec(package)
        for place in (spec and spec.submodule_search_locations) or ():
            root = Path(place)
            for file in sorted(root.rglob("*")):
                inside = file.relative_to(root)
                if file.is_file() and "__pycache__" not in inside.parts and not file.name.startswith("."):
                    yield f"{package}/{inside.as_posix()}", file.read_bytes()
