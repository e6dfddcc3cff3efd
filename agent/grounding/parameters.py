"""Accept a number as the parameter it was: the threshold, distance or limit of a call on which the answer rests.

It must stand in the parameters of that call (or of a call that this one was built from), in the unit in which the
question gives it, and the sentence must use it as a condition ("deeper than 2 m"), not as a result ("is 2 ha").
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from agent.grounding.numbers import Number, plain
from agent.grounding.quantities import statistics_in
from agent.grounding.subjects import words_of
from agent.grounding.written_units import FOREIGN, converted, dimension_of, named_unit, same_dimension

_NUMBER_TEXT = re.compile(r"[-+]?\d+(?:\.\d+)?")
_UNITLESS_KEYS = frozenset({"limit", "k", "band", "bands", "bins", "size", "width_px"})

_HEDGES = (
    r"(?:(?:about|only|just|exactly|approximately|roughly|nearly|almost|over|more than|less than|at least|at most|up to|under|some)\s+)*"
)
_STATES = (
    r"is|are|was|were|has|have|had|covers?|covered|totals?|totalled|amounts? to|measures?|equals?|reach(?:es|ed)?|contains?|holds?|found"
)
_STATED = re.compile(rf"(?:\b(?:{_STATES}|there (?:is|are))|(?<![<>])=|:)\s*{_HEDGES}$", re.IGNORECASE)
_SUBORDINATE = re.compile(r"\b(?:where|that|which|who|whose|with|when|if|having|deemed|defined)\b", re.IGNORECASE)
_NAMED = re.compile(
    r"\b(?:threshold|cut-?off|radius|buffer(?:ed)?|limit(?:ed)?|resolution|tolerance|intervals?|spacing|simplif(?:y|ied)|generali[sz]ed)"
    r"(?:\s(?:of|is|was|by|to|with|at|distance|a|an|tolerance))*\s*[:=]?\s*$",
    re.IGNORECASE,
)
_CONDITION_BEFORE = re.compile(
    r"(?:\b(?:than|least|most|above|below|over|under|exceed(?:s|ing)?|beyond|within|inside|from|up to|past|at|after|before|since|until|every"
    r"|distance of|depths? of|magnitudes?(?: of)?|top|first|last|class|band|values?(?: of)?|codes?)|[<>≤≥±]=?)\s*$",
    re.IGNORECASE,
)
_CONDITION_BEHIND = re.compile(
    r"(?:\s*(?:\w+\s)?(?:or|and)\s+(?:more|less|deeper|shallower|higher|lower|above|below|over|under|greater|larger|bigger|smaller|longer|shorter|fewer"
    r"|older|newer|farther|further|nearer|closer|beyond|up|steeper|stronger|later|earlier|warmer|colder|better|worse)\b|\s*\+"
    r"|[\s-]*(?:buffers?|thresholds?|radius|limits?|cut-?offs?|contours?|contour lines|tolerance|intervals?|bins|resolution|of each other|as (?:a|the) threshold"
    r"|largest|biggest|smallest|highest|lowest|longest|shortest|nearest|closest|deepest|most|top|first|best|worst)\b)",
    re.IGNORECASE,
)
_COMPARED = re.compile(
    r"\b(?:(?:more|less|fewer|greater|larger|smaller|higher|lower|deeper) than|at (?:least|most)|above|below|over|under)\s*$", re.I
)
_RANGE_BEFORE = re.compile(r"\b(?:between|from)\s+[-−]?[\d.,]+[^\d]{0,12}$|[\d.,]+[^\d\s]{0,3}\s?[–-]\s?$", re.IGNORECASE)
_RANGE_BEHIND = re.compile(r"\s?[–-]\s?\d|\s+(?:and|to)\s+[\d.,]+")
_RANGE_OPEN = re.compile(r"\b(?:between|from)\s+$", re.IGNORECASE)
_CLAUSE = re.compile(r"[;|]|,\s|[.!?]\s|\b(?:while|whereas|but|and)\s", re.IGNORECASE)


@dataclass(frozen=True)
class Parameter:
    """A number in the parameters of a call."""

    value: float
    unit: str | None
    """Where the parameter's name states it: metres for `distance_m`."""
    path: str
    """Where it stands, e.g. `params/classes/0/min`."""
    column: str = ""
    """The column that a condition tests."""
    is_bare: bool = False
    """Whether it counts or numbers something, and so is never written with a unit."""


def parameters_of(params: Mapping[str, Any]) -> tuple[Parameter, ...]:  # Any: JSON as called
    """Return every number that stands in the parameters of a call."""
    return tuple(_walk(params, "params", "", ""))


