"""nnU-Net's planners as recipes, for paired comparisons: the default one and those with a residual encoder."""

from __future__ import annotations

from functools import partial

from dataset_fingerprints.fingerprint import DatasetFingerprint
from experiments.recipes.recipe import Figure, Recipe
from planners.plan import Plan
from planners.planner import PlanRequest
from planners.presets import PLANNERS

_DEFAULT = (
    "Isensee F, Jaeger PF, Kohl SAA, Petersen J, Maier-Hein KH. nnU-Net: a self-configuring method for deep "
    "learning-based biomedical image segmentation. Nature Methods 18, 203 (2021); github.com/MIC-DKFZ/nnUNet, v2."
)
_RESIDUAL = (
    "Isensee F, Wald T, Ulrich C, Baumgartner M, Roy S, Maier-Hein K, Jaeger PF. nnU-Net Revisited: a call for "
    "rigorous validation in 3D medical image segmentation. MICCAI 2024, arXiv 2404.09556; github.com/MIC-DKFZ/nnUNet, "
    "documentation/resenc_presets.md."
)
_DATA = (
    "KiTS 2023, LiTS, AMOS 2022, ACDC and BraTS 2021, 5-fold cross-validation each (documentation/resenc_presets.md); "
    "ATLAS R2.0 on a split of the authors' own (documentation/primus.md)."
)
_NOT_STATED = (
    "cases of the ATLAS figure: the page says both test set and mean over folds; not compared with other splits here",
    "configuration to predict with: 3d_fullres, which its documentation compares; nnU-Net itself chooses on the folds",
)
_DEVIATIONS = (
    "resampling, augmentation and training are autoseg's own (compared in experiments/LOG.md)",
    "folds of `autoseg experiment`: by subject, where nnU-Net shuffles cases",
    "intensities are z-scored inside the body where it fills less than 75 % of a scan's voxels; nnU-Net asks that of "
    "the box around the body, so that scans that are cropped to the brain differ",
)
# Dice in percent: KiTS, LiTS, AMOS, ACDC, BraTS, ATLAS. Only what the two pages print.
_SETS = ("KiTS", "LiTS", "AMOS", "ACDC", "BraTS", "ATLAS R2.0")
_DICE = {
    "nnunet": ("86.0", "80.1", "88.6", "91.5", "91.2", "63.11"),
    "m": ("86.8", "80.8", "88.8", "92.0", "91.2", ""),
    "l": ("88.2", "81.6", "89.4", "91.7", "91.2", "63.12"),
    "xl": ("88.7", "81.2", "89.7", "91.5", "91.2", ""),
}
# Hours on an A100 and the memory that was measured there, in GB.
_COSTS = {"nnunet": ("9", "7.7"), "m": ("12", "9.1"), "l": ("35", "22.7"), "xl": ("66", "36.6")}


def make_plan(planner: str, fingerprint: DatasetFingerprint, request: PlanRequest) -> Plan:
    """Return the plan of one of nnU-Net's planners."""
    return PLANNERS[planner].plan(fingerprint, request)


def _list_figures(row: str) -> tuple[Figure, ...]:
    hours, memory = _COSTS[row]
    scores = zip(_SETS, _DICE[row], strict=True)
    return (
        *(Figure(of=name, measure="Dice, %", value=value) for name, value in scores if value),
        Figure(of="training on an A100", measure="hours", value=hours),
        Figure(of="training on an A100", measure="GPU memory, GB", value=memory),
    )


def _make_residual(row: str, memory_gb: float) -> Recipe:
    return Recipe(
        name=f"nnunet_resenc_{row}",
        title=f"nnU-Net with a residual encoder, preset {row.upper()}, sized for {memory_gb:g} GiB.",
        citation=_RESIDUAL,
        data=_DATA,
        make=partial(make_plan, f"nnunet-resenc-{row}"),
        published=_list_figures(row),
        not_stated=_NOT_STATED,
        deviations=_DEVIATIONS,
        memory_gb=memory_gb,
    )


NNUNET = Recipe(
    name="nnunet",
    title="nnU-Net's default planner: a plain U-Net, sized for 8 GiB.",
    citation=_DEFAULT,
    data=_DATA,
    make=partial(make_plan, "nnunet"),
    published=_list_figures("nnunet"),
    not_stated=_NOT_STATED,
    deviations=_DEVIATIONS,
    memory_gb=8.0,
)
NNUNET_RESENC_M = _make_residual("m", 8.0)
NNUNET_RESENC_L = _make_residual("l", 24.0)
NNUNET_RESENC_XL = _make_residual("xl", 40.0)
