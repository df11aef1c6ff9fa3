"""Rules of strategy in a plan's decisions: what each did or would have done, with its evidence."""

from __future__ import annotations

from collections.abc import Sequence

from planners.plan import Decision
from planners.rules.strategies import STRATEGIES
from planners.rules.strategy_facts import Finding, StrategyFacts

UNTESTED = "untested"
# Between the state of a rule that is off and what it would have changed.
WOULD = ": would have "


def explain_strategies(chosen: Sequence[str], facts: StrategyFacts) -> tuple[Decision, ...]:
    """Say of every rule of strategy whether it is on, what it does or would have done here, and what its evidence is.

    Args:
        chosen: names of the rules that are on.
        facts: of the data set as it was planned.
    """
    return tuple(_explain(name, on=name in chosen, found=facts.find(name)) for name in STRATEGIES)


def _explain(name: str, *, on: bool, found: Finding) -> Decision:
    rule = STRATEGIES[name]
    return Decision(
        field=f"rules.{name}",
        value=_describe(name, on=on, found=found),
        rule=rule.meaning,
        evidence=f"{found.evidence}. In its source: {rule.source}. Against it: {rule.against}",
        change=_say_change(name, on=on),
    )


def _describe(name: str, *, on: bool, found: Finding) -> str:
    rule = STRATEGIES[name]
    if rule.kind == "advice":
        return f"advice: {rule.outcome}" if found.holds else f"advice, {_say_why_not(found)}"
    if rule.kind == "always":
        return f"in every plan: {rule.outcome}" if found.holds else f"in every plan, {_say_why_not(found)}"
    state = f"{'on' if on else 'off'} ({UNTESTED})"
    if not found.holds:
        return f"{state}, {_say_why_not(found)}"
    return f"{state}: {rule.outcome}" if on else f"{state}{WOULD}{rule.outcome}"


def _say_why_not(found: Finding) -> str:
    return "not for this data set" if found.holds is False else "not known of this data set"


def _say_change(name: str, *, on: bool) -> str:
    kind = STRATEGIES[name].kind
    if kind == "switched":
        return f"--rule {name}={'off' if on else 'on'}"
    return "nothing: the planner does not carry it out" if kind == "advice" else "nothing: the planner always does so"
