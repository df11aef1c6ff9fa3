"""A matrix of small models: masks out of fold and predicted ones, marks of seen cases, and what is refused."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from autoseg.pipeline.faces import model_face
from autoseg.progress import SilentProgress
from dataset_fingerprints.dataset import Case
from dataset_fingerprints.errors import AutosegError, DataError, PartlyDoneError, PlanError, WorkspaceError
from experiments.experiment.matrix.cells import find_judged
from experiments.experiment.matrix.data import name_place, write_scans
from experiments.experiment.matrix.making import MatrixOutcome, MatrixRequest, make_matrix
from experiments.experiment.matrix.models import JudgedMask, find_models, split_name
from tests.synthetic.scans import write_description
from tests.synthetic.tiny import CONFIGURATION, Tiny, write_tiny


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Tiny:
    """Five cases of two postures, of which folds 0 and 1 are trained, and a bundle of them."""
    tiny = write_tiny(tmp_path_factory.mktemp("matrix"), 5)
    lines = [f"case_{number}\t{('prone', 'supine')[number % 2]}" for number in range(5)]
    (tiny.raw / "cases.tsv").write_text("\n".join(["case\tposture", *lines]) + "\n", encoding="utf-8")
    tiny.plan()
    for fold in (0, 1):
        tiny.train(fold)
    model_face.export(tiny.workspace, tiny.root / "model.zip")
    return tiny


@pytest.fixture(scope="module")
def external(tmp_path_factory: pytest.TempPathFactory) -> Path:
    tiny = write_tiny(tmp_path_factory.mktemp("external"), 3)
    for number in range(3):
        tiny.add(f"case_{number}", 20 + number)
    return tiny.raw


def make(tiny: Tiny, out: Path, models: tuple[str, ...], *data: str, **options: object) -> MatrixOutcome:
    request = MatrixRequest(models=models, data=data, out=out, **options)  # type: ignore[arg-type]
    return make_matrix(request, SilentProgress())


@pytest.mark.slow
def test_a_case_has_the_mask_of_the_fold_that_did_not_train_on_it_and_others_are_marked(
    trained: Tiny, external: Path, tmp_path: Path
) -> None:
    place = f"{trained.workspace.root}/models/default/{CONFIGURATION}"
    models = (f"folds={place}", f"bundle={trained.root / 'model.zip'}")
    data, metrics = (f"own={trained.raw}", f"external={external}"), ("dice", "hausdorff_mm")
    outcome = make(trained, tmp_path, models, *data, metrics=metrics)
    own = outcome.matrix.find("folds", "own")
    assert own is not None
    judged = {case for fold in (0, 1) for case in trained.fold(fold).validation.metrics.parent.glob("*.nii.gz")}
    assert {case.case for case in own.evaluation.cases} == {path.name.removesuffix(".nii.gz") for path in judged}
    assert own.seen == 5 - len(judged)
    # What the fold's own validation found.
    (first,) = [case for case in own.evaluation.cases if trained.fold(0).validation.mask(case.case).is_file()]
    masks = tmp_path / "masks" / "folds" / "own"
    assert not (masks / f"{first.case}.nii.gz").exists(), "a mask that is there is not predicted again"
    assert len(list(masks.glob("*.nii.gz"))) == own.seen
    bundled = outcome.matrix.find("bundle", "own")
    assert bundled is not None
    assert (bundled.all_seen, bundled.seen) == (True, 5)
    for model in ("folds", "bundle"):
        entry = outcome.matrix.find(model, "external")
        assert entry is not None
        assert (entry.seen, len(entry.evaluation.cases)) == (0, 3)
    assert any("folds on own: 3 cases are of subjects that it was trained on" in one for one in outcome.matrix.remarks)
    # The same networks, the same masks.
    dice = [outcome.matrix.find(model, "external").evaluation.cases for model in ("folds", "bundle")]  # type: ignore[union-attr]
    assert dice[0] == dice[1]
    assert [path.name for path in outcome.written] == ["matrix.md", "matrix.csv", "matrix-tests.csv"]
    # Given again, masks stay.
    made = {path: path.stat().st_mtime_ns for path in (tmp_path / "masks").rglob("*.nii.gz")}
    again = make(trained, tmp_path, models, *data, metrics=metrics)
    assert {path: path.stat().st_mtime_ns for path in made} == made
    assert again.matrix.entries == outcome.matrix.entries


@pytest.mark.slow
def test_postures_are_columns_and_other_labels_are_scored_as_one(trained: Tiny, tmp_path: Path) -> None:
    outcome = make(trained, tmp_path, (str(trained.workspace.root),), f"own={trained.raw}", by="posture")
    assert outcome.matrix.models == (CONFIGURATION,)
    assert outcome.matrix.columns() == ("own, prone", "own, supine")
    other = write_tiny(tmp_path / "other", 2)
    write_description(other.raw, {"background": 0, "a": 3}, ("T1w",), 2)
    with pytest.raises(AutosegError, match=r"none has the same value\. Score all labels as one with --foreground"):
        make(trained, tmp_path / "refused", (str(trained.workspace.root),), str(other.raw))
    both = (f"own={trained.raw}", f"other={other.raw}")
    with pytest.raises(PartlyDoneError, match="1 pair of a model and a data set could not be scored"):
        make(trained, tmp_path / "partly", (str(trained.workspace.root),), *both).refuse_failures()
    write_description(other.raw, {"background": 0, "light": 1}, ("T1w",), 2)
    joined = make(trained, tmp_path / "joined", (str(trained.workspace.root),), *both, foreground=True)
    assert set(joined.matrix.labels()) == {"foreground"}
    assert joined.failures == ()


@pytest.mark.slow
def test_what_cannot_be_meant_is_refused(trained: Tiny, tmp_path: Path) -> None:
    place = str(trained.workspace.root)
    with pytest.raises(WorkspaceError, match=r"2 models are called '3d_fullres'\. Name each"):
        find_models((place, place), SilentProgress())
    with pytest.raises(PlanError, match=r"--metric dise: there is no such metric of a case\. Did you mean 'dice'"):
        make(trained, tmp_path, (place,), str(trained.raw), metrics=("dise",))
    with pytest.raises(DataError, match="There is no data set"):
        make(trained, tmp_path, (place,))
    with pytest.raises(DataError, match="--by scanner: is known of no case"):
        make(trained, tmp_path, (place,), str(trained.raw), by="scanner")
    with pytest.raises(WorkspaceError, match="does not exist"):
        make(trained, tmp_path, (str(tmp_path / "nothing"),), str(trained.raw))


def test_a_name_stands_in_front_of_a_path(tmp_path: Path) -> None:
    assert split_name("prone=ws/models/a/prone") == ("prone", "ws/models/a/prone")
    assert split_name("ws/models/a=b") == ("", "ws/models/a=b")
    (tmp_path / "a=b").mkdir()
    assert split_name(str(tmp_path / "a=b")) == ("", str(tmp_path / "a=b"))


def test_a_data_set_is_called_after_its_folder_or_its_table() -> None:
    assert name_place(Path("/data/ATLAS_R2.0")) == "ATLAS_R2.0"
    assert name_place(Path("/data/scans.csv")) == "scans"


def test_a_mask_of_a_fold_that_trained_on_another_scan_of_the_patient_is_not_out_of_fold() -> None:
    cases = [Case(name=f"a{visit}", images=("i",), label="l", subject="a") for visit in (0, 1)]
    data = SimpleNamespace(dataset=SimpleNamespace(cases=cases), scans={"a0": ("hash-0",), "a1": ("hash-1",)})
    judged = {
        ("hash-0",): JudgedMask(path=Path("a0.nii.gz"), trained=frozenset({"of-b"})),
        ("hash-1",): JudgedMask(path=Path("a1.nii.gz"), trained=frozenset({"of-b", "hash-0"})),
    }
    assert find_judged(SimpleNamespace(judged=judged), data) == {"a0": Path("a0.nii.gz")}  # type: ignore[arg-type]


def test_a_file_that_holds_several_channels_is_for_a_model_of_the_same_ones(tmp_path: Path) -> None:
    data = SimpleNamespace(root=Path("raw"), dataset=SimpleNamespace(channels=("T1w", "FLAIR")))
    cases, table = [Case(name="a", images=("a.nii.gz",), label="l", subject="a")], tmp_path / "scans.csv"
    for channels in (("FLAIR",), ("T1w",), ("FLAIR", "T1w")):
        with pytest.raises(DataError, match="its files hold the channels T1w, FLAIR together"):
            write_scans(table, data, cases, channels)  # type: ignore[arg-type]
    write_scans(table, data, cases, ("T1w", "FLAIR"))  # type: ignore[arg-type]
    assert table.read_text(encoding="utf-8-sig").split() == ["case,image", "a,a.nii.gz"]
