"""The facts of one cited result, indexed by value, name and subject, so that thousands can be asked often."""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from agent.grounding.numbers import Number
from agent.grounding.quantities import MARGINS, Quantity, quantity_of
from agent.grounding.subjects import normal_name
from agent.grounding.written_units import UNITS, converted, dimension_of, named_unit
from tools.contract import Fact

RELATIVE_TOLERANCE = 0.005
"""A number must be written at least this exactly: 600 ha for 631.9 ha is not."""
MARGIN_TOLERANCE = 0.05
"""The same for an uncertainty: two digits."""
SHARE_TOLERANCE = 0.05
"""In percentage points: a share with one decimal is exact enough, however small."""

_BASE_UNITS = {"area": "m2", "length": "m", "ratio": "%", "temperature": "K", "time": "s", "angle": "degree"}
_EXTREMES = ("minimum", "maximum")
_PLACES = frozenset({"x", "y", "longitude", "latitude", "count"})
"""What is told of the place of an extreme, and of how many pixels have it."""
_BARE = "bare"
"""Where numbers without a unit are looked up: counts, pure ratios, and values whose file states no unit."""
_BARE_UNITS = frozenset({"count", "1", "unspecified"})


@dataclass(frozen=True)
class Entry:
    """A fact, taken apart for comparison."""

    fact: Fact
    quantity: Quantity
    values: frozenset[str]
    """Values of the subject in normal form."""


@dataclass(frozen=True)
class Hit:
    """A fact that equals a number within its rounding."""

    entry: Entry
    is_exact: bool
    """False where the number is written too coarsely."""


class Evidence:
    """The facts of result `n`."""

    def __init__(self, n: int, facts: Iterable[Fact]) -> None:
        self.n = n
        read = (_read_extreme(fact) for fact in facts if math.isfinite(fact.value))
        self.entries = [Entry(fact, quantity_of(fact.name), _values(fact)) for fact in read]

    @cached_property
    def subjects(self) -> frozenset[str]:
        """All values of subjects, in normal form."""
        return frozenset(value for entry in self.entries for value in entry.values)

    def keys_of(self, value: str) -> frozenset[str]:
        """Return as what a value occurs in the subjects: `zone`, `class`, the name of a column."""
        return self._keys_of.get(value, frozenset())

    @cached_property
    def columns(self) -> frozenset[str]:
        """The measured things of the facts, columns among them."""
        return frozenset(entry.quantity.thing for entry in self.entries)

    def equal(self, number: Number) -> list[Hit]:
        """Return the facts that a number may mean by its value and unit."""
        dimension = _BARE if number.unit is None else dimension_of(number.unit)
        values, entries = self._by_dimension.get(dimension, ((), ()))
        low, high = self._reach(number, dimension)
        return [
            Hit(
                entries[at],
                self._is_exact(number, values[at], dimension, MARGIN_TOLERANCE if entries[at].fact.name in MARGINS else RELATIVE_TOLERANCE),
            )
            for at in range(bisect_left(values, low), bisect_right(values, high))
        ]

    def nearest(self, number: Number, count: int) -> list[Entry]:
        """Return the facts of the number's dimension that lie nearest to it."""
        dimension = _BARE if number.unit is None else dimension_of(number.unit)
        values, entries = self._by_dimension.get(dimension, ((), ()))
        low, high = self._reach(number, dimension)
        at = bisect_left(values, (low + high) / 2)
        around = range(max(0, at - count), min(len(values), at + count))
        return [entries[index] for index in sorted(around, key=lambda index: abs(values[index] - (low + high) / 2))[:count]]

    def about(self, named: frozenset[str]) -> Iterator[Entry]:
        """Return the facts whose subject has all those of these values that occur; none where none occurs."""
        if own := named & self.subjects:
            rarest = min((self._by_value[value] for value in own), key=len)
            yield from (entry for entry in rarest if own <= entry.values)

    def written_otherwise(self, number: Number) -> Fact | None:
        """Return a fact of the same digits in another unit."""
        for entry in self._all_by_value[bisect_left(self._all_values, number.value - number.half_unit) :]:
            if entry.fact.value > number.value + number.half_unit:
                return None
            if abs(entry.fact.value - number.value) <= RELATIVE_TOLERANCE * abs(entry.fact.value):
                return entry.fact
        return None

    def beside(self, entry: Entry, number: Number) -> list[Quantity]:
        """Return the quantities that share an entry's subject and the dimension of a number; the place of an extreme is no rival of its value."""
        dimension = _BARE if number.unit is None else dimension_of(number.unit)
        return [
            other.quantity
            for other in self._by_subject[entry.values]
            if dimension in _dimensions(other.fact) and _is_place(other.fact) == _is_place(entry.fact)
        ]

    def unnamed(self, entry: Entry, named: frozenset[str]) -> str:
        """Return what of an entry's subject a text must still name; empty where it is settled.

        It is settled where a fact of this name has just the named values as its subject, or where all facts of this name
        that have them agree in the rest of the subject.
        """
        own = named & entry.values
        exact, open_keys = self._choice(entry.fact.name, own)
        if exact:
            return "" if entry.values in exact else _listed(entry.fact, entry.fact.subject)
        missing = [key for key in entry.fact.subject if key in open_keys and normal_name(entry.fact.subject[key]) not in own]
        return _listed(entry.fact, missing)

    def _choice(self, name: str, own: frozenset[str]) -> tuple[frozenset[frozenset[str]], frozenset[str]]:
        """Return the subjects that consist of just these values, and the keys in which the facts that have them differ.

        Facts that all have the same number do not differ: it holds for whichever is meant.
        """
        if (name, own) not in self._choices:
            fitting = [entry for entry in (self.about(own) if own else self._by_name[name]) if entry.fact.name == name]
            exact = frozenset(entry.values for entry in fitting if entry.values == own)
            seen: dict[str, set[str]] = defaultdict(set)
            for entry in fitting:
                for key, value in entry.fact.subject.items():
                    seen[key].add(value)
            differ = len({entry.fact.value for entry in fitting}) > 1
            self._choices[name, own] = exact, frozenset(key for key, values in seen.items() if len(values) > 1 and differ)
        return self._choices[name, own]

    @cached_property
    def _choices(self) -> dict[tuple[str, frozenset[str]], tuple[frozenset[frozenset[str]], frozenset[str]]]:
        return {}

    @cached_property
    def _keys_of(self) -> dict[str, frozenset[str]]:
        found: dict[str, set[str]] = defaultdict(set)
        for entry in self.entries:
            for key, text in entry.fact.subject.items():
                found[normal_name(text)].add(key)
        return {value: frozenset(keys) for value, keys in found.items()}

    @cached_property
    def _by_name(self) -> dict[str, list[Entry]]:
        found: dict[str, list[Entry]] = defaultdict(list)
        for entry in self.entries:
            found[entry.fact.name].append(entry)
        return found

    @cached_property
    def _by_value(self) -> dict[str, list[Entry]]:
        found: dict[str, list[Entry]] = defaultdict(list)
        for entry in self.entries:
            for value in entry.values:
                found[value].append(entry)
        return found

    @cached_property
    def _by_subject(self) -> dict[frozenset[str], list[Entry]]:
        found: dict[frozenset[str], list[Entry]] = defaultdict(list)
        for entry in self.entries:
            found[entry.values].append(entry)
        return found

    @cached_property
    def _by_dimension(self) -> dict[str, tuple[Sequence[float], Sequence[Entry]]]:
        """Dimension → values in its base unit, ascending, and the facts that have them."""
        found: dict[str, list[tuple[float, int]]] = defaultdict(list)
        for at, entry in enumerate(self.entries):
            for dimension, value in _dimensions(entry.fact).items():
                found[dimension].append((value, at))
        return {
            dimension: ([value for value, _ in pairs], [self.entries[at] for _, at in pairs])
            for dimension, pairs in ((key, sorted(pairs)) for key, pairs in found.items())
        }

    @cached_property
    def _all_by_value(self) -> list[Entry]:
        return sorted(self.entries, key=lambda entry: entry.fact.value)

    @cached_property
    def _all_values(self) -> list[float]:
        return [entry.fact.value for entry in self._all_by_value]

    def _reach(self, number: Number, dimension: str) -> tuple[float, float]:
        """Return between which values, in the base unit, the true value may lie."""
        slack = number.tolerance + 1e-9 * abs(number.value)
        low, high = number.value - slack, number.value + slack
        base = _BASE_UNITS.get(dimension)
        if number.unit is None or base is None:
            return low, high
        return converted(low, number.unit, base), converted(high, number.unit, base)

    def _is_exact(self, number: Number, value: float, dimension: str, tolerance: float) -> bool:
        base = _BASE_UNITS.get(dimension)
        true = value if number.unit is None or base is None else converted(value, base, number.unit)
        error = abs(true - number.value)
        return error <= tolerance * abs(true) or (number.unit == "%" and number.half_unit <= SHARE_TOLERANCE and true != 0)


