"""A hook of mkdocs: reference pages are made of the program's own tables each time the site is built."""

from __future__ import annotations

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

from experiments.reference import PAGES, make_page


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the reference pages, which are no files."""
    for name in PAGES:
        files.append(File.generated(config, f"reference/{name}.md", content=make_page(name)))
    return files
