"""Columns of text that are numbers: read by the one way in which all of their cells can be read, else left and told."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

from tools.vector.changes import Change

if TYPE_CHECKING:
    import pandas

Decimal = Literal[".", ","]
Number = int | float
GROUPING = {".": ",", ",": "."}
"""Decimal mark → the mark that may part thousands beside space and apostrophe."""
PATTERNS = {
    mark: re.compile(
        rf"([+-]?)(0|[1-9]\d*|[1-9]\d{{0,2}}(?:(?P<group>[ '{re.escape(group)}])\d{{3}})(?:(?P=group)\d{{3}})*)({re.escape(mark)}\d+)?([eE][+-]?\d{{1,3}})?"
    )
    for mark, group in GROUPING.items()
}
"""Decimal mark → a number: thousands parted throughout or not at all, no leading zeros, since `007` is a code."""
ODD_MARKS = str.maketrans({"\u2212": "-", "\u2019": "'", "\u00a0": " ", "\u2009": " ", "\u202f": " "})
"""Minus sign, apostrophe and spaces of typesetters."""
MOST_DIGITS = 15
"""Digits that a 64-bit float holds for sure; longer whole numbers are identifiers."""
CODE_WORDS = frozenset(
    ("id", "ids", "code", "codes", "zip", "zipcode", "postcode", "postal", "plz", "phone", "fax", "tel", "isin", "iban", "gid", "uuid", "key", "no", "nr")
)  # fmt: skip
"""Words in the name of a column whose digits are no number to reckon with."""
MOSTLY = 0.5


def as_numbers(
    column: pandas.Series[Any], decimal: Decimal | None, *, chosen: bool
) -> tuple[pandas.Series[Any], tuple[Change, ...], tuple[str, ...]]:
    """Return a text column as numbers, with a change per cell, where every filled cell is a number and in one way only.

    Else the column stays, and a sentence tells what stood against it, if most cells look like numbers: two readings (`1.234`),
    cells that are no numbers, digits of an identifier (by the column's name, unless it was `chosen`, or by their length).
    """
    filled = column.notna()
    cells = [value for value in column[filled] if isinstance(value, str)]
    if not cells or len(cells) < int(filled.sum()):
        return column, (), ()
    tidy = [cell.strip().translate(ODD_MARKS) for cell in cells]
    readings = {mark: read for mark in PATTERNS if decimal in (None, mark) and (read := _read(tidy, mark)) is not None}
    against = _against(str(column.name), tidy, readings, chosen=chosen)
    if against is not None:
        return column, (), (f"{column.name}: {against}",) if against else ()
    numbers = next(iter(readings.values()))
    changes = tuple(
        Change(int(fid), "number", str(column.name), cell, repr(number))
        for fid, cell, number in zip(column.index[filled], cells, numbers, strict=True)
    )
    return _filled(column, filled, numbers), changes, ()


def _read(cells: Sequence[str], mark: str) -> list[Number] | None:
    """Return the numbers that cells are by a decimal mark; None where one is none."""
    numbers: list[Number] = []
    for cell in cells:
        match = PATTERNS[mark].fullmatch(cell)
        if match is None:
            return None
        sign, whole, fraction, exponent = match[1], re.sub(r"\D", "", match[2]), match[4], match[5]
        if fraction is None and exponent is None:
            numbers.append(int(sign + whole))
        else:
            numbers.append(float(f"{sign}{whole}.{(fraction or '.0')[1:]}{exponent or ''}"))
    return numbers


def _against(name: str, cells: Sequence[str], readings: dict[str, list[Number]], *, chosen: bool) -> str | None:
    """Say why a column stays text; "" where it is plainly text, None where it can be read in one way."""
    if not readings:
        odd = [cell for cell in cells if not any(pattern.fullmatch(cell) for pattern in PATTERNS.values())]
        if len(odd) >= MOSTLY * len(cells):
            return ""
        if not odd:
            return "its numbers have decimal marks of both kinds, so it stays text"
        return f"{len(odd)} of {len(cells)} cells are no numbers (such as {odd[0]!r}), so it stays text"
    if len(readings) > 1:
        first, second = readings.values()
        unlike = next((position for position, (a, b) in enumerate(zip(first, second, strict=True)) if a != b), None)
        if unlike is not None:
            return f"{cells[unlike]!r} may be {first[unlike]} or {second[unlike]}, so it stays text; 'decimal' says which"
    numbers = next(iter(readings.values()))
    if not chosen and CODE_WORDS.intersection(re.split(r"[\W_\d]+", name.casefold())):
        return "by its name it holds identifiers, so it stays text unless it is named in 'columns'"
    if any(isinstance(number, int) and len(str(abs(number))) > MOST_DIGITS for number in numbers):
        return f"it holds whole numbers of more than {MOST_DIGITS} digits, so it stays text"
    return None


def _filled(column: pandas.Series[Any], filled: pandas.Series[bool], numbers: list[Number]) -> pandas.Series[Any]:
    import numpy as np
    import pandas

    whole = all(isinstance(number, int) for number in numbers)
    if whole and filled.all():
        return pandas.Series(np.array(numbers, dtype=np.int64), index=column.index, name=column.name)
    values = np.full(len(column), np.nan)
    values[filled.to_numpy()] = numbers
    return pandas.Series(values, index=column.index, name=column.name)
