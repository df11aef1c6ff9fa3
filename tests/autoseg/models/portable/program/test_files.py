"""Files of exported models as the exported program reads them."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from autoseg.models.bundle import SCANS_VERSION, SCHEMA_VERSION
from autoseg.models.portable.program.files import SCHEMAS, Files, RefusedError, find_obstacles
from autoseg.models.selection import SCHEMA_VERSION as SELECTION_VERSION
from dataset_fingerprints.files.jsonfiles import to_json
from planners.plan import SCHEMA_VERSION as PLAN_VERSION
from tests.autoseg.models.portable.builders import configure, train

RUN: dict[str, Any] = json.loads(to_json(train([configure()]).run))


def changed(**changes: Any) -> list[Any]:
    run = json.loads(json.dumps(RUN))
    run["configurations"][-1] |= changes
    return [run]


def test_it_reads_the_versions_that_are_written() -> None:
    assert SCHEMAS == {
        "model.json": SCHEMA_VERSION,
        "run.json": PLAN_VERSION,
        "selection.json": SELECTION_VERSION,
        "scans.json": SCANS_VERSION,
    }


def test_what_it_cannot_do_is_named_once() -> None:
    assert find_obstacles([RUN, RUN], {}) == []
    preprocessing, prediction = (RUN["configurations"][-1][name] for name in ("preprocessing", "prediction"))
    corrected = [{"name": "zscore", "options": {"bias_correction": True}}]
    (said,) = find_obstacles(2 * changed(preprocessing=preprocessing | {"normalization": corrected}), {})
    assert said == "3d_fullres takes shading out of scans (N4), which this program cannot do."
    mine = [{"name": "mine", "options": {}}]
    cases = (
        (changed(preprocessing=preprocessing | {"normalization": mine}), {}, "normalises intensities by mine"),
        (changed(preprocessing=preprocessing | {"nnunet": {}}), {}, "a rule of its own (nnunet)"),
        (changed(prediction=prediction | {"tile_weights": "nnunet"}), {}, "a rule of its own (tile_weights)"),
        (changed(inputs=[{"kind": "shape_of"}]), {}, "a rule of its own (shape_of)"),
        ([RUN], {"postprocessing": mine}, "masks are changed by mine"),
    )
    for runs, decision, expected in cases:
        (said,) = find_obstacles(runs, decision)
        assert expected in said


def write(path: Path, content: str) -> Path:
    with zipfile.ZipFile(path, "w") as opened:
        opened.writestr("model.json", content)
    return path


def test_damaged_models_are_refused(tmp_path: Path) -> None:
    (tmp_path / "text.zip").write_text("no model")
    (tmp_path / "empty").mkdir()
    cases = {
        tmp_path / "none.zip": "cannot be read",
        tmp_path / "text.zip": "cannot be read",
        tmp_path / "empty": "cannot be read",
        write(tmp_path / "cut.zip", "{"): "is damaged",
        write(tmp_path / "list.zip", "[]"): "is damaged",
        write(tmp_path / "later.zip", '{"schema_version": 99}'): "of version 99, this program reads 1",
    }
    for place, message in cases.items():
        with pytest.raises(RefusedError, match=message):
            Files(place)


def test_a_flipped_bit_in_what_is_packed_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "model.zip"
    text = json.dumps({"schema_version": 1, "files": [], "name": "stroke " * 40, "folds": [*range(300)]})
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as opened:
        opened.writestr("model.json", text)
        (entry,) = opened.infolist()
    start, sound, known = entry.header_offset + 30 + len(entry.filename), path.read_bytes(), Files(path).description
    refused = []
    for place in range(start, start + entry.compress_size):
        content = bytearray(sound)
        content[place] ^= 1 << place % 8
        path.write_bytes(content)
        try:
            assert Files(path).description == known, "only padding behind the last bit may change"
        except RefusedError as error:
            refused.append(str(error))
    assert all(message.endswith("Get the model again.") for message in refused)
    assert len(refused) > entry.compress_size / 2


def test_a_list_without_its_files_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RefusedError, match=r"model\.json is damaged"):
        Files(write(tmp_path / "model.zip", '{"schema_version": 1}'))
