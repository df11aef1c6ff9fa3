from __future__ import annotations

from pathlib import Path

from autoseg.pipeline.labelling.inheriting import inherit
from autoseg.workspace.workspace import Workspace, new_workspace


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def test_arrays_of_the_cases_are_linked_and_measurements_copied(tmp_path: Path) -> None:
    before, now = Workspace(root=tmp_path / "before"), Workspace(root=tmp_path / "now")
    write(before.cases / "abc.jsonl", "line\n")
    for case in ("a", "b"):
        for path in before.store("0123").files(case)[:2]:
            write(path, case)
        write(before.store("0123").record(case), "{}")
    inherit(before, now, ["a", "c"])
    for old, new in zip(before.store("0123").files("a"), now.store("0123").files("a"), strict=True):
        assert old.exists() == new.exists()
        assert not old.exists() or old.samefile(new)
    assert not any(path.exists() for path in now.store("0123").files("b"))
    assert (now.cases / "abc.jsonl").read_text(encoding="utf-8") == "line\n"
    assert not (now.cases / "abc.jsonl").samefile(before.cases / "abc.jsonl")
    assert new_workspace(tmp_path / "data", now.root) == now


def test_a_workspace_that_was_planned_in_is_left_alone(tmp_path: Path) -> None:
    before, now = Workspace(root=tmp_path / "before"), Workspace(root=tmp_path / "now")
    write(before.cases / "abc.jsonl", "line\n")
    write(now.dataset, "{}")
    inherit(before, now, ["a"])
    assert not now.cases.exists()
