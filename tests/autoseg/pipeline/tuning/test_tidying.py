from __future__ import annotations

from pathlib import Path

from autoseg.pipeline.tuning.tidying import remove_weights
from dataset_fingerprints.files.jsonfiles import write_json
from tests.autoseg.pipeline.tuning.searches import make_folder, make_record, make_trial


def test_when_a_search_has_ended_weights_of_candidates_are_removed_and_those_of_the_proof_stay(tmp_path: Path) -> None:
    folder = make_folder(tmp_path)
    trainings = [folder.trial(0), folder.trial(1), folder.proof("planned", 0), folder.proof("tuned", 0)]
    for one in trainings:
        one.validation.root.mkdir(parents=True)
        for path in (one.run, one.weights, one.checkpoint, one.validation.metrics):
            path.touch()
    for number in (0, 1):
        write_json(folder.trial_record(number), make_trial(number, 0.5))
    for _ in range(2):
        remove_weights(folder, make_record())
    assert [one.weights.is_file() for one in trainings] == [False, False, True, True]
    assert [one.validation.metrics.is_file() for one in trainings] == [False, False, True, True]
    assert not any(one.checkpoint.exists() for one in trainings)
    assert all(one.run.is_file() for one in trainings)
