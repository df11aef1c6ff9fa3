"""`check --pictures`: one picture per case whose files lie oddly in space."""

from __future__ import annotations

import numpy as np
import pytest

from autoseg.pipeline.plans.picturing import DRAWN
from dataset_fingerprints.checking.kinds import KINDS
from tests.synthetic.commands import run
from tests.synthetic.defects import CASE, PLANTERS, TWO_CHANNELS, label_of, scan_of
from tests.synthetic.scans import head, write_nifti, write_nnunet_dataset


@pytest.mark.parametrize("kind", DRAWN)
def test_every_finding_about_space_is_drawn(tmp_path, monkeypatch, capsys, kind):
    channels = ("T1w", "FLAIR") if kind in TWO_CHANNELS else ("T1w",)
    raw = write_nnunet_dataset(tmp_path / "raw", 3, channels=channels)
    PLANTERS[kind](raw)
    expected = 2 if "error" in KINDS[kind].grades and kind in ("shape", "affine") else 0
    assert run(monkeypatch, "check", raw, "--pictures", tmp_path / "pictures") == expected
    assert [path.name for path in (tmp_path / "pictures").iterdir()] == [f"{CASE}.png"]
    assert "1 picture in" in " ".join(capsys.readouterr().out.split())


def test_a_sound_data_set_has_no_pictures_and_an_unreadable_scan_is_said_to_have_none(tmp_path, monkeypatch, capsys):
    raw = write_nnunet_dataset(tmp_path / "raw", 3, channels=("T1w", "FLAIR"))
    assert run(monkeypatch, "check", raw, "--pictures", tmp_path / "pictures") == 0
    write_nifti(label_of(raw), head(1)[1][:-1])
    scan_of(raw, 1).write_bytes(b"damaged")
    assert run(monkeypatch, "check", raw, "--pictures", tmp_path / "pictures") == 2
    assert f"No picture of case {CASE}" in " ".join(capsys.readouterr().out.split())
    assert not list(tmp_path.glob("pictures/*"))


def test_a_missing_label_map_leaves_the_scan_alone_in_the_picture(tmp_path, monkeypatch):
    raw = write_nnunet_dataset(tmp_path / "raw", 3)
    PLANTERS["skewed-axes"](raw)
    label_of(raw).unlink()
    assert run(monkeypatch, "check", raw, "--pictures", tmp_path / "pictures") == 2
    assert (tmp_path / "pictures" / f"{CASE}.png").stat().st_size > np.prod((100, 100))
