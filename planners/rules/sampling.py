"""Choice of the patches that training sees."""

from __future__ import annotations

from dataset_fingerprints.fingerprint import DatasetFingerprint
from planners.choices import Choice, choose
from planners.parts.patches import ForegroundOptions
from planners.plan import Decision, Sampling


def choose_sampling(fingerprint: DatasetFingerprint, patches: ForegroundOptions) -> tuple[Sampling, Decision]:
    """Fix how much of each batch holds a label, how far off the centre it may lie, and which lesions are seen."""
    sampling = Sampling(
        cases=Choice(name="uniform"),
        patches=choose("foreground", patches),
        augmentations=(Choice(name="standard"),),
    )
    measured = any(label.volume_mm3.n for label in fingerprint.labels)
    share = sum(label.voxel_share for label in fingerprint.labels)
    decision = Decision(
        field="sampling.patches.options.foreground_share",
        value=f"{patches.foreground_share:g}",
        rule="This share of every batch is placed on labelled voxels; the rest anywhere. Without it, patches of "
        "rare lesions would hardly ever be seen.",
        evidence=f"labels fill {share:.2%} of the body boxes" if measured else "label volumes were not measured",
        change="another planner",
    )
    return sampling, decision
