"""Units as people write them, read into the closed list of units; the one place of grounding that converts."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final, get_args

from tools.contract import Unit
from tools.geo.units import convert, dimension

FOREIGN: Final = "foreign"
"""A unit that is none of the closed list, such as m³ or km/h: a number in it agrees with no fact."""

DATE: Final = "date"
"""Stands in for the unit of a written date."""

UNITS: frozenset[str] = frozenset(get_args(Unit))

_SYMBOLS: dict[Unit, str] = {
    "m2": r"m²|m2|m\^2|m\*\*2|sqm|sq\.?\s?m",
    "km2": r"km²|km2|km\^2|km\*\*2|sqkm|sq\.?\s?km",
    "mi2": r"mi²|mi2|mi\^2|sq\.?\s?mi",
    "ft2": r"ft²|ft2|ft\^2|sq\.?\s?ft",
    "ha": r"ha",
    "acre": r"ac",
    "km": r"km",
    "cm": r"cm",
    "mm": r"mm",
    "mi": r"mi",
    "ft": r"ft",
    "m": r"m",
    "degC": r"°\s?C|℃|degC",
    "degree": r"°(?!\s?[CFNSEW])",
    "K": r"K",
    "s": r"s",
}
"""Read with their case: M is no metre."""

_WORDS: dict[Unit, str] = {
    "m2": r"(?:square|sq\.?)\s(?:metre|meter)s?",
    "km2": r"(?:square|sq\.?)\s(?:kilometre|kilometer)s?",
    "mi2": r"(?:square|sq\.?)\smiles?",
    "ft2": r"(?:square|sq\.?)\s(?:feet|foot)",
    "ha": r"hectares?",
    "acre": r"acres?",
    "km": r"(?:kilometre|kilometer)s?",
    "cm": r"(?:centimetre|centimeter)s?",
    "mm": r"(?:millimetre|millimeter)s?",
    "mi": r"miles?",
    "ft": r"feet|foot",
    "m": r"(?:metre|meter)s?",
    "%": r"per\s?cent(?:age\spoints?)?|percentage\spoints?|pct",
    "degC": r"degrees?\s(?:celsius|c)|celsius",
    "degree": r"degrees?(?!\s(?:fahrenheit|f\b))",
    "K": r"kelvins?",
    "s": r"seconds?",
    "day": r"days?",
}

_COLUMN_ENDINGS: dict[str, Unit] = {
    "m2": "m2", "sqm": "m2", "km2": "km2", "sqkm": "km2", "ha": "ha", "hectares": "ha", "acres": "acre", "acre": "acre", "mi2": "mi2",
    "sqmi": "mi2", "ft2": "ft2", "sqft": "ft2", "m": "m", "metres": "m", "meters": "m", "km": "km", "cm": "cm", "mm": "mm", "ft": "ft",
    "feet": "ft", "mi": "mi", "miles": "mi", "pct": "%", "percent": "%", "perc": "%", "px": "1",
}  # fmt: skip
"""Last word of a column's or parameter's name → the unit that it states."""


def _alternatives(table: dict[Unit, str], prefix: str) -> str:
    return "|".join(f"(?P<{prefix}{index}>{pattern})" for index, pattern in enumerate(table.values()))


_END = r"(?![\w²³^])"
_GAP = r"(?:[\s\u00a0\u2009\u202f]{0,4}|-)"
_SYMBOL_UNIT = re.compile(rf"{_GAP}(?:{_alternatives(_SYMBOLS, 's')}){_END}|{_GAP}(?P<percent>%)")
_WORD_UNIT = re.compile(rf"{_GAP}(?:{_alternatives(_WORDS, 'w')}){_END}", re.IGNORECASE)
_RATE = re.compile(r"\s?/\s?[^\W\d_]|\s+per\s(?!(?:the|this|that|our|these)\b)[^\W\d_]", re.IGNORECASE)
_OUTSIDE = re.compile(rf"{_GAP}(?:[kcm]?m(?:³|3|\^3)(?!\w)|cubic\s\w+|°\s?F\b)", re.IGNORECASE)
_BRACKETED = re.compile(r"[(\[]\s*(?:in\s+)?([^()\[\]]{1,30}?)\s*[)\]]")
_AFTER_IN = re.compile(r"\bin\s+([^,()\[\]:]{1,30})")
_LAST_WORDS = re.compile(r"(?:^|[^\W\d]\s+|,\s*)(\S+(?:\s\S+)?)[\s:]*$")


def read_unit(text: str, start: int) -> tuple[str | None, int]:
    """Return the unit that stands at `start`, and where it ends; None and `start` where there is none.

    A unit that is divided by another, cubic units and the like give `FOREIGN`.
    """
    if outside := _OUTSIDE.match(text, start):
        return FOREIGN, outside.end()
    match = _SYMBOL_UNIT.match(text, start) or _WORD_UNIT.match(text, start)
    end = match.end() if match else start
    if rate := _RATE.match(text, end):
        return FOREIGN, rate.end()
    return (_unit_of(match.lastgroup or ""), end) if match else (None, start)


def _unit_of(group: str) -> Unit:
    """Return the unit behind a group of the patterns: `s3` is the fourth symbol, `w0` the first word."""
    return "%" if group == "percent" else tuple(_SYMBOLS if group[0] == "s" else _WORDS)[int(group[1:])]


@lru_cache(maxsize=4096)
def stated_unit(text: str) -> str | None:
    """Return the unit that a heading or lead-in states for the numbers below it: `Area (ha)`, `Areas in km²`, `Share %`."""
    whole = [match.group(1) for match in _BRACKETED.finditer(text)]
    if last := _LAST_WORDS.search(text):
        whole += [last.group(1), last.group(1).split()[-1]]
    for words in whole:
        unit, end = read_unit(words, 0)
        if unit in UNITS and end == len(words):
            return unit
    starts = (read_unit(match.group(1), 0)[0] for match in _AFTER_IN.finditer(text))
    return next((unit for unit in starts if unit in UNITS), None)


@lru_cache(maxsize=4096)
def named_unit(name: str) -> str | None:
    """Return the unit in which a column or parameter is, where its name ends in one: `area_km2`, `distance_m`."""
    parts = [part for part in re.split(r"[\W_]+", name.casefold()) if part]
    return _COLUMN_ENDINGS.get(parts[-1]) if len(parts) > 1 else None


def same_dimension(first: str, second: str) -> bool:
    """Whether two units convert into each other."""
    return first in UNITS and second in UNITS and dimension_of(first) == dimension_of(second)


@lru_cache(maxsize=64)
def dimension_of(unit: str) -> str:
    """Return the dimension of a unit of the closed list; any other text is its own."""
    return dimension(unit) if unit in UNITS else unit  # type: ignore[arg-type]  # UNITS holds exactly the members of Unit


def converted(value: float, source: str, target: str) -> float:
    """Return `value` in another unit of the same dimension."""
    return convert(value, source, target)  # type: ignore[arg-type]  # callers ask `same_dimension` first
