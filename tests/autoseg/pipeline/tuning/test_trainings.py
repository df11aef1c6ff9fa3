from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from autoseg.pipeline.folds.jobs import TrainingOptions, resolve_job
from autoseg.pipeline.folds.runs import read_run
from autoseg.pipeline.tuning.schedule import Length
from autoseg.pipeline.tuning.spending import Spent
from autoseg.pipeline.tuning.trainings import Bench, describe_failure
from autoseg.progress import SilentProgress
from dataset_fingerprints.errors import AutosegError, PlanError, StoppedError
from dataset_fingerprints.files.jsonfiles import write_json
from planners.step_sizes import StepDown, StepSize
from tests.synthetic.tiny import CONFIGURATION, Tiny


def test_a_training_that_went_on_smaller_before_it_was_stopped_is_left_out(tiny: Tiny, tmp_path: Path) -> None:
    """Of a training of another size, the run alone would be called one of another plan, which ends the search."""
    job = resolve_job(tiny.workspace, "0", TrainingOptions(configuration=CONFIGURATION))
    run, size = read_run(job.folder), StepSize(batch_size=2, patch_shape=(8, 8, 8), recomputed=False)
    assert run is not None
    step = StepDown(before=size, after=replace(size, recomputed=True), evidence="out of memory")
    smaller = replace(run.own(), training=replace(run.own().training, recomputed=True))
    write_json(job.folder.run, replace(run, configurations=(smaller,), steps=(step,)))
    bench = Bench(
        job=job,
        plan=job.plan,
        inner=job.cases,
        units={},
        score="dice",
        spent=Spent(tmp_path / "spent.json"),
        progress=SilentProgress(),
    )
    with pytest.raises(PlanError, match=r"fold_0: the training ran out of memory .* --gpu-memory-gb") as caught:
        bench.train(job.plan, job.cases, job.folder, Length(iterations=2), "Candidate 1")
    assert describe_failure(caught.value) == "the training ran out of memory and went on in a smaller size"


def test_a_failure_in_a_few_words_is_one_of_a_candidates_values() -> None:
    error = AutosegError("ws/fold_0: the loss is not a number any more at step 3. Train with a smaller rate.")
    assert describe_failure(error) == "the loss is not a number any more at step 3"
    with pytest.raises(StoppedError):
        describe_failure(StoppedError("stopped", 143))
