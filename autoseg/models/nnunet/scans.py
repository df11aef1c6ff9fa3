"""nnU-Net's preprocessing as values of ours, by a fixed list of names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from autoseg.models.nnunet.axes import Axes
from autoseg.models.nnunet.plans import Intensities, NnunetPlans, Plain, TheirConfiguration, refuse_unknown
from dataset_fingerprints.errors import DataError
from dataset_fingerprints.geometry import TripleFloat
from planners.choices import Choice, choose
from planners.nnunet_rules import NnunetRules
from planners.parts.normalizations import CtOptions, ScaleOptions
from planners.plan import Preprocessing

Interpolation = Literal["spline", "linear", "none"]
Coarse = Literal["auto", "always", "never"]

# Its readers by the axes that they give an array: the file's, or canonical ones; all of them in the order z, y, x.
READERS: dict[str, Literal["stored", "canonical"]] = {
    "SimpleITKIO": "stored",
    "NibabelIO": "stored",
    "NaturalImage2DIO": "stored",
    "Tiff3DIO": "stored",
    "SimpleITKIOWithReorient": "canonical",
    "NibabelIOWithReorient": "canonical",
}
_DEFAULT, _TORCH, _NONE = "resample_data_or_seg_to_shape", "resample_torch_fornnunet", "no_resampling_hack"
_ZSCORE, _CT, _RGB = "ZScoreNormalization", "CTNormalization", "RGBTo01Normalization"
_WITHOUT_OPTIONS = {"NoNormalization": "none", "RescaleTo01Normalization": "rescale"}
_WHITE = 255.0


def read_preprocessing(plans: NnunetPlans, configuration: TheirConfiguration, axes: Axes, where: str) -> Preprocessing:
    """Return the preprocessing of a configuration.

    Args:
        plans: that it belongs to.
        configuration: of the plans.
        axes: of the plans.
        where: they come from, for messages.

    Raises:
        DataError: there is no such preprocessing here; the message names what is missing.
    """
    refuse_unknown(where, "preprocessor_name", configuration.preprocessor_name, ("DefaultPreprocessor",))
    refuse_unknown(where, "image_reader_writer", plans.image_reader_writer, READERS)
    images, coarse, threshold = _read_resampling(configuration, where)
    flat = len(configuration.patch_size) == 2
    spacing = configuration.spacing if not flat else (_slice_distance(plans), *configuration.spacing[-2:])
    if len(spacing) != 3:
        raise DataError(f"{where}: spacing is {list(configuration.spacing)}. Expected a length per axis of a patch.")
    x, y, z = axes.sort(spacing)
    return Preprocessing(
        spacing_mm=(x, y, z),
        normalization=_read_normalization(plans, configuration, where),
        coarse_axis=-1,
        nnunet=NnunetRules(
            axes=READERS[plans.image_reader_writer],
            kept_axis=axes.sliced() if flat and len(configuration.spacing) == 2 else -1,
            images=images,
            coarse=coarse,
            threshold=threshold,
        ),
    )


def _slice_distance(plans: NnunetPlans) -> float:
    """Return the training cases' median distance of slices, along which 2D networks leave scans as they are."""
    median: TripleFloat | None = plans.original_median_spacing_after_transp
    # Pictures have slices of 999 times their pixels.
    return min(median[0], 1_000.0) if median else 1.0


def _read_normalization(plans: NnunetPlans, configuration: TheirConfiguration, where: str) -> tuple[Choice, ...]:
    schemes, masked = configuration.normalization_schemes, configuration.use_mask_for_norm
    if len(schemes) != len(masked):
        raise DataError(
            f"{where}: normalization_schemes lists {len(schemes)} channels and use_mask_for_norm {len(masked)}. "
            "Expected one entry per channel in both."
        )
    known = plans.foreground_intensity_properties_per_channel
    rows = zip(schemes, masked, strict=True)
    return tuple(
        _normalize_by(scheme, masked=mask, intensities=known.get(str(channel)), where=where)
        for channel, (scheme, mask) in enumerate(rows)
    )


def _normalize_by(scheme: str, *, masked: bool, intensities: Intensities | None, where: str) -> Choice:
    refuse_unknown(where, "normalization_schemes", scheme, (_ZSCORE, _CT, _RGB, *_WITHOUT_OPTIONS))
    if scheme == _ZSCORE:
        return Choice(name="zscore_body" if masked else "zscore")
    if scheme == _RGB:
        return choose("scale", ScaleOptions(factor=1 / _WHITE))
    if scheme != _CT:
        return Choice(name=_WITHOUT_OPTIONS[scheme])
    seen = intensities or Intensities()
    numbers = (seen.percentile_00_5, seen.percentile_99_5, seen.mean, seen.std)
    if None in numbers:
        raise DataError(
            f"{where}: {_CT} needs mean, std and percentiles of the foreground, which the plans do not have. Expected "
            "the plans that the model was trained with."
        )
    lower, upper, mean, sd = (float(number) for number in numbers if number is not None)
    return choose("ct", CtOptions(lower=lower, upper=upper, mean=mean, sd=sd))


def _read_resampling(configuration: TheirConfiguration, where: str) -> tuple[Interpolation, Coarse, float]:
    """Return interpolation of images, whether a coarse axis goes apart, and from which ratio of lengths on."""
    images = _read_one("data", configuration.resampling_fn_data, configuration.resampling_fn_data_kwargs, where)
    back = _read_one(
        "probabilities",
        configuration.resampling_fn_probabilities,
        configuration.resampling_fn_probabilities_kwargs,
        where,
    )
    if back[0] == "spline" or (back[0] == "none") != (images[0] == "none") or back[1:] != images[1:]:
        raise DataError(
            f"{where}: resampling_fn_data and resampling_fn_probabilities do not go together ({images} and {back}). "
            "Supported are linear probabilities, on axes that images are resampled along in the same way."
        )
    return images


def _read_one(what: str, name: str, options: Plain, where: str) -> tuple[Interpolation, Coarse, float]:
    where = f"{where}: resampling_fn_{what}"
    refuse_unknown(where, "its name", name, (_DEFAULT, _TORCH, _NONE))
    if name == _NONE:
        return "none", "auto", 3.0
    apart = options.get("force_separate_z", False if name == _DEFAULT else None)
    threshold = options.get("separate_z_anisotropy_threshold", 3.0)
    kinds: Mapping[object, Interpolation] = {3: "spline", 1: "linear"}
    kind = kinds.get(options.get("order", 3)) if name == _DEFAULT else "linear"
    fixed = {"order_z": 0, "is_seg": False, "mode": "linear", "aniso_axis_mode": "nearest-exact"}
    odd = {key: options[key] for key, value in fixed.items() if options.get(key, value) != value}
    if kind is None or odd or not isinstance(threshold, int | float) or not isinstance(apart, bool | None):
        raise DataError(
            f"{where} has the options {options}, which are not supported. Expected order 3 or 1, and order_z 0: "
            "predict with nnU-Net itself."
        )
    coarse: Mapping[bool | None, Coarse] = {None: "auto", True: "always", False: "never"}
    return kind, coarse[apart], float(threshold)
