from __future__ import annotations

from planners.parts.lesion_classifiers import FullyConnectedOptions


def test_the_published_classifier_is_the_default() -> None:
    options = FullyConnectedOptions()
    assert (options.hidden, options.epochs, options.lr, options.weighted) == ((400, 400), 100, 0.1, True)
    assert list(options.find_problems()) == []


def test_options_that_cannot_be_meant_are_named() -> None:
    wrong = FullyConnectedOptions(hidden=(0,), epochs=0, lr=0.0, batch_size=-1)
    found = [problem.split(" is ")[0] for problem in wrong.find_problems()]
    assert found == ["hidden", "epochs", "lr", "batch_size"]
