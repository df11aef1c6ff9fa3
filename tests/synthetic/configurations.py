"""Plans small enough to train in a test."""

from __future__ import annotations

from planners.choices import Choice, choose, resolve
from planners.parts import NETWORKS
from planners.parts.networks import UNetOptions
from planners.parts.patches import ForegroundOptions
from planners.plan import Configuration, Prediction, Preprocessing, Sampling, Training


def unet_of(configuration: Configuration) -> UNetOptions:
    """Return the options of a configuration's U-Net."""
    options = resolve(configuration.network, NETWORKS, "network")
    assert isinstance(options, UNetOptions)
    return options


def tiny_training(**changes: object) -> Training:
    """Return a training of a few steps."""
    values: dict[str, object] = {
        "loss": Choice(name="dice_ce"),
        "optimizer": Choice(name="adamw"),
        "schedule": Choice(name="cosine"),
        "iterations": 12,
        "gradient_clip": 12.0,
        "weights": Choice(name="averaged", options={"decay": 0.99}),
        "mixed_precision": False,
        "validation_cases": 2,
        "validation_rounds": 3,
    }
    return Training(**(values | changes))  # type: ignore[arg-type]


def tiny_network(dimensions: int, **changes: object) -> UNetOptions:
    """Return a U-Net of three small levels."""
    values: dict[str, object] = {
        "features": (4, 8, 8),
        "kernels": ((3,) * dimensions,) * 3,
        "strides": ((1,) * dimensions, (2,) * dimensions, (2,) * dimensions),
        "encoder_blocks": (1, 1, 1),
        "decoder_blocks": (1, 1),
    }
    return UNetOptions(**(values | changes))  # type: ignore[arg-type]


def tiny_configuration(slice_axis: int = -1, **training: object) -> Configuration:
    """Return a network of three small levels on patches of 8 voxels."""
    dimensions = 3 if slice_axis < 0 else 2
    patch = tuple(1 if axis == slice_axis else 8 for axis in range(3))
    return Configuration(
        name="3d_fullres" if slice_axis < 0 else "2d",
        slice_axis=slice_axis,
        preprocessing=Preprocessing(spacing_mm=(1.0, 1.0, 1.0), normalization=(Choice(name="zscore"),), coarse_axis=-1),
        patch_shape=patch,  # type: ignore[arg-type]
        batch_size=2,
        network=choose("unet", tiny_network(dimensions)),
        sampling=Sampling(
            cases=Choice(name="uniform"),
            patches=choose("foreground", ForegroundOptions(foreground_share=0.5, jitter_share=0.5)),
            augmentations=(Choice(name="standard"),),
        ),
        training=tiny_training(**training),
        prediction=Prediction(
            step_share=0.5,
            mirror_axes=tuple(axis for axis in range(3) if axis != slice_axis),
            gaussian_sigma_share=0.125,
        ),
    )
