"""plans.json of nnU-Net, as far as prediction needs it; what is not known there is refused by name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import TypeVar

from dataset_fingerprints.errors import DataError
from dataset_fingerprints.files.jsonfiles import JsonValue, from_plain, read_plain_json
from dataset_fingerprints.geometry import Triple
from dataset_fingerprints.names import some_of

T = TypeVar("T")
Plain = dict[str, JsonValue]

DEFAULT_RESAMPLING = "resample_data_or_seg_to_shape"
_PACKAGE = "dynamic_network_architectures.architectures"
PLAIN = f"{_PACKAGE}.unet.PlainConvUNet"
RESIDUAL = (f"{_PACKAGE}.unet.ResidualEncoderUNet", f"{_PACKAGE}.residual_unet.ResidualEncoderUNet")
# In plans of before 2024: the network, and what its numbers of convolutions are called now.
OLDER_NETWORKS = {
    "PlainConvUNet": (PLAIN, "n_conv_per_stage"),
    "ResidualEncoderUNet": (RESIDUAL[0], "n_blocks_per_stage"),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Intensities:
    """Intensities of one channel inside the foreground of the training cases."""

    mean: float | None = None
    median: float | None = None
    std: float | None = None
    min: float | None = None
    max: float | None = None
    percentile_00_5: float | None = None
    percentile_99_5: float | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class OlderNetwork:
    """A network as plans of before 2024 describe it, in names of theirs."""

    UNet_class_name: str
    UNet_base_num_features: int
    unet_max_num_features: int
    n_conv_per_stage_encoder: tuple[int, ...]
    n_conv_per_stage_decoder: tuple[int, ...]
    pool_op_kernel_sizes: JsonValue
    conv_kernel_sizes: JsonValue


@dataclass(frozen=True, kw_only=True, slots=True)
class TheirConfiguration:
    """A configuration of nnU-Net's plans, with what it inherits; lists of lengths are along its axes."""

    patch_size: tuple[int, ...]
    spacing: tuple[float, ...]
    normalization_schemes: tuple[str, ...]
    use_mask_for_norm: tuple[bool, ...]
    batch_size: int = 2
    preprocessor_name: str = "DefaultPreprocessor"
    resampling_fn_data: str = DEFAULT_RESAMPLING
    resampling_fn_seg: str = DEFAULT_RESAMPLING
    resampling_fn_probabilities: str = DEFAULT_RESAMPLING
    resampling_fn_data_kwargs: Plain = field(default_factory=dict)
    resampling_fn_seg_kwargs: Plain = field(default_factory=dict)
    resampling_fn_probabilities_kwargs: Plain = field(default_factory=dict)
    architecture: Plain
    previous_stage: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class NnunetPlans:
    """nnU-Net's plans.

    Attributes:
        where: the file, for messages.
        configurations: as they are written.
    """

    where: str
    dataset_name: str
    plans_name: str
    transpose_forward: Triple
    image_reader_writer: str
    configurations: dict[str, Plain]
    label_manager: str = "LabelManager"
    foreground_intensity_properties_per_channel: dict[str, Intensities] = field(default_factory=dict)
    original_median_spacing_after_transp: tuple[float, float, float] | None = None
    original_median_shape_after_transp: tuple[float, float, float] | None = None

    def find(self, name: str) -> TheirConfiguration:
        """Return a configuration with what it inherits from others.

        Raises:
            DataError: there is none of this name, it inherits from itself, or it lacks something.
        """
        where = f"{self.where}: configuration {name}"
        plain = self._inherit(name, ())
        if "architecture" not in plain:
            plain["architecture"] = _describe_older(where, plain)
        return pick(plain, TheirConfiguration, where)

    def _inherit(self, name: str, visited: tuple[str, ...]) -> Plain:
        if name not in self.configurations:
            raise DataError(
                f"{self.where}: has no configuration '{name}', only {some_of(sorted(self.configurations))}. Expected "
                "the plans that the model was trained with."
            )
        if name in visited:
            raise DataError(f"{self.where}: {' inherits from '.join((*visited, name))}. Expected one that does not.")
        own = self.configurations[name]
        parent = own.get("inherits_from")
        inherited = self._inherit(parent, (*visited, name)) if isinstance(parent, str) else {}
        return inherited | own


def read_plans(path: Path) -> NnunetPlans:
    """Read a plans.json.

    Raises:
        FileFormatError: it is missing, or is not JSON.
        DataError: it is not nnU-Net's.
    """
    plain = read_plain_json(path)
    if not isinstance(plain, dict) or "configurations" not in plain:
        raise DataError(f"{path}: is not a plans.json of nnU-Net v2: there is no 'configurations' in it.")
    older = plain.get("foreground_intensity_properties_by_modality")
    intensities = plain.get("foreground_intensity_properties_per_channel", older) or {}
    known = {
        **plain,
        "where": str(path),
        "foreground_intensity_properties_per_channel": {
            name: _known(Intensities, values) for name, values in intensities.items()
        },
    }
    return pick(known, NnunetPlans, str(path))


def pick(plain: Mapping[str, object], kind: type[T], where: str) -> T:
    """Return the fields that a dataclass has, of an object that holds others as well.

    Raises:
        DataError: one is missing, or is of another type; the message names it.
    """
    return from_plain(_known(kind, plain), kind, where)


def _known(kind: type, plain: object) -> object:
    if not isinstance(plain, Mapping):
        return plain
    names = {entry.name for entry in fields(kind)}
    return {name: value for name, value in plain.items() if name in names}


def _describe_older(where: str, plain: Mapping[str, JsonValue]) -> Plain:
    older = pick(plain, OlderNetwork, where)
    refuse_unknown(where, "UNet_class_name", older.UNet_class_name, OLDER_NETWORKS)
    name, convolutions = OLDER_NETWORKS[older.UNet_class_name]
    levels = len(older.n_conv_per_stage_encoder)
    dimensions = len(plain["patch_size"]) if isinstance(plain.get("patch_size"), list) else 3  # type: ignore[arg-type]
    return {
        "network_class_name": name,
        "arch_kwargs": {
            "n_stages": levels,
            "features_per_stage": [
                min(older.UNet_base_num_features * 2**level, older.unet_max_num_features) for level in range(levels)
            ],
            "conv_op": f"torch.nn.modules.conv.Conv{dimensions}d",
            "kernel_sizes": older.conv_kernel_sizes,
            "strides": older.pool_op_kernel_sizes,
            convolutions: list(older.n_conv_per_stage_encoder),
            "n_conv_per_stage_decoder": list(older.n_conv_per_stage_decoder),
            "conv_bias": True,
            "norm_op": f"torch.nn.modules.instancenorm.InstanceNorm{dimensions}d",
            "norm_op_kwargs": {"eps": 1e-5, "affine": True},
            "nonlin": "torch.nn.LeakyReLU",
            "nonlin_kwargs": {"inplace": True},
        },
    }


def refuse_unknown(where: str, what: str, found: str, known: Iterable[str]) -> None:
    """Make sure that something is one of those that are known.

    Raises:
        DataError: it is not; the message names it.
    """
    if found not in known:
        raise DataError(
            f"{where}: {what} is {found}, which is not supported: {some_of(sorted(known), 10)} "
            f"{'is' if len(set(known)) == 1 else 'are'}. Predict with nnU-Net itself."
        )
