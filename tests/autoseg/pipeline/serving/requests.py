"""Folders of inputs as grand-challenge.org fills them, and requests to a server on this machine."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Thread
from typing import Any

import numpy as np
import SimpleITK
from numpy.typing import NDArray

from autoseg.pipeline.serving.server import Serving, listen
from autoseg.progress import SilentProgress
from tests.synthetic.scans import affine_of, head
from tests.synthetic.tiny import SHAPE
from tests.synthetic.volumes import write_volume

IMAGE = "images/t1-brain-mri"
MASK = "images/stroke-lesion-segmentation/output.mha"
MAP = "images/lesion-probability-map/output.mha"
METADATA = {"DAYS_POST_STROKE": 200, "CHRONICITY": 1, "CENTER": "R001"}
TILTED = affine_of((2, 0, 1), (-1, 1, -1), (1.0, 1.5, 0.9), rotation_degrees=9.0)


@dataclass(frozen=True, kw_only=True, slots=True)
class Platform:
    """What a challenge's platform does for one algorithm: it fills one folder and reads the other."""

    root: Path
    address: str = ""

    @property
    def inputs(self) -> Path:
        return self.root / "input"

    @property
    def outputs(self) -> Path:
        return self.root / "output"

    def send(self, seed: int = 0, affine: NDArray[np.float64] | None = None) -> Path:
        """Put a case into the folder of inputs in place of what lies there, and return its scan."""
        for old in (self.inputs / IMAGE).glob("*"):
            old.unlink()
        scan = write_volume(
            self.inputs / IMAGE / f"{seed:04}.mha", head(seed, SHAPE)[0], affine_of() if affine is None else affine
        )
        sockets = [("t1-brain-mri", IMAGE), ("stroke-metadata", "stroke-metadata.json")]
        listed = [{"socket": {"slug": slug, "relative_path": path}} for slug, path in sockets]
        (self.inputs / "inputs.json").write_text(json.dumps(listed))
        (self.inputs / "stroke-metadata.json").write_text(json.dumps(METADATA))
        return scan

    def ask(self, path: str = "/invoke", method: str = "POST", data: bytes | None = None) -> tuple[int, dict[str, Any]]:
        """Return the status and the content of an answer."""
        request = urllib.request.Request(f"{self.address}{path}", data=data, method=method)
        try:
            with urllib.request.urlopen(request, timeout=120) as answer:
                return answer.status, json.loads(answer.read() or b"{}")
        except urllib.error.HTTPError as refused:
            return refused.code, json.loads(refused.read() or b"{}")

    def read(self, output: str) -> SimpleITK.Image:
        return SimpleITK.ReadImage(str(self.outputs / output))


def lie_alike(one: SimpleITK.Image, other: SimpleITK.Image) -> bool:
    """Return whether two images have one grid; headers hold decimals, which move no voxel by a ten-thousandth."""
    alike = (
        np.allclose(one.GetSpacing(), other.GetSpacing(), atol=1e-6),
        np.allclose(one.GetOrigin(), other.GetOrigin(), atol=1e-5),
        np.allclose(one.GetDirection(), other.GetDirection(), atol=1e-6),
    )
    return one.GetSize() == other.GetSize() and all(alike)


@contextmanager
def served(serving: Serving) -> Iterator[str]:
    """Run a server in a thread of this process, and give its address."""
    with listen(serving, SilentProgress()) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        server.worker.start()
        try:
            yield server.address()
        finally:
            server.shutdown()
            thread.join()
            assert server.worker.stop(60.0)
