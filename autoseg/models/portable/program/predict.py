"""Segment scans with an exported model, without autoseg and without torch.

Needs Python 3.10 or newer and four packages: pip install numpy scipy nibabel onnxruntime

    python model.zip SCAN... -o MASKS                  the exported file itself, which this program is part of
    python predict.py SCAN... -o MASKS                 in the folder that it was unpacked into
    python predict.py SCAN... -o MASKS -m model.zip    anywhere

Scans are NIfTI files, or folders of such. Of a model with several channels give CASE_0000.nii.gz, CASE_0001.nii.gz and
so on, one file with all channels, or, for a single scan, a file per channel in their order.

It computes what `autoseg predict` computes in single precision. What it cannot do is refused.
"""

from __future__ import annotations

import argparse
import os
import re
import signal
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime

from autoseg.models.portable.program.files import Array, Files, Heads, Json, RefusedError, find_learned, find_obstacles
from autoseg.models.portable.program.masks import decide, write_mask
from autoseg.models.portable.program.networks import (
    HIGHEST_HALF,
    LARGE_BYTES,
    Probabilities,
    Window,
    average,
    crop_to_centre,
    find_box,
    fit_crops,
    predict_logits,
    restore,
)
from autoseg.models.portable.program.scans import Scan, choose_shape, describe_voxels, prepare, read_scan
from autoseg.preprocessing.labels import resample_labels
from dataset_fingerprints.geometry import make_box

SUFFIXES = (".nii.gz", ".nii")
PROVIDERS = ("CUDAExecutionProvider", "CPUExecutionProvider")
DONE, SOME_FAILED, REFUSED = 0, 1, 2
# A shell expects this and the number of a signal from what the signal ended.
SIGNALLED = 128


