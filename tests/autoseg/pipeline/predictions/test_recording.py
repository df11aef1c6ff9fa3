"""What is recorded of a model: names and hashes, and no path."""

from __future__ import annotations

from autoseg.pipeline.models.sources import find_source
from autoseg.pipeline.models.trained import load_models
from autoseg.pipeline.predictions.recording import describe_device, describe_model
from dataset_fingerprints.files.hashes import hash_file
from tests.synthetic.tiny import CONFIGURATION, Tiny


def test_a_model_is_known_by_names_and_hashes(finished: Tiny) -> None:
    for place, kind in ((finished.workspace, "workspace"), (finished.fold(0), "fold")):
        source = find_source(place)
        models = source.read()
        recorded = describe_model(place, source, models, load_models(models))
        assert (recorded.source, recorded.name) == (kind, place.root.name)
        assert [(fold.configuration, fold.fold, fold.networks) for fold in recorded.folds] == [(CONFIGURATION, "0", 1)]
        assert recorded.sha256 == hash_file(finished.fold(0).weights)
        assert str(finished.root) not in repr(recorded)
    assert describe_device().split()[0] in ("cpu", "cuda", "mps")
