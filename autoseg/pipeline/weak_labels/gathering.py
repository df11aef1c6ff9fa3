"""Surroundings of patches, cut out of their scans once and kept, so that an interrupted run goes on."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from safetensors.numpy import load, save

from autoseg.classical.texture import PatchVoxels
from autoseg.classical.texture.patches import cut_patch
from autoseg.pipeline.scans.new_scans import NewScan
from autoseg.pipeline.weak_labels.opening import OpenScan, open_scan
from autoseg.pipeline.weak_labels.options import WeakOptions
from autoseg.pipeline.weak_labels.table import Patch
from autoseg.progress import Progress
from dataset_fingerprints.errors import DataError
from dataset_fingerprints.files.atomic import write_bytes
from dataset_fingerprints.files.jsonfiles import to_line
from dataset_fingerprints.measuring.identity import hash_images
from dataset_fingerprints.names import some_of

SUFFIX = ".safetensors"


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Gathered:
    """Patches with their surroundings.

    Attributes:
        patches: sorted by scan.
        cut: surroundings of each.
        made_from: digest of everything that these follow from.
    """

    patches: tuple[Patch, ...]
    cut: tuple[PatchVoxels, ...]
    made_from: str


def gather_patches(
    patches: Sequence[Patch],
    scans: Mapping[str, NewScan],
    inside: Mapping[str, Path],
    kept: Path,
    options: WeakOptions,
    progress: Progress,
) -> Gathered:
    """Return the surroundings of all patches.

    Args:
        patches: of which scans are known.
        scans: that patches lie in, by name.
        inside: masks of what counts, by name of the scan; empty for all that is not background.
        kept: the folder for what is cut out.
        options: of the textures.
        progress: receiver of progress reports.

    Raises:
        DataError: a scan cannot be read, or a patch lies outside.
    """
    by_scan = {name: [patch for patch in patches if patch.scan == name] for name in sorted(scans)}
    digests: dict[str, str] = {}
    cut: list[PatchVoxels] = []
    with progress.task("Reading patches", len(by_scan)) as task:
        for name, own in by_scan.items():
            digests[name] = _digest(scans[name], inside.get(name), own, options)
            place = kept / f"{digests[name]}{SUFFIX}"
            found = _read(place, len(own)) if place.is_file() else ()
            if not found:
                opened = open_scan(scans[name], inside.get(name), options.normalization)
                found = tuple(_cut(opened, patch, options) for patch in own)
                _write(place, found)
            cut += found
            task.advance()
    _sweep(kept, digests.values())
    ordered = tuple(patch for own in by_scan.values() for patch in own)
    named = [[patch.scan, patch.name] for patch in ordered]
    whole = to_line([sorted(digests.values()), named])
    return Gathered(patches=ordered, cut=tuple(cut), made_from=hashlib.sha256(whole).hexdigest()[:16])


def _digest(scan: NewScan, inside: Path | None, patches: Sequence[Patch], options: WeakOptions) -> str:
    content = hash_images([*scan.files(), *([] if inside is None else [inside])])
    places = [[list(patch.place), patch.in_mm] for patch in patches]
    settings = to_line([options.textures.reach(), asdict(options.normalization), places, content])
    return hashlib.sha256(settings).hexdigest()[:16]


def _cut(scan: OpenScan, patch: Patch, options: WeakOptions) -> PatchVoxels:
    found = scan.find(patch.place, in_mm=patch.in_mm)
    if found is not None:
        across = found[scan.axis]
        first, second = (place for axis, place in enumerate(found) if axis != scan.axis)
        voxels, inside = (np.take(array, across, scan.axis) for array in (scan.voxels, scan.inside))
        cut = cut_patch(voxels, inside, (first, second), options.textures)
        edge = options.textures.margin()
        if cut.inside[edge:-edge, edge:-edge].any():
            return cut
    where = some_of([f"{along:g}" for along in patch.place])
    raise DataError(
        f"line {patch.line} of the patches: {where}{' mm' if patch.in_mm else ''} does not lie in {patch.scan}, or "
        "nothing around it is inside. Expected the middle of a patch in what is labelled."
    )


def _write(place: Path, cut: Sequence[PatchVoxels]) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    voxels, inside = np.stack([one.voxels for one in cut]), np.stack([one.inside for one in cut])
    write_bytes(place, save({"voxels": voxels, "inside": inside.astype(np.uint8)}))


def _read(place: Path, count: int) -> tuple[PatchVoxels, ...]:
    """Return what was cut out; nothing where the file is damaged."""
    try:
        kept = load(place.read_bytes())
        pairs = list(zip(kept["voxels"], kept["inside"], strict=True))
    except Exception:  # of any kind: it is made again
        return ()
    if len(pairs) != count:
        return ()
    return tuple(PatchVoxels(voxels=voxels, inside=inside.astype(bool)) for voxels, inside in pairs)


def _sweep(kept: Path, used: Iterable[str]) -> None:
    names = {f"{digest}{SUFFIX}" for digest in used}
    for place in kept.glob(f"*{SUFFIX}"):
        if place.name not in names:
            place.unlink()