class Model:
    """An exported model, ready to predict.

    Args:
        place: the zip file, or the folder that it was unpacked into.
        half: whether to take the networks in half precision.
        mirror: whether flips are averaged.

    Raises:
        RefusedError: its files are damaged, or it needs what this program cannot do.
    """

    def __init__(self, place: Path, *, half: bool = False, mirror: bool = True) -> None:
        self.files, self.half, self.mirror = Files(place), half, mirror
        self.averaged: list[list[Json]] = self.files.description["averaged"]
        self.networks: dict[tuple[str, str], int] = {
            (fold["configuration"], fold["fold"]): fold["networks"] for fold in self.files.description["folds"]
        }
        self.runs: dict[tuple[str, str], Json] = {
            (name, fold): self.files.parse(f"{name}/{fold}/run.json") for name, fold in self.networks
        }
        self.decision: Json = self.files.parse("selection.json") if "selection.json" in self.files.listed else {}
        self.known: list[Json] = self.files.parse("scans.json")["scans"] if "scans.json" in self.files.listed else []
        averaged = [stages[-1]["configuration"] for stages in self.averaged]
        obstacles = find_obstacles([*self.runs.values()], self.decision, averaged)
        if obstacles:
            raise RefusedError(f"{place}: {' '.join(obstacles)} Predict with autoseg.")
        last = self.averaged[0][-1]
        run = self.runs[last["configuration"], last["folds"][0]]
        self.channels: list[str] = run["channels"]
        self.heads = Heads(find_learned(run))
        self._sessions: dict[str, Any] = {}

    def segment(self, scan: Scan) -> Array:
        """Return (x, y, z) indices of labels on a scan's canonical grid."""
        images: list[tuple[Json, Array]] = []
        found = [self._predict_stages(stages, scan, images) for stages in self.averaged]
        return decide(average(found), scan, self.heads, self.decision)

    def _predict_stages(self, stages: Sequence[Json], scan: Scan, images: list[tuple[Json, Array]]) -> Probabilities:
        """Return the last stage's probabilities.

        Args:
            stages: in order of need.
            scan: to predict.
            images: the scan as it was preprocessed, by how that was done; what is new is added.
        """
        results: dict[str, Probabilities] = {}
        heads: dict[str, Heads] = {}
        for stage in stages:
            name = stage["configuration"]
            run = self.runs[name, stage["folds"][0]]
            configuration, heads[name] = run["configurations"][-1], Heads(find_learned(run))
            preprocessing = configuration["preprocessing"]
            if not any(known == preprocessing for known, _ in images):
                images.append((preprocessing, prepare(scan, preprocessing)))
            image = next(made for known, made in images if known == preprocessing)
            earlier = {other: (found, heads[other]) for other, found in results.items()}
            results[name] = self._predict_stage((stage, heads[name]), configuration, scan, image, earlier)
        return results[stages[-1]["configuration"]]

    def _predict_stage(
        self,
        own: tuple[Json, Heads],
        configuration: Json,
        scan: Scan,
        image: Array,
        results: dict[str, tuple[Probabilities, Heads]],
    ) -> Probabilities:
        """Return the mean of a stage's networks, which see what earlier stages found."""
        stage, heads = own
        exclusive, outputs = heads.exclusive, heads.count()
        shape, crops = choose_shape(scan, configuration["preprocessing"]), []
        for entry in configuration["inputs"]:
            earlier, theirs = results[entry["configuration"]]
            if entry["kind"] == "mask_of":
                indices = decide(earlier, scan, theirs, {})[scan.box.slices()]
                mask = resample_labels(np.ascontiguousarray(indices), shape, len(theirs.values))
                shown = [np.isin(mask, target) for target in theirs.targets]
                image = np.concatenate([image, np.stack(shown).astype(np.float32)])
            else:
                crops.append((entry["margin_mm"], find_box(earlier, entry, theirs)))
        centre = configuration["prediction"].get("centre_shape")
        crop = crop_to_centre(fit_crops(crops, scan, shape), centre, scan, shape)
        seen = np.ascontiguousarray(image[(slice(None), *crop.slices())])
        whole = crop == make_box((0, 0, 0), shape)
        logits = self._predict_networks(
            stage, Window(configuration, outputs, exclusive, self.mirror), seen, scan.body if whole else None
        )
        return average(
            [restore(one, crop, scan, configuration["preprocessing"], exclusive=exclusive) for one in logits]
        )

    def _predict_networks(self, stage: Json, window: Window, image: Array, body: Array | None) -> list[Array]:
        """Return the logits (output, x, y, z) of each network of a stage, or their mean where the rule says so."""
        chosen = [
            f"{stage['configuration']}/{fold}/network-{number}"
            for fold in stage["folds"]
            for number in range(1, self.networks[stage["configuration"], fold] + 1)
        ]
        logits: list[Array] = []
        for name in chosen:
            one = predict_logits(self._open(name), image, window, body)
            if self.files.description["rule"] == "logits":
                share = one * np.float32(1 / len(chosen))
                logits = [logits[0] + share] if logits else [share]
            else:
                large = one.nbytes * len(chosen) > LARGE_BYTES
                logits.append(np.clip(one, -HIGHEST_HALF, HIGHEST_HALF).astype(np.float16) if large else one)
        return logits

    def _open(self, name: str) -> Any:
        if name not in self._sessions:
            options = onnxruntime.SessionOptions()
            options.intra_op_num_threads = count_cores()
            usable = [entry for entry in onnxruntime.get_available_providers() if entry in PROVIDERS]
            path = f"{name}{'-float16' if self.half else ''}.onnx"
            content = self.files.read(path)
            try:
                self._sessions[name] = onnxruntime.InferenceSession(content, options, providers=usable)
            except Exception as error:  # of its own kinds
                release = onnxruntime.__version__
                raise RefusedError(f"{path}: onnxruntime {release} cannot open it ({error}). Update it.") from error
        return self._sessions[name]


