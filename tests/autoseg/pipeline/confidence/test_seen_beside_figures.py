"""Figures of cases that a model had seen before, from which a training started, say so."""

from __future__ import annotations

from dataclasses import replace

import autoseg
from autoseg.pipeline.confidence.measuring import measure_confidence
from autoseg.pipeline.confidence.texts import describe_measured
from autoseg.pipeline.folds.runs import read_run
from autoseg.pipeline.selection.selection_text import describe_selection
from autoseg.progress import SilentProgress
from dataset_fingerprints.files.jsonfiles import write_json
from planners.start import SeenBefore
from tests.synthetic.tiny import CONFIGURATION, Tiny

SAID = "The training started from model.zip, trained on 1 of these cases before: their scores look better"


def test_selection_and_quality_say_how_many_cases_were_seen_before_without_their_names(own: Tiny) -> None:
    unseen = autoseg.select(own.workspace, configurations=[CONFIGURATION])
    assert unseen.evidence.seen == ""
    begun = read_run(own.fold(0))
    assert begun is not None
    judged = begun.contents[len(begun.train_cases)]
    seen = SeenBefore(scans=judged.sha256, models=("model.zip",))
    write_json(own.fold(0).run, replace(begun, seen=seen))
    selection = autoseg.select(own.workspace, configurations=[CONFIGURATION])
    measured = measure_confidence(own.workspace, "default", (CONFIGURATION,), SilentProgress())
    texts = [
        selection.evidence.seen,
        measured.calibration.seen,
        measured.efforts[0].seen,
        *(line for line in describe_selection(selection) if "seen" in line or "started" in line),
        list(describe_measured(measured.efforts, (measured.calibration,)))[-1],
    ]
    assert len(texts) == 5
    assert all(text.startswith(SAID) for text in texts)
    assert not any(judged.case in text for text in texts)
    assert measured.efforts[0].name_cases().endswith("validation cases, partly seen before")
