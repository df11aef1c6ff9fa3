"""`explain`: of a workspace's plan, and of plans made on the spot."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from dataset_fingerprints.files.jsonfiles import write_json
from tests.planners.published import MEMORY_GB, PUBLISHED
from tests.synthetic.commands import run
from tests.synthetic.fingerprints import SyntheticCase, make_fingerprint, repeat_case
from tests.synthetic.scans import write_nnunet_dataset

ROWS = dict(
    zip(
        ("atlas_r2_mni", "atlas_cropped_1mm", "msd_hippocampus", "isles_2mm", "acdc_like", "ct_3mm_512"),
        PUBLISHED,
        strict=True,
    )
)


@pytest.fixture(scope="module")
def planned(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("explained")
    write_nnunet_dataset(root / "raw", 5)
    with pytest.MonkeyPatch.context() as patch:
        assert run(patch, "plan_and_preprocess", root / "raw", "-w", root / "ws") == 0
    return root


def explain(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *arguments: object) -> dict:
    capsys.readouterr()
    assert run(monkeypatch, "explain", *arguments, "--json") == 0
    return json.loads(capsys.readouterr().out)


@pytest.mark.parametrize("planner", MEMORY_GB)
@pytest.mark.parametrize("name", ROWS)
def test_published_data_sets_are_planned_as_nnunet_plans_them(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str, planner: str
) -> None:
    row = ROWS[name]
    found = explain(monkeypatch, capsys, name, "--planner", planner, "--gpu-memory-gb", MEMORY_GB[planner])
    patch, batch_size = row.volumes[list(MEMORY_GB).index(planner)]
    fullres = found["configurations"]["3d_fullres"]
    assert (fullres["patch_shape"], fullres["batch_size"]) == (list(patch[::-1]), batch_size)
    assert ("3d_lowres" in found["configurations"]) == (planner in row.low_resolution)
    assert found["decisions"]


def test_a_fingerprint_file_is_planned_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "fingerprint.json"
    write_json(path, make_fingerprint(repeat_case(20, SyntheticCase(body_shape=(35, 50, 36)))))
    found = explain(monkeypatch, capsys, path, "--gpu-memory-gb", 8)
    assert found["configurations"]["3d_fullres"]["patch_shape"] == [40, 56, 40]
    assert found["device"] == "cuda"


def test_a_workspace_can_be_planned_anew_and_keeps_its_plan(
    planned: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    here = explain(monkeypatch, capsys, planned / "ws")
    assert here == explain(monkeypatch, capsys, "-w", planned / "ws", "--plan", "default")
    anew = explain(monkeypatch, capsys, planned / "ws", "--planner", "nnunet-resenc-l")
    assert (anew["planner"], anew["memory_gb"]) == ("nnunet-resenc-l", 24.0)
    assert here == explain(monkeypatch, capsys, planned / "ws")


def test_the_page_says_value_rule_evidence_and_what_would_change_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, "explain", "atlas_r2_mni", "--gpu-memory-gb", "24", "--all") == 0
    page = " ".join(capsys.readouterr().out.split())
    assert "What the network sees at once: 160x224x160 voxels 3d_fullres.patch_shape" in page
    for heading in ("why:", "found:", "would change with:"):
        assert heading in page


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["atlas_r2"], "Did you mean 'atlas_r2_mni'? Published: acdc_like, atlas_cropped_1mm"),
        (["xyz"], "is not a workspace, a fingerprint.json or a published data set"),
        (["acdc_like", "--planner", "nnunet-resenc"], "There is no planner 'nnunet-resenc'. Did you mean"),
        (["acdc_like", "--gpu-memory-gb", "0"], "Expected the GPU's memory"),
        (["acdc_like", "-w", "{ws}"], "Name one of them"),
        (["{ws}", "--plan", "other"], "has no plan 'other' (plans: default)"),
        (["acdc_like", "--plan", "other"], "--plan-name names a plan of a workspace, but a plan is made on the spot"),
        (["wrong", "--plan", "other"], "is not a workspace, a fingerprint.json or a published data set"),
        (["{raw}"], "is not a workspace"),
        (["{raw}/dataset.json"], "Expected a dataset fingerprint file"),
    ],
)
def test_what_cannot_be_explained_says_why(
    planned: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    message: str,
) -> None:
    filled = [text.format(ws=planned / "ws", raw=planned / "raw") for text in arguments]
    assert run(monkeypatch, "explain", *filled) == 2
    assert message in " ".join(capsys.readouterr().err.split())


def test_planning_on_the_spot_starts_without_the_heavy_libraries() -> None:
    code = (
        "import sys; from autoseg.cli import main\n"
        "sys.argv = ['autoseg', 'explain', 'acdc_like', '--gpu-memory-gb', '8']\n"
        "try: main()\nexcept SystemExit: pass\n"
        "print('loaded', sorted({'torch', 'scipy', 'nibabel', 'sklearn'} & set(sys.modules)))"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, encoding="utf-8", check=True)
    assert found.stdout.splitlines()[-1] == "loaded []"


def test_a_time_budget_is_planned_with_the_speed_measured_here(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    found = explain(monkeypatch, capsys, "msd_hippocampus", "--max-hours", 1)
    iterations = found["configurations"]["3d_fullres"]["training"]["iterations"]
    decided = {entry["field"]: entry for entry in found["decisions"]}
    assert decided["3d_fullres.training.iterations"]["value"].startswith(f"{iterations:,} with")
    assert "as measured here" in decided["3d_fullres.training.iterations"]["evidence"]
    elsewhere = explain(monkeypatch, capsys, "msd_hippocampus", "--max-hours", 1, "--gpu-memory-gb", 8)
    assert elsewhere["max_hours"] == 1.0


@pytest.mark.parametrize("target", ["atlas_r2_mni", "ct_3mm_512", "msd_hippocampus", "{ws}"])
def test_the_first_page_fits_a_screen_and_names_the_way_to_the_rest(
    planned: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], target: str
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    place = target.format(ws=planned / "ws")
    capsys.readouterr()
    assert run(monkeypatch, "explain", place) == 0
    page = capsys.readouterr().out
    lines = page.splitlines()
    assert len(lines) <= 60
    assert max(map(len, lines)) <= 80
    for word in (
        "expected time",
        "patch",
        "batch",
        "voxel size",
        "memory to train",
        "folds",
        "`autoseg explain --all`",
    ):
        assert word in page
    assert run(monkeypatch, "explain", place, "--all") == 0
    assert len(capsys.readouterr().out.splitlines()) > 2 * len(lines)


def test_rules_of_strategy_are_shown_with_their_evidence_and_taken_by_name(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    assert run(monkeypatch, "explain", "isles_2mm", "--gpu-memory-gb", 8) == 0
    assert "Rules that are off: " in capsys.readouterr().out
    taken = explain(monkeypatch, capsys, "isles_2mm", "--gpu-memory-gb", 8, "--rule", "squeeze_excitation=on")
    assert taken["rules"] == ["squeeze_excitation"]
    assert taken["configurations"]["3d_fullres"]["network"]["options"]["attention"] == "squeeze_excitation"
    words = {entry["field"]: entry for entry in taken["decisions"]}["rules.squeeze_excitation"]
    assert "on (untested)" in words["value"]
    assert "Dice +0.012 on both channels" in words["evidence"]
    assert run(monkeypatch, "explain", "isles_2mm", "--gpu-memory-gb", 8, "--rule", "external_loss=on") == 2
    assert "advice that the planner cannot carry out" in " ".join(capsys.readouterr().err.split())


def test_costs_are_estimated_here_and_elsewhere(
    planned: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, "explain", planned / "ws", "--cost") == 0
    page = " ".join(capsys.readouterr().out.split())
    for words in ("Expected costs of 5 cases", "this machine", "Slurm", "validate a", "Not measured"):
        assert words in page
    found = explain(monkeypatch, capsys, planned / "ws", "--cost")["costs"]
    assert found[0]["name"] == "this machine"
    assert all(one["fold_hours"] > 0 and one["preprocessed_gb"] > 0 for one in found)
    assert found[2]["all_folds_hours"] == found[2]["fold_hours"]  # eight cards, five folds


def test_costs_of_a_published_data_set_need_no_scan(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    found = explain(monkeypatch, capsys, "msd_hippocampus", "--cost")
    assert {one["folds"] for one in found["costs"]} == {5}
    assert found["costs"][0]["planning_hours"] > 0


def test_costs_and_a_comparison_of_data_sets_exclude_each_other(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, "explain", "msd_hippocampus", "--compare", "acdc_like", "--cost") == 2
    assert "--cost" in capsys.readouterr().err
