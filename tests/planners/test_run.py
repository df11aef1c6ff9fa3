from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from dataset_fingerprints.errors import PlanError
from dataset_fingerprints.files.jsonfiles import read_json, write_json
from dataset_fingerprints.fingerprint import drop_cases
from planners import PlanRequest, make_plan
from planners.choices import Choice
from planners.editing.overrides import set_values
from planners.editing.plan_checks import check_plan
from planners.editing.scaling import scale_plan
from planners.networks.memory_decisions import predict_configuration
from planners.plan import Plan
from planners.run import CaseContent, Run, find_differences, find_other_cases, make_run
from planners.stage_inputs import MaskOf
from tests.synthetic.fingerprints import SyntheticCase, make_fingerprint
from tests.synthetic.machines import CPU, GPU

FINGERPRINT = make_fingerprint([SyntheticCase(body_shape=(60, 70, 60))] * 6, channels=("T1w", "FLAIR"), labels=2)
SECOND = "refined"


def plan_stages() -> Plan:
    """Return a plan with a configuration that sees the masks of another one; others are beside them."""
    plan = make_plan(FINGERPRINT, PlanRequest(machine=CPU, memory_gb=4.0))
    (first,) = (entry for entry in plan.configurations if entry.name == "3d_fullres")
    second = replace(first, name=SECOND, inputs=(MaskOf(configuration=first.name),))
    return replace(plan, configurations=(second, *plan.configurations))


def begin(plan: Plan, configuration: str = SECOND) -> Run:
    train = tuple(CaseContent(case=f"case{number}", sha256=("a", "b", "c")) for number in range(5))
    held_out = (CaseContent(case="case5", sha256=("d", "e", "f")),)
    return make_run(plan, configuration, "0", train, held_out, drop_cases(FINGERPRINT))


def test_a_run_holds_what_its_configuration_needs_and_nothing_else() -> None:
    plan = plan_stages()
    assert len(plan.configurations) > 2
    run = begin(plan)
    assert [entry.name for entry in run.configurations] == ["3d_fullres", SECOND]
    assert run.own() == plan.configurations[0]
    assert run.input_channels() == plan.input_channels(run.own()) == 4, "two scans, a mask per label"
    alone = begin(plan, "3d_fullres")
    assert [entry.name for entry in alone.configurations] == ["3d_fullres"]
    assert alone.input_channels() == 2
    with pytest.raises(PlanError, match="has no configuration '3d_fulres'"):
        begin(plan, "3d_fulres")


def test_a_run_comes_back_from_its_file_as_it_was_written(tmp_path: Path) -> None:
    run = begin(plan_stages())
    write_json(tmp_path / "run.json", run)
    assert read_json(tmp_path / "run.json", Run) == run


def test_options_that_an_earlier_version_did_not_know_are_no_difference() -> None:
    plan = plan_stages()
    (own, *others) = plan.configurations
    known = {name: value for name, value in own.network.options.items() if name not in ("downsampling", "dropout")}
    assert len(known) == len(own.network.options) - 2
    earlier = replace(plan, configurations=(replace(own, network=Choice(name="unet", options=known)), *others))
    assert list(find_differences(begin(earlier), begin(plan))) == []
    pooled = replace(own, network=Choice(name="unet", options={**known, "downsampling": "pool"}))
    (difference,) = find_differences(begin(earlier), begin(replace(plan, configurations=(pooled, *others))))
    assert difference.field == f"{SECOND}.network.options.downsampling"


def test_a_run_says_the_scale_of_its_plan_where_it_is_not_full_size(tmp_path: Path) -> None:
    plan = plan_stages()
    write_json(tmp_path / "run.json", begin(scale_plan(plan, 8)))
    assert read_json(tmp_path / "run.json", Run).scale == 8
    write_json(tmp_path / "full.json", begin(plan))
    assert '"scale"' not in (tmp_path / "full.json").read_text(encoding="utf-8")


