"""Six patterns of interstitial lung disease: learnt from weak labels of every voxel, then from a few of two readers.

autoseg weak-labels PATCHES.csv SCANS --inside LUNGS -o WEAK
autoseg combine reader1=DATA_1 reader2=DATA_2 --same-subjects -o READERS
autoseg combine weak=WEAK fine=READERS --same-subjects -o BOTH
autoseg experiment run dild_level_finetune all -w WORKSPACE --data BOTH
autoseg agreement MASKS --reader DATA_1 --reader DATA_2; autoseg label-shares DATA_1 DATA_2 MASKS
"""

from __future__ import annotations

from dataclasses import replace

from dataset_fingerprints.fingerprint import DatasetFingerprint
from experiments.recipes.building import AXIAL, find_axial_slices, keep_changes, make_unet, train_by_adam
from experiments.recipes.recipe import Figure, Recipe
from planners.choices import Choice, choose
from planners.plan import Configuration, Plan
from planners.planner import PlanRequest
from planners.presets import PLANNERS
from planners.stage_inputs import Initial
from planners.subsets import CasesWhere

NAME, COLUMN, WEAK, FINE = "dild_level_finetune", "data_set", "weak", "fine"
MATRIX, BATCH = 512, 4
STEPS = {WEAK: 100_000, FINE: 10_000}
NETWORK = replace(make_unet((32, 64, 128, 256, 512), axes=2), downsampling="pool")
# Of every image: noise, rotation, zoom, flip. A zoom of 20 % shows 1 / 1.2 of a slice's length.
AUGMENTATION = keep_changes(
    *("noise", "rotation", "scaling"),
    noise_probability=1.0,
    rotation_probability=1.0,
    scaling_probability=1.0,
    noise_deviation=0.1,
    in_plane_rotation_deg=10.0,
    elongated_rotation_deg=10.0,
    scaling_low=1 / 1.2,
    scaling_high=1.0,
    mirror_axes=["left_right"],
)
# One slice of a batch, at least, holds lung; the others lie anywhere.
PATCHES = Choice(name="foreground", options={"foreground_share": 1 / BATCH, "jitter_share": 1.0})


def make(fingerprint: DatasetFingerprint, request: PlanRequest) -> Plan:
    """Return the plan: `weak` on weak labels, then from its weights `fine` on those of readers.

    Raises:
        PlanError: slices are not axial.
    """
    plan = PLANNERS["default"].plan(fingerprint, request)
    basis = find_axial_slices(plan, fingerprint)
    basis = replace(basis, preprocessing=replace(basis.preprocessing, coarse_axis=AXIAL))
    weak, fine = (_configure(basis, name) for name in (WEAK, FINE))
    fine = replace(fine, initial=Initial(configuration=WEAK))
    return replace(plan, configurations=(weak, fine), default_configuration=FINE, folds="by_subject", decisions=())


def _configure(basis: Configuration, name: str) -> Configuration:
    loss = Choice(name="dice", options={"batch_dice": True})
    return replace(
        basis,
        name=name,
        only_cases=CasesWhere(column=COLUMN, value=name),
        patch_shape=(MATRIX, MATRIX, 1),
        batch_size=BATCH,
        network=choose("unet", NETWORK),
        sampling=replace(basis.sampling, patches=PATCHES, augmentations=(AUGMENTATION,)),
        training=train_by_adam(basis.training, loss, steps=STEPS[name], lr=1e-5),
        prediction=replace(basis.prediction, mirror_axes=()),
    )


