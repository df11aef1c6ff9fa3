import json

from planners import PlanRequest, explain_plan, make_plan, plan_as_json
from planners.editing.overrides import set_values
from planners.plan import Plan
from planners.rules.switches import RULES
from tests.synthetic.fingerprints import SyntheticCase, make_fingerprint, repeat_case
from tests.synthetic.machines import GPU


def make_example() -> Plan:
    fingerprint = make_fingerprint(repeat_case(20, SyntheticCase(body_shape=(35, 50, 36))))
    return make_plan(fingerprint, PlanRequest(machine=GPU, memory_gb=8.0))


def test_every_row_fills_its_columns() -> None:
    for section in explain_plan(make_example()):
        assert section.rows
        assert all(len(row) == len(section.columns) for row in section.rows)
        assert all(text for row in section.rows for text in row)


def test_every_decision_is_shown() -> None:
    plan = make_example()
    assert len(explain_plan(plan)[-1].rows) == len(plan.decisions)


def test_json_has_what_other_programs_ask_for() -> None:
    plan = make_example()
    values = json.loads(json.dumps(plan_as_json(plan)))
    assert values == plan_as_json(plan)
    fullres = values["configurations"]["3d_fullres"]
    assert fullres["patch_shape"] == list(plan.configurations[1].patch_shape)
    assert fullres["spacing_mm"] == [1.0, 1.0, 1.0]
    parts = dict(fullres["memory_bytes"])
    assert parts.pop("total") == sum(parts.values())
    assert fullres["batch_size"] == plan.configurations[1].batch_size
    assert {"field", "value", "rule", "evidence", "change"} == set(values["decisions"][0])


def test_decisions_are_reported_in_words_and_say_what_would_change_them() -> None:
    columns, rows = explain_plan(make_example())[-1].columns, explain_plan(make_example())[-1].rows
    reported = {row[columns.index("field")]: dict(zip(columns, row, strict=True)) for row in rows}
    patch = reported["3d_fullres.patch_shape"]
    assert patch["what"] == "What the network sees at once"
    assert patch["what would change it"].endswith("or --set 3d_fullres.patch_shape=...")
    assert reported["2d.slice_axis"]["what would change it"] == "scans whose voxels are longest along another axis"
    assert reported["preprocessing.normalization.T1w"]["what"] == "How intensities are made comparable"


def test_what_concerns_one_configuration_is_reported_together() -> None:
    fields = [row[1].split(".")[0] for row in explain_plan(make_example())[-1].rows]
    assert fields.index("3d_fullres") == fields.index("2d") + fields.count("2d")
    assert fields[-len(RULES) :] == ["rules"] * len(RULES)
    assert fields[-len(RULES) - 1] == "3d_fullres"


def test_parts_within_a_part_are_shown_as_parts() -> None:
    transforms = (
        '[{"name": "MirrorTransform", "options": {"axes": [0, 1]}}, {"name": "NumpyToTensor", "options": {"p": 0.25}}]'
    )
    plan = set_values(
        make_example(),
        ("sampling.augmentations.0=batchgenerators", f"sampling.augmentations.0.options.transforms={transforms}"),
    )
    shown = {row[0]: row[1] for row in explain_plan(plan)[1].rows}
    assert (
        shown["augmentation"] == "batchgenerators (transforms [MirrorTransform (axes [0, 1]), NumpyToTensor (p 0.25)])"
    )
