"""Numbers with units, and what arithmetic may do with them."""

from __future__ import annotations

import math
from dataclasses import dataclass

from tools.contract import Unit
from tools.errors import DataError, ParameterError
from tools.geo.units import convert, dimension

BARE_JOINS: tuple[Unit, ...] = ("count", "1", "unspecified")
"""Units that a bare number of the question may be added to or compared with; beside an area it could mean m2 or ha."""

_PURE = ("ratio", "count")
_LENGTH_POWER = {"length": 1, "area": 2}
_POWER_UNIT: dict[int, Unit] = {1: "m", 2: "m2"}


@dataclass(frozen=True)
class Quantity:
    """A finite number and its unit; raises DataError for a number that is not finite."""

    value: float
    unit: Unit | None
    """None for a bare number of the question, which states no unit."""

    def __post_init__(self) -> None:
        if not math.isfinite(self.value):
            raise DataError("The arithmetic left the range of numbers.", hint="Check the facts that went in.")

    @property
    def is_pure(self) -> bool:
        """Whether it only scales what it is multiplied with: a bare number, a ratio, a percentage, a count."""
        return self.unit is None or dimension(self.unit) in _PURE

    @property
    def factor(self) -> float:
        """The value of a pure quantity as a factor: 25 % is 0.25."""
        return self.value if self.unit is None or self.unit == "count" else convert(self.value, self.unit, "1")

    def __str__(self) -> str:
        return f"{self.value:g}" if self.unit is None else f"{self.value:g} {self.unit}"


def aligned(first: Quantity, second: Quantity) -> tuple[float, float, Unit | None]:
    """Return both values in one unit, that of the first (of the second where the first is bare).

    Raises ParameterError where they measure different things, or where a bare number stands beside a unit that has
    multiples.
    """
    if first.unit is None or second.unit is None:
        unit = first.unit or second.unit
        if unit is not None and unit not in BARE_JOINS:
            raise ParameterError(
                f"{first} and {second} cannot be combined: one of them has no unit.",
                hint="Numbers of the question may scale a fact; they can be added or compared only to counts and plain numbers.",
            )
        return first.value, second.value, unit
    return first.value, convert(second.value, second.unit, first.unit), first.unit


def add(first: Quantity, second: Quantity) -> Quantity:
    """Return the sum, in the unit of the first; temperatures have none."""
    _refuse_temperature("+", first, second)
    left, right, unit = aligned(first, second)
    return Quantity(left + right, unit)


def subtract(first: Quantity, second: Quantity) -> Quantity:
    """Return the difference, in the unit of the first; that of two temperatures is in K."""
    left, right, unit = aligned(first, second)
    return Quantity(left - right, "K" if unit == "degC" else unit)


def multiply(first: Quantity, second: Quantity) -> Quantity:
    """Return the product: m x m is m2, anything times a pure number keeps its unit; ParameterError where no unit fits."""
    _refuse_temperature("*", first, second)
    if "unspecified" in (first.unit, second.unit):
        return Quantity(_plain(first) * _plain(second), "unspecified")
    if first.is_pure and second.is_pure:
        unit: Unit | None = "count" if "count" in (first.unit, second.unit) else "1"
        return Quantity(first.factor * second.factor, None if first.unit is second.unit is None else unit)
    if second.is_pure:
        return Quantity(first.value * second.factor, first.unit)
    if first.is_pure:
        return Quantity(first.factor * second.value, second.unit)
    return _with_power("*", first, second, _base(first) * _base(second), _power(first) + _power(second))


def divide(first: Quantity, second: Quantity) -> Quantity:
    """Return the quotient: area / area is a ratio, m2 / m is m, a total by a count keeps its unit.

    Raises DataError for a division by zero, ParameterError where no unit of the closed list fits.
    """
    _refuse_temperature("/", first, second)
    if second.value == 0:
        raise DataError(
            f"{first} cannot be divided by zero.", hint="Check the fact that is zero; a share or a mean of nothing has no value."
        )
    if "unspecified" in (first.unit, second.unit):
        return Quantity(_plain(first) / _plain(second), "unspecified")
    if second.is_pure:
        return Quantity(*_divided_by_pure(first, second))
    if first.unit is not None and second.unit is not None and dimension(first.unit) == dimension(second.unit):
        left, right, _ = aligned(first, second)
        return Quantity(left / right, "1")
    return _with_power("/", first, second, _base(first) / _base(second), _power(first) - _power(second))


def share(part: Quantity, whole: Quantity) -> Quantity:
    """Return the part as a percentage of the whole; DataError where the whole is zero."""
    _refuse_temperature("share", part, whole)
    left, right, _ = aligned(part, whole)
    if right == 0:
        raise DataError(f"A share of {whole} has no value.", hint="The whole must not be zero.")
    return Quantity(100 * left / right, "%")


def change(before: Quantity, after: Quantity) -> Quantity:
    """Return the change from before to after in percent of the size of before; DataError where that is zero."""
    _refuse_temperature("change", before, after)
    left, right, _ = aligned(before, after)
    if left == 0:
        raise DataError(f"A relative change from {before} has no value.", hint="Give the absolute difference instead: after - before.")
    return Quantity(100 * (right - left) / abs(left), "%")


def _divided_by_pure(first: Quantity, second: Quantity) -> tuple[float, Unit | None]:
    if not first.is_pure:
        return first.value / second.factor, first.unit
    if first.unit is None and second.unit is None:
        return first.value / second.value, None
    return first.factor / second.factor, "count" if first.unit == "count" and second.unit != "count" else "1"


def _plain(quantity: Quantity) -> float:
    return quantity.factor if quantity.is_pure else quantity.value


def _power(quantity: Quantity) -> float:
    """Return the power of length in a unit; not a number for a unit that is no power of length."""
    return 0 if quantity.unit is None else _LENGTH_POWER.get(dimension(quantity.unit), 0 if quantity.is_pure else math.nan)


def _base(quantity: Quantity) -> float:
    """Return the value in m or m2; of a pure number its factor; of anything else as it stands."""
    if quantity.unit is None or quantity.is_pure:
        return quantity.factor
    power = _LENGTH_POWER.get(dimension(quantity.unit))
    return quantity.value if power is None else convert(quantity.value, quantity.unit, _POWER_UNIT[power])


def _with_power(sign: str, first: Quantity, second: Quantity, value: float, power: float) -> Quantity:
    if power not in _POWER_UNIT:
        raise ParameterError(
            f"{first} {sign} {second} has no unit of the closed list.",
            hint="Only lengths and areas may be multiplied with or divided by each other, up to m2.",
        )
    return Quantity(value, _POWER_UNIT[int(power)])


def _refuse_temperature(operation: str, *quantities: Quantity) -> None:
    if any(quantity.unit in ("degC", "K") for quantity in quantities):
        raise ParameterError(
            f"Temperatures cannot go into {operation!r}: their zero is a convention.",
            hint="Their difference (a - b), mean, min and max can be computed.",
        )