def count_cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def find_scans(given: Sequence[Path], channels: Sequence[str]) -> dict[str, list[Path]]:
    """Return the files of each scan in the order of the channels, by its name.

    Raises:
        RefusedError: there is none, or files do not fit the channels.
    """
    for path in given:
        if not path.exists() or (path.is_file() and not path.name.endswith(SUFFIXES)):
            raise RefusedError(f"{path}: is not there, or not NIfTI ({', '.join(SUFFIXES)}), which alone is read here.")
    files = [file for path in given for file in (sorted(path.iterdir()) if path.is_dir() else [path])]
    files = [file for file in files if file.name.endswith(SUFFIXES) and not file.name.startswith(".")]
    if not files:
        raise RefusedError(f"{given[0]}: holds no NIfTI files.")
    numbered = [re.fullmatch(r"(.+)_(\d{4})", stem_of(file), re.ASCII) for file in files]
    if all(numbered) and (len(channels) > 1 or all(match[2] == "0000" for match in numbered if match)):
        groups: dict[str, list[Path]] = {}
        for file, match in sorted(zip(files, numbered, strict=True), key=lambda pair: pair[0].name):
            assert match is not None
            groups.setdefault(match[1], []).append(file)
        wrong = [name for name, group in groups.items() if [stem_of(file)[-4:] for file in group] != spell(channels)]
        if wrong:
            raise RefusedError(f"{wrong[0]}: expected {', '.join(f'{wrong[0]}_{end}' for end in spell(channels))}.")
        return groups
    if len(files) == len(channels) > 1 and not any(path.is_dir() for path in given):
        return {stem_of(files[0]): files}
    if len({stem_of(file) for file in files}) < len(files):
        taken: dict[str, Path] = {}
        first, second = next(
            (taken[stem_of(file)], file) for file in files if taken.setdefault(stem_of(file), file) is not file
        )
        raise RefusedError(
            f"{first} and {second} have one name, and so would their masks. Predict one after the other."
        )
    return {stem_of(file): [file] for file in files}


def stem_of(file: Path) -> str:
    """Return a file's name without its suffix."""
    return file.name.removesuffix(".gz").removesuffix(".nii")


def spell(channels: Sequence[str]) -> list[str]:
    """Return the digits at the end of the files' names, by channel."""
    return [f"{number:04d}" for number in range(len(channels))]


def choose_paths(out: Path, scans: dict[str, list[Path]]) -> dict[str, Path]:
    """Return the path of each scan's mask.

    Raises:
        RefusedError: it would lie on a scan.
    """
    single = out.name.endswith(SUFFIXES) and not out.is_dir()
    if single and len(scans) > 1:
        raise RefusedError(f"{out}: is one file, and there are {len(scans)} scans. Name a folder.")
    paths = {
        name: out if single else out / f"{name}{files[0].name[len(stem_of(files[0])) :]}"
        for name, files in scans.items()
    }
    taken = {file.resolve() for files in scans.values() for file in files}
    for path in paths.values():
        if path.resolve() in taken:
            raise RefusedError(f"{path}: is a scan. Choose another folder for the masks.")
    return paths


def find_model() -> Path:
    """Return the model that this program lies in: a zip file, or a folder."""
    return Path(__file__).parent


