"""MAPPING (Huo 2022), first in the ATLAS R2.0 challenge: four nnU-Nets, one of them self-trained, and their mean."""

from __future__ import annotations

from dataclasses import replace

from dataset_fingerprints.fingerprint import DatasetFingerprint
from dataset_fingerprints.names import counted
from experiments.recipes.building import FULL, find_volumes
from experiments.recipes.recipe import Figure, Recipe
from planners.choices import choose, resolve
from planners.parts import LOSSES
from planners.parts.losses import DiceCrossEntropyOptions, DiceTopKOptions
from planners.plan import Configuration, Decision, Plan, PostprocessingCandidates
from planners.planner import PlanRequest
from planners.presets import PLANNERS
from planners.pseudo_labels import PseudoLabels

DEFAULT, DTK10, RESIDUAL, SELF_TRAINING = "default", "dtk10", "residual", "self_training"
# nnUNetTrainerV2_800epochs_Loss_DiceTopK10: 800 epochs of 250 steps; `k: 10` is a tenth of the batch's voxels.
DTK10_STEPS, HARDEST = 800 * 250, 0.1
# rename_predictions.py: below 3000 voxels of 1 mm a lesion has to reach 0.7, above that 0.55.
LARGE_MM3, THRESHOLDS = 3000.0, (0.5, 0.55, 0.7)


def plan_mapping(fingerprint: DatasetFingerprint, request: PlanRequest) -> Plan:
    """Return the plan of the four members; without scans to pseudo-label, of three.

    Raises:
        PlanError: scans are single slices.
    """
    plain = PLANNERS["nnunet"].plan(fingerprint, request)
    default = replace(find_volumes(plain), name=DEFAULT)
    residual = replace(find_volumes(PLANNERS["nnunet-resenc-m"].plan(fingerprint, request)), name=RESIDUAL)
    members = (default, _use_topk(default), residual, *_self_train(default, request))
    candidates = tuple(_narrow(one) for one in plain.postprocessing)
    left = {"configurations", "rules", *(one.name for one in plain.configurations if one.name != FULL)}
    kept = (one for one in plain.decisions if one.field.partition(".")[0] not in left)
    renamed = (replace(one, field=one.field.replace(FULL, DEFAULT)) for one in kept)
    return replace(
        plain,
        configurations=members,
        default_configuration=members[-1].name if request.unlabelled else DEFAULT,
        decisions=(*renamed, *_explain(request)),
        postprocessing=candidates,
    )


def _use_topk(default: Configuration) -> Configuration:
    loss = resolve(default.training.loss, LOSSES, "loss")
    pooled = isinstance(loss, DiceCrossEntropyOptions) and loss.batch_dice
    topk = choose("dice_topk", DiceTopKOptions(hardest_fraction=HARDEST, batch_dice=pooled))
    return replace(default, name=DTK10, training=replace(default.training, loss=topk, iterations=DTK10_STEPS))


def _self_train(default: Configuration, request: PlanRequest) -> tuple[Configuration, ...]:
    if not request.unlabelled:
        return ()
    return (replace(default, name=SELF_TRAINING, pseudo_labels=PseudoLabels(configurations=(DEFAULT,))),)


def _narrow(planned: PostprocessingCandidates) -> PostprocessingCandidates:
    """Return candidates with the source's sizes and probabilities; labels that compete have no threshold."""
    return PostprocessingCandidates(
        name=planned.name,
        min_volumes_mm3=(0.0,),
        largest_only=False,
        thresholds=THRESHOLDS if planned.thresholds else (),
        large_volumes_mm3=(LARGE_MM3,),
        peaks=THRESHOLDS[1:],
    )


