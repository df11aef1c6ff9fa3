"""Models in one file."""

from __future__ import annotations

import json
import random
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache
from importlib.metadata import PackageNotFoundError
from pathlib import Path
from typing import Any

import pytest
import torch

from autoseg.models import Bundle, Cover, Model, ModelSet, Selection, is_bundle, write_bundle
from autoseg.models.archive import REMEDY
from autoseg.models.selection import Evidence
from autoseg.networks import build_network
from dataset_fingerprints.errors import AutosegError, DataError, FileFormatError
from dataset_fingerprints.fingerprint import drop_cases
from dataset_fingerprints.likeness import recall_traits
from planners import PlanRequest, make_plan
from planners.choices import Choice
from planners.run import CaseContent, make_run
from tests.synthetic.configurations import tiny_configuration
from tests.synthetic.fingerprints import SyntheticCase, make_fingerprint, repeat_case
from tests.synthetic.machines import GPU

COVER = Cover(name="stroke", licence="CC0", card="# stroke\n")


@cache
def model(fold: str, seed: int, snapshots: int = 1) -> Model:
    fingerprint = make_fingerprint(repeat_case(5, SyntheticCase(body_shape=(40, 40, 40), spacing_mm=(1.0, 1.0, 1.0))))
    plan = make_plan(fingerprint, PlanRequest(machine=GPU, memory_gb=8.0))
    train = (CaseContent(case="Smith-John", sha256=("aa", "bb")),)
    held = (CaseContent(case="Doe-Jane", sha256=("cc", "dd")),)
    run = make_run(plan, "3d_fullres", fold, train, held, drop_cases(fingerprint))
    run = replace(run, configurations=(tiny_configuration(),), configuration=tiny_configuration().name)
    torch.manual_seed(seed)
    weights = tuple(build_network(run.own(), 1, run.scheme.heads().count()).state_dict() for _ in range(snapshots))
    return Model(run=run, weights=weights, origin="")


def models() -> ModelSet:
    fingerprint = make_fingerprint(repeat_case(3, SyntheticCase(body_shape=(40, 40, 40), spacing_mm=(1.0, 1.0, 1.0))))
    name = tiny_configuration().name
    return ModelSet(
        stages=({name: (model("0", 0), model("1", 1, snapshots=2))},),
        traits=tuple(map(recall_traits, fingerprint.cases)),
        selection=Selection(
            configurations=(name,),
            thresholds=(0.4,),
            postprocessing=(Choice(name="smallest_volume", options={"volume_mm3": 30.0}),),
            measured_on=(),
            evidence=Evidence(score="mean", level=0.95, cases=0, subjects=0, folds=(), trials=()),
        ),
    )


def write(path: Path, given: ModelSet | None = None) -> Path:
    write_bundle(path, given or models(), COVER, {(tiny_configuration().name, "0"): 500})
    return path


def test_a_program_that_is_not_installed_writes_a_bundle_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def find(distribution: str) -> str:
        raise PackageNotFoundError(distribution)

    monkeypatch.setattr("dataset_fingerprints.installed.version", find)
    assert Bundle(write(tmp_path / "model.zip")).description.made_by == "autoseg unknown"


def test_what_was_written_is_read_again(tmp_path: Path) -> None:
    path = write(tmp_path / "model.zip")
    bundle = Bundle(path)
    assert is_bundle(path)
    assert bundle.description.name == "stroke"
    assert [fold.iterations for fold in bundle.description.folds] == [500, None]
    found, wanted = bundle.read(), models()
    assert found.traits == wanted.traits
    assert found.selection == wanted.selection
    assert found.describe() == wanted.describe() == "3 snapshots of 2 folds averaged"
    (name,) = wanted.stages[0]
    for mine, theirs in zip(found.stages[0][name], wanted.stages[0][name], strict=True):
        assert mine.run.own() == theirs.run.own()
        for weights, others in zip(mine.weights, theirs.weights, strict=True):
            assert weights.keys() == others.keys()
            assert all(torch.equal(weights[key], others[key]) for key in weights)


def test_names_of_cases_stay_out_of_it_and_their_contents_are_known(tmp_path: Path) -> None:
    path = write(tmp_path / "model.zip")
    with zipfile.ZipFile(path) as opened:
        assert not any(b"Smith" in opened.read(name) or b"Doe" in opened.read(name) for name in opened.namelist())
    run = Bundle(path).run()
    assert [content.sha256 for content in run.contents] == [("aa", "bb"), ("cc", "dd")]
    assert (run.train_cases, run.validation_cases) == (("case-1",), ("case-2",))


def test_equal_models_make_equal_files(tmp_path: Path) -> None:
    assert write(tmp_path / "a.zip").read_bytes() == write(tmp_path / "b.zip").read_bytes()


def rewrite(path: Path, change: Callable[[dict[str, Any]], None], files: Mapping[str, bytes] = {}) -> Path:
    """Write a bundle again with another list, which is sound in itself."""
    with zipfile.ZipFile(path) as opened:
        contents = {name: opened.read(name) for name in opened.namelist()} | dict(files)
    plain = json.loads(contents.pop("model.json"))
    change(plain)
    with zipfile.ZipFile(path, "w") as opened:
        for name, content in contents.items():
            opened.writestr(name, content)
        opened.writestr("model.json", json.dumps(plain))
    return path


def name_unknown_fold(plain: dict[str, Any]) -> None:
    plain["averaged"][0][0]["folds"] = ["3"]


def average_nothing(plain: dict[str, Any]) -> None:
    plain["averaged"] = []


def lead_out(plain: dict[str, Any]) -> None:
    plain["folds"][0]["configuration"] = "../../etc"


def add_field(plain: dict[str, Any]) -> None:
    plain["pickle"] = "cos"


