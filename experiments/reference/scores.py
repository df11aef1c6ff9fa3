"""The reference of metrics, pooled figures and conventions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import fields
from typing import Any

from autoseg.evaluation.conventions import CONVENTIONS
from autoseg.evaluation.metrics import METRICS, About, describe_empty, describe_matching
from autoseg.evaluation.pooled import POOLED
from experiments.reference.docstrings import describe_fields, read_first_sentence, read_paragraphs, show_value
from experiments.reference.markdown import as_code, link, write_section, write_table
from planners.choices import Choice

_OWN = "The definitions of autoseg itself, by which it scores where no convention is named."
_COLUMNS = ("option", "values", "default", "meaning")


def write_metrics() -> str:
    """Return every metric with its definition, its rule for empty masks and its options."""
    return "\n".join((*_write_table_of("Of each case", METRICS), *_write_table_of("Of all cases together", POOLED)))


def write_conventions() -> str:
    """Return every convention: whose definitions it holds, and its metrics with the options that differ."""
    return "\n".join(
        write_section(
            as_code(convention.name),
            convention.about or _OWN,
            write_table(
                ("score", "metric", "options"),
                [
                    (as_code(entry.name), _link(entry.metric), _show_options(entry.metric))
                    for entry in (*convention.metrics, *convention.pooled)
                ],
            ),
        )
        for convention in CONVENTIONS.values()
    )


def _link(metric: Choice) -> str:
    return link(metric.name, metric.name, "metrics.md")


def _show_options(choice: Choice) -> str:
    return ", ".join(f"`{name}` {show_value(value)}" for name, value in choice.options.items())


def _write_table_of(title: str, table: Mapping[str, type[Any]]) -> Iterator[str]:
    rows = [(link(name, name), *_read_about(kind)) for name, kind in table.items()]
    yield write_section(title, write_table(("metric", "what it is", "better"), rows))
    told = Counter(map(read_paragraphs, table.values()))
    for name, kind in table.items():
        # What many say alike, for they are made by one function, says nothing of one.
        text = read_paragraphs(kind)
        yield _write_metric(name, kind, text if told[text] == 1 else "")


def _read_about(kind: type[Any]) -> tuple[str, str]:
    """Return a metric's definition, or its first sentence where that depends on options; and which value is better."""
    if any(field.default == "" for field in describe_fields(kind)):
        return read_first_sentence(kind), "see there"
    about: About = kind().about
    return about.definition, about.better


def _write_metric(name: str, kind: type[Any], text: str) -> str:
    described = list(describe_fields(kind))
    # A metric's description may depend on its options.
    complete = not any(field.default == "" for field in described)
    facts = [] if not complete else [(what, value) for what, value in _list_facts(kind()) if value]
    options = [(as_code(one.name), one.kind, as_code(one.default), one.meaning) for one in described]
    return write_section(
        as_code(name),
        text,
        write_table(("what", "value"), facts),
        write_table(_COLUMNS, options),
        level=3,
    )


def _list_facts(metric: Any) -> Iterator[tuple[str, str]]:
    about: About = metric.about
    yield "definition", about.definition
    yield "better", about.better
    yield "unit", about.unit
    yield "perfect", "" if about.perfect is None else f"{about.perfect:g}"
    yield "source", about.source
    if hasattr(metric, "measure"):
        yield "empty masks", describe_empty(metric)
        yield "lesions", describe_matching(metric)
    yield "symmetric", "prediction and reference can be exchanged" if about.symmetric else ""
    yield "whole image", "counts the voxels outside of both masks" if about.whole_image else ""
    yield "needs", "probability maps" if about.needs_probabilities else ""
    assert len(fields(About)) == 11  # a new one has a line here
