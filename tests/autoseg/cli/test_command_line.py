from __future__ import annotations

import json
import subprocess
import sys

import pytest

from autoseg.cli import main
from tests.synthetic.scans import write_nnunet_dataset

CODE = """
import sys
from autoseg.cli import main
sys.argv = ["autoseg", *sys.argv[1:]]
try:
    main()
except SystemExit as stop:
    print("exit", stop.code)
print("loaded", sorted({"torch", "scipy", "nibabel", "sklearn"} & set(sys.modules)))
"""


def run(monkeypatch, *arguments):
    monkeypatch.setattr(sys, "argv", ["autoseg", *[str(argument) for argument in arguments]])
    with pytest.raises(SystemExit) as stop:
        main()
    return int(stop.value.code or 0)


@pytest.fixture(scope="module")
def planned(tmp_path_factory):
    root = tmp_path_factory.mktemp("planned")
    write_nnunet_dataset(root / "raw", 6)
    with pytest.MonkeyPatch.context() as patch:
        assert run(patch, "plan_and_preprocess", root / "raw", "-w", root / "ws") == 0
    return root


def test_help_and_explain_start_without_the_heavy_libraries(planned):
    for arguments in (["--help"], ["explain", "-w", str(planned / "ws")]):
        result = subprocess.run(
            [sys.executable, "-c", CODE, *arguments], capture_output=True, encoding="utf-8", check=True
        )
        assert result.stdout.splitlines()[-1] == "loaded []", arguments


@pytest.mark.parametrize("name", ["plan_and_preprocess", "plan-and-preprocess"])
def test_commands_are_found_with_hyphens_and_with_underscores(monkeypatch, capsys, name):
    assert run(monkeypatch, name, "--help") == 0
    assert "--gpu-memory-gb" in capsys.readouterr().out


def test_explain_as_json_names_configurations_and_decisions(planned, monkeypatch, capsys):
    assert run(monkeypatch, "explain", "-w", planned / "ws", "--json") == 0
    plain = json.loads(capsys.readouterr().out)
    assert len(plain["configurations"]["3d_fullres"]["patch_shape"]) == 3
    assert {"field", "value", "rule", "evidence", "change"} == set(plain["decisions"][0])


def test_explain_tells_a_cpu_plan_loudly(planned, monkeypatch, capsys):
    assert run(monkeypatch, "explain", "-w", planned / "ws") == 0
    out = capsys.readouterr().out
    assert "CPU PLAN" in out or "cuda" in out


def test_a_plan_for_a_gpu_elsewhere_can_be_made_on_any_machine(planned, monkeypatch, capsys):
    arguments = ["plan_and_preprocess", planned / "raw", "-w", planned / "gpu", "--gpu-memory-gb", "8"]
    assert run(monkeypatch, *arguments) == 0
    assert run(monkeypatch, "explain", "-w", planned / "gpu", "--json") == 0
    plain = json.loads(capsys.readouterr().out.rpartition("Next: `autoseg train 0")[2].partition("\n")[2])
    assert plain["device"] == "cuda"
    assert plain["configurations"]["3d_fullres"]["training"]["optimizer"]["name"] == "sgd"


def test_check_tells_a_sound_data_set_from_a_broken_one(planned, tmp_path, monkeypatch, capsys):
    assert run(monkeypatch, "check", planned / "raw") == 0
    write_nnunet_dataset(tmp_path, 2)
    path = tmp_path / "imagesTr" / "sub-001_0000.nii.gz"
    path.write_bytes(path.read_bytes()[:3000])
    assert run(monkeypatch, "check", tmp_path, "-o", tmp_path / "check.json") == 2
    assert "sub-001" in capsys.readouterr().out
    (finding,) = json.loads((tmp_path / "check.json").read_text(encoding="utf-8"))["findings"]
    assert (finding["case"], finding["grade"]) == ("sub-001", "error")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["train", "0", "-w", "{raw}"], "is not a workspace"),
        (["train", "0", "-w", "{ws}", "-c", "3d_fulres"], "Did you mean '3d_fullres'"),
        (["train", "0", "-w", "{ws}", "--set", "training.iteration=5"], "no field 'iteration'.*'iterations'"),
        (["train", "0", "-w", "{ws}", "--plan", "other"], "no plan 'other'"),
        (["predict", "{root}/none", "-o", "{root}/out", "-w", "{ws}"], "does not exist"),
        (["predict", "{raw}/dataset.json", "-o", "{root}/out", "-w", "{ws}"], "not an image that can be read"),
        (["plan_and_preprocess", "{root}"], "holds no dataset.json"),
        (["plan_and_preprocess", "{raw}", "-w", "{raw}"], "raw data set|other content"),
        (["evaluate", "{raw}/labelsTr", "{raw}/imagesTr"], "sub-000"),
    ],
)
def test_what_a_person_can_mend_is_one_message_and_exit_code_2(planned, monkeypatch, capsys, arguments, message):
    import re

    places = {"ws": planned / "ws", "raw": planned / "raw", "root": planned}
    assert run(monkeypatch, *[argument.format(**places) for argument in arguments]) == 2
    error = " ".join(capsys.readouterr().err.split())
    assert re.search(message, error), error
    assert "Traceback" not in error


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 100 KiB; needs the right to mount one."""
    place = tmp_path / "small"
    place.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=100k", "tmpfs", str(place)], capture_output=True)
    if mounted.returncode:
        pytest.skip("no right to mount a small file system here")
    yield place
    subprocess.run(["umount", str(place)], check=True)


def test_a_full_disk_is_one_message_and_leaves_no_half_file(planned, small_disk, monkeypatch, capsys):
    assert run(monkeypatch, "plan_and_preprocess", planned / "raw", "-w", small_disk / "ws") == 2
    error = " ".join(capsys.readouterr().err.split())
    assert "No space left on device" in error
    assert "what was finished is kept" in error
    assert not list(small_disk.rglob(".partial-*"))
    subprocess.run(["mount", "-o", "remount,size=64m", str(small_disk)], check=True)
    assert run(monkeypatch, "plan_and_preprocess", planned / "raw", "-w", small_disk / "ws") == 0
