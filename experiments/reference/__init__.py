"""The reference pages of the documentation, made of the tables and types that the program itself reads."""

from __future__ import annotations

from experiments.reference.pages import PAGES, make_page

__all__ = ["PAGES", "make_page"]
