from __future__ import annotations

import os
import shutil
import zipfile
from pathlib import Path

import pytest
import torch

from autoseg.models.nnunet.checkpoint import read_checkpoint
from dataset_fingerprints.errors import DataError
from tests.autoseg.models.nnunet.builders import TinyModel, TinyNetwork


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    network = TinyNetwork(features=(4, 4, 4))
    folder = TinyModel(root=tmp_path).add("3d_fullres", network).write("3d_fullres", {"0": network.make_weights()})
    return folder / "fold_0" / "checkpoint_final.pth"


def rewrite(path: Path, before: bytes, after: bytes) -> None:
    """Replace bytes of the pickle in a checkpoint."""
    with zipfile.ZipFile(path) as archive:
        contents = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for name, content in contents.items():
            assert not name.endswith("data.pkl") or before in content
            archive.writestr(name, content.replace(before, after) if name.endswith("data.pkl") else content)


def test_a_checkpoint_with_numbers_of_numpy_is_read(checkpoint: Path) -> None:
    read = read_checkpoint(checkpoint)
    assert (read.trainer, read.configuration, read.mirror_axes) == ("nnUNetTrainer", "3d_fullres", (0, 1, 2))
    assert "decoder.seg_layers.1.weight" in read.weights


def test_numbers_that_numpy_1_wrote_are_read(checkpoint: Path) -> None:
    rewrite(checkpoint, b"numpy._core.multiarray\n", b"numpy.core.multiarray\n")
    assert read_checkpoint(checkpoint).trainer == "nnUNetTrainer"


class Hostile:
    """What a pickle can be made to do."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> object:
        return os.mkdir, (str(self.mark),)


@pytest.mark.parametrize("zipped", [True, False])
def test_a_pickle_that_runs_something_is_refused_and_does_not_run(zipped: bool, checkpoint: Path) -> None:
    mark = checkpoint.parent / "mark"
    content = torch.load(checkpoint, weights_only=False) | {"logging": Hostile(mark)}
    torch.save(content, checkpoint, _use_new_zipfile_serialization=zipped)
    with pytest.raises(DataError, match=r"is refused: it asks for \w+\.mkdir"):
        read_checkpoint(checkpoint)
    assert not mark.exists()
    torch.load(checkpoint, weights_only=False)
    assert mark.exists(), "it would have run"


@pytest.mark.parametrize("content", [b"", b"no pickle at all", b"PK\x03\x04 cut"])
def test_a_damaged_file_is_named(content: bytes, checkpoint: Path) -> None:
    checkpoint.write_bytes(content)
    with pytest.raises(DataError, match=r"checkpoint_final\.pth: cannot be read"):
        read_checkpoint(checkpoint)


def test_a_cut_file_is_named(checkpoint: Path) -> None:
    shutil.copy(checkpoint, checkpoint.with_name("whole"))
    checkpoint.write_bytes(checkpoint.read_bytes()[:-500])
    with pytest.raises(DataError, match="cannot be read"):
        read_checkpoint(checkpoint)


@pytest.mark.parametrize("content", [[1], {"network_weights": {}}, {"state_dict": {"a": torch.ones(1)}}])
def test_files_of_other_programs_are_refused(content: object, checkpoint: Path) -> None:
    torch.save(content, checkpoint)
    with pytest.raises(DataError, match="checkpoint of nnU-Net"):
        read_checkpoint(checkpoint)
