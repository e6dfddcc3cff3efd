"""Write numbers: units as people read them, at least four significant digits, thousands apart."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from tools.contract import Fact, Unit
from tools.geo.units import convert, dimension

SYMBOLS = {
    "m2": "m²",
    "km2": "km²",
    "mi2": "mi²",
    "ft2": "ft²",
    "acre": "acres",
    "degC": "°C",
    "degree": "°",
    "unspecified": "",
    "1": "",
    "count": "",
}
COORDINATES = ("x", "y", "longitude", "latitude")
"""Facts that say where something is."""
_BIG_AREA_M2 = 1e8
"""From here on (10,000 ha) areas are told in km²."""
_SMALL_AREA_M2 = 1e3
"""Below this (0.1 ha) areas are told in m²."""
_KILOMETRE_M = 1e3


def number_text(value: float) -> str:
    """Write a number: whole numbers in full, else two decimals, more where four significant digits need them."""
    if value == int(value) and abs(value) < 1e15:
        return f"{int(value):,}"
    size = abs(value)
    decimals = 2 if size >= 10 else 3 - math.floor(math.log10(size))
    if decimals > 12:
        return f"{value:.3e}"
    text = f"{value:,.{decimals}f}"
    return text.rstrip("0").rstrip(".") if size >= 10 else text


def with_unit(value: float, unit: str) -> str:
    """Write a number and its unit."""
    symbol = SYMBOLS.get(unit, unit)
    return number_text(value) if not symbol else f"{number_text(value)}{'' if symbol == '°' else ' '}{symbol}"


def common_unit(facts: Sequence[Fact], asked: str | None) -> Unit:
    """Choose the unit of a list of facts of one kind: the one asked for where it fits, else one that suits the largest."""
    own = facts[0].unit
    if asked and asked != own and fits(asked, own):
        return asked  # type: ignore[return-value]  # units of questions are members of the closed list
    if asked == own:
        return own
    largest = max(abs(fact.value) for fact in facts)
    if own == "m2":
        return "km2" if largest >= _BIG_AREA_M2 else "ha" if largest >= _SMALL_AREA_M2 or largest == 0 else "m2"
    if own == "m" and facts[0].name in ("length", "length_3d", "perimeter", "distance"):
        return "km" if largest >= _KILOMETRE_M else "m"
    return own


def fits(unit: str, own: str) -> bool:
    """Whether one unit can be given in another."""
    return dimension(unit) == dimension(own)  # type: ignore[arg-type]  # both are members of the closed list


def figure(fact: Fact, unit: Unit) -> str:
    """Write the value of a fact in a unit; a coordinate in its own, to about a decimetre, without separators of thousands."""
    if fact.name in COORDINATES:
        own = "" if fact.unit == "unspecified" else f" {fact.unit}"
        return f"{fact.value:.6f}°" if fact.unit == "degree" else f"{fact.value:.1f}{own}"
    return with_unit(convert(fact.value, fact.unit, unit), unit)


def listing(names: Iterable[str], last: str = "and") -> str:
    """Join names: `a, b and c`."""
    items = list(names)
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} {last} {items[-1]}" if items else ""
