"""Reference pages hold every entry of the tables that they are made of."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import autoseg
from autoseg.cli.app import app
from autoseg.cli.commands.labelling import app as label
from autoseg.evaluation.conventions import CONVENTIONS
from autoseg.evaluation.metrics import METRICS
from autoseg.workspace.workspace import Workspace
from dataset_fingerprints.checking.kinds import KINDS
from experiments.recipes import list_recipes
from experiments.reference import PAGES, make_page
from experiments.reference.commands import GROUPS, OTHERS, list_commands
from experiments.reference.meanings import MEANINGS
from planners.parts import LESION_CLASSIFIERS, PARTS, POSTPROCESSING
from planners.rules.switches import RULES
from tests.synthetic.packages import run_with_package, write_package

LOSS = """
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class SquaredOptions:
    \"\"\"The mean squared difference of probabilities.

    Attributes:
        power: of the difference, which larger mistakes
            count more with.
    \"\"\"

    power: float = 2.0
"""


@pytest.mark.parametrize(
    ("page", "names"),
    [
        ("parts", [name for table in (*PARTS.values(), POSTPROCESSING, LESION_CLASSIFIERS) for name in table.own()]),
        ("parts", list(PARTS)),
        ("planners", [*RULES, "autoseg.planners"]),
        ("metrics", list(METRICS)),
        ("conventions", list(CONVENTIONS)),
        ("findings", list(KINDS)),
        ("recipes", list(list_recipes())),
        ("plan", ["patch_shape", "weights", "margin_mm", "unlabelled", "cases"]),
        ("files", [Workspace(root=Path("ws")).plan("PLAN").as_posix(), "ws/fingerprint.json"]),
    ],
)
def test_a_page_holds_every_name(page: str, names: list[str]) -> None:
    text = make_page(page)
    assert names
    assert [name for name in names if not re.search(rf"(^#+ |`){re.escape(name)}(`|$)", text, re.MULTILINE)] == []


def test_every_command_is_there_with_its_options_and_defaults() -> None:
    text = make_page("commands")
    for command in app.registered_commands:
        name = command.name or command.callback.__name__.replace("_", "-")  # type: ignore[union-attr]
        assert f"## autoseg {name}\n" in text
    assert "## autoseg experiment compare\n" in text
    assert "| `--patience` | whole number |  | End after so many rounds of validation without a new best. |" in text
    assert "| `DATASET` |" in text
    assert "| `--seed` | whole number | `0` |" in text
    assert "`--overwrite`" in text
    assert "| `--out`, `-o` | path |" in text


@pytest.mark.parametrize("page", ["plan", "parts", "metrics", "commands", "planners", "findings", "files", "python"])
def test_every_row_of_a_table_ends_with_a_meaning(page: str) -> None:
    rows = [line for line in make_page(page).splitlines() if line.startswith("| ")]
    assert rows
    assert [row for row in rows if row.endswith("|  |")] == []


def test_no_two_metrics_are_described_by_the_same_words() -> None:
    sections = make_page("metrics").split("\n### ")[1:]
    texts = [section.partition("\n\n")[2].partition("|")[0].strip() for section in sections]
    told = [text for text in texts if text]
    assert len(told) > 30
    assert len(told) == len(set(told))


def test_meanings_beside_the_docstrings_are_all_shown() -> None:
    text = (make_page("plan") + make_page("parts")).replace("\\_", "_")
    shown = set(re.findall(r"^\| `(\w+)` \|.*\| ([^|]+) \|$", text, re.MULTILINE))
    named = ((key.partition(".")[2], meaning) for key, meaning in MEANINGS.items())
    assert [one for one in named if one not in shown] == []


def test_a_recipe_does_not_repeat_the_list_of_another() -> None:
    text, recipes = make_page("recipes"), list_recipes()
    first, own = recipes["hetero_baseline"].not_stated[0], recipes["hetero_multiclass"].not_stated[-1]
    assert f"- as for [`hetero_baseline`](#hetero_baseline)\n- {own}\n" in text
    assert text.count(f"- {first}\n") == 1


def test_every_command_is_in_one_group() -> None:
    grouped = [f"autoseg {name}" for names in GROUPS.values() for name in names]
    assert sorted(grouped) == sorted(list_commands())
    assert f"**{OTHERS}**" not in make_page("commands")


def test_every_public_function_is_asked_for() -> None:
    text = make_page("python")
    assert re.findall(r"^::: autoseg\.pipeline\.[\w.]+\.(\w+)$", text, re.MULTILINE) == autoseg.__all__


def test_every_command_is_a_function_or_the_page_says_that_it_is_none() -> None:
    groups = {"": app, "label_": label}
    names = {
        f"{group}{(command.name or command.callback.__name__).replace('-', '_')}"  # type: ignore[union-attr]
        for group, program in groups.items()
        for command in program.registered_commands
    }
    intro = PAGES["python"].intro
    alone = {name for name in names if name not in autoseg.__all__}
    assert {name for name in alone if f"`{name.replace('_', '-')}`" not in intro} == set()
    for command in re.findall(r"`([a-z-]+)`", intro.partition("Commands alone are")[2]):
        assert command.replace("-", "_") in alone


def test_no_function_is_hidden_by_a_package_of_its_name() -> None:
    (root,) = map(Path, autoseg.__path__)
    assert [name for name in autoseg.__all__ if (root / name).is_dir() or (root / f"{name}.py").is_file()] == []


def test_a_part_of_another_package_appears_with_its_options(tmp_path: Path) -> None:
    write_package(tmp_path, "others", LOSS, {"autoseg.losses": ["squared = others:SquaredOptions"]})
    code = "from experiments.reference import make_page\nprint(make_page('parts'))"
    text = run_with_package(tmp_path, code=code).stdout
    assert "### squared {#training-loss-squared}\n\nThe mean squared difference of probabilities.\n" in text
    meaning = "of the difference, which larger mistakes count more with."
    assert f"| `power` | number | `2.0` | {meaning} |" in text


def test_options_of_parts_are_set_as_the_page_says() -> None:
    text = make_page("parts")
    paths = re.findall(r"`--set ([\w.]+)\.options\.OPTION=VALUE`", text)
    assert set(paths) - {path for path in paths if path.endswith(".0")} - {"lesion_classes"} <= set(PARTS)
    assert len(paths) == len(PARTS) + 1
    fields = {path.removesuffix(".0") for path in paths if path.endswith(".0")}
    assert fields == {"preprocessing.normalization", "sampling.augmentations"}


def test_pages_have_titles_and_no_docstring_is_left_with_its_markup() -> None:
    for name, page in PAGES.items():
        text = make_page(name)
        assert text.startswith(f"# {page.title}\n")
        assert "Attributes:" not in text
