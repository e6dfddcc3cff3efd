"""Know a class by its limits: "deeper than 2 m" names the class that a call defined as everything above 2."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from agent.grounding.citations import without_citations
from agent.grounding.numbers import Number, numbers_in, plain
from agent.grounding.parameters import is_condition
from agent.grounding.subjects import Mention, normal_name

_UP_BEFORE = re.compile(
    r"(?:\b(?:deeper|more|greater|higher|larger|steeper|warmer|longer|bigger|older|stronger) than|\b(?:above|over|exceed(?:s|ing)?|beyond|at least|from)|[>≥]=?)\s*$",
    re.IGNORECASE,
)
_DOWN_BEFORE = re.compile(
    r"(?:\b(?:shallower|less|lower|smaller|flatter|colder|shorter|fewer|weaker) than|\b(?:below|under|at most|up to|no more than)|[<≤]=?)\s*$",
    re.IGNORECASE,
)
_NOT_MORE = re.compile(r"\b(?:no|not) \w+ than\s*$", re.IGNORECASE)
_UP_BEHIND = re.compile(
    r"\s*(?:\w+\s)?(?:(?:or|and) (?:more|deeper|higher|above|over|greater|larger|beyond|up|steeper|longer|warmer|older|stronger)\b|\+)",
    re.IGNORECASE,
)
_DOWN_BEHIND = re.compile(
    r"\s*(?:\w+\s)?(?:or|and) (?:less|shallower|lower|below|under|smaller|fewer|shorter|colder|weaker)\b", re.IGNORECASE
)
_TO = re.compile(r"\s*(?:to|and|[–—-])\s*", re.IGNORECASE)


@dataclass(frozen=True)
class LimitedClass:
    """A class of a classification with its limits, in the unit of the band; None is open."""

    label: str
    low: float | None
    high: float | None


def limited_classes(params: Mapping[str, Any]) -> Iterator[LimitedClass]:  # Any: JSON as called
    """Return the classes that the parameters of a call define by limits."""
    classes = params.get("classes")
    for item in classes if isinstance(classes, list) else ():
        if isinstance(item, Mapping) and item.get("label") and (item.get("min") is not None or item.get("max") is not None):
            yield LimitedClass(str(item["label"]), item.get("min"), item.get("max"))


def classes_named_by_limits(text: str, classes: Iterable[LimitedClass]) -> list[Mention]:
    """Return the classes that a text names by all of their limits, where the limits stand."""
    known = list(classes)
    readable = plain(without_citations(text))
    numbers = [number for number in numbers_in(readable) if is_condition(readable, number)] if known else []
    found: list[Mention] = []
    for at, number in enumerate(numbers):
        end, low, high = _limits(readable, number, numbers[at + 1] if at + 1 < len(numbers) else None)
        if low is None and high is None:
            continue
        meant = (named for named in known if _same(named.low, low) and _same(named.high, high))
        found.extend(Mention(number.start, end, normal_name(named.label), frozenset({"class"})) for named in meant)
    return found


def _limits(text: str, number: Number, following: Number | None) -> tuple[int, float | None, float | None]:
    """Return where a condition ends, and its lower and upper limit; no limits where the text tells no direction."""
    if following and any(_TO.fullmatch(text, end, following.start) for end in (number.end_unit, number.end)):
        return following.end_unit, number.value, following.value
    before, behind = text[: number.start], text[number.end_unit :]
    negated = bool(_NOT_MORE.search(before))
    if _UP_BEHIND.match(behind) or (_UP_BEFORE.search(before) and not negated) or (_DOWN_BEFORE.search(before) and negated):
        return number.end_unit, number.value, None
    if _DOWN_BEHIND.match(behind) or _DOWN_BEFORE.search(before) or negated:
        return number.end_unit, None, number.value
    return number.end_unit, None, None


def _same(limit: float | None, said: float | None) -> bool:
    return limit is said if limit is None or said is None else math.isclose(limit, said, rel_tol=1e-9, abs_tol=1e-12)
