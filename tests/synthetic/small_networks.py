"""Plans whose networks are as small as they come: what is tested around a training needs no better one."""

from __future__ import annotations


def small_network(configuration: str, axes: int = 3, edge: int = 16) -> tuple[str, ...]:
    """Return the assignments that give a configuration of a plan a U-Net of two levels and four features.

    Args:
        configuration: its name.
        axes: 3, or 2 for slices, which lie across the third axis.
        edge: of the patch, in voxels.
    """
    options = {
        "features": [4, 8],
        "kernels": [[3] * axes] * 2,
        "strides": [[1] * axes, [2] * axes],
        "encoder_blocks": [1, 1],
        "decoder_blocks": [1],
    }
    patch = [edge] * axes + [1] * (3 - axes)
    return (
        f"{configuration}.patch_shape={patch}",
        *(f"{configuration}.network.options.{name}={value}" for name, value in options.items()),
    )


# For scans in volumes, of which every plan has these two configurations.
SMALL_NETWORKS = (*small_network("3d_fullres"), *small_network("2d", 2))


def as_options(*assignments: str) -> list[str]:
    """Return the arguments of the command line that give a plan these values."""
    return [text for assignment in assignments for text in ("--set", assignment)]


# For folds that are trained and validated in a moment: few steps, tiles side by side, one flip.
QUICK = (
    "training.iterations=8",
    "training.validation_rounds=2",
    "training.compiled=false",
    "batch_size=2",
    "prediction.step_share=1.0",
    "prediction.mirror_axes=[0]",
    *SMALL_NETWORKS,
)
SHORT = as_options(*QUICK)
