"""Which patches training sees."""

from __future__ import annotations

from dataset_fingerprints.fingerprint import DatasetFingerprint
from planners.choices import Choice
from planners.plan import Decision, Sampling


def choose_sampling(
    fingerprint: DatasetFingerprint, foreground_share: float, jitter_share: float, lesion_balance: float
) -> tuple[Sampling, Decision]:
    """Fix how much of each batch holds a label, how far off the centre it may lie, and which lesions are seen."""
    sampling = Sampling(
        foreground_share=foreground_share,
        jitter_share=jitter_share,
        augmentation=Choice(name="standard"),
        lesion_balance=lesion_balance,
    )
    measured = any(label.volume_mm3.n for label in fingerprint.labels)
    share = sum(label.voxel_share for label in fingerprint.labels)
    decision = Decision(
        field="sampling.foreground_share",
        value=f"{foreground_share:g}",
        rule="This share of every batch is placed on labelled voxels; the rest anywhere. Without it, patches of "
        "rare lesions would hardly ever be seen.",
        evidence=f"labels fill {share:.2%} of the body boxes" if measured else "label volumes were not measured",
        change="another planner",
    )
    return sampling, decision
