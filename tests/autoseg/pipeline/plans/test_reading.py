"""A workspace's only plan is taken where none is named, whatever it is called."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import pytest

import autoseg
from autoseg.pipeline.models.sources import ModelChoice
from autoseg.pipeline.plans.following import read_followed
from autoseg.pipeline.plans.reading import choose_plan, read_plan
from autoseg.progress import SilentProgress
from dataset_fingerprints.errors import PlanError, WorkspaceError
from experiments.experiment.matrix.models import find_models
from tests.synthetic.tiny import CONFIGURATION, Tiny, copy_tiny, write_tiny


@dataclass
class Said(SilentProgress):
    """Keeps what is said."""

    lines: list[str] = field(default_factory=list)

    def say(self, message: str) -> None:
        self.lines.append(message)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Tiny:
    """A workspace with a single plan, `mine`, of which fold 0 is trained without its name."""
    tiny = write_tiny(tmp_path_factory.mktemp("only"), 4)
    tiny.plan(plan_name="mine")
    said = Said()
    tiny.train(0, progress=said)
    assert said.lines[0] == f"Taking plan mine, the only one in {tiny.workspace.root}."
    return tiny


def test_the_only_plan_is_taken_by_all_that_use_a_model(trained: Tiny, tmp_path: Path) -> None:
    said, place = Said(), trained.workspace.root
    masks = autoseg.predict(trained.scan(trained.cases()[0]), tmp_path / "masks", place, progress=said)
    assert len(masks.made()) == 1
    assert "Taking plan mine, the only one" in said.lines[0]
    assert autoseg.explain(place).plan.name == "mine"
    assert autoseg.load_model(place).channels == ("T1w",)
    bundle = autoseg.export(place, tmp_path / "model.zip")
    assert autoseg.report(place, out=tmp_path / "report.html").is_file()
    assert read_followed(place).run.plan == "mine"
    (model,) = find_models((str(place),), said)
    assert (model.name, model.choice) == (
        f"mine-{CONFIGURATION}",
        ModelChoice(plan_name="mine", configurations=(CONFIGURATION,), selected=False),
    )
    # A bundle has no plans to choose from, and says so of a name.
    assert len(autoseg.predict(trained.scan(trained.cases()[0]), tmp_path / "again", model=bundle).made()) == 1
    with pytest.raises(PlanError, match="is one model"):
        autoseg.load_model(bundle, plan_name="mine")


def test_a_plan_that_is_named_is_never_another_one(trained: Tiny) -> None:
    with pytest.raises(WorkspaceError, match=r"has no plan 'default' \(plans: mine\)\. Name one with plan_name="):
        autoseg.load_model(trained.workspace, plan_name="default")


def test_of_several_plans_the_one_called_default_is_taken_or_all_are_listed(trained: Tiny, tmp_path: Path) -> None:
    tiny, said = copy_tiny(trained, tmp_path / "several"), Said()
    tiny.plan(plan_name="other")
    name = choose_plan(tiny.workspace, None, said)
    with pytest.raises(WorkspaceError, match=r"has no plan 'default' \(plans: mine, other\)\. Name one with --plan"):
        read_plan(tiny.workspace, name)
    tiny.plan()
    assert autoseg.explain(tiny.workspace).plan.name == "default"
    assert said.lines == []
