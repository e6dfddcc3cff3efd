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
    r"(?:\b(?:shallower|less|lower|smaller|flatter|colder|shorter|fewer|weaker) than|\b(?:below|under|at most|up to)|[<≤]=?)\s*$",
    re.IGNORECASE,
)
_NOT_MORE = re.compile(r"\b(?:no|not) (?:more|deeper|higher|greater|larger|longer|steeper) than\s*$", re.IGNORECASE)
_NOT_LESS = re.compile(r"\b(?:no|not) (?:less|shallower|lower|smaller|shorter|fewer) than\s*$", re.IGNORECASE)
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
        condition = _condition(readable, number, numbers[at + 1] if at + 1 < len(numbers) else None)
        if condition.low is None and condition.high is None:
            continue
        meant = (named for named in known if _same(named.low, condition.low) and _same(named.high, condition.high))
        found.extend(Mention(condition.start, condition.end, normal_name(named.label), frozenset({"class"})) for named in meant)
    return found


@dataclass(frozen=True)
class _Condition:
    """The words of a condition, `deeper than 2 m`, and its limits; no limits where they tell no direction."""

    start: int
    end: int
    low: float | None = None
    high: float | None = None


def _condition(text: str, number: Number, following: Number | None) -> _Condition:
    if following and any(_TO.fullmatch(text, end, following.start) for end in (number.end_unit, number.end)):
        return _Condition(number.start, following.end_unit, number.value, following.value)
    before = text[: number.start]
    for pattern in (_UP_BEHIND, _DOWN_BEHIND):
        if behind := pattern.match(text, number.end_unit):
            return _directed(number.start, behind.end(), number.value, is_up=pattern is _UP_BEHIND)
    for pattern in (_NOT_MORE, _NOT_LESS, _UP_BEFORE, _DOWN_BEFORE):
        if words := pattern.search(before):
            return _directed(words.start(), number.end_unit, number.value, is_up=pattern in (_NOT_LESS, _UP_BEFORE))
    return _Condition(number.start, number.end_unit)


def _directed(start: int, end: int, limit: float, *, is_up: bool) -> _Condition:
    return _Condition(start, end, limit, None) if is_up else _Condition(start, end, None, limit)


def _same(limit: float | None, said: float | None) -> bool:
    return limit is said if limit is None or said is None else math.isclose(limit, said, rel_tol=1e-9, abs_tol=1e-12)
