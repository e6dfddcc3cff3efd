"""Text values made uniform: spaces, Unicode form, words that mean no value, spellings that differ only in case."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from typing import TYPE_CHECKING, Any, Literal

from tools.vector.changes import Change

if TYPE_CHECKING:
    import pandas

MISSING = ("", "-", "--", "n/a", "#n/a", "null", "<null>", "(null)", "nan")
"""Cells that hold no value, compared without case. Not among them: `NA`, Namibia's code and sodium's; `none`, often an answer."""
SPACES = re.compile(r"\s+")
Case = Literal["unify", "lower", "upper"] | None


def tidy_text(
    column: pandas.Series[Any], case: Case, missing_values: list[str] | None
) -> tuple[pandas.Series[Any], tuple[Change, ...], tuple[str, ...]]:
    """Return a column with tidy texts, what changed, and nothing left: runs of spaces become one, outer ones go, text is in form NFC.

    Cells that are no text stay as they are. Words that mean no value become null.
    """
    missing = {_plain(word).casefold() for word in (MISSING if missing_values is None else missing_values)}
    cells = [value if isinstance(value, str) else None for value in column]
    tidy = [None if cell is None else _plain(cell) for cell in cells]
    tidy = [None if cell is None or cell.casefold() in missing else cell for cell in tidy]
    spelt = _spelling(tidy, case)
    after = [None if cell is None else spelt.get(cell, cell) for cell in tidy]
    changes = tuple(
        Change(int(fid), "no value" if new is None else "text", str(column.name), old, new)
        for fid, old, new in zip(column.index, cells, after, strict=True)
        if old is not None and old != new
    )
    if not changes:
        return column, (), ()
    import pandas

    values = [new if old is not None else value for old, new, value in zip(cells, after, column, strict=True)]
    dtype = "str" if isinstance(column.dtype, pandas.CategoricalDtype) else column.dtype  # a category knows no new spelling
    return pandas.Series(values, index=column.index, name=column.name, dtype=dtype), changes, ()


def _plain(text: str) -> str:
    return SPACES.sub(" ", unicodedata.normalize("NFC", text)).strip()


def _spelling(cells: list[str | None], case: Case) -> dict[str, str]:
    """Return the spelling of every text whose case changes."""
    count = Counter(cell for cell in cells if cell is not None)
    if case in ("lower", "upper"):
        return {cell: _plain(cell.lower() if case == "lower" else cell.upper()) for cell in count}
    if case is None:
        return {}
    most: dict[str, str] = {}
    for cell in count:  # in the order of appearance: of spellings equally frequent the first stays
        best = most.setdefault(cell.casefold(), cell)
        if count[cell] > count[best]:
            most[cell.casefold()] = cell
    return {cell: most[cell.casefold()] for cell in count}
