"""Temporary names of files that are being written."""

from __future__ import annotations

from pathlib import Path

import pytest

from dataset_fingerprints.files.atomic import PARTIAL, replacing, sweep_partials, write_bytes


@pytest.mark.parametrize("name", ["a.nii.gz", "A.NII.GZ", "x" * 248 + ".nii.gz", "ü" * 124 + ".nii.gz", "[a]*?.json"])
def test_a_file_of_every_possible_name_is_written_and_its_leftovers_are_swept(tmp_path: Path, name: str) -> None:
    write_bytes(tmp_path / name, b"content")
    with replacing(tmp_path / name) as temporary:
        temporary.write_bytes(b"content")
        left = temporary.name
    assert left.startswith(PARTIAL)
    assert left.endswith(Path(name).suffix.lower())
    (tmp_path / left).write_bytes(b"half")
    others = [f"{PARTIAL}other", f"{PARTIAL}abcdefgh-another{name[-20:]}", f"mine-{name[:100]}"]
    for other in others:
        (tmp_path / other).write_bytes(b"")
    sweep_partials(tmp_path / name, tmp_path / "nowhere" / name)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([name, *others])
    assert (tmp_path / name).read_bytes() == b"content"


def test_a_folder_is_looked_through_once_for_what_is_left_of_all_its_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = [tmp_path / folder / f"{number}.nii.gz" for folder in ("a", "b") for number in range(20)]
    for file in files:
        write_bytes(file, b"content")
        (file.parent / f"{PARTIAL}0123abcd-{file.name}").write_bytes(b"half")
    looked: list[Path] = []
    look = Path.glob
    monkeypatch.setattr(
        Path, "glob", lambda folder, *given, **options: looked.append(folder) or look(folder, *given, **options)
    )
    sweep_partials(*files)
    assert looked == [tmp_path / "a", tmp_path / "b"]
    assert sorted(tmp_path.rglob("*.gz")) == sorted(files)
