"""All reference pages by the names of their files; each is made anew whenever the documentation is built."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from experiments.reference.commands import write_commands
from experiments.reference.face import write_face
from experiments.reference.files import write_files, write_findings
from experiments.reference.parts import write_parts, write_plan, write_planners
from experiments.reference.recipes import write_recipes
from experiments.reference.scores import write_conventions, write_metrics


@dataclass(frozen=True, kw_only=True, slots=True)
class Page:
    """A page that is made of tables of the program."""

    title: str
    intro: str
    write: Callable[[], str]


PAGES: dict[str, Page] = {
    "commands": Page(
        title="Commands",
        intro="Every command with its options; `autoseg COMMAND --help` shows the same.",
        write=write_commands,
    ),
    "python": Page(
        title="Python functions",
        intro="The public functions, as `import autoseg` gives them. They write the same files as the commands, and "
        "their messages name arguments in the place of options. What a person can put right is raised as an "
        "`AutosegError` of `dataset_fingerprints.errors`.\n\nA function is called like its command; `label next` is "
        "`label_next`. But `radiomics` is `measure_radiomics` and `radiomics-compare` is `compare_radiomics`, because "
        "`autoseg.radiomics` is a package. Commands alone are `serve`, `container` and `bids-app`, which other "
        "programs call or build; `quality`; and `simulate` and `demo`, which try autoseg out.",
        write=write_face,
    ),
    "planners": Page(
        title="Planners and rules",
        intro="A planner turns measurements into a plan; rules decide single values of it.",
        write=write_planners,
    ),
    "plan": Page(
        title="Fields of a plan",
        intro="What stands in `plan.json`, in `splits.json` beside it, and in the `run.json` of a fold. "
        "`--set PATH=VALUE` changes a value of all configurations, `--set NAME.PATH=VALUE` of one. Of the plan itself "
        "it changes `seed`, `default_configuration`, `ensemble` and `lesion_classes`.",
        write=write_plan,
    ),
    "parts": Page(
        title="Parts and their options",
        intro="What a plan chooses by name: networks, losses, augmentations and so on, each with its options.",
        write=write_parts,
    ),
    "metrics": Page(
        title="Metrics", intro="All metrics that `autoseg evaluate` can measure (`--metric NAME`).", write=write_metrics
    ),
    "conventions": Page(
        title="Conventions of metrics",
        intro="Challenges and papers define metrics of the same name in other ways. A convention holds the definitions "
        "of one of them: `autoseg evaluate --convention NAME` scores by it.",
        write=write_conventions,
    ),
    "findings": Page(
        title="Findings of a check", intro="What `autoseg check` can find, and what it means.", write=write_findings
    ),
    "files": Page(title="Files on disk", intro="What lies where in a workspace (`ws`).", write=write_files),
    "recipes": Page(
        title="Recipes of published systems",
        intro="Each is planned and trained by `autoseg experiment run NAME`, and is a planner too (`--planner NAME`). "
        "[How to try one](../how-to/recipes.md).",
        write=write_recipes,
    ),
}


def make_page(name: str) -> str:
    """Return a reference page in Markdown."""
    page = PAGES[name]
    return f"# {page.title}\n\n{page.intro}\n\n{page.write()}"
