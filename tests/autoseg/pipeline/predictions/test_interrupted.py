"""A folder of many scans with broken ones among them, and a process that is killed in the middle."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import pytest

import autoseg
from dataset_fingerprints.errors import PartlyDoneError
from tests.synthetic.commands import run_until
from tests.synthetic.scans import head, write_nifti
from tests.synthetic.tiny import CONFIGURATION, SHAPE, Tiny

BROKEN = ("p03", "p10", "site/p17")


@pytest.fixture(scope="module")
def scans(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twenty scans in two folders, three of them broken in three ways."""
    folder = tmp_path_factory.mktemp("many") / "scans"
    for number in range(20):
        name = f"{'site/' if number > 14 else ''}p{number:02d}"
        path = write_nifti(folder / f"{name}.nii.gz", head(number, SHAPE)[0])
        if name in BROKEN:
            content = path.read_bytes()
            damaged = {"p03": content[: len(content) // 2], "p10": b"", "site/p17": b"no image at all"}
            path.write_bytes(damaged[name])
    return folder


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.slow
def test_broken_scans_are_named_and_a_killed_run_ends_with_the_same_bytes(
    finished: Tiny, scans: Path, tmp_path: Path
) -> None:
    with pytest.raises(PartlyDoneError) as caught:
        autoseg.predict(scans, tmp_path / "whole", finished.workspace.root, configurations=[CONFIGURATION])
    assert all(f"case {name}: " in str(caught.value) for name in BROKEN)
    whole = contents(tmp_path / "whole")
    assert len(whole) == 17

    command = ["predict", scans, "-o", tmp_path / "killed", "-w", finished.workspace.root, "-c", CONFIGURATION]
    code, said = run_until("rename:p08.nii.gz:1", *command)
    assert code == -signal.SIGKILL, said
    left = contents(tmp_path / "killed")
    assert 5 <= len(left) < 17
    assert any(".partial-" in name for name in left), "a mask was half written"

    code, said = run_until("rename:nothing:0", *command)
    assert code == 1, said
    assert "3 of 20 scans could not be predicted" in said
    assert all(f"case {name}: " in said for name in BROKEN)
    assert contents(tmp_path / "killed") == whole
    record = json.loads((tmp_path / "killed-report" / "prediction.json").read_text(encoding="utf-8"))
    results = {case["case"]: case["result"] for case in record["cases"]}
    assert len(results) == 20
    assert {name for name, result in results.items() if result == "failed"} == {*BROKEN}
    assert results["p00"] == "kept"
    assert results["p08"] == "predicted"


@pytest.mark.slow
@pytest.mark.parametrize("moment", ["b_dark.nii.gz", "b_entropy.nii.gz", "/b.nii.gz"])
def test_a_run_that_is_killed_between_maps_ends_with_the_same_bytes(
    finished: Tiny, tmp_path: Path, moment: str
) -> None:
    for number, name in enumerate("abc"):
        write_nifti(tmp_path / "scans" / f"{name}.nii.gz", head(number, SHAPE)[0])
    maps = {"probabilities": True, "uncertainty": True}
    place = {"workspace": finished.workspace.root, "configurations": [CONFIGURATION]}
    autoseg.predict(tmp_path / "scans", tmp_path / "whole", **place, **maps)
    command = ["predict", tmp_path / "scans", "-o", tmp_path / "killed", "-w", finished.workspace.root]
    options = ["-c", CONFIGURATION, "--probabilities", "--uncertainty"]
    code, said = run_until(f"rename:{moment}:1", *command, *options)
    assert code == -signal.SIGKILL, said
    autoseg.predict(tmp_path / "scans", tmp_path / "killed", **place, **maps)
    for below in ("", "-report/probabilities", "-report/uncertainty"):
        assert contents(tmp_path / f"killed{below}") == contents(tmp_path / f"whole{below}")


def test_a_map_that_is_missing_is_made_again_and_nothing_else(finished: Tiny, tmp_path: Path) -> None:
    for number, name in enumerate("ab"):
        write_nifti(tmp_path / "scans" / f"{name}.nii.gz", head(number, SHAPE)[0])

    def predict() -> dict[str, tuple[bytes, int]]:
        autoseg.predict(
            tmp_path / "scans", tmp_path / "out", finished.workspace.root, probabilities=True, uncertainty=True
        )
        folders = [tmp_path / f"out{below}" for below in ("", "-report/probabilities", "-report/uncertainty")]
        files = [path for folder in folders for path in sorted(folder.iterdir())]
        return {path.name: (path.read_bytes(), path.stat().st_ino) for path in files}

    before = predict()
    assert sorted(before) == [f"{scan}{what}.nii.gz" for scan in "ab" for what in ("", "_dark", "_entropy")]
    lost = tmp_path / "out-report" / "uncertainty" / "b_entropy.nii.gz"
    lost.rename(tmp_path / "elsewhere")
    after = predict()
    assert after.pop("b_entropy.nii.gz")[0] == before.pop("b_entropy.nii.gz")[0]
    assert after == before


def test_a_mask_that_is_there_stays_in_the_record_when_its_maps_cannot_be_made(finished: Tiny, tmp_path: Path) -> None:
    scan = write_nifti(tmp_path / "scans" / "a.nii.gz", head(0, SHAPE)[0])
    autoseg.predict(tmp_path / "scans", tmp_path / "out", finished.workspace.root)
    scan.write_bytes(b"no image at all")
    with pytest.raises(PartlyDoneError, match="1 of 1 scan could not be predicted"):
        autoseg.predict(tmp_path / "scans", tmp_path / "out", finished.workspace.root, uncertainty=True)
    record = json.loads((tmp_path / "out-report" / "prediction.json").read_text(encoding="utf-8"))
    (case,) = record["cases"]
    assert (case["result"], case["mask"], case["error"]) == ("kept", "a.nii.gz", None)
    assert case["weights_sha256"] == record["model"]["sha256"]


def test_a_mask_of_before_that_could_not_be_replaced_is_named(finished: Tiny, tmp_path: Path) -> None:
    for number, name in enumerate("ab"):
        write_nifti(tmp_path / "scans" / f"{name}.nii.gz", head(number, SHAPE)[0])
    autoseg.predict(tmp_path / "scans", tmp_path / "out", finished.workspace.root)
    (tmp_path / "scans" / "a.nii.gz").write_bytes(b"no image at all")
    with pytest.raises(PartlyDoneError, match=r"1 mask of an earlier run is still there: a\.nii\.gz\.") as caught:
        autoseg.predict(tmp_path / "scans", tmp_path / "out", finished.workspace.root, overwrite=True)
    assert [mask.name for mask in caught.value.result] == ["b.nii.gz"]
