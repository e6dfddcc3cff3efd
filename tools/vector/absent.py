"""Text values asked for that a column does not hold: misspelt ones are refused, others said."""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import SequenceMatcher, get_close_matches
from typing import TYPE_CHECKING

from tools.errors import ParameterError
from tools.geo.names import fold
from tools.geotypes import Condition, Where
from tools.storage.conditions import check_columns

if TYPE_CHECKING:
    import pandas

ALIKE = 0.8
"""Least likeness (difflib ratio) at which a word is taken for a misspelling of another."""
SHORTEST_WORD = 4
"""Shorter words, and words with digits, are codes: B11 is no misspelling of B12."""
MOST_SHOWN = 5


@dataclass(frozen=True)
class Absent:
    """A text value of a condition that occurs nowhere in its column."""

    column: str
    value: str
    nearest: tuple[str, ...]
    """Values of the column of which it looks like a misspelling."""
    examples: tuple[str, ...]
    """Some values that the column does hold."""

    @property
    def warning(self) -> str:
        """Say that the value does not occur, and what does."""
        return f"no feature has {self.column} = {self.value!r}; values there: {', '.join(self.examples) or 'none'}"


def absent_values(frame: pandas.DataFrame, where: Where) -> tuple[Absent, ...]:
    """Return the text values of `=` and `in` conditions that no row of the whole layer has, compared without case."""
    found = []
    for condition in where.conditions:
        if condition.op not in ("=", "in") or condition.column not in frame.columns:
            continue
        held = _texts(frame[condition.column])
        if held is None:
            continue
        folded = {value.casefold() for value in held}
        found += [_absent(condition.column, value, held) for value in _wanted(condition) if value.casefold() not in folded]
    return tuple(found)


def refuse_misspelt(absent: tuple[Absent, ...]) -> None:
    """Raise ParameterError for the first value that looks like a misspelling of one that is there."""
    for one in absent:
        if one.nearest:
            raise ParameterError(f"No feature has {one.column} = {one.value!r}.", hint=f"Nearest values: {', '.join(one.nearest)}.")


def is_misspelling(value: str, held: str) -> bool:
    """Whether `value` looks like `held` with slips: as many words, and every word that differs is long, without digits, alike."""
    words, others = _words(value), _words(held)
    if len(words) != len(others):
        joined = "".join(words), "".join(others)
        return joined[0] == joined[1] or _is_slip(*joined)
    return all(word == other or _is_slip(word, other) for word, other in zip(words, others, strict=True))


def require_columns(wanted: list[str], frame: pandas.DataFrame) -> None:
    """Raise ParameterError for a column that is not there, naming the nearest."""
    check_columns(wanted, [str(column) for column in frame.columns if column != "geometry"])


def _wanted(condition: Condition) -> list[str]:
    values = condition.value if isinstance(condition.value, list) else [condition.value]
    return [value for value in values if isinstance(value, str)]


def _texts(column: pandas.Series[object]) -> list[str] | None:
    """Return the distinct values of a text column, in order of appearance; None for other columns."""
    distinct = column.dropna().drop_duplicates().tolist()
    return distinct if all(isinstance(value, str) for value in distinct) else None


def _absent(column: str, value: str, held: list[str]) -> Absent:
    alike = (
        get_close_matches(value, held, n=MOST_SHOWN, cutoff=0.0)
        if len(held) <= MOST_SHOWN
        else get_close_matches(value, held, n=20, cutoff=0.5)
    )
    nearest = tuple(other for other in alike if is_misspelling(value, other))
    return Absent(column, value, nearest[:MOST_SHOWN], tuple(held[:MOST_SHOWN]))


def _is_slip(word: str, other: str) -> bool:
    if min(len(word), len(other)) < SHORTEST_WORD or re.search(r"\d", word + other):
        return False
    return SequenceMatcher(None, word, other).ratio() >= ALIKE


def _words(text: str) -> list[str]:
    return fold(text).split()
