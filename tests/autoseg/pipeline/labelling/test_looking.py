"""Looks of a model that was made by hand: it marks dark voxels as 1 and bright ones as 2."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import nibabel
import numpy as np
import pytest

from autoseg.labelling.ranking import choose_uncertain
from autoseg.pipeline.labelling.looking import Looker, look_at
from autoseg.prediction import Ensemble, LoadedModel, Probabilities
from autoseg.progress import SilentProgress
from autoseg.workspace.loop import RoundFolder
from dataset_fingerprints.dataset import Case
from dataset_fingerprints.errors import DataError
from dataset_fingerprints.measuring.scans import Scan
from dataset_fingerprints.reading.images import read_label_map
from tests.autoseg.prediction.builders import HandMade, make_volume
from tests.synthetic.heads import plain_scheme
from tests.synthetic.scans import affine_of, write_nifti

SCHEME = plain_scheme(2)


class Shifted:
    """The same on a scan that is brighter by some number."""

    def __init__(self, by: float) -> None:
        self.by = by

    def predict(self, scan: Scan) -> Probabilities:
        return HandMade(SCHEME).predict(replace(scan, voxels=scan.voxels + np.float32(self.by)))


class Refusing:
    """A model that must not be asked."""

    def predict(self, scan: Scan) -> Probabilities:
        raise AssertionError("asked")


def load(predictor: object) -> LoadedModel:
    return LoadedModel(predictor=predictor, scheme=SCHEME, channels=("T1w",), description="by hand")  # type: ignore[arg-type]


def look(predictor: object, plain: object | None = None) -> Looker:
    return Looker(model=load(predictor), plain=None if plain is None else load(plain), identity="m")


def write_cases(root: Path) -> tuple[list[Case], dict[str, str]]:
    """Write a scan with clear balls, one with faint ones, and a labelled one."""
    voxels, labels = make_volume()
    faint = np.where(labels > 0, 100 + (voxels - 100) * 0.5, voxels).astype(np.float32)
    for name, image in (("clear", voxels), ("faint", faint), ("labelled", voxels + 1)):
        write_nifti(root / f"{name}.nii.gz", image, affine_of((1, 0, 2)))
    write_nifti(root / "mask.nii.gz", labels, affine_of((1, 0, 2)))
    names = ("clear", "faint", "labelled")
    cases = [Case(name=name, images=(str(root / f"{name}.nii.gz"),), label="", subject=name) for name in names]
    return cases, {"labelled": str(root / "mask.nii.gz")}


def test_where_networks_or_flips_lie_apart_a_model_is_uncertain(tmp_path: Path) -> None:
    cases, known = write_cases(tmp_path)
    place = RoundFolder(root=tmp_path / "round")
    for looker in (look(Ensemble(members=(Shifted(-3.0), Shifted(3.0)))), look(Shifted(-3.0), Shifted(3.0))):
        place.looked_at.unlink(missing_ok=True)
        clear, faint, labelled = look_at(place, looker, cases, known, SilentProgress())
        assert clear.candidate().uncertainty < faint.candidate().uncertainty
        assert labelled.spread is None
        assert faint.spread is not None
        assert 0 < faint.spread < 1
        assert read_label_map(place.presegmentation("clear")).voxels.shape[1:] == (28, 24, 20)
        chosen = choose_uncertain([clear.candidate(), faint.candidate()], [labelled.portrait()], 1)
        assert chosen[0].case == "faint"


def test_networks_that_agree_do_not_spread(tmp_path: Path) -> None:
    cases, known = write_cases(tmp_path)
    found = look_at(RoundFolder(root=tmp_path / "r"), look(Shifted(0.0), Shifted(0.0)), cases, known, SilentProgress())
    # Rounding of float32 alone.
    assert all(one.spread is None or one.spread < 1e-6 for one in found)


def test_what_was_looked_at_is_not_looked_at_again_and_half_a_line_is_cut_off(tmp_path: Path) -> None:
    cases, known = write_cases(tmp_path)
    place = RoundFolder(root=tmp_path / "round")
    first = look_at(place, look(Shifted(0.0), Shifted(1.0)), cases, known, SilentProgress())
    assert look_at(place, look(Refusing()), cases, known, SilentProgress()) == first
    content = place.looked_at.read_bytes()
    place.looked_at.write_bytes(content[:-20])
    again = look_at(place, look(Shifted(0.0), Shifted(1.0)), cases, known, SilentProgress())
    assert again == first
    assert place.looked_at.read_bytes() == content
    # Masks that are gone are made again, and so are all by other weights.
    place.presegmentation("faint").unlink()
    with pytest.raises(DataError, match="asked"):
        look_at(place, replace(look(Refusing()), identity="other"), cases[:2], known, SilentProgress())


class Listener(SilentProgress):
    """Keeps what is said."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def say(self, message: str) -> None:
        self.said.append(message)


def test_a_scan_that_cannot_be_read_is_said_and_the_others_are_looked_at(tmp_path: Path) -> None:
    cases, known = write_cases(tmp_path)
    (tmp_path / "clear.nii.gz").write_bytes(b"broken")
    listener = Listener()
    found = look_at(RoundFolder(root=tmp_path / "r"), look(Shifted(0.0), Shifted(1.0)), cases, known, listener)
    assert [one.case for one in found] == ["faint", "labelled"]
    assert "case clear" in listener.said[0]
    (tmp_path / "faint.nii.gz").unlink()
    with pytest.raises(DataError, match="None of the scans can be looked at"):
        look_at(RoundFolder(root=tmp_path / "s"), look(Shifted(0.0)), cases, known, listener)


def test_what_nobody_has_labelled_is_not_marked_in_the_picture_of_a_labelled_scan(tmp_path: Path) -> None:
    cases, known = write_cases(tmp_path)
    looker = look(Shifted(0.0), Shifted(1.0))
    looker = replace(looker, model=replace(looker.model, scheme=plain_scheme(2, ignore_value=9)))
    before = look_at(RoundFolder(root=tmp_path / "r"), looker, cases[::2], known, SilentProgress())[-1]
    mask = nibabel.load(tmp_path / "mask.nii.gz")
    labels = np.asanyarray(mask.dataobj).copy()
    labels[:2] = 9
    write_nifti(tmp_path / "mask.nii.gz", labels, mask.affine)
    after = look_at(RoundFolder(root=tmp_path / "s"), looker, cases[::2], known, SilentProgress())[-1]
    assert after.mask == before.mask
