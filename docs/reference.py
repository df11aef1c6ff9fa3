"""A hook of mkdocs: the reference pages, made of the program's own tables at each build, and the log of experiments."""

from __future__ import annotations

import re
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

from experiments.reference import PAGES, make_page

_CODE = re.compile(r"<code.*?</code>", re.DOTALL)
_OPTION = re.compile(r"(?<![\w-])--?[a-z][\w-]*", re.IGNORECASE)
LOG = Path(__file__).parents[1] / "experiments" / "LOG.md"


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the reference pages, which are no files, and the log of experiments, which lies elsewhere."""
    for name in PAGES:
        files.append(File.generated(config, f"reference/{name}.md", content=make_page(name)))
    files.append(File.generated(config, "log.md", content=LOG.read_text(encoding="utf-8")))
    return files


def on_page_content(html: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Mark the reference pages for their style, and options, which lines are not broken in."""
    html = _CODE.sub(lambda code: _OPTION.sub(r'<span class="option">\g<0></span>', code[0]), html)
    name = page.file.src_uri.removeprefix("reference/").removesuffix(".md")
    # Tables of recipes hold figures.
    return f'<div class="reference">{html}</div>' if name in PAGES and name != "recipes" else html
