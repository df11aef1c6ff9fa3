"""Masks of the exported program, beside those of autoseg, in a process that has four packages only."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import nibabel
import numpy as np
import pytest

from autoseg.models import Cover, Model, ModelSet, write_bundle
from autoseg.models.bundle import Bundle, KnownTraits
from autoseg.models.model_set import Rule
from autoseg.models.portable.exported import explain_obstacles
from autoseg.models.portable.program.files import RefusedError
from autoseg.models.portable.program.predict import find_scans, main
from autoseg.models.portable.program.scans import describe_voxels
from autoseg.models.portable.program.scans import read_scan as read_program_scan
from autoseg.pipeline.models.trained import load_models
from dataset_fingerprints.files.jsonfiles import to_json
from dataset_fingerprints.likeness import KnownScans, recall_traits
from planners.choices import Choice
from planners.plan import Preprocessing
from planners.stage_inputs import CropTo, MaskOf
from tests.autoseg.models.portable.builders import configure, put_together, train, write_portable, write_scan
from tests.synthetic.fingerprints import SyntheticCase, make_fingerprint, repeat_case
from tests.synthetic.heads import region_scheme
from tests.synthetic.scans import affine_of, write_nifti

# Runs a program where autoseg, torch and all other packages cannot be imported.
ISOLATED = """
import runpy, sys
class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] not in set(ALLOWED) | set(sys.stdlib_module_names) | set(LOCAL):
            raise ModuleNotFoundError(f"{name} is blocked", name=name)
