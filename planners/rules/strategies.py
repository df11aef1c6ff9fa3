"""Rules of strategy: how the work at Asan Medical Center chose by data set, each with its evidence and contradictions.

From the thesis on segmentation by deep learning (Asan Medical Center, 2020 or later), chapter 4.1; its flowchart is
lost. Nearly all of it was argued, or seen beside other changes: every rule is off unless a person switches it on.
"""

from __future__ import annotations

from planners.rules.rule import Rule

CROPS_PER_CASE = 16
MARGIN_MM = 10.0
MOST_WEIGHT = 10.0

STRATEGIES: dict[str, Rule] = {
    "patch_level": Rule(
        meaning="Training on few crops per case that hold labels, where several labels lie in a target of which one "
        "hardly stands out: less than one deviation of its surroundings.",
        outcome=f"trained on {CROPS_PER_CASE} crops per case that hold labels",
        source="Glioblastoma, 1 to 16 crops per case: Dice of the enhancing tumour +0.196, of the core +0.403",
        against="32 crops were worse than 16 by 0.04; the phase of crops was fine-tuned from another one as well. "
        "Healthy tissue far from labels is never seen",
    ),
    "dice_focal": Rule(
        meaning="Dice + focal loss in place of Dice + cross-entropy, where a label hardly stands out, or small lesions "
        "are a few voxels across.",
        outcome="had Dice + focal as its loss",
        source="Infarcts, both channels: Dice 0.833 before, 0.860 with Dice + focal, 0.858 with Dice + boundary",
        against="That the loss before was Dice is said in the discussion alone, and not whether rows differ in more; "
        "scans spread by 0.03 to 0.08",
    ),
    "squeeze_excitation": Rule(
        meaning="Squeeze and excitation at the end of every level of the networks, for any data.",
        outcome="had squeeze and excitation at every level",
        source="Infarcts: Dice +0.012 on both channels, +0.022 on ADC, +0.010 on b1000",
        against="All within one deviation between scans",
    ),
    "all_channels": Rule(
        meaning="Networks see all channels, where there are several.",
        outcome="its networks see all channels",
        source="Infarcts: Dice +0.010 to +0.014 over the better single channel, in all four rows of the table",
        against="One data set, of two channels made from the same measurement",
        kind="always",
    ),
    "thick_slices_2d": Rule(
        meaning="2D by default, where slices are 3 mm thick or more, and thicker than pixels are wide.",
        outcome="taken 2D by default",
        source="Breast MRI: 2D 1.1 % better than 3D; lung CT by argument",
        against="The only figure is of thin slices (0.9 mm); the text names dense slices where the abstract names "
        "thick ones, and warns of 2D for lesions of the pancreas (5 mm), which may break off between slices",
    ),
    "tubes_2d": Rule(
        meaning="2D by default, where few scans show labels like tubes or lines: eight times longer than thick.",
        outcome="taken 2D by default",
        source="no figure",
        against="Contradicted: kidney vessels and the mandibular canal were segmented in 3D",
    ),
    "crop_cascade": Rule(
        meaning="A box around what a low resolution finds is segmented anew at full resolution, where a patch is a "
        "small part of the body and labels fill less than 1 % of it.",
        outcome="segmented the box around what the low resolution finds",
        source="Pancreas: Dice above 0.90 of the organ, about 0.60 of lesions; kidneys: better than one 3D U-Net, in "
        "words alone",
        against="No figure stands beside that of a single network",
    ),
    "bias_correction": Rule(
        meaning="The coil's shading is taken out of MR channels (N4) before normalisation; CT is normalised only.",
        outcome="taken the coil's shading out of MR channels",
        source="no figure; listed as a step for glioblastoma and infarcts",
        against="Breast MRI was segmented without; each scan takes a second or two longer",
    ),
    "brain_extraction": Rule(
        meaning="Brains are extracted before, where MR scans of heads have no empty background.",
        outcome="extract the brains before planning, with any tool",
        source="no figure; listed as a step for glioblastoma and infarcts",
        against="Not compared with whole heads",
        kind="advice",
    ),
    "one_side": Rule(
        meaning="Scans are divided into halves of which the left one is mirrored, where a label has two components in "
        "the median scan: a network learns one side from twice the examples.",
        outcome="divided scans into halves of which one is mirrored",
        source="no figure; done for breasts, kidneys, mandible and its canals",
        against="Not compared with whole scans; labels that tell sides apart cannot stay so",
    ),
    "separate_models": Rule(
        meaning="One model for each contrast or posture, where the data set has groups of scans.",
        outcome="train a model for each group, and compare with all together",
        source="Breast MRI: models of both postures together were worse than those of one",
        against="29 patients; fine-tuning from one posture to the other was among the alternatives",
        kind="advice",
    ),
    "external_loss": Rule(
        meaning="Scans of other hospitals are segmented worse than the cross-validation says, where scans are of one.",
        outcome="expect less on scans of other hospitals, and test on some before use",
        source="Dice 0.81 to 0.79 (glioblastoma), 0.76 to 0.71 (pancreas)",
        against="Two data sets; the pancreas' figure equals that of kidneys in the same table, and may be a slip",
        kind="advice",
    ),
    "class_weights": Rule(
        meaning=f"Voxels of rare labels count more in cross-entropy, up to {MOST_WEIGHT:g} times, in proportion to how "
        "much rarer they are than the most frequent label: where labels compete and one is ten times rarer.",
        outcome="weighed rare labels more in cross-entropy",
        source="no figure; proposed for lesions of the pancreas",
        against="Never tried; Dice counts labels alike as it is",
    ),
    "parent_organ": Rule(
        meaning="A box around the larger region that holds a fine structure is segmented anew, where regions nest and "
        "the inner one is at most a quarter of the outer one.",
        outcome="segmented the box around the outer region",
        source="no figure; said of the mandibular canal (error 0.89±0.40 mm), which the mandible's segmentation makes "
        "easier to learn",
        against="Whether that error is with such a box is not said; no figure stands beside that without",
    ),
    "label_loop": Rule(
        meaning="Labels are drawn in rounds that correct what a model of the last round suggests, where few scans have "
        "many labels.",
        outcome="label in rounds, each starting from the masks of the last model (autoseg label)",
        source="Kidneys: 76 minutes less for five structures, more than half of the time",
        against="50 kidneys; that models became better with every round is said without figures",
        kind="advice",
    ),
    "coarse_then_fine": Rule(
        meaning="Cheap coarse labels of many scans first, then fine-tuning on few fine ones.",
        outcome="train on coarse labels first, if there are any, and start from that model (train --from)",
        source="Lung patterns, two readers: agreement +0.09 and +0.18 over coarse labels alone (text), or +0.11 and "
        "+0.06 (table)",
        against="Text and table differ",
        kind="advice",
    ),
    "short_of_memory": Rule(
        meaning="Patches, and a cascade from a low resolution, where memory does not hold a whole body.",
        outcome="patches, and a low resolution",
        source="no figure; argued from the size of kidney and dental CT",
        against="Not compared",
        kind="always",
    ),
}
