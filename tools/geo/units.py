"""Convert between the closed list of units; light to import, because the check of answers uses it too.

Factors are exact. Lengths: international yard and pound agreement of 1959 (1 ft = 0.3048 m, 1 mi = 5,280 ft).
Areas: squares of those; 1 acre = 43,560 square feet (the international acre, 4,046.8564224 m2; the US survey acre
is 4 parts per million larger and not meant). Temperature: 0 degC = 273.15 K (SI brochure, 9th edition, 2.3.1).
"""

from __future__ import annotations

from fractions import Fraction
from typing import Literal

from tools.contract import Unit
from tools.errors import ParameterError

Dimension = Literal["area", "length", "ratio", "count", "angle", "temperature", "time", "unspecified"]

_FOOT = Fraction("0.3048")
_MILE = 5280 * _FOOT

_SCALE: dict[Unit, tuple[Dimension, Fraction]] = {
    "m2": ("area", Fraction(1)),
    "ha": ("area", Fraction(10_000)),
    "km2": ("area", Fraction(1_000_000)),
    "acre": ("area", 43_560 * _FOOT**2),
    "mi2": ("area", _MILE**2),
    "ft2": ("area", _FOOT**2),
    "m": ("length", Fraction(1)),
    "km": ("length", Fraction(1000)),
    "cm": ("length", Fraction(1, 100)),
    "mm": ("length", Fraction(1, 1000)),
    "ft": ("length", _FOOT),
    "mi": ("length", _MILE),
    "1": ("ratio", Fraction(1)),
    "%": ("ratio", Fraction(1, 100)),
    "count": ("count", Fraction(1)),
    "degree": ("angle", Fraction(1)),
    "degC": ("temperature", Fraction(1)),
    "K": ("temperature", Fraction(1)),
    "s": ("time", Fraction(1)),
    "day": ("time", Fraction(86_400)),
    "unspecified": ("unspecified", Fraction(1)),
}
"""Unit → its dimension and how many base units of that dimension it is."""

_ORIGIN: dict[Unit, Fraction] = {"degC": Fraction("273.15")}
"""Unit → where its zero lies, in base units; zero where not named."""


_SPELLINGS: dict[str, Unit] = {
    **dict.fromkeys(("metre", "meter", "metres", "meters"), "m"),
    **dict.fromkeys(("kilometre", "kilometer", "kilometres", "kilometers"), "km"),
    **dict.fromkeys(("centimetre", "centimeter", "centimetres", "centimeters"), "cm"),
    **dict.fromkeys(("millimetre", "millimeter", "millimetres", "millimeters"), "mm"),
    **dict.fromkeys(("foot", "feet", "international foot"), "ft"),
    **dict.fromkeys(("percent", "per cent"), "%"),
    **dict.fromkeys(("degree", "degrees", "deg", "°"), "degree"),
    **dict.fromkeys(("degc", "°c", "celsius", "deg c", "degrees celsius", "degree celsius"), "degC"),
    **dict.fromkeys(("kelvin",), "K"),
    **dict.fromkeys(("second", "seconds", "sec"), "s"),
    **dict.fromkeys(("days", "d"), "day"),
    **dict.fromkeys(("hectare", "hectares"), "ha"),
    **dict.fromkeys(("m²", "m^2", "square metre", "square metres"), "m2"),
    **dict.fromkeys(("km²", "km^2"), "km2"),
    **dict.fromkeys(("dimensionless", "unitless"), "1"),
}
"""Spelling in files, folded → unit."""


def dimension(unit: Unit) -> Dimension:
    """Return what kind of quantity `unit` measures; only units of one dimension convert into each other."""
    return _SCALE[unit][0]


def convert(value: float, from_unit: Unit, to_unit: Unit) -> float:
    """Return `value` in `to_unit`, exact but for the last rounding to a float; the same unit returns `value` untouched.

    Raises ParameterError where the units measure different things. Temperatures are points on a scale, not
    differences: 0 degC is 273.15 K.
    """
    if from_unit == to_unit:
        return value
    (kind, scale), (target_kind, target_scale) = _SCALE[from_unit], _SCALE[to_unit]
    if kind != target_kind:
        fitting = ", ".join(unit for unit, (other, _) in _SCALE.items() if other == kind)
        raise ParameterError(
            f"A value in {from_unit!r} ({kind}) cannot be given in {to_unit!r} ({target_kind}).",
            hint=f"Units that fit: {fitting}.",
        )
    base = Fraction(value) * scale + _ORIGIN.get(from_unit, Fraction(0))
    return float((base - _ORIGIN.get(to_unit, Fraction(0))) / target_scale)


def norm_unit(text: str | None) -> Unit:
    """Return the unit that a file's free text names, `unspecified` where it names none of the closed list."""
    plain = (text or "").strip()
    if plain in _SCALE:
        return plain
    return _SPELLINGS.get(plain.casefold(), "unspecified")