def parse_arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Return what the command line says."""
    parser = argparse.ArgumentParser(description="Segment scans; each mask lies on its scan's own grid.")
    parser.add_argument("scans", nargs="+", type=Path, metavar="SCAN", help="NIfTI files, or folders of them")
    parser.add_argument("-o", "--out", type=Path, required=True, help="the folder for the masks")
    parser.add_argument("-m", "--model", type=Path, default=None, help="the exported model, if it lies elsewhere")
    parser.add_argument("--half", action="store_true", help="networks in half precision: half the size, less exact")
    parser.add_argument("--overwrite", action="store_true", help="replace masks that are there")
    parser.add_argument("--no-mirror", dest="mirror", action="store_false", help="no flips: faster, less accurate")
    return parser.parse_args(arguments)


class Stopped(BaseException):
    """A signal asks to end; no Exception, so that it is not taken for the failure of a scan."""

    def __init__(self, number: int) -> None:
        super().__init__("Ctrl-C" if number == signal.SIGINT else signal.Signals(number).name)
        self.exit_code = SIGNALLED + number


@contextmanager
def stoppable() -> Iterator[None]:
    """Raise `Stopped` where a signal comes while the block runs, once: what is half written is then removed."""
    numbers = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]
    before = {number: signal.getsignal(number) for number in numbers}
    # One that is ignored stays so. Signals are heard in the main thread alone.
    heard = [number for number in numbers if before[number] not in (signal.SIG_IGN, None)]
    heard = heard if threading.current_thread() is threading.main_thread() else []

    def stop(number: int, _: object) -> None:
        for one in heard:
            signal.signal(one, signal.SIG_IGN)
        raise Stopped(number)

    try:
        for number in heard:
            signal.signal(number, stop)
        yield
    finally:
        for number in heard:
            signal.signal(number, before[number])


def main(arguments: Sequence[str] | None = None) -> int:
    """Write a mask for every scan.

    Returns:
        The exit code: 0, 1 where some scans failed, 2 where all did, or 128 and the number of the signal that ended it.
    """
    asked = parse_arguments(arguments)
    paths: dict[str, Path] = {}
    made: list[Path] = []
    try:
        with stoppable():
            model = Model(asked.model or find_model(), half=asked.half, mirror=asked.mirror)
            scans = find_scans(asked.scans, model.channels)
            paths |= choose_paths(asked.out, scans)
            next(iter(paths.values())).parent.mkdir(parents=True, exist_ok=True)
            return predict_all(model, scans, paths, made, overwrite=asked.overwrite)
    except (RefusedError, OSError) as error:
        print(error, file=sys.stderr)
        return REFUSED
    except Stopped as stop:
        done = made if asked.overwrite else [path for path in paths.values() if path.is_file()]
        there = f"{len(done)} of {len(paths)} masks {'is' if len(done) == 1 else 'are'} done" if paths else "no mask"
        again = "makes all of them anew" if asked.overwrite else "goes on with the rest"
        print(f"Stopped by {stop}: {there}. The same command {again}.", file=sys.stderr, flush=True)
        return stop.exit_code


def predict_all(
    model: Model, scans: Mapping[str, Sequence[Path]], paths: Mapping[str, Path], made: list[Path], *, overwrite: bool
) -> int:
    """Write a mask for every scan, tell of each, add it to those that are made, and return the exit code."""
    failed = 0
    for name, files in scans.items():
        if paths[name].exists() and not overwrite:
            print(f"{paths[name]} is there and stays (--overwrite replaces it)", flush=True)
            continue
        start = time.monotonic()
        try:
            predict_one(model, files, paths[name])
            made.append(paths[name])
            print(f"{paths[name]} ({time.monotonic() - start:.1f} s)", flush=True)
        except Exception as error:  # of any kind: the other scans are predicted
            failed += 1
            print(f"{name}: cannot be predicted. {say(error)}", file=sys.stderr, flush=True)
    return DONE if not failed else SOME_FAILED if failed < len(scans) else REFUSED


def predict_one(model: Model, files: Sequence[Path], path: Path) -> None:
    """Write the mask of a scan."""
    scan = read_scan(files, len(model.channels))
    unlike = describe_voxels(scan, model.known)
    if unlike:
        print(f"{stem_of(files[0])}: {unlike}", file=sys.stderr, flush=True)
    write_mask(path, model.segment(scan), scan, model.heads)


def say(error: Exception) -> str:
    """Return an error in words."""
    if isinstance(error, MemoryError):
        return "There is not enough memory for it."
    return str(error) if isinstance(error, RefusedError) else f"{type(error).__name__}: {error}"


if __name__ == "__main__":
    sys.exit(main())