def _walk(value: Any, path: str, key: str, column: str) -> Iterator[Parameter]:  # Any: JSON
    if isinstance(value, Mapping):
        tested = str(value.get("column") or "") if "op" in value else ""
        for inner_key, inner in value.items():
            yield from _walk(inner, f"{path}/{inner_key}", str(inner_key), tested)
    elif isinstance(value, list | tuple):
        for index, inner in enumerate(value):
            yield from _walk(inner, f"{path}/{index}", key, column)
    elif not isinstance(value, bool) and isinstance(value, int | float):
        yield Parameter(float(value), named_unit(column) or named_unit(key), path, column, key in _UNITLESS_KEYS)
    elif isinstance(value, str) and key == "value" and _NUMBER_TEXT.fullmatch(value):
        yield Parameter(float(value), named_unit(column), path, column)


def find_parameter(number: Number, parameters: Iterable[Parameter], asked: Sequence[Number]) -> Parameter | None:
    """Return the parameter that a number restates; `asked` are the numbers of the question."""
    return next((parameter for parameter in parameters if _is_same(number, parameter, asked)), None)


def restates_question(number: Number, asked: Sequence[Number]) -> bool:
    """Whether a number stands in the question, in a unit that agrees."""
    return any(_agree(number, other.value, other.unit) for other in asked)


def _is_same(number: Number, parameter: Parameter, asked: Sequence[Number]) -> bool:
    if parameter.is_bare:
        return number.unit is None and _equal(number.value, parameter.value)
    if parameter.unit:
        return _agree(number, parameter.value, parameter.unit)
    meant = [other for other in asked if other.unit and _gives(other, parameter.value)]
    if meant:
        return any(_agree(number, other.value, other.unit) for other in meant)
    return _equal(number.value, parameter.value) and (number.unit is None or dimension_of(number.unit) not in ("area", FOREIGN))


def _gives(asked: Number, value: float) -> bool:
    """Whether a parameter without a unit may be this number of the question, in whichever unit its data has."""
    if _equal(asked.value, value):
        return True
    if asked.unit is None or asked.value == 0:
        return False
    units = ("m", "km", "cm", "mm", "ft", "mi", "m2", "ha", "km2", "1", "%", "degC", "K")
    return any(same_dimension(asked.unit, unit) and _equal(converted(asked.value, asked.unit, unit), value) for unit in units)


def _agree(number: Number, value: float, unit: str | None) -> bool:
    if number.unit is None or unit is None:
        return _equal(number.value, value)
    return same_dimension(number.unit, unit) and _equal(converted(number.value, number.unit, unit), value)


def _equal(first: float, second: float) -> bool:
    return math.isclose(first, second, rel_tol=1e-6, abs_tol=1e-12)


def is_condition(text: str, number: Number, columns: Iterable[str] = (), question: str = "") -> bool:
    """Whether a sentence uses a number as a condition and not as a result; `columns` are those that conditions test.

    A comparison that stands word for word in the question ("less than 10 %") is the user's condition, whatever its verb.
    """
    readable = plain(text)
    compared = _COMPARED.search(readable[: number.start])
    if compared and _spaced(readable[compared.start() : number.end_unit]) in _spaced(plain(question)):
        return True
    before, behind = readable[: number.start], readable[number.end_unit :]
    clause = before[max((match.end() for match in _CLAUSE.finditer(before)), default=0) :]
    if _CONDITION_BEHIND.match(behind) or _NAMED.search(before):
        return True
    if not _SUBORDINATE.search(clause) and (_STATED.search(clause) or _is_statistic(clause)):
        return False
    return bool(_CONDITION_BEFORE.search(before)) or _is_in_range(before, behind) or _follows_column(before, columns)


def _spaced(text: str) -> str:
    return " ".join(text.casefold().split())


def _is_statistic(clause: str) -> bool:
    """Whether the clause states a mean, a maximum or the like, of which the number would be the value."""
    outright = any(not mention.value.startswith("~") for mention in statistics_in(clause))
    return outright and bool(re.search(rf"\b(?:{_STATES})\b", clause, re.IGNORECASE))


def _is_in_range(before: str, behind: str) -> bool:
    return bool(_RANGE_BEFORE.search(before) or (_RANGE_BEHIND.match(behind) and (behind[:1] in "-–" or _RANGE_OPEN.search(before))))


def _follows_column(before: str, columns: Iterable[str]) -> bool:
    """Whether the column that a condition tests is named right before the number: `magnitude 7`."""
    last = [word for word in words_of(before[-60:])[-2:] if len(word) > 2]
    parts = [part for column in columns for part in words_of(column) if len(part) > 2]
    return any(word.startswith(part) or part.startswith(word) for word in last for part in parts)