def test_contents_of_other_cases_are_refused() -> None:
    run = begin(plan_stages())
    with pytest.raises(ValueError, match="contents are not of"):
        replace(run, train_cases=run.train_cases[1:])


def test_names_machine_cases_and_other_configurations_make_no_other_run() -> None:
    plan = plan_stages()
    renamed = replace(plan, name="other", dataset="copy", machine=GPU, memory_gb=80.0, max_hours=1.0, decisions=())
    elsewhere = set_values(renamed, ["3d_fullres.training.loss=dice"])
    now = replace(begin(elsewhere), summary=replace(drop_cases(FINGERPRINT), case_count=1)).of_cases((), ())
    assert list(find_differences(begin(plan), now)) == []


@pytest.mark.parametrize(
    ("assignment", "field"),
    [
        ("seed=3", "seed"),
        (f"{SECOND}.batch_size=7", f"{SECOND}.batch_size"),
        (f"{SECOND}.training.optimizer.options.lr=0.5", f"{SECOND}.training.optimizer.options.lr"),
        (f"{SECOND}.prediction.step_share=0.75", f"{SECOND}.prediction.step_share"),
    ],
)
def test_a_difference_is_named_as_the_option_that_sets_it(assignment: str, field: str) -> None:
    plan = plan_stages()
    (difference,) = find_differences(begin(plan), begin(set_values(plan, [assignment])))
    assert difference.field == field
    assert str(difference.now) == assignment.partition("=")[2]
    assert difference.before != difference.now


def test_more_iterations_extend_a_run_and_fewer_make_another_one() -> None:
    few, many = (set_values(plan_stages(), [f"{SECOND}.training.iterations={count}"]) for count in (100, 200))
    assert list(find_differences(begin(few), begin(many))) == []
    (difference,) = find_differences(begin(many), begin(few))
    assert (difference.field, difference.before, difference.now) == (f"{SECOND}.training.iterations", 200, 100)


def of(*rows: str) -> tuple[CaseContent, ...]:
    """Return contents from texts: the case and its files' hashes."""
    return tuple(CaseContent(case=row.split()[0], sha256=tuple(row.split()[1:])) for row in rows)


BEGUN = (of("a 1 2", "b 3 4"), of("c 5 6"))


@pytest.mark.parametrize(
    ("train", "validation", "said"),
    [
        (of("a 1 2", "b 3 4"), of("c 5 6"), []),
        (of("b 3 4", "a 1 2"), of("c 5 6"), []),
        (of("a 1 2", "c 5 6"), of("b 3 4"), ["would be judged on b, which it", "would be trained on c, which it"]),
        (of("a 1 2"), of("b 3 4", "c 5 6"), ["would be judged on b, which it was trained on"]),
        (of("a 1 2", "b 3 4", "c 5 6"), (), ["would be trained on c, which it was to be judged on"]),
        (of("a 1 2", "b 3 4", "d 7 8"), of("c 5 6"), ["was begun without d"]),
        (of("a 1 2"), of("c 5 6"), ["was begun with b, which is not there any more"]),
        (of("a 1 9", "b 3 4"), of("c 5 6"), ["another content of a (in a: label map)"]),
        (of("a 9 2", "b 3 4"), of("c 5 6"), ["another content of a (in a: scan)"]),
        (of("a 1 2", "b 8 9"), of("c 9 6"), ["another content of b and 1 other case (in b: scan and label map)"]),
        (of("a 1 1 2", "b 3 4"), of("c 5 6"), ["another content of a (in a: the number of files)"]),
    ],
)
def test_other_cases_of_a_fold_are_named(
    train: tuple[CaseContent, ...], validation: tuple[CaseContent, ...], said: list[str]
) -> None:
    run = begin(plan_stages())
    begun = run.of_cases(*BEGUN)
    found = list(find_other_cases(begun, run.of_cases(train, validation)))
    assert len(found) == len(said)
    assert all(expected in text for expected, text in zip(said, found, strict=True))