def _read_extreme(fact: Fact) -> Fact:
    """Return the place of an extreme as a statistic, as people speak of it: `longitude` of the maximum is `maximum of longitude`.

    The place of the extreme value itself need not be named.
    """
    of = fact.subject.get("of")
    if of in _EXTREMES:
        return replace(fact, name=f"{of} of {fact.name}", subject={key: value for key, value in fact.subject.items() if key != "of"})
    if fact.name in _EXTREMES and "place" in fact.subject:
        return replace(fact, subject={key: value for key, value in fact.subject.items() if key != "place"})
    return fact


def _is_place(fact: Fact) -> bool:
    extreme, _, of = fact.name.partition(" of ")
    return extreme in _EXTREMES and of in _PLACES


def _values(fact: Fact) -> frozenset[str]:
    """A value without a word, such as an empty name, stands for itself: no text can name it, and it is no total."""
    return frozenset(normal_name(text) or f"?{text}" for text in fact.subject.values())


def _dimensions(fact: Fact) -> dict[str, float]:
    """Return where a fact is looked up, and its value there; a column's name may state the unit that its file does not."""
    found: dict[str, float] = {}
    if fact.unit in _BARE_UNITS:
        found[_BARE] = fact.value
    unit = named_unit(quantity_of(fact.name).thing) if fact.unit == "unspecified" else fact.unit
    if unit in UNITS and (base := _BASE_UNITS.get(dimension_of(str(unit)))):
        found[dimension_of(str(unit))] = converted(fact.value, str(unit), base)
    return found


def _listed(fact: Fact, keys: Iterable[str]) -> str:
    return ", ".join(f"{key} {fact.subject[key]!r}" for key in keys)
