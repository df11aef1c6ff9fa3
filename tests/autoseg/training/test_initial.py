from __future__ import annotations

import pytest
import torch

from autoseg.models.tensors import load_tensors
from autoseg.networks import build_network
from autoseg.training.initial import InitialWeights, load_matching
from autoseg.training.step import Stepper
from autoseg.workspace.fold import FoldFolder
from dataset_fingerprints.errors import PlanError
from planners.choices import Choice
from planners.parts import WEIGHTS
from tests.autoseg.training.builders import SAVING, KilledError, Listening, kill_at, lines, make_trainer, setup, train
from tests.synthetic.configurations import tiny_configuration


def make_network(outputs=3):
    return build_network(tiny_configuration(), 1, outputs)


def copy_of(network):
    return {name: tensor.clone() for name, tensor in network.state_dict().items()}


def test_weights_of_the_same_network_are_loaded_whole():
    source, network = make_network(), make_network()
    match = load_matching(network, source.state_dict(), "all")
    assert all(torch.equal(one, other) for one, other in zip(source.parameters(), network.parameters(), strict=True))
    assert match.is_whole()
    assert match.describe() == f"All {len(source.state_dict())} tensors of the initial weights are loaded."


def differing():
    """Weights for four outputs, without the decoder and with something else."""
    tensors = {name: tensor for name, tensor in copy_of(make_network(4)).items() if not name.startswith("decoder")}
    return tensors | {"classifier.weight": torch.zeros(2)}


def test_what_matches_is_loaded_and_the_rest_is_reported():
    network = make_network()
    before, source = copy_of(network), differing()
    match = load_matching(network, source, "matching")
    after = network.state_dict()
    assert match.loaded == sum(name.startswith("encoder") for name in after)
    for name, tensor in after.items():
        assert torch.equal(tensor, source[name] if name.startswith("encoder") else before[name]), name
    assert match.unused == ("classifier.weight",)
    assert set(match.missing) == {name for name in after if name.startswith("decoder")}
    assert match.reshaped[0] == ("head.weight", (4, 4, 1, 1, 1), (3, 4, 1, 1, 1))
    assert {name for name, _, _ in match.reshaped} == {name for name in after if "head" in name}
    said = match.describe()
    assert "4 have another shape: head.weight (4x4x1x1x1 for 3x4x1x1x1), head.bias (4 for 3)," in said
    assert "and 1 more" in said
    assert "1 is only in the weights: classifier.weight" in said


def test_weights_that_should_all_match_are_refused_by_their_first_differences_and_nothing_is_loaded():
    network = make_network()
    before = copy_of(network)
    with pytest.raises(PlanError, match=r"another shape: head\.weight .*only in the network: decoder.*and \d+ more"):
        load_matching(network, differing(), "all")
    assert all(torch.equal(tensor, before[name]) for name, tensor in network.state_dict().items())


def test_weights_of_which_nothing_matches_are_refused():
    with pytest.raises(PlanError, match="Nothing of the initial weights fits this network"):
        load_matching(make_network(), {"classifier.weight": torch.zeros(2)}, "matching")


def test_weights_are_loaded_in_the_networks_own_number_type_and_order_in_memory():
    network = make_network()
    load_matching(network, {name: tensor.half() for name, tensor in make_network().state_dict().items()}, "all")
    assert all(parameter.dtype == torch.float32 and parameter.is_contiguous() for parameter in network.parameters())


@pytest.mark.parametrize("name", WEIGHTS)
def test_a_training_and_what_it_keeps_start_from_the_given_weights(tmp_path, name):
    tensors = copy_of(make_network())
    initial = InitialWeights(tensors=tensors, layers="all")
    stepper = Stepper(setup(initial=initial, weights=Choice(name=name)), FoldFolder(root=tmp_path))
    assert all(torch.equal(tensor, tensors[key]) for key, tensor in stepper.state.network.state_dict().items())
    with stepper.keeper.evaluate() as network:
        assert all(torch.equal(tensor, tensors[key]) for key, tensor in network.state_dict().items())


def test_what_did_not_match_is_said_and_kept_in_the_curve(tmp_path):
    listening = Listening()
    made = setup(iterations=4, initial=InitialWeights(tensors=differing(), layers="matching"))
    make_trainer(tmp_path, made, progress=listening).run()
    assert "12 of the network's 28 tensors" in listening.messages[0]
    (line,) = lines(FoldFolder(root=tmp_path), "initial")
    assert (line["iteration"], line["unused"]) == (0, ["classifier.weight"])


def test_initial_weights_are_used_once(tmp_path):
    initial = InitialWeights(tensors=copy_of(make_network()), layers="all")
    whole, _ = train(tmp_path / "whole", iterations=8, initial=initial)
    with pytest.raises(KilledError):
        make_trainer(
            tmp_path / "killed", setup(iterations=8, initial=initial, policy=SAVING), observers=[kill_at(5)]
        ).run()
    # What goes on does not look at them, whatever has become of the other fold.
    gone = InitialWeights(tensors={}, layers="all")
    files, _ = train(tmp_path / "killed", iterations=8, initial=gone)
    first, second = load_tensors(whole.weights)[0], load_tensors(files.weights)[0]
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert len(lines(files, "initial")) == 1
    random, _ = train(tmp_path / "random", iterations=8)
    assert not torch.equal(load_tensors(random.weights)[0]["head.weight"], first["head.weight"])
