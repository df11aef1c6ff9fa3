"""Which patches training sees."""

from __future__ import annotations

from dataset_fingerprints.fingerprint import DatasetFingerprint
from planners.choices import Choice
from planners.plan import Decision, Sampling


def choose_sampling(
    fingerprint: DatasetFingerprint, foreground_share: float, jitter_share: float
) -> tuple[Sampling, Decision]:
    """Fix how much of each batch holds a label, and how far from a patch's centre the label may lie."""
    sampling = Sampling(
        foreground_share=foreground_share, jitter_share=jitter_share, augmentation=Choice(name="standard")
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
