"""Write how sure areas of classes are, where a result tells it: half a pixel along outlines, and areas adjusted for the errors of a map."""

from __future__ import annotations

from agent.planner.figures import common_unit, figure
from agent.planner.ledger import Message
from agent.planner.pieces import Part
from agent.planner.wording import class_name
from tools.contract import Fact

_LIMITS = ("above ", "below ", "at least ", "at most ", "between ", "from ")
"""How labels begin that are limits of values."""
MOST_CLASSES = 3
"""Classes of which it is told; of more the result holds it."""


def certainty_lines(part: Part) -> list[str]:
    """Return sentences on the uncertainty of the classes that were asked for; none where all were, or nothing is known."""
    if not part.labels or len(part.labels) > MOST_CLASSES:
        return []
    return [line for label in part.labels for line in _of_class(part.message, label)]


def _of_class(message: Message, label: str) -> list[str]:
    n, what = message.n, f"what is {label}" if label.startswith(_LIMITS) else class_name(label)
    bounds, adjusted = _facts(message, "boundary_uncertainty", label), _facts(message, "adjusted_area", label)
    margins = _facts(message, "margin_95", label)
    whole = " over all zones" if any("zone" in fact.subject for fact in message.named("area")) and not _is_zoned(bounds) else ""
    lines = [f"The boundary uncertainty of {what}{whole}, half a pixel along its outline, is {_figure(fact)} [{n}]." for fact in bounds[:1]]
    if adjusted and margins:
        lines.append(
            f"Adjusted for the errors of the map, the area of {what}{whole} is {_figure(adjusted[0])} ± {_figure(margins[0])} (95 % interval) [{n}]."
        )
    return lines


def _facts(message: Message, name: str, label: str) -> list[Fact]:
    return [fact for fact in message.named(name) if fact.subject.get("class", "").casefold() == label.casefold()]


def _is_zoned(facts: list[Fact]) -> bool:
    return any("zone" in fact.subject for fact in facts)


def _figure(fact: Fact) -> str:
    return figure(fact, common_unit([fact], None))
