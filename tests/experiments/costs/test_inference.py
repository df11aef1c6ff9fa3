from __future__ import annotations

from pathlib import Path

import nibabel
import numpy as np
import pytest

from experiments.costs.inference import COLUMNS, WAYS, Trained, compare_inference
from tests.synthetic.tiny import write_tiny


@pytest.mark.long
def test_one_network_is_run_on_patches_and_on_the_whole_image_in_processes_of_their_own(tmp_path: Path) -> None:
    tiny = write_tiny(tmp_path, 5)
    tiny.plan()
    tiny.train(0)
    raw, work = tmp_path / "raw", tmp_path / "work"
    stale = work / "masks-0" / "of-another-scan.nii.gz"
    stale.parent.mkdir(parents=True)
    stale.touch()
    found = list(compare_inference(Trained(workspace=tmp_path / "ws"), raw / "imagesTr", raw / "labelsTr", work))
    assert [one.name for one in found] == list(WAYS)
    assert found[-1].passes == 1
    assert not stale.exists()
    for one in found:
        assert one.dice is not None
        # A process that imported torch.
        assert one.cost.largest_process_gb > 0.1
        assert len(one.row()) == len(COLUMNS)
    whole = next((work / "masks-0").iterdir())
    reference = nibabel.load(raw / "labelsTr" / whole.name)
    np.testing.assert_allclose(nibabel.load(whole).affine, reference.affine)
    assert nibabel.load(whole).shape == reference.shape
