"""Files by which a bundle predicts without torch."""

from __future__ import annotations

import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from autoseg.models import Bundle, ModelSet
from autoseg.models.portable import count_networks, explain_obstacles, make_portable, refuse_missing_packages
from dataset_fingerprints.errors import DataError
from planners.choices import Choice
from tests.autoseg.models.portable.builders import configure, put_together, train, write_portable


def models() -> ModelSet:
    return put_together({"3d_fullres": (train([configure()]), train([configure()], "1", snapshots=2))})


def test_every_network_is_written_twice_beside_the_program(tmp_path: Path) -> None:
    given = models()
    path = write_portable(tmp_path / "model.zip", given)
    with zipfile.ZipFile(path) as opened:
        sizes = {name: opened.getinfo(name).file_size for name in opened.namelist()}
    networks = {name: size for name, size in sizes.items() if name.endswith(".onnx")}
    assert len(networks) == 2 * count_networks(given) == 6
    for name in networks:
        if "float16" not in name:
            assert networks[name.replace(".onnx", "-float16.onnx")] < networks[name]
    assert {"predict.py", "__main__.py"} <= sizes.keys()
    # It is a bundle as any other.
    assert Bundle(path).read().describe() == given.describe()


def test_a_model_that_the_program_cannot_predict_goes_without_it() -> None:
    own = configure()
    corrected = Choice(name="zscore", options={"bias_correction": True})
    preprocessing = replace(own.preprocessing, normalization=(corrected,))
    given = put_together({"3d_fullres": (train([replace(own, preprocessing=preprocessing)]),)})
    assert "N4" in explain_obstacles(given)
    steps: list[int] = []
    names = [name for name, _ in make_portable(given, lambda: steps.append(1))]
    assert names == ["3d_fullres/0/network-1.onnx", "3d_fullres/0/network-1-float16.onnx"]
    assert sum(steps) == 1
    assert explain_obstacles(models()) == ""


def test_missing_packages_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    refuse_missing_packages()
    monkeypatch.setattr("autoseg.models.portable.exported.find_spec", lambda name: None if name == "onnx" else name)
    with pytest.raises(DataError, match=r"needs onnx, which is not installed.*pip install 'autoseg-lesion\[onnx\]'"):
        refuse_missing_packages()
