from __future__ import annotations

from pathlib import Path

from autoseg.pipeline.tuning.going_on import describe_done
from dataset_fingerprints.files.jsonfiles import write_json
from tests.autoseg.pipeline.tuning.searches import make_folder, make_record, make_trial


def test_a_search_that_goes_on_says_what_is_done_and_a_first_start_nothing(tmp_path: Path) -> None:
    folder, record = make_folder(tmp_path), make_record()
    assert describe_done(folder, record) == ""
    for number in range(3):
        write_json(folder.trial_record(number), make_trial(number, 0.5))
    write_json(folder.trial_record(3), make_trial(3))
    assert describe_done(folder, record) == "Going on: 3 of 4 candidates are done."
    write_json(folder.trial_record(3), make_trial(3, 0.5, 0.6))
    assert describe_done(folder, record) == ("Going on: 4 of 4 candidates are done, 1 of 2 were trained for 4 steps.")
