"""The parts, in their order, and the shares of the time that they get."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Part:
    """Something that a GPU has to show.

    Attributes:
        title: of its table.
        code: module and function that yield rows and sentences.
        share: of the time; what a part leaves is the next one's.
    """

    title: str
    code: tuple[str, str]
    share: float


NO_GPU = "no GPU: skipped"
PARTS: dict[str, Part] = {
    "tests": Part(title="Tests that need a GPU", code=("marked_tests", "run_marked_tests"), share=40),
    "memory": Part(title="Peak memory of a training step", code=("memory", "compare_memory"), share=65),
    "steps": Part(title="Training steps, medians", code=("steps", "time_steps"), share=80),
    "resume": Part(title="Killed and gone on, beside not killed", code=("resume", "compare_resumed"), share=55),
    "prediction": Part(title="Prediction of a head at 1 mm", code=("prediction", "predict_head"), share=30),
    "folds": Part(title="Two folds on one GPU", code=("folds", "compare_folds"), share=45),
    "training": Part(title="The main job in minutes", code=("whole_job", "train_for_minutes"), share=165),
}
