"""Pages of HTML as a test looks at them: their elements, what they would load, their texts."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from html.parser import HTMLParser

_ADDRESSES = ("src", "href", "xlink:href", "srcset", "poster", "action", "data", "background", "ping")
_IN_STYLE = re.compile(r"url\(([^)]*)\)|@import")


@dataclass(kw_only=True)
class Parsed:
    """What a page is made of.

    Attributes:
        addresses: of everything that it would load or lead to.
        handlers: attributes that run scripts.
        headings: texts of h1, h2 and h3.
        texts: what is read in it.
    """

    tags: Counter[str] = field(default_factory=Counter)
    addresses: list[str] = field(default_factory=list)
    handlers: list[str] = field(default_factory=list)
    headings: list[str] = field(default_factory=list)
    sections: list[str] = field(default_factory=list)
    lacking_alt: int = 0
    text: str = ""

    def loaded(self) -> list[str]:
        """Return the addresses that are neither in the page nor a place in it."""
        return [address for address in self.addresses if not re.match(r"#|data:", address)]


def parse_page(html: str) -> Parsed:
    """Return what a page is made of."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    return reader.parsed


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parsed, self._open = Parsed(), ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = self.parsed
        found.tags[tag] += 1
        self._open = tag
        for name, value in attrs:
            text = value or ""
            if name in _ADDRESSES:
                found.addresses.append(text)
            if name.startswith("on"):
                found.handlers.append(f"{name}={text}")
            if name == "style":
                found.addresses += [match.group(1) or "" for match in _IN_STYLE.finditer(text)]
        given = dict(attrs)
        if tag == "img" and not given.get("alt"):
            found.lacking_alt += 1
        if tag == "section" and given.get("id"):
            found.sections.append(given["id"] or "")

    def handle_data(self, data: str) -> None:
        if self._open == "style":
            self.parsed.addresses += [match.group(1) or match.group() for match in _IN_STYLE.finditer(data)]
        elif self._open != "script":
            self.parsed.text += data
            if self._open in ("h1", "h2", "h3") and data.strip():
                self.parsed.headings.append(data.strip())

    def handle_endtag(self, tag: str) -> None:
        self._open = ""
