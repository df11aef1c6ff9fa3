"""Whether an ONNX file computes what its network computes, tried on a patch through onnxruntime."""

from __future__ import annotations

import numpy as np
import onnxruntime
import torch
from numpy.typing import NDArray
from torch import nn

from autoseg.hardware.limits import count_cores
from dataset_fingerprints.errors import DataError

# Mean difference of logits as a share of their standard deviation; of random patches, about half that share of voxels
# has another label. torch's own rounding reaches 3e-4 in norms over 128 x 128 x 128 voxels.
MOST_SINGLE, MOST_HALF = 1e-3, 5e-3
# Intensities that a few voxels have, in standard deviations.
BRIGHTEST = 100.0


def refuse_unlike(content: bytes, network: nn.Module, shape: tuple[int, ...], *, half: bool) -> None:
    """Make sure that an ONNX file gives a network's logits.

    Args:
        content: of the file.
        network: in evaluation mode, on the CPU.
        shape: of its input without the batch.
        half: whether the file is in half precision.

    Raises:
        DataError: it gives others.
    """
    patch = make_patch(shape)
    found = run_graph(content, patch)
    with torch.inference_mode():
        expected = network(torch.from_numpy(patch))[0].numpy()
    difference = measure_difference(found, expected)
    most = MOST_HALF if half else MOST_SINGLE
    if not difference <= most:
        precision = "half" if half else "single"
        raise DataError(
            f"its network as ONNX in {precision} precision gives other logits: they differ by {difference:.2g} of "
            f"their standard deviation, expected at most {most:g}. Leave out --onnx."
        )


def measure_difference(found: NDArray[np.float32], expected: NDArray[np.float32]) -> float:
    """Return the mean difference of logits as a share of the expected ones' standard deviation."""
    spread = max(float(expected.std()), float(np.finfo(np.float32).tiny))
    return float(np.abs(found - expected).mean()) / spread


def make_patch(shape: tuple[int, ...]) -> NDArray[np.float32]:
    """Return (1, channel, *space) noise around a smooth course, with bright spots and an empty side."""
    random = np.random.default_rng(0)
    patch = random.normal(0, 1, (1, *shape))
    patch += np.linspace(-2, 2, shape[-1])
    patch[random.random(patch.shape) < 1e-4] = BRIGHTEST
    patch[..., : shape[-1] // 8] = 0
    return patch.astype(np.float32)


def run_graph(content: bytes, patch: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the logits of an ONNX file."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = count_cores()
    session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    (logits,) = session.run(None, {"image": patch})
    result: NDArray[np.float32] = logits
    return result
