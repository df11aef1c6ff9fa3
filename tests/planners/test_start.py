from __future__ import annotations

from dataclasses import replace

from dataset_fingerprints.dataset import Label, LabelScheme, Region
from planners.start import NOTHING_SEEN, SeenBefore, Task, describe_match, match_tasks


def make_task(channels: str = "T1w", labels: str = "lesion", masks: tuple[str, ...] = ()) -> Task:
    """Return a task whose labels have the values 1, 2, ... or those behind a colon."""
    pairs = [text.partition(":") for text in labels.split()]
    named = (Label(name=name, value=int(value or number)) for number, (name, _, value) in enumerate(pairs, 1))
    scheme = LabelScheme(labels=tuple(sorted(named, key=lambda label: label.value)))
    return Task(channels=tuple(channels.split()), scheme=scheme, masks=masks)


def make_regions(*names: str) -> Task:
    labels = tuple(Label(name=f"part{value}", value=value) for value in range(1, len(names) + 1))
    regions = tuple(Region(name=name, values=tuple(range(1, place + 2))) for place, name in enumerate(names))
    scheme = LabelScheme(labels=labels, regions=regions, region_export_order=tuple(range(1, len(names) + 1)))
    return Task(channels=("T1w",), scheme=scheme)


def say(mine: Task, model: Task) -> str:
    return " ".join(describe_match(mine, model))


def test_equal_tasks_match_in_their_order_and_nothing_is_said() -> None:
    task = make_task("T1w FLAIR", "lesion edema")
    found = match_tasks(task, task)
    assert (found.channels, found.masks, found.heads) == ((0, 1), (), (0, 1, 2))
    assert say(task, task) == ""


def test_channels_are_the_same_by_their_names_in_any_order_and_letters() -> None:
    mine, model = make_task("flair T1w DWI"), make_task("T1w T2w FLAIR")
    assert match_tasks(mine, model).channels == (2, 0, None)
    assert say(mine, model) == (
        "Channels: flair, T1w as in the model; DWI new, starting as the mean of the model's T1w, T2w, FLAIR; the "
        "model's T2w dropped."
    )


def test_as_many_channels_without_a_common_name_are_the_same_by_their_places() -> None:
    mine, model = make_task("DWI ADC"), make_task("T1w FLAIR")
    assert match_tasks(mine, model).channels == (0, 1)
    assert "DWI (there T1w), ADC (there FLAIR) as in the model" in say(mine, model)
    assert match_tasks(make_task("DWI"), model).channels == (None,)


def test_labels_are_the_same_by_their_names_and_the_others_by_their_values() -> None:
    mine, model = make_task(labels="edema:1 Lesion:2 core:3"), make_task(labels="lesion:1 edema:2 infarct:3")
    assert match_tasks(mine, model).heads == (0, 2, 1, 3)
    assert "core (there infarct) as in the model" in say(mine, model)


def test_labels_that_the_model_does_not_know_start_at_random_and_its_others_are_dropped() -> None:
    mine, model = make_task(labels="bleeding:1 lesion:2"), make_task(labels="lesion:1 edema:3")
    assert match_tasks(mine, model).heads == (0, None, 1)
    assert say(mine, model) == (
        "Labels: background, lesion as in the model; bleeding new, starting at random; 1 label of the model dropped "
        "(edema)."
    )


def test_regions_are_never_the_labels_of_a_model_nor_the_other_way_round() -> None:
    regions, labels = make_regions("lesion", "core"), make_task()
    assert match_tasks(regions, labels).heads == (None, None)
    assert match_tasks(labels, regions).heads == (None, None)
    assert "labels that compete, this data set has regions that overlap: all outputs" in say(regions, labels)
    assert match_tasks(make_regions("core", "lesion"), regions).heads == (1, 0)


def test_masks_of_other_configurations_are_the_same_label_by_label() -> None:
    mine, model = make_task("T1w FLAIR", "lesion edema", ("low",)), make_task("T1w", "edema lesion:3", ("3d_lowres",))
    assert match_tasks(mine, model).masks == (2, 1)
    alone = make_task("T1w", "lesion")
    assert match_tasks(mine, alone).masks == (None, None)
    assert "Masks of low: unknown to the model, they start without any effect." in say(mine, alone)


def test_neighbouring_slices_are_the_same_slice_by_slice_and_further_ones_are_unknown() -> None:
    flat, three, five = (replace(make_task("T1w FLAIR"), neighbours=count) for count in (0, 1, 2))
    assert (flat.inputs(), three.inputs(), five.inputs()) == (2, 6, 10)
    assert match_tasks(three, three).neighbours == (2, 3, 4, 5)
    assert match_tasks(five, three).neighbours == (2, 3, 4, 5, None, None, None, None)
    assert match_tasks(flat, five).neighbours == ()
    turned = replace(make_task("FLAIR T1w"), neighbours=1)
    assert match_tasks(turned, three).neighbours == (3, 2, 5, 4)
    assert "Slices on either side: the model sees 1; further ones start without any effect." in say(five, three)


def test_masks_have_the_labels_of_the_configuration_that_they_are_of() -> None:
    union = make_task(labels="a+b").scheme
    mine = replace(make_task("T1w", "a b", ("union",)), mask_schemes=(union,))
    assert mine.inputs() == 2
    model = make_task("T1w FLAIR", "a b", ("low",))
    assert model.inputs() == 4
    assert match_tasks(mine, mine).masks == (1,)
    assert match_tasks(mine, model).masks == (2,), "by its value"


def test_what_was_seen_is_joined_and_sorted() -> None:
    first, second = SeenBefore(scans=("b", "a"), models=("x",)), SeenBefore(scans=("c", "a"), unknown=("y",))
    assert first.join(second) == SeenBefore(scans=("a", "b", "c"), models=("x",), unknown=("y",))
    assert NOTHING_SEEN.join(NOTHING_SEEN) == NOTHING_SEEN