@pytest.mark.parametrize(
    ("unlabelled", "said"),
    [
        (of("u 7 _"), []),
        ((), ["was begun with u, which is not there any more"]),
        (of("u 7 _", "v 8 _"), ["was begun without v"]),
        (of("u 9 _"), ["another content of u (in u: scan)"]),
    ],
)
def test_other_scans_without_labels_are_named(unlabelled: tuple[CaseContent, ...], said: list[str]) -> None:
    begun = replace(begin(plan_stages()).of_cases(*BEGUN), unlabelled=of("u 7 _"))
    found = list(find_other_cases(begun, replace(begun, unlabelled=unlabelled)))
    assert len(found) == len(said)
    assert all(expected in text for expected, text in zip(said, found, strict=True))


def test_scans_without_labels_count_as_seen_and_are_written_only_where_there_are_some(tmp_path: Path) -> None:
    run = begin(plan_stages()).of_cases(*BEGUN)
    write_json(tmp_path / "run.json", run)
    assert "unlabelled" not in (tmp_path / "run.json").read_text(encoding="utf-8")
    assert (run.has_seen().scans, run.seen_beside().scans) == (("1", "3"), ())
    more = replace(run, unlabelled=of("u 7 _"))
    write_json(tmp_path / "run.json", more)
    assert read_json(tmp_path / "run.json", Run) == more
    assert (more.has_seen().scans, more.seen_beside().scans) == (("1", "3", "7"), ("7",))


def test_a_run_says_only_of_unknown_cases_that_they_are_not_known(tmp_path: Path) -> None:
    run = begin(plan_stages())
    write_json(tmp_path / "run.json", run)
    assert "cases_known" not in (tmp_path / "run.json").read_text(encoding="utf-8")
    unknown = replace(run.of_cases((), ()), cases_known=False)
    write_json(tmp_path / "run.json", unknown)
    assert read_json(tmp_path / "run.json", Run) == unknown


def see(plan: Plan, channels: tuple[int, ...] | None) -> Plan:
    """Return the plan with every configuration seeing some of the channels."""
    entries = tuple(
        replace(entry, preprocessing=replace(entry.preprocessing, channels=channels)) for entry in plan.configurations
    )
    return replace(plan, configurations=entries)


def test_a_configuration_may_see_some_of_the_channels_and_memory_and_task_count_those() -> None:
    every, some = plan_stages(), see(plan_stages(), (1,))
    check_plan(some)
    run = begin(some)
    assert run.input_channels() == some.input_channels(run.own()) == 3, "one scan, a mask per label"
    assert some.image_channels(run.own()) == 1
    assert run.task().channels == ("FLAIR",)
    assert run.channels == ("T1w", "FLAIR"), "scans have both"
    fewer, more = (predict_configuration(plan, plan.configurations[0]).total() for plan in (some, every))
    assert fewer < more


def test_channels_that_are_seen_are_written_only_where_they_are_not_all(tmp_path: Path) -> None:
    for name, channels in (("all", None), ("one", (1,))):
        run = begin(see(plan_stages(), channels))
        write_json(tmp_path / f"{name}.json", run)
        assert read_json(tmp_path / f"{name}.json", Run) == run
        written = json.loads((tmp_path / f"{name}.json").read_text(encoding="utf-8"))
        assert [entry["preprocessing"].get("channels", "none") for entry in written["configurations"]] == (
            ["none", "none"] if channels is None else [[1], [1]]
        )
    (difference,) = find_differences(begin(plan_stages()), begin(see(plan_stages(), (1,))))
    assert difference.field == f"{SECOND}.preprocessing.channels"


def test_only_channels_that_are_seen_have_intensities_of_a_unit() -> None:
    plan = set_values(plan_stages(), ["preprocessing.normalization.0=none", "preprocessing.normalization.1=scale"])
    assert begin(plan).absolute_channels() == (0, 1)
    assert begin(see(plan, (1,))).absolute_channels() == (1,)