def come_from_the_future(plain: dict[str, Any]) -> None:
    plain["schema_version"] = 99
    plain["new"] = True


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (name_unknown_fold, "lacks fold 3 of"),
        (average_nothing, "lacks a trained model"),
        (lead_out, "a configuration"),
        (add_field, "unknown field 'pickle'"),
        (come_from_the_future, "schema version 99, but this version of autoseg knows 1. Update autoseg"),
    ],
)
def test_a_list_that_does_not_fit_is_refused(
    tmp_path: Path, change: Callable[[dict[str, Any]], None], message: str
) -> None:
    def unsealed(plain: dict[str, Any]) -> None:
        plain.pop("checksum")
        change(plain)

    path = rewrite(write(tmp_path / "model.zip"), unsealed)
    with pytest.raises(AutosegError, match=message):
        Bundle(path).read()


def test_a_list_that_was_damaged_is_refused(tmp_path: Path) -> None:
    def rename(plain: dict[str, Any]) -> None:
        plain["name"] = "other"

    with pytest.raises(FileFormatError, match="does not hold what autoseg wrote"):
        Bundle(rewrite(write(tmp_path / "model.zip"), rename))


def test_folds_of_other_labels_do_not_predict_together(tmp_path: Path) -> None:
    name = tiny_configuration().name
    other = model("1", 1)
    scheme = replace(other.run.scheme, ignore_value=9)
    mixed = ModelSet(stages=({name: (model("0", 0), replace(other, run=replace(other.run, scheme=scheme)))},))
    with pytest.raises(DataError, match="its folds are of other labels"):
        Bundle(write(tmp_path / "model.zip", mixed)).read()


def test_weights_that_are_none_are_named(tmp_path: Path) -> None:
    name = tiny_configuration().name
    broken = replace(model("0", 0), weights=({"head.weight": torch.tensor([float("nan")])},))
    path = write(tmp_path / "model.zip", ModelSet(stages=({name: (broken,)},)))
    with pytest.raises(AutosegError, match=r"weights-1.safetensors: cannot be used \(head.weight holds values"):
        Bundle(path).read()


@pytest.mark.parametrize("position", range(0, 100, 7))
def test_a_flipped_byte_is_noticed_wherever_it_lies(tmp_path: Path, position: int) -> None:
    path = write(tmp_path / "model.zip")
    content = bytearray(path.read_bytes())
    content[len(content) * position // 100] ^= 0x20
    path.write_bytes(content)
    try:
        found = Bundle(path).read()
    except AutosegError:
        return
    # Dates and attributes of entries are nowhere used.
    assert_same(found)


def list_flips(path: Path) -> list[tuple[int, int]]:
    """Return bytes of a zip file with a bit of each: anywhere, and inside its packed entries."""
    chance = random.Random(3)
    with zipfile.ZipFile(path) as opened:
        packed = [entry for entry in opened.infolist() if entry.compress_type == zipfile.ZIP_DEFLATED]
    size = path.stat().st_size
    anywhere = [chance.randrange(size) for _ in range(20)]
    # The list of entries stands at the end.
    listing = [chance.randrange(size - 700, size) for _ in range(20)]
    inside = [
        entry.header_offset + len(entry.filename) + 30 + chance.randrange(entry.compress_size)
        for entry in chance.choices(packed, k=60)
    ]
    return [(place, 1 << chance.randrange(8)) for place in (*anywhere, *listing, *inside)]


def test_a_flipped_bit_is_refused_or_changes_nothing(tmp_path: Path) -> None:
    path = write(tmp_path / "model.zip")
    sound, messages = path.read_bytes(), []
    for place, bit in list_flips(path):
        content = bytearray(sound)
        content[place] ^= bit
        path.write_bytes(content)
        try:
            assert_same(Bundle(path).read())
        except AutosegError as error:
            messages.append(str(error))
    assert all(str(path) in message and "Get it again" in message for message in messages)
    assert any("cannot be read as a model" in message for message in messages)


def assert_same(found: ModelSet) -> None:
    assert found.describe() == models().describe()
    assert (found.selection, found.traits) == (models().selection, models().traits)
    (name,) = models().stages[0]
    for mine, theirs in zip(found.stages[0][name], models().stages[0][name], strict=True):
        assert all(torch.equal(mine.weights[0][key], theirs.weights[0][key]) for key in theirs.weights[0])


def test_a_network_of_any_size_takes_no_memory_before_its_weights_fit(tmp_path: Path) -> None:
    small = model("0", 0)
    own = small.run.own()
    options = {**own.network.options, "features": [16_384 for _ in own.network.options["features"]]}
    huge = replace(own, network=replace(own.network, options=options))
    lying = replace(small, run=replace(small.run, configurations=(huge,)))
    path = write(tmp_path / "model.zip", ModelSet(stages=({own.name: (lying,)},)))
    with pytest.raises(AutosegError, match=r"the weights do not fit .* is of shape"):
        Bundle(path).read().averaged()[0].build_networks(torch.device("cpu"))


def test_a_broken_list_is_said_once_and_nobody_is_sent_to_mend_it(tmp_path: Path) -> None:
    def forget(plain: dict[str, Any]) -> None:
        del plain["licence"]

    with pytest.raises(FileFormatError) as caught:
        Bundle(rewrite(write(tmp_path / "model.zip"), forget))
    said = str(caught.value)
    assert said.endswith("model.json: does not hold what autoseg wrote: it was damaged or changed. " + REMEDY)
    path = tmp_path / "text.zip"
    with zipfile.ZipFile(path, "w") as opened:
        opened.writestr("model.json", "{")
    with pytest.raises(FileFormatError, match="is damaged: it is not the JSON that autoseg wrote"):
        Bundle(path)
