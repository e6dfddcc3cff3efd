"""Which rows of a table satisfy conditions on its columns."""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence
from math import isfinite
from typing import TYPE_CHECKING, Any

from tools.errors import ParameterError
from tools.geotypes import Condition, Where

if TYPE_CHECKING:
    import numpy as np
    import pandas

    Mask = np.ndarray[Any, np.dtype[np.bool_]]

ORDERING = ("<", "<=", ">", ">=")
MOST_NAMED = 40
"""Most columns that an error names."""
NUMBER = re.compile(r"\s*[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?\s*")
"""Text that is a number: no digits of other scripts, no underscores, no words such as nan."""
LONGEST_NUMBER = 40
"""Most characters of a number written as text; a float holds 17 digits."""
INSTANT = re.compile(
    r"[0-9]{4}(?:-?[0-9]{2}(?:-?[0-9]{2}(?:[T ][0-9]{2}(?::?[0-9]{2}(?::?[0-9]{2}(?:\.[0-9]{1,9})?)?)?(?:Z|[-+][0-9]{2}(?::?[0-9]{2})?)?)?)?)?"
)
"""ISO 8601; pandas would also take `now`, which is another instant at every call."""


def matching(frame: pandas.DataFrame, where: Where) -> Mask:
    """Return one boolean per row: whether it satisfies all (or any) of the conditions; all rows without conditions.

    Text is compared without case; a null satisfies only `is null`, as in SQL. A number compared with a text column is
    compared as text for equality, and refused for order. Dates compare with ISO 8601 text.
    Raises ParameterError for an unknown column, naming the nearest, and for a value that does not fit the column.
    """
    import numpy as np

    check_columns([condition.column for condition in where.conditions], list(frame.columns))
    if not where.conditions:
        return np.ones(len(frame), dtype=bool)
    masks = [_mask(frame[condition.column], condition) for condition in where.conditions]
    combined: Mask = np.logical_and.reduce(masks) if where.match == "all" else np.logical_or.reduce(masks)
    return combined


def check_columns(wanted: Sequence[str], there: Sequence[str]) -> None:
    """Raise ParameterError for the first wanted column that is not there."""
    for name in wanted:
        if name not in there:
            folded = {column.casefold(): column for column in there}
            near = [folded[match] for match in difflib.get_close_matches(name.casefold(), list(folded), n=3, cutoff=0.5)]
            more = f" and {len(there) - MOST_NAMED} more" if len(there) > MOST_NAMED else ""
            hint = f"Nearest: {', '.join(near)}." if near else f"The columns are: {', '.join(there[:MOST_NAMED]) or 'none'}{more}."
            raise ParameterError(f"There is no column {_shown(name)}.", hint=hint)


def _mask(column: pandas.Series[Any], condition: Condition) -> Mask:
    present: Mask = column.notna().to_numpy(dtype=bool)
    if condition.op in ("is null", "is not null"):
        return ~present if condition.op == "is null" else present
    if hasattr(column, "cat"):  # each value once, whatever the number of rows
        once = _satisfied(column.cat.categories.to_series(), condition)
        repeated: Mask = once[column.cat.codes.to_numpy()] & present if len(once) else present
        return repeated
    return _satisfied(column, condition) & present


def _satisfied(column: pandas.Series[Any], condition: Condition) -> Mask:
    """Test every row; what nulls give does not matter."""
    if condition.op == "contains":
        return _contains(column, str(condition.value))
    wanted = condition.value if isinstance(condition.value, list) else [condition.value]
    values, operands = _comparable(column, wanted, condition)
    if condition.op in ORDERING:
        return _ordered(values, condition.op, operands[0])
    equal: Mask = values.isin(operands).to_numpy(dtype=bool)
    return ~equal if condition.op in ("!=", "not in") else equal


def _contains(column: pandas.Series[Any], part: str) -> Mask:
    folded = part.casefold()
    found: Mask = column.map(lambda value: folded in str(value).casefold()).to_numpy(dtype=bool)
    return found


def _ordered(values: pandas.Series[Any], op: str, operand: Any) -> Mask:  # Any: number, text or timestamp, as the column
    comparisons = {"<": values.lt, "<=": values.le, ">": values.gt, ">=": values.ge}
    mask: Mask = comparisons[op](operand).to_numpy(dtype=bool, na_value=False)
    return mask


def _comparable(column: pandas.Series[Any], wanted: Sequence[Any], condition: Condition) -> tuple[pandas.Series[Any], list[Any]]:
    """Return the column and the operands in one type; text is folded."""
    from pandas.api.types import is_bool_dtype, is_datetime64_any_dtype, is_numeric_dtype

    if is_bool_dtype(column):
        return column, [_boolean(value, condition) for value in wanted]
    if is_numeric_dtype(column):
        return column, [_number(value, condition) for value in wanted]
    if is_datetime64_any_dtype(column):
        return column, [_instant(value, column, condition) for value in wanted]
    if condition.op in ORDERING and not isinstance(wanted[0], str):
        raise _misfit(condition, wanted[0], "text")
    return column.map(_folded, na_action="ignore").astype(object), [_folded(value) for value in wanted]


def _folded(value: object) -> str:
    """Return text without case; whole numbers without a decimal point, so that 7 finds the text '7'."""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).casefold()


def _boolean(value: object, condition: Condition) -> bool:
    known = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
    text = _folded(value)
    if text not in known:
        raise _misfit(condition, value, "boolean")
    return known[text]


def _number(value: object, condition: Condition) -> int | float:
    """Return a number; whole ones stay whole, so that identifiers beyond 2**53 are told apart."""
    if isinstance(value, str):
        if len(value) > LONGEST_NUMBER or not NUMBER.fullmatch(value):
            raise _misfit(condition, value, "numeric")
        value = int(value) if value.strip().lstrip("+-").isdigit() else float(value)
    if not isinstance(value, (int, float)) or not isfinite(value):
        raise _misfit(condition, value, "numeric")
    return int(value) if isinstance(value, bool) else value


def _instant(value: object, column: pandas.Series[Any], condition: Condition) -> pandas.Timestamp:
    import pandas

    text = str(value).strip()
    try:
        if not INSTANT.fullmatch(text):
            raise ValueError("not ISO 8601")
        instant = pandas.Timestamp(text)
    except ValueError as error:
        raise _misfit(condition, value, "a date") from error
    zone = getattr(column.dtype, "tz", None)
    if instant.tzinfo is None:
        return instant.tz_localize(zone)
    return instant.tz_convert(zone)


def _misfit(condition: Condition, value: object, kind: str) -> ParameterError:
    return ParameterError(
        f"The value {_shown(value)} of the condition on column {_shown(condition.column)} does not fit: the column is {kind}.",
        hint="Give a value of that type; describe_dataset shows types and values.",
    )


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:80]}…"
