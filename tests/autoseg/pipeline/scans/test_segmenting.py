"""Scans whose voxels are let go while the network works, and read again for the picture."""

from __future__ import annotations

import logging

import pytest

import autoseg
from autoseg.pipeline.scans import segmenting
from tests.synthetic.scans import head, write_nifti
from tests.synthetic.tiny import CONFIGURATION, SHAPE


def test_a_scan_that_is_read_again_for_its_picture_has_the_same_mask_and_report(
    finished, tmp_path, monkeypatch, caplog
):
    write_nifti(tmp_path / "a.nii.gz", head(70, SHAPE)[0])
    files = {}
    for way, most in (("kept", 1 << 30), ("let go", 0)):
        monkeypatch.setattr(segmenting, "LET_GO_BYTES", most)
        caplog.clear()
        with caplog.at_level(logging.WARNING):
            made = autoseg.predict(
                tmp_path / "a.nii.gz", tmp_path / way, finished.workspace.root, configurations=[CONFIGURATION]
            )
        pictures = [path.read_bytes() for path in made.pictures]
        assert len(pictures) == 1
        table = made.table.read_text(encoding="utf-8").replace(f"{tmp_path / way}", "")
        files[way] = (pictures[0], made.paths[0].read_bytes(), table, made.warnings, len(caplog.records))
    # The sheet's title holds the folder's name.
    assert files["kept"][1:] == files["let go"][1:]


@pytest.mark.parametrize("gone", [True, False])
def test_a_scan_that_is_gone_when_it_is_to_be_drawn_costs_no_mask(finished, tmp_path, monkeypatch, caplog, gone):
    scan = write_nifti(tmp_path / "a.nii.gz", head(70, SHAPE)[0])
    monkeypatch.setattr(segmenting, "LET_GO_BYTES", 0 if gone else 1 << 30)
    write = segmenting.write_label_map

    def write_and_remove(*arguments):
        write(*arguments)
        scan.unlink()

    monkeypatch.setattr(segmenting, "write_label_map", write_and_remove)
    made = autoseg.predict(scan, tmp_path / "out", finished.workspace.root, configurations=[CONFIGURATION])
    assert made.paths[0].is_file()
    assert bool(made.pictures) is not gone
    assert ("has no scan" in caplog.text) is gone
