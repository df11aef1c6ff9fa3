"""Which folds share which GPU, in figures; finding GPUs needs one."""

from __future__ import annotations

import pytest

from autoseg.hardware import SHARERS, count_cores, free_memory_gb
from autoseg.pipeline.folds.children import Place
from autoseg.pipeline.folds.placing import VISIBLE, Card, find_cards, place_on_cards, share_machine
from planners.networks.training_memory import CONTEXT_BYTES, GIB


def card(name: str, free_gb: float, total_gb: float = 80.0) -> Card:
    return Card(name=name, free_bytes=round(free_gb * GIB), total_bytes=round(total_gb * GIB))


def names(places: list[Place]) -> list[str]:
    return [place.environment[VISIBLE] for place in places]


def test_every_gpu_gets_a_fold_before_one_gets_two() -> None:
    places = place_on_cards([card("0", 80), card("1", 40), card("GPU-5ab", 80)], 20 * GIB, 5)
    assert names(places) == ["0", "1", "GPU-5ab", "0", "1"]
    assert [bool(place.arguments) for place in places] == [True, True, False, True, True]


def test_no_more_folds_share_a_gpu_than_fit_but_one_always_tries() -> None:
    assert names(place_on_cards([card("0", 80), card("1", 30)], 25 * GIB, 9)) == ["0", "1", "0", "0"]
    (alone,) = place_on_cards([card("0", 10)], 25 * GIB, 5)
    assert alone.arguments == ()


def test_the_shares_of_a_gpu_leave_room_for_what_is_no_tensor() -> None:
    places = place_on_cards([card("0", 60)], 20 * GIB, 3)
    share = float(places[0].arguments[1])
    taken = 3 * (share * 80 * GIB + CONTEXT_BYTES["cuda"])
    assert len(places) == 3
    # The share is written with three digits: half a thousandth of 80 GB for each of the three.
    assert taken == pytest.approx(60 * GIB, abs=3 * 0.0005 * 80 * GIB)


def test_cores_and_memory_are_shared_out(monkeypatch: pytest.MonkeyPatch) -> None:
    assert share_machine([Place()]) == (Place(),)
    places = share_machine([Place(arguments=(str(number),), environment={VISIBLE: "0"}) for number in range(3)])
    assert [place.arguments for place in places] == [("0",), ("1",), ("2",)]
    assert all(place.environment == {VISIBLE: "0", SHARERS: "3"} for place in places)
    cores, free = count_cores(), free_memory_gb()
    monkeypatch.setenv(SHARERS, str(2 * cores))
    assert count_cores() == 1
    # Other programs take and give back memory between the two looks.
    assert free_memory_gb() == pytest.approx(free / (2 * cores), rel=0.5)


@pytest.mark.gpu
def test_gpus_are_found_without_this_process_taking_any_of_their_memory() -> None:
    import torch

    cards = find_cards()
    assert len(cards) == torch.cuda.device_count()
    assert all(0 < one.free_bytes <= one.total_bytes for one in cards)
    assert not torch.cuda.is_initialized()
