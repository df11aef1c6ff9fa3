"""Training batches without images, for what is computed of logits and labels."""

from __future__ import annotations

from torch import Tensor, nn

from autoseg.sampling import Batch


def measure(objective: nn.Module, outputs: Tensor | tuple[Tensor, ...], labels: Tensor, **targets: Tensor) -> Tensor:
    """Return what an objective makes of one or several outputs of a network, label indices and further targets."""
    logits = (outputs,) if isinstance(outputs, Tensor) else outputs
    batch = Batch(images=labels[:, None].float(), labels=labels, targets=targets)
    value: Tensor = objective(logits, batch)
    return value
