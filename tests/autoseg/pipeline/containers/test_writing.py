"""The folder that an image is built from. Nothing here builds one: what docker would find is looked at."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from importlib.metadata import distribution, version
from pathlib import Path

import pytest

import autoseg
from autoseg.pipeline.containers.wheel import find_own, find_pin, list_pins, name_wheel, write_wheel
from autoseg.pipeline.containers.writing import write_container
from autoseg.pipeline.serving.interface import read_interface
from autoseg.progress import SilentProgress
from dataset_fingerprints.errors import AutosegError, DataError
from tests.autoseg.pipeline.containers.dockerfiles import Instruction, find_stages, read_dockerfile
from tests.synthetic.commands import run
from tests.synthetic.tiny import Tiny


@pytest.fixture(scope="module")
def folder(bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("container") / "image"
    with pytest.MonkeyPatch.context() as patch:
        assert run(patch, "container", bundle, "-o", out) == 0
    return out


def find(instructions: list[Instruction], word: str) -> list[Instruction]:
    return [instruction for instruction in instructions if instruction.word == word]


def test_the_dockerfile_has_a_server_last_and_a_bids_app_on_one_base(folder: Path) -> None:
    stages = find_stages(read_dockerfile(folder / "Dockerfile"))
    assert list(stages) == ["autoseg", "bids", "challenge"]
    assert [stages[name][0] for name in ("bids", "challenge")] == ["autoseg", "autoseg"]
    assert stages["autoseg"][0] == f"python:{sys.version_info.major}.{sys.version_info.minor}-slim"
    challenge = stages["challenge"][1]
    assert [entry.rest for entry in find(challenge, "LABEL")] == ['org.grand-challenge.api-method="invoke"']
    assert [entry.rest for entry in find(challenge, "EXPOSE")] == ["4743"]
    served = find(challenge, "ENTRYPOINT")[0].parts()
    assert served == ["autoseg", "serve", "/opt/autoseg/interface.json", "--host", "0.0.0.0"]
    app = find(stages["bids"][1], "ENTRYPOINT")[0].parts()
    assert app == ["autoseg", "bids-app", "--model", "/opt/autoseg/model.zip"]


@pytest.mark.parametrize("stage", ["bids", "challenge"])
def test_what_an_image_runs_are_commands_with_these_options(
    folder: Path, stage: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    own = find_stages(read_dockerfile(folder / "Dockerfile"))[stage][1]
    program, *words = find(own, "ENTRYPOINT")[0].parts()
    assert program == "autoseg"
    assert run(monkeypatch, *words, "--help") == 0
    said = capsys.readouterr().out
    assert all(word in said for word in words if word.startswith("-"))


def test_everything_that_is_copied_is_there_and_let_through(folder: Path) -> None:
    base = find_stages(read_dockerfile(folder / "Dockerfile"))["autoseg"][1]
    copied = [name for entry in find(base, "COPY") for name in entry.parts()[:-1] if not name.startswith("--")]
    assert sorted(copied) == sorted(["constraints.txt", name_wheel(find_own()), "interface.json", "model.zip"])
    assert all((folder / name).is_file() for name in copied)
    let_through = [
        line[1:] for line in (folder / ".dockerignore").read_text(encoding="utf-8").splitlines() if line.startswith("!")
    ]
    assert sorted(let_through) == sorted(copied)


def test_the_image_runs_without_root_and_installs_by_pins_only(folder: Path) -> None:
    base = find_stages(read_dockerfile(folder / "Dockerfile"))["autoseg"][1]
    assert base[-2] == Instruction(word="USER", rest="autoseg")
    installs = " ".join(entry.rest for entry in find(base, "RUN") if "pip install" in entry.rest)
    assert f'"torch=={version("torch").partition("+")[0]}"' in installs
    assert "--constraint /opt/autoseg/constraints.txt" in installs
    pins = (folder / "constraints.txt").read_text(encoding="utf-8").splitlines()
    assert {"numpy", "torch", "simpleitk", "sympy"} <= {pin.partition("==")[0] for pin in pins}
    assert all(pin.count("==") == 1 and "+" not in pin for pin in pins)


def test_weights_in_the_image_are_not_where_an_empty_mount_hides_them(folder: Path) -> None:
    table = read_interface(folder / "interface.json")
    assert table.models == ("/opt/ml/model", "/opt/autoseg/model.zip")
    base = find_stages(read_dockerfile(folder / "Dockerfile"))["autoseg"][1]
    assert find(base, "COPY")[-1].parts()[-1] == "/opt/autoseg/"


def test_the_recipe_of_apptainer_has_its_sections_and_runs_the_same(folder: Path) -> None:
    lines = (folder / "apptainer.def").read_text(encoding="utf-8").splitlines()
    assert lines[:2] == ["Bootstrap: docker", f"From: python:{sys.version_info.major}.{sys.version_info.minor}-slim"]
    sections = [line for line in lines if line.startswith("%")]
    assert sections == ["%files", "%post", "%environment", "%labels", "%runscript", "%startscript", "%help"]
    start, end = lines.index("%files") + 1, lines.index("%post")
    sources = [line.split()[0] for line in lines[start:end] if line.strip()]
    assert all((folder / name).is_file() for name in sources)
    assert '    exec autoseg bids-app --model /opt/autoseg/model.zip "$@"' in lines


def test_others_than_the_builder_may_read_what_the_image_runs_on_and_be_its_user(folder: Path) -> None:
    """Files of who has the umask 077 are for them alone, in an image, too; a home may be closed to other users."""
    base = find_stages(read_dockerfile(folder / "Dockerfile"))["autoseg"][1]
    assert find(base, "COPY")[-1].parts() == ["--chmod=0644", "interface.json", "model.zip", "/opt/autoseg/"]
    assert base[-1] == Instruction(word="WORKDIR", rest="/opt/autoseg")
    lines = (folder / "apptainer.def").read_text(encoding="utf-8").splitlines()
    assert "    chmod -R a+rX /opt/autoseg" in lines[lines.index("%post") : lines.index("%environment")]


def test_packages_of_a_persons_home_do_not_come_before_those_of_apptainers_image(folder: Path) -> None:
    lines = (folder / "apptainer.def").read_text(encoding="utf-8").splitlines()
    environment = lines[lines.index("%environment") : lines.index("%labels")]
    assert {"    export PYTHONNOUSERSITE=1", "    unset PYTHONPATH PYTHONHOME"} <= {*environment}


def test_the_server_of_apptainer_which_shares_the_hosts_network_is_for_this_machine_only(folder: Path) -> None:
    lines = (folder / "apptainer.def").read_text(encoding="utf-8").splitlines()
    assert '    exec autoseg serve /opt/autoseg/interface.json "$@"' in lines


def test_the_build_that_is_shown_is_for_the_processor_of_the_platform(
    bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, "container", bundle, "-o", tmp_path / "image") == 0
    assert "docker build --platform=linux/amd64 -t autoseg-challenge" in capsys.readouterr().out


def test_edits_of_the_table_stay_and_what_does_not_fit_is_refused(bundle: Path, tmp_path: Path) -> None:
    out = tmp_path / "image"
    assert not write_container(bundle, out, SilentProgress()).kept
    table = out / "interface.json"
    edited = json.loads(table.read_text(encoding="utf-8")) | {"port": 8080}
    table.write_text(json.dumps(edited))
    assert write_container(bundle, out, SilentProgress()).kept
    assert read_interface(table).port == 8080
    assert "EXPOSE 8080" in (out / "Dockerfile").read_text(encoding="utf-8")
    table.write_text(json.dumps(edited | {"port": 0}))
    with pytest.raises(DataError, match=r"interface\.json: port is 0"):
        write_container(bundle, out, SilentProgress())
    edited["images"][0]["channel"] = "FLAIR"
    table.write_text(json.dumps(edited))
    with pytest.raises(DataError, match=r"interface\.json: names the channels FLAIR, but the model has T1w"):
        write_container(bundle, out, SilentProgress())


def test_a_name_cannot_bring_instructions_of_its_own(finished: Tiny, tmp_path: Path) -> None:
    model = autoseg.export(finished.workspace, tmp_path / "model.zip", name="x\nRUN rm -rf /\u2028%post")
    write_container(model, tmp_path / "image", SilentProgress())
    for name in ("Dockerfile", "apptainer.def"):
        text = (tmp_path / "image" / name).read_text(encoding="utf-8")
        assert "the model x RUN rm -rf / %post." in text
        assert not [line for line in text.splitlines() if line.startswith("RUN rm")]


def test_a_workspace_in_place_of_a_model_is_told_to_be_exported(finished: Tiny, tmp_path: Path) -> None:
    root = finished.workspace.root
    with pytest.raises(DataError, match=f"{root}: is a folder.*`autoseg export {root} -o model.zip`"):
        write_container(root, tmp_path / "image", SilentProgress())
    with pytest.raises(DataError, match=r"is a folder.*`autoseg export WORKSPACE -o model.zip`"):
        write_container(tmp_path, tmp_path / "image", SilentProgress())


def test_other_folders_and_other_files_are_left_alone(bundle: Path, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "Dockerfile").write_text("FROM scratch\n")
    with pytest.raises(DataError, match="holds other files"):
        write_container(bundle, tmp_path / "mine", SilentProgress())
    assert (tmp_path / "mine" / "Dockerfile").read_text(encoding="utf-8") == "FROM scratch\n"
    (tmp_path / "no.zip").write_bytes(b"no")
    with pytest.raises(AutosegError, match=r"no\.zip"):
        write_container(tmp_path / "no.zip", tmp_path / "new", SilentProgress())
    assert not (tmp_path / "new").exists()


def test_the_wheel_holds_all_files_and_is_the_same_again(tmp_path: Path) -> None:
    own = find_own()
    for name in ("one.whl", "two.whl"):
        write_wheel(tmp_path / name, own)
    assert (tmp_path / "one.whl").read_bytes() == (tmp_path / "two.whl").read_bytes()
    with zipfile.ZipFile(tmp_path / "one.whl") as archive:
        names = archive.namelist()
        metadata = archive.read(next(name for name in names if name.endswith("/METADATA"))).decode()
        record = archive.read(names[-1]).decode().splitlines()
    assert {"autoseg/py.typed", "planners/plan.py", "autoseg/pipeline/containers/templates/Dockerfile.j2"} <= {*names}
    assert not [name for name in names if name.endswith(".pyc")]
    # The metadata names it, and whoever gets an image gets the licence.
    assert [name for name in names if name.endswith(".dist-info/licenses/LICENSE")]
    assert "Requires-Dist: torch" in metadata
    assert [line.partition(",")[0] for line in record] == names


@pytest.mark.slow
def test_pip_installs_the_wheel_and_what_it_installed_runs(tmp_path: Path) -> None:
    wheel = tmp_path / name_wheel(find_own())
    write_wheel(wheel, find_own())
    site = tmp_path / "site"
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--target", str(site)]
    subprocess.run([*pip, "--disable-pip-version-check", str(wheel)], check=True, cwd=tmp_path)
    code = (
        "import autoseg, sys\nfrom autoseg.cli import main\nprint(autoseg.__file__)\n"
        "sys.argv = ['autoseg', 'serve', '--help']\nmain()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env={"PYTHONPATH": str(site)}, capture_output=True, encoding="utf-8"
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[0] == str(site / "autoseg" / "__init__.py")
    assert "GET /health" in done.stdout


def test_pins_are_those_that_are_installed() -> None:
    pins = list_pins(find_own())
    assert find_pin(pins, "numpy") == f"numpy=={version('numpy')}"
    assert find_pin(pins, "no-such-package") == "no-such-package"
    # Of an extra, and of developers' tools.
    assert find_pin(pins, "pytest") == "pytest"


def describe(root: Path, name: str, *needs: str) -> None:
    """Write what an installation leaves of a distribution and its needs."""
    folder = root / f"{name.replace('-', '_')}-1.0.dist-info"
    folder.mkdir()
    lines = [f"Name: {name}", "Version: 1.0+local", *(f"Requires-Dist: {need}" for need in needs)]
    (folder / "METADATA").write_text("Metadata-Version: 2.1\n" + "\n".join(lines) + "\n")


def test_pins_go_through_the_extras_that_are_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    describe(tmp_path, "a-start", "b.client[fast]>=1", "missing; sys_platform == 'other'", "d-extra; extra == 'more'")
    describe(tmp_path, "b-client", "c-fast; extra == 'fast'", "d-extra; extra == 'slow'", "a-start")
    describe(tmp_path, "c-fast")
    describe(tmp_path, "d-extra")
    monkeypatch.syspath_prepend(tmp_path)
    assert list_pins(distribution("a-start")) == ("a-start==1.0", "b-client==1.0", "c-fast==1.0")


def test_what_only_one_build_of_torch_needs_is_not_pinned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The image installs a build for another CUDA, which needs other versions of these: pip would find no way out."""
    describe(tmp_path, "e-start", "torch-like")
    describe(tmp_path, "torch-like", "nvidia-cublas-cu12==12.8", "triton==3.4; sys_platform == 'linux'", "f-math")
    for name in ("nvidia-cublas-cu12", "triton", "f-math"):
        describe(tmp_path, name)
    monkeypatch.syspath_prepend(tmp_path)
    assert list_pins(distribution("e-start")) == ("f-math==1.0", "torch-like==1.0")
