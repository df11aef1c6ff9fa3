"""Looks of a model that was made by hand: it marks dark voxels as 1 and bright ones as 2."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import nibabel
import numpy as np
import pytest

from autoseg.labelling.ranking import choose_uncertain
from autoseg.models import Model, ModelSet
from autoseg.pipeline.labelling.looking import Looker, find_usual_lesions, list_learned, look_at
from autoseg.pipeline.labelling.looks import Look
from autoseg.prediction import Ensemble, LoadedModel, Probabilities
from autoseg.progress import SilentProgress
from autoseg.workspace.loop import RoundFolder
from dataset_fingerprints.dataset import Case
from dataset_fingerprints.errors import DataError
from dataset_fingerprints.fingerprint import drop_cases
from dataset_fingerprints.measuring.scans import Scan
from dataset_fingerprints.reading.images import read_label_map
from planners.planner import PlanRequest
from planners.presets import make_plan
from planners.run import make_run
from tests.autoseg.confidence.builders import lesion_probabilities, segment
from tests.autoseg.prediction.builders import HandMade, make_scan, make_volume
from tests.synthetic.fingerprints import SyntheticCase, make_fingerprint
from tests.synthetic.heads import plain_scheme, region_scheme
from tests.synthetic.machines import GPU
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
    other = None if plain is None else load(plain)
    return Looker(model=load(predictor), plain=other, identity="m", lesions_mm3=(100.0, 100.0))


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


def find_uncertainty(*networks: tuple[float, float], edge: int = 5) -> float:
    """Return how uncertain a model is about a scan in which a cube of voxels stands out, with a usual lesion of 100.

    Args:
        networks: the probability in the cube and that around it, of each network.
        edge: of the cube, in voxels.
    """
    maps = []
    for inside, around in networks:
        values = np.full((1, 20, 20, 20), around)
        values[0, 5 : 5 + edge, 5 : 5 + edge, 5 : 5 + edge] = inside
        maps.append(lesion_probabilities(values))
    looker = replace(look(Refusing()), lesions_mm3=(100.0,))
    spread, doubt = looker.measure(make_scan(make_volume()[0]), segment(maps))
    return Look(case="a", model="m", spread=spread, doubt=doubt, scan=(), mask=()).candidate().uncertainty


def test_a_surely_empty_scan_is_less_uncertain_than_one_with_a_faint_or_contested_lesion() -> None:
    # Far apart as a share of themselves, in all voxels, and next to nothing all the same.
    empty = find_uncertainty((1e-4, 1e-4), (3e-4, 3e-4))
    clear = find_uncertainty((0.97, 0.0), (0.99, 0.0))
    faint = find_uncertainty((0.35, 0.0), (0.45, 0.0))
    contested = find_uncertainty((0.9, 0.0), (0.2, 0.0))
    assert empty < clear < min(faint, contested)
    assert empty < find_uncertainty((0.35, 0.0), (0.45, 0.0), edge=2) < faint


def test_an_empty_mask_is_as_doubtful_as_usual_lesions_are_to_be_expected_beside_it() -> None:
    # Probabilities of 102 / 255 in 125 voxels are half of a usual lesion: n / (n + 1), and nothing lies apart.
    assert find_uncertainty((0.4, 0.0), (0.4, 0.0)) == pytest.approx(0.5 / 1.5 / 2)


def test_a_usual_lesion_is_the_median_one_of_a_label_and_of_a_region_that_of_its_labels_together() -> None:
    cases = [SyntheticCase(body_shape=(40, 40, 40), volume_mm3=volume) for volume in (100.0, 300.0, 900.0)]
    summary = drop_cases(make_fingerprint(cases, labels=2))
    assert find_usual_lesions(plain_scheme(2), summary) == (300.0, 300.0)
    assert find_usual_lesions(region_scheme(), summary) == (600.0, 300.0)
    # Of a label that no case holds nothing is known.
    assert find_usual_lesions(plain_scheme(3), summary)[2] == 1000.0


def test_labels_that_are_learned_as_one_have_a_usual_lesion_of_all_of_them() -> None:
    cases = [SyntheticCase(body_shape=(40, 40, 40), volume_mm3=volume) for volume in (100.0, 300.0, 900.0)]
    fingerprint = make_fingerprint(cases, labels=2)
    plan = make_plan(fingerprint, PlanRequest(machine=GPU, memory_gb=8.0))
    plan = replace(plan, configurations=tuple(replace(one, targets=((1, 2),)) for one in plan.configurations))
    run = make_run(plan, plan.default_configuration, "full", (), (), drop_cases(fingerprint))
    models = ModelSet(stages=({run.configuration: (Model(run=run, weights=(), origin="by hand"),)},))
    assert find_usual_lesions(list_learned(models), run.summary) == (600.0,)