# Agreement of the SVM, of the network before and after fine-tuning: in the text, and in Table 4.3.
METHODS = ("SVM", "U-Net on weak labels", "fine-tuned U-Net")
TEXT = {"reader 1": "0.59 0.57 0.66", "reader 2": "0.62 0.54 0.72"}
TABLE = {"reader 1": "0.523±0.146 0.531±0.211 0.643±0.105", "reader 2": "0.540±0.144 0.664±0.185 0.721±0.124"}
MINUTES = {"a reader": "10 to 20", "SVM": "1.431±1.432", METHODS[1]: "0.055±0.005", METHODS[2]: "0.051±0.004"}
PATTERNS = "NL GGO RO EMPH CONS HC"
RATIOS = {
    "reader 1": "0.647 0.034 0.061 0.042 0.188 0.028",
    "reader 2": "0.453 0.048 0.235 0.057 0.187 0.020",
    "COP": "0.506(0.118) 0.053(0.045) 0.070(0.058) 0.071(0.044) 0.278(0.055) 0.022(0.006)",
    "UIP": "0.507(0.130) 0.059(0.076) 0.071(0.045) 0.066(0.029) 0.269(0.042) 0.029(0.016)",
    "NSIP": "0.502(0.109) 0.073(0.066) 0.070(0.041) 0.063(0.024) 0.268(0.042) 0.024(0.006)",
}
DILD_LEVEL_FINETUNE = Recipe(
    name=NAME,
    title="Six patterns of lung disease in HRCT: a 2D U-Net on an SVM's labels, fine-tuned on those of two readers.",
    citation="Thesis on segmentation by deep learning, Asan Medical Center, 2020 or later, section 4.3",
    data="HRCT (slices of 1 to 2 mm, 5 to 10 mm apart) and CT of volumes: COP 218, UIP 196, NSIP 498 patients;"
    " 1200 patches of 30x30 (100 of 6 patterns, 2 centres) for the SVM,"
    " 1200 scans that it labelled (17,857 training slices), 92 images drawn by two readers (46 train, 46 test).",
    make=make,
    published=(
        Figure(of="reader 1 and reader 2", measure="DSC", value="0.71", n=46),
        *(
            Figure(of=f"{method} and {reader}, {where}", measure="DSC", value=value, n=46)
            for where, rows in (("text", TEXT), ("Table 4.3", TABLE))
            for reader, row in rows.items()
            for method, value in zip(METHODS, row.split(), strict=True)
        ),
        *(Figure(of=who, measure="minutes", value=value) for who, value in MINUTES.items()),
        *(Figure(of=who, measure=f"ratios of {PATTERNS}", value=values) for who, values in RATIOS.items()),
    ),
    not_stated=(
        "features of the SVM, kernel, cost: what `autoseg weak-labels` measures, radial, 10",
        "postprocessing of the SVM's maps, which chapter 5 names: none",
        "levels, features, norm: the 23 convolutions of chapter 2, 32 to 512, max pooling; instance norm, leaky ReLU",
        "intensities and pixel size: as the default planner has them; whole slices of 512x512, four in a batch",
        "steps: 100,000 on weak labels, 10,000 of fine-tuning at the same constant rate; the last weights are kept",
        "classes that count more: none; a Dice per pattern over the mini-batch, averaged",
        "what the noise's SD is in: normalised intensities",
        "how often a slice is changed, and whether a zoom enlarges: always; it does; half of them are flipped",
        "training with both readers: each image is two cases of one subject, which lie in one fold",
    ),
    deviations=(
        "One paragraph of the source gives augmentation, rate and loss, and may mean the network of the lungs alone:"
        " here they are those of both stages. Lungs are brought as masks for the weak labels; no network finds them.",
        "The SVM labels every fourth pixel along rows and columns, and scores between are interpolated:"
        " `autoseg weak-labels --step 1` labels each by itself, as the source does.",
        "The noise's SD is drawn between 0 and 0.1 for every slice, where the source's is 0.1.",
        "PyTorch in place of Keras 2.0.4 on Theano 0.9.0; slices are drawn at random, in place of shuffled epochs.",
        "Five folds by patient over weak and fine cases, in place of 80, 10 and 10 %, and of two halves of 92 images.",
        "Agreement is that of text and Table 4.3, which contradict each other; patients (912), scans (1200) and the"
        " table's times (28 times as fast) do not fit the text (10 times) either: all are listed as printed. Nor does"
        " Table 4.4 show the dominant consolidation of COP and the honeycombing of UIP that the text reads from it.",
    ),
)
