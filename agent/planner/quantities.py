"""Numbers with units in a question, and the comparisons made with them: `at least 2.5 km`, `between 1 and 3 m`, `5 million`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from agent.planner.lexicon import LENGTH_UNITS, MULTIPLIERS, NUMBER_WORDS, UNITS
from agent.planner.text import Token

Op = Literal["=", "!=", "<", "<=", ">", ">="]

_SQUARE = {"m": "m2", "km": "km2", "mi": "mi2", "ft": "ft2"}
_ONLY_AFTER_NUMBERS = frozenset(
    {"k", "s", "sec", "second", "seconds", "day", "days", "foot", "degree", "degrees", "deg", "°", "ac", "celsius", "mi"}
)
_BEFORE_WORD_NUMBERS = frozenset(
    {"top", "bottom", "than", "least", "most", "within", "exactly", "over", "above", "below", "under", "first", "to"}
)


@dataclass(frozen=True)
class Quantity:
    """A number as the question gives it, with its unit where it has one."""

    start: int
    end: int
    value: float
    unit: str | None = None
    is_word: bool = False
    """Whether it is written as a word, as in `three`."""


@dataclass(frozen=True)
class Comparison:
    """A limit that the question sets; its property is named beside it or in the comparative itself."""

    start: int
    end: int
    tests: tuple[tuple[Op, float], ...]
    """One test, or two for a range."""
    unit: str | None
    adjective: str = ""
    """Property of the comparative, such as height for `taller`; '' for a mere direction."""
    inner: tuple[int, ...] = ()
    """Tokens between the comparative and the number, as in `above magnitude 7`."""

    @property
    def is_equality(self) -> bool:
        """Whether it asks for one value."""
        return self.tests[0][0] in ("=", "!=")

    @property
    def is_year(self) -> bool:
        """Whether it speaks of a calendar year."""
        return self.unit is None and all(value == int(value) and 1500 <= value <= 2200 for _, value in self.tests)


def find_quantities(tokens: Sequence[Token], taken: frozenset[int]) -> tuple[Quantity, ...]:
    """Find numbers with their multipliers and units outside the tokens already taken by names."""
    found: list[Quantity] = []
    position = 0
    while position < len(tokens):
        quantity = None if position in taken else _quantity(tokens, position, taken)
        if quantity:
            found.append(quantity)
        position = quantity.end if quantity else position + 1
    return tuple(found)


def _quantity(tokens: Sequence[Token], start: int, taken: frozenset[int]) -> Quantity | None:
    negative = tokens[start].text in ("-", "–") and start + 1 < len(tokens) and _is_sign_of(tokens, start)
    first = start + negative
    token = tokens[first]
    if token.kind == "number" and is_part_of_name(tokens, first):
        return None
    if token.kind == "number":
        value = token.value
    elif token.word in NUMBER_WORDS and _is_counted(tokens, first):
        value = float(NUMBER_WORDS[token.word])
    elif token.word in ("a", "half") and first + 1 < len(tokens) and tokens[first + 1].word in MULTIPLIERS:
        value = 1.0 if token.word == "a" else 0.5
    else:
        return None
    end = first + 1
    while end < len(tokens) and (factor := _multiplier(tokens, end)):
        value, end = value * factor, end + 1
    unit, end = read_unit(tokens, end, taken)
    return Quantity(start, end, -value if negative else value, unit, is_word=token.kind != "number")


def is_part_of_name(tokens: Sequence[Token], position: int) -> bool:
    """Whether a number is joined to a word with a capital, as in `P-08`."""
    return position > 0 and tokens[position].glue in ("-", "") and tokens[position - 1].capital


def _is_sign_of(tokens: Sequence[Token], start: int) -> bool:
    follower = tokens[start + 1]
    alone = start == 0 or tokens[start - 1].end < tokens[start].start
    return follower.kind == "number" and follower.start == tokens[start].end and alone


def _is_counted(tokens: Sequence[Token], position: int) -> bool:
    after = tokens[position + 1].word if position + 1 < len(tokens) else ""
    before = tokens[position - 1].word if position else ""
    if before in _BEFORE_WORD_NUMBERS or after in UNITS or after in MULTIPLIERS:
        return True
    return NUMBER_WORDS[tokens[position].word] != 1 and bool(after)


def _multiplier(tokens: Sequence[Token], position: int) -> float:
    token = tokens[position]
    if token.text in ("M", "k", "K") and token.start == tokens[position - 1].end:
        return {"M": 1e6}.get(token.text, 1e3)
    return MULTIPLIERS.get(token.word, 0.0)


def read_unit(tokens: Sequence[Token], position: int, taken: frozenset[int], *, bare: bool = False) -> tuple[str | None, int]:
    """Read a unit at a position; return it with where it ends, or None with the position. `bare`: no number stands before it."""
    if position >= len(tokens) or position in taken:
        return None, position
    word = tokens[position].word
    follower = tokens[position + 1].word if position + 1 < len(tokens) else ""
    if word in ("square", "sq"):
        skip = 2 if follower == "." else 1
        base = UNITS.get(tokens[position + skip].word) if position + skip < len(tokens) else None
        return (_SQUARE[base], position + skip + 1) if base in _SQUARE else (None, position)
    if word == "per" and follower == "cent":
        return "%", position + 2
    if bare and word in _ONLY_AFTER_NUMBERS:
        return None, position
    unit = UNITS.get(word)
    if unit == "degree" and follower in ("celsius", "c"):
        return "degC", position + 2
    if unit in LENGTH_UNITS and follower in ("squared", "2") and unit in _SQUARE:
        return _SQUARE[unit], position + 2
    return (unit, position + 1) if unit else (None, position)