def _explain(request: PlanRequest) -> tuple[Decision, ...]:
    return (
        Decision(
            field=f"{DTK10}.training.loss",
            value=f"dice_topk, {DTK10_STEPS:,} steps",
            rule="Huo 2022 replaces cross-entropy by that of the worst tenth of the voxels, for 800 epochs.",
            evidence="their trainer nnUNetTrainerV2_800epochs_Loss_DiceTopK10",
        ),
        Decision(
            field=f"configurations.{SELF_TRAINING}",
            value="default with pseudo-labels" if request.unlabelled else "left out",
            rule="Huo 2022 trains the default again with its masks of scans without labels; every fold takes its own.",
            evidence=f"{counted(request.unlabelled, 'scan')} without labels named",
            change="plan_and_preprocess --unlabelled FOLDER",
        ),
        Decision(
            field="ensemble",
            value="the mean probability of all members' folds",
            rule="Huo 2022 averages all folds of all members.",
            evidence="predict_all_folds.sh",
            change="predict -c NAME, for some of the members",
        ),
    )


def _score(of: str, values: str, n: int = 655) -> tuple[Figure, ...]:
    """Return the figures of a row; of the test set there is no HD95."""
    names = ("Dice", "lesion-wise F1", "simple lesion count", "volume difference (mm3)", "HD95 (mm)")
    return tuple(
        Figure(of=of, measure=name, value=value, n=n) for name, value in zip(names, values.split("; "), strict=False)
    )


MAPPING2022 = Recipe(
    name="mapping2022",
    title="MAPPING (Huo 2022): default, Dice+TopK10, residual and self-trained nnU-Net, averaged.",
    citation="Huo J et al. MAPPING: Model Average with Post-processing for Stroke Lesion Segmentation. 2022. "
    "arXiv:2211.15486; github.com/King-HAW/ATLAS-R2-Docker-Submission",
    data="ATLAS R2.0: 655 labelled scans in five folds balanced by lesion size, 300 test scans without public labels.",
    make=plan_mapping,
    published=(
        *_score("default", "0.6358 (0.2693); 0.5493 (0.2815); 3.4305 (6.7530); 5852 (11792); 23.2967 (27.5984)"),
        *_score("DTK10", "0.6304 (0.2739); 0.5469 (0.2914); 3.5008 (6.6851); 6013 (12740); 22.3603 (27.5005)"),
        *_score("ResUNet", "0.6388 (0.2645); 0.5395 (0.2770); 3.5618 (6.6306); 5897 (12034); 23.9217 (28.4317)"),
        *_score("ST", "0.6488 (0.2608); 0.5497 (0.2779); 3.5298 (6.6359); 5628 (11084); 24.7687 (29.6890)"),
        *_score("Ensemble", "0.6471 (0.2654); 0.5685 (0.2845); 3.4412 (6.7976); 5688 (11555); 21.6813 (26.5961)"),
        *_score("Ensemble(PP)", "0.6465 (0.2700); 0.5747 (0.2961); 3.3817 (6.7860); 5729 (11565); 21.5105 (26.8280)"),
        *_score("public test set", "0.6667; 0.5643; 4.5367; 8804.9102", n=300),
    ),
    not_stated=(
        "which members and folds make the pseudo-labels: default; each fold its own, as others have seen its cases",
        "whether unsure pseudo-labels are left out: none are (pseudo_labels.least_confidence 0)",
        "weights of labelled and pseudo-labelled scans in a batch: equal",
    ),
    deviations=(
        "nnU-Net 1 is planned by the rules of nnU-Net 2, its residual network by preset M: that of their plans "
        "(FabiansResUNet_v2.1) is not part of nnU-Net 2",
        "standard augmentation for all members: theirs of residual and self-trained (DA3) is not part of nnU-Net 2",
        "post-processing is chosen on the cross-validation, per component: theirs takes one threshold per scan, by the "
        "scan's lesion volume, grows lesions to what is above 0.5, drops the least probable of the three smallest of "
        "more than four, and never returns an empty mask, which a healthy brain has to have",
        "folds are dealt out anew: give theirs with --splits (fold_index.csv) for a comparison",
    ),
    memory_gb=8.0,
    unlabelled=300,
    ensemble=(DEFAULT, DTK10, RESIDUAL, SELF_TRAINING),
)
