"""The page as one file of HTML: nothing in it is loaded from anywhere, and every text of the data is escaped."""

from __future__ import annotations

import base64
import re
from collections.abc import Sequence
from functools import cache
from importlib.resources import files

from jinja2 import Environment, FunctionLoader, StrictUndefined
from markupsafe import Markup, escape

from autoseg.reporting.page.document import Layer, Page, Volume

GENERATOR = "autoseg report"
_TEMPLATES = files("autoseg.reporting.page") / "templates"
_PAGE = "page.html.j2"
# Commands and options in sentences.
_CODE = re.compile(r"`([^`]+)`")


def render_page(page: Page) -> str:
    """Return the page as HTML."""
    return _environment().get_template(_PAGE).render(page=page, generator=GENERATOR)


def is_page(start: bytes) -> bool:
    """Return whether a file begins as a page of ours does."""
    return f'<meta name="generator" content="{GENERATOR}">'.encode() in start


def _read(name: str) -> str:
    return (_TEMPLATES / name).read_text(encoding="utf-8")


def _read_own(name: str) -> Markup:
    """Return a file of ours as it is; it is put into the page without escaping."""
    return Markup(_read(name))


def _set_code(text: str) -> Markup:
    """Return an escaped text in which what stands between backticks is set as code."""
    return Markup(_CODE.sub(r"<code>\1</code>", str(escape(text))))


def _encode_png(png: bytes) -> str:
    return f"data:image/png;base64,{base64.b64encode(png).decode()}"


def _describe_volume(volume: Volume) -> dict[str, object]:
    return {
        "shape": volume.shape,
        "spacing": volume.spacing_mm,
        "start": volume.start,
        "plain": volume.plain,
        "packed": base64.b64encode(volume.packed).decode(),
    }


def _describe_layers(layers: Sequence[Layer]) -> list[dict[str, object]]:
    return [{"name": layer.name, "values": layer.values} for layer in layers]


@cache
def _environment() -> Environment:
    environment = Environment(
        autoescape=True,
        loader=FunctionLoader(_read),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "coded": _set_code,
        "png": _encode_png,
        "drawn": Markup,
        "volume": _describe_volume,
        "layers": _describe_layers,
    }
    environment.globals |= {"own": _read_own}
    return environment
