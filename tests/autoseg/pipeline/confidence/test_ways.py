"""One network that predicts quickly, and what is said of it."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

import autoseg
from autoseg.pipeline.confidence.measuring import measure_confidence
from autoseg.pipeline.models.sources import ModelChoice, find_source
from autoseg.progress import SilentProgress
from tests.synthetic.tiny import CONFIGURATION, Tiny


def test_fast_doubts_only_the_fold_that_it_uses(judged: Tiny, tmp_path: Path) -> None:
    bundle = autoseg.export(judged.workspace, tmp_path / "model.zip", configurations=[CONFIGURATION])
    for place, own in ((judged.workspace, {"configurations": (CONFIGURATION,)}), (bundle, {})):
        whole, fast = (find_source(place, ModelChoice(**own, single=single)) for single in (False, True))
        (said,), (of_one,) = whole.doubts, fast.doubts
        assert "fold 1" in said or "fold_1" in said
        assert "fold 1" not in of_one
        assert "fold_1" not in of_one
        assert "expect poor masks" in of_one
    files = find_source(judged.workspace, ModelChoice(configurations=(CONFIGURATION,), single=True)).files
    assert files == judged.fold(0).weight_files()


def test_fast_says_nothing_of_weights_that_it_does_not_use(own: Tiny, caplog: pytest.LogCaptureFixture) -> None:
    measure_confidence(own.workspace, "default", (CONFIGURATION,), SilentProgress())
    scan = own.scan(own.cases()[0])
    masks = [autoseg.load_model(own.workspace, configurations=[CONFIGURATION], quality="fast").predict(scan).labels]
    caplog.clear()
    own.train(1, iterations=3, assignments=("prediction.mirror_axes=[0]", "prediction.step_share=0.5"))
    autoseg.load_model(own.workspace, configurations=[CONFIGURATION])
    assert "with other weights" in caplog.text
    caplog.clear()
    masks.append(autoseg.load_model(own.workspace, configurations=[CONFIGURATION], quality="fast").predict(scan).labels)
    assert "predicted" not in caplog.text
    assert (masks[0] == masks[1]).all()


def test_weights_are_read_for_their_hashes_once(own: Tiny, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []
    digest = hashlib.file_digest

    def count(stream, *given):  # type: ignore[no-untyped-def]
        read.append(stream.name)
        return digest(stream, *given)

    monkeypatch.setattr(hashlib, "file_digest", count)
    for fold in (0, 1):  # as in a process that has not seen them yet
        weights = own.fold(fold).weights
        weights.write_bytes(weights.read_bytes())
    scan = own.scan(own.cases()[0])
    autoseg.predict(scan, tmp_path / "out", own.workspace.root, configurations=[CONFIGURATION])
    assert sorted(name for name in read if "weights" in name) == [str(own.fold(fold).weights) for fold in (0, 1)]