sys.meta_path.insert(0, Blocker())
program = sys.argv.pop(1)
sys.argv[0] = program
runpy.run_path(program, run_name="__main__")
"""
FOUR = ("numpy", "scipy", "nibabel", "onnxruntime")
# What the four import themselves.
LOCAL = (
    "__main__",
    "predict",
    "packaging",
    "coloredlogs",
    "flatbuffers",
    "google",
    "sympy",
    "mpmath",
    "typing_extensions",
)


def run_isolated(
    program: Path, *arguments: object, allowed: tuple[str, ...] = FOUR
) -> subprocess.CompletedProcess[str]:
    code = f"LOCAL, ALLOWED = {LOCAL!r}, {allowed!r}\n{ISOLATED}"
    command = [sys.executable, "-I", "-c", code, str(program), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, encoding="utf-8", check=False)


def cascade(*inputs: MaskOf | CropTo) -> ModelSet:
    """Return a coarse model of two channels, and a fine one that sees its masks, its box, or both."""
    norms = (Choice(name="zscore_body"), Choice(name="rescale"))
    coarse, fine = (
        Preprocessing(spacing_mm=spacing_mm, normalization=norms, coarse_axis=axis)
        for spacing_mm, axis in (((1.7, 1.9, 2.4), -1), ((1.1, 1.3, 1.6), 2))
    )
    low, full = configure("3d_lowres", preprocessing=coarse), configure(preprocessing=fine, inputs=inputs)
    channels = ("T1w", "FLAIR")
    return put_together(
        {"3d_lowres": (train([low], channels=channels),), "3d_fullres": (train([low, full], channels=channels),)}
    )


def ensemble(rule: Rule) -> ModelSet:
    folds = (train([configure()], scheme=region_scheme()), train([configure()], "1", 2, region_scheme()))
    return put_together({"3d_fullres": folds}, rule=rule)


def configurations() -> ModelSet:
    steps = (Choice(name="smallest_volume", options={"volume_mm3": 15.0}), Choice(name="fill_holes"))
    flat = configure("2d", 2)
    return put_together(
        {"3d_fullres": (train([configure()]),)}, {"2d": (train([flat]),)}, decision=((0.4, 0.35), steps)
    )


def centre() -> ModelSet:
    """Return a model that looks at the centre of a scan, in tiles that its strides do not divide."""
    own = configure(patch_shape=(9, 7, 8))
    seen = replace(own.prediction, centre_shape=(12, 9, 6), tile_shape=(10, 9, 7))
    return put_together({"3d_fullres": (train([replace(own, prediction=seen)]),)})


def beside() -> ModelSet:
    """Return a stage that learns all labels as one, and one of slices that sees its masks and two slices beside."""
    union = configure("3d_lowres", targets=((3, 700),))
    flat = configure("2d", 2, neighbours=2, inputs=(MaskOf(configuration="3d_lowres"),))
    return put_together({"3d_lowres": (train([union]),), "2d": (train([union, flat], "1"),)})


def some_channels() -> ModelSet:
    """Return a coarse model that sees the second channel, and one that sees the first and the masks."""
    models = cascade(MASKS)
    stages = {
        name: tuple(_see(model, {"3d_lowres": (1,), "3d_fullres": (0,)}) for model in group)
        for name, group in models.stages[0].items()
    }
    return put_together(stages)


def _see(model: Model, channels: Mapping[str, tuple[int, ...]]) -> Model:
    seen = [
        replace(entry, preprocessing=replace(entry.preprocessing, channels=channels[entry.name]))
        for entry in model.run.configurations
    ]
    return train(seen, channels=model.run.channels)


def different_labels() -> ModelSet:
    """Return a model of all labels as one and a model of one of them, which predict together."""
    named = [configure(name, targets=targets) for name, targets in (("whole", ((3, 700),)), ("core", ((700,),)))]
    return put_together(*({one.name: (train([one]),)} for one in named))


MASKS, BOX = MaskOf(configuration="3d_lowres"), CropTo(configuration="3d_lowres", margin_mm=1.5, threshold=0.98)
MODELS: dict[str, Callable[[], ModelSet]] = {
    "two configurations": configurations,
    "the centre in uneven tiles": centre,
    "masks and box of an earlier stage": lambda: cascade(MASKS, BOX),
    "slices beside, and masks of a union": beside,
    "mean logits of regions": lambda: ensemble("logits"),
    "mean probabilities of regions": lambda: ensemble("probabilities"),
    "masks of an earlier stage": lambda: cascade(MASKS),
    "box of an earlier stage": lambda: cascade(BOX),
    "box around a label of an earlier stage": lambda: cascade(replace(BOX, labels=("bright",))),
    "some of the channels": some_channels,
}
QUICK = 5


@pytest.fixture(autouse=True)
def in_single_precision(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUTOSEG_FLOAT32", "1")


@pytest.mark.parametrize(
    "name", [*list(MODELS)[:QUICK], *(pytest.param(name, marks=pytest.mark.slow) for name in list(MODELS)[QUICK:])]
)
def test_masks_are_those_of_autoseg(name: str, tmp_path: Path) -> None:
    models = MODELS[name]()
    place = write_portable(tmp_path / "model.zip", models)
    files = write_scan(tmp_path / "scan.nii.gz", len(models.channels()))
    expected = load_models(models).predict([*files]).labels
    assert len(np.unique(expected)) > 1
    # Masks of networks that were never trained have borders everywhere, which half precision moves.
    for options, most in (((), 1e-4), (("--half", "--overwrite"), 5e-3)):
        assert main([*map(str, files), "-o", str(tmp_path / "out"), "-m", str(place), *options]) == 0
        mask = nibabel.load(tmp_path / "out" / "scan.nii.gz")
        assert (np.asanyarray(mask.dataobj) != expected).mean() <= most


def test_models_of_different_labels_are_left_to_autoseg_which_puts_them_together(tmp_path: Path) -> None:
    models = different_labels()
    assert explain_obstacles(models) == "whole and core find different labels, which this program does not know."
    place = tmp_path / "model.zip"
    write_bundle(place, models, Cover(name="", licence="", card=""), {})
    (file,) = write_scan(tmp_path / "scan.nii.gz")
    labels = load_models(Bundle(place).read()).predict(file).labels
    whole, core = (load_models(put_together(one)).predict(file).labels for one in models.stages)
    assert set(np.unique(labels)) == {0, 3, 700}
    assert np.array_equal(labels, np.where(core == 700, core, whole))
    # Of each kind of labels, the first network.
    assert len(models.take_first().stages) == len(Bundle(place).first_folds()) == 2


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    models = put_together({"3d_fullres": (train([configure()]),)})
    return write_portable(tmp_path_factory.mktemp("exported") / "model.zip", models)


@pytest.fixture
def unpacked(exported: Path, tmp_path: Path) -> Path:
    with zipfile.ZipFile(exported) as opened:
        opened.extractall(tmp_path / "model")
    return tmp_path / "model"


def test_it_needs_no_other_packages_as_a_zip_file_a_folder_or_apart(
    exported: Path, unpacked: Path, tmp_path: Path
) -> None:
    write_scan(tmp_path / "scans" / "a.nii.gz")
    write_scan(tmp_path / "scans" / "b.nii.gz", seed=6)
    alone = tmp_path / "alone.py"
    alone.write_bytes((unpacked / "predict.py").read_bytes())
    ways = ((exported,), (unpacked / "predict.py",), (alone, "-m", exported))
    for number, (program, *model) in enumerate(ways):
        done = run_isolated(program, tmp_path / "scans", "-o", tmp_path / f"out{number}", *model)
        assert (done.returncode, done.stderr) == (0, "")
        assert [line.rpartition(" (")[0] for line in done.stdout.splitlines()] == [
            str(tmp_path / f"out{number}" / f"{name}.nii.gz") for name in "ab"
        ]
    assert len({(tmp_path / f"out{number}" / "a.nii.gz").read_bytes() for number in range(3)}) == 1


def test_what_it_needs_is_said_where_it_is_missing(unpacked: Path) -> None:
    done = run_isolated(unpacked / "predict.py", "-h", allowed=("numpy", "scipy", "nibabel"))
    assert (done.returncode, done.stdout) == (1, "")
    assert "pip install numpy scipy nibabel onnxruntime" in done.stderr
    assert "Traceback" not in done.stderr


def test_other_packages_are_missed_where_they_are_blocked(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text("import torch")
    assert "torch is blocked" in run_isolated(program).stderr


def test_a_scan_that_fails_is_named_and_the_others_are_done(
    exported: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (good,) = write_scan(tmp_path / "scans" / "good.nii.gz")
    (tmp_path / "scans" / "bad.nii.gz").write_text("no image")
    assert main([str(tmp_path / "scans"), "-o", str(tmp_path / "out"), "-m", str(exported)]) == 1
    said = capsys.readouterr()
    assert "bad: cannot be predicted" in said.err
    assert "good.nii.gz" in said.out
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["good.nii.gz"]
    (tmp_path / "out" / "good.nii.gz").write_text("mine")
    assert main([str(good), "-o", str(tmp_path / "out"), "-m", str(exported)]) == 0
    assert "is there and stays" in capsys.readouterr().out
    assert (tmp_path / "out" / "good.nii.gz").read_text(encoding="utf-8") == "mine"
    assert main([str(good), "-o", str(tmp_path / "mine.nii.gz"), "-m", str(exported), "--no-mirror"]) == 0
    assert (tmp_path / "mine.nii.gz").is_file()


@pytest.mark.parametrize(("number", "said"), [(signal.SIGINT, "Ctrl-C"), (signal.SIGTERM, "SIGTERM")])
def test_a_signal_ends_it_with_a_line_and_the_same_command_goes_on(
    exported: Path, tmp_path: Path, number: signal.Signals, said: str
) -> None:
    for name in "abcdef":
        write_scan(tmp_path / "scans" / f"{name}.nii.gz")
    command = [sys.executable, str(exported), str(tmp_path / "scans"), "-o", str(tmp_path / "out")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8") as process:
        assert process.stdout is not None
        assert "a.nii.gz" in process.stdout.readline()
        process.send_signal(number)
        _, error = process.communicate()
    masks = [path.name for path in (tmp_path / "out").iterdir()]
    assert process.returncode == 128 + number
    there = f"{len(masks)} of 6 masks {'is' if len(masks) == 1 else 'are'} done"
    assert error == f"Stopped by {said}: {there}. The same command goes on with the rest.\n"
    assert all(len(name) == len("a.nii.gz") for name in masks), "no half file"
    assert subprocess.run(command, capture_output=True, check=False).returncode == 0
    assert len([*(tmp_path / "out").iterdir()]) == 6


def test_a_scan_of_one_value_is_refused(exported: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    blank = write_nifti(tmp_path / "blank.nii.gz", np.full((12, 13, 14), 7, dtype=np.float32))
    assert main([str(blank), "-o", str(tmp_path / "out"), "-m", str(exported)]) == 2
    assert "blank.nii.gz: is 7 everywhere. Expected a scan" in capsys.readouterr().err
    assert not any((tmp_path / "out").iterdir())


def test_masks_never_lie_on_scans(exported: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (scan,) = write_scan(tmp_path / "a.nii.gz")
    before = scan.read_bytes()
    for out in (tmp_path, scan):
        assert main([str(scan), "-o", str(out), "-m", str(exported)]) == 2
        assert "is a scan" in capsys.readouterr().err
    assert scan.read_bytes() == before


def test_changed_files_are_refused(unpacked: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (scan,) = write_scan(tmp_path / "a.nii.gz")
    network = unpacked / "3d_fullres" / "0" / "network-1.onnx"
    network.write_bytes(network.read_bytes()[:-1] + b"?")
    assert main([str(scan), "-o", str(tmp_path / "out"), "-m", str(unpacked)]) == 2
    assert "network-1.onnx is not what was exported" in capsys.readouterr().err


def test_files_are_the_channels_of_scans(tmp_path: Path) -> None:
    def touch(*names: str) -> list[Path]:
        paths = [tmp_path / name for name in names]
        for path in paths:
            path.touch()
        return paths

    plain = touch("a.nii.gz", "b.nii")
    assert find_scans(plain, ["T1w"]) == {"a": [plain[0]], "b": [plain[1]]}
    assert find_scans(plain, ["T1w", "FLAIR"]) == {"a": plain}
    numbered = touch("x_0000.nii.gz", "x_0001.nii.gz", "y_0000.nii.gz", "y_0001.nii.gz")
    assert find_scans(numbered[::-1], ["T1w", "FLAIR"]) == {"x": numbered[:2], "y": numbered[2:]}
    assert find_scans([numbered[0], numbered[2]], ["T1w"]) == {"x": [numbered[0]], "y": [numbered[2]]}
    assert [*find_scans(numbered[:2], ["T1w"])] == ["x_0000", "x_0001"]
    for given, message in (
        (numbered[:3], "y: expected y_0000, y_0001"),
        ([tmp_path / "none.nii.gz"], "is not there"),
        (touch("picture.png"), "not NIfTI"),
        ([*plain, *touch("a.nii")], "one name"),
    ):
        with pytest.raises(RefusedError, match=message):
            find_scans(given, ["T1w", "FLAIR"] if given is not plain and "name" not in message else ["T1w"])


@pytest.mark.parametrize(("factor", "warned"), [(1.0, False), (1.5, False), (0.001, True), (100.0, True)])
def test_voxels_that_no_training_scan_is_near_are_warned_of(tmp_path: Path, factor: float, warned: bool) -> None:
    image = np.random.default_rng(1).normal(100, 20, (8, 9, 10)).astype(np.float32)
    scan = read_program_scan([write_nifti(tmp_path / "a.nii.gz", image, affine_of(spacing_mm=(factor,) * 3))], 1)
    traits = [
        recall_traits(case) for case in make_fingerprint(repeat_case(3, SyntheticCase(body_shape=(40, 40, 40)))).cases
    ]
    traits = [replace(one, spacing_mm=(1.0, 1.0, 1.0)) for one in traits]
    said = describe_voxels(scan, json.loads(to_json(KnownTraits(scans=tuple(traits))))["scans"])
    known = KnownScans(channels=("T1w",), cases=tuple(traits))
    theirs = replace(traits[0], spacing_mm=(factor,) * 3)
    assert any(one.kind == "spacing" for one in known.compare(theirs)) == bool(said) == warned
    assert not said or "in training 1x1x1 to 1x1x1 mm" in said
    assert describe_voxels(scan, []) == ""


def test_the_program_says_that_voxels_are_of_another_size(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    traits = tuple(map(recall_traits, make_fingerprint(repeat_case(3, SyntheticCase(body_shape=(40, 40, 40)))).cases))
    models = replace(put_together({"3d_fullres": (train([configure()]),)}), traits=traits)
    place = write_portable(tmp_path / "model.zip", models)
    (scan,) = write_scan(tmp_path / "a.nii.gz")
    image = nibabel.load(scan)
    tiny = write_nifti(tmp_path / "b.nii.gz", np.asarray(image.dataobj), image.affine @ np.diag([0.1, 0.1, 0.1, 1]))
    assert main([str(tiny), "-o", str(tmp_path / "out"), "-m", str(place)]) == 0
    assert capsys.readouterr().err.startswith("b: Unlike the training scans: voxels of 0.")
