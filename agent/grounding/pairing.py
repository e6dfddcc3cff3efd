"""Decide which of the names in a sentence each of its numbers belongs to.

Text is read clause by clause: "North has 12 ha and South 30 ha", "12 ha in North and 30 ha in South", "North and South have
12 and 30 ha". As many numbers as names in a row pair in order; otherwise a number takes the name of its own clause, and
one whose clause has none takes the nearest before it, or, where the sentence begins with a number, the nearest behind it
that no other number has.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import groupby

from agent.grounding.numbers import Number, plain
from agent.grounding.subjects import Mention

_BOUNDARY = re.compile(
    r"[;|]|,(?!\d{3})|\s[–—-]\s|[.!?]\s|\s(?:and|but|while|whereas|with|versus|vs\.?|against|compared (?:to|with)|than|followed by|plus|or)\s",
    re.IGNORECASE,
)
_JOIN = re.compile(
    r"[\s,/&]*(?:(?:and|or|as well as|plus|to)\b)?[\s,]*(?:\b(?:both|the|in|of|for|a|zones?|class(?:es)?|districts?|between)\s+)*",
    re.IGNORECASE,
)
_PART_OF = re.compile(
    r"\b(?:most|mostly|mainly|largely|chiefly|including|especially|particularly|of which|of these|of them)\b", re.IGNORECASE
)
_WHOLE = re.compile(r"\b(?:total(?:s|led|ling)?|overall|altogether|together|in all|whole|entire|combined|sum|all)\b", re.IGNORECASE)
_OUT_OF = re.compile(r"(?:\bout\s+of|\bof)\s+(?:(?:the|all|these|its|a total of)\s+)*$", re.IGNORECASE)
_OUT_OF_THE = re.compile(r"\b(?:out of|of (?:the|all|these|its|a total of))\s+$", re.IGNORECASE)


@dataclass(frozen=True)
class Pairing:
    """What a number belongs to."""

    chosen: tuple[str, ...] = ()
    """Values of the names it belongs to: several where they are joined ("North and South"), none where there is no name."""
    around: frozenset[str] = frozenset()
    """Values of all names of the clause from which they were taken."""
    is_own: bool = False
    """Whether the name stands in the clause of this number alone; else it was borrowed, shared, or paired in order."""


@dataclass(frozen=True)
class _Group:
    """Names or numbers in a row, joined by nothing but commas and conjunctions."""

    start: int
    end: int
    items: tuple[int, ...]
    """Positions in the list of names or numbers."""
    is_name: bool


def pair(text: str, numbers: Sequence[Number], mentions: Sequence[Mention], *, cue: bool = False) -> list[Pairing]:
    """Return for every number what it belongs to; all positions count from the start of `text`.

    With `cue` the mentions are words such as "mean": one serves the number behind it, and others only in the same unit.
    """
    if not mentions:
        return [Pairing() for _ in numbers]
    sentence = _Sentence(plain(text), numbers, mentions)
    return [sentence.in_order(index) or sentence.in_clause(index, cue=cue) for index in range(len(numbers))]


def is_whole(text: str, number: Number) -> bool:
    """Whether the clause of a number says that it is about everything: `in total 42 ha`."""
    readable = plain(text)
    start, end = _clause(_all_edges(readable), number.start, len(readable))
    return bool(_WHOLE.search(readable[start:end]))


def is_reference_whole(text: str, number: Number, before: Number | None) -> bool:
    """Whether a number is what another is a part of: the 42 in `12 of the 42 ha`."""
    readable = plain(text)
    if before is not None and _OUT_OF.fullmatch(readable[before.end_unit : number.start].strip() + " "):
        return True
    return bool(_OUT_OF_THE.search(readable[: number.start]))


def clause_of(text: str, number: Number) -> tuple[int, int]:
    """Return the span of the clause in which a number stands."""
    return _clause(_all_edges(plain(text)), number.start, len(text))


class _Sentence:
    """A stretch of text cut into clauses, with its groups of names and numbers."""

    def __init__(self, text: str, numbers: Sequence[Number], mentions: Sequence[Mention]) -> None:
        self._text, self._numbers, self._mentions = text, numbers, mentions
        names = _grouped(text, [(mention.start, mention.end, mention.value) for mention in mentions], is_name=True)
        amounts = _grouped(text, [(number.start, number.end_unit, str(number.start)) for number in numbers], is_name=False)
        self._groups = sorted([*names, *amounts], key=lambda group: group.start)
        self._edges = _edges(text, [(group.start, group.end) for group in self._groups])

    def in_order(self, index: int) -> Pairing | None:
        """Pair as many names as numbers in a row, in order; None where the sentence is not of that form."""
        at = next(place for place, group in enumerate(self._groups) if not group.is_name and index in group.items)
        group = self._groups[at]
        for other in (self._groups[at - 1] if at else None, self._groups[at + 1] if at + 1 < len(self._groups) else None):
            if other and other.is_name and len(other.items) == len(group.items) > 1:
                return self._one(other.items[group.items.index(index)])
        return self._one(self._names_in_a_row[index]) if self._names_in_a_row else None

    @cached_property
    def _names_in_a_row(self) -> list[int]:
        """All names, where the sentence has them on one side and as many numbers on the other; else nothing."""
        runs = [(is_name, [item for group in run for item in group.items]) for is_name, run in groupby(self._groups, lambda g: g.is_name)]
        if len(runs) != 2 or len(runs[0][1]) != len(runs[1][1]) or len(runs[0][1]) < 2:
            return []
        return next(items for is_name, items in runs if is_name)

    def _one(self, item: int) -> Pairing:
        value = self._mentions[item].value
        return Pairing((value,), frozenset([value]))

    def in_clause(self, index: int, *, cue: bool) -> Pairing:
        """Take the name of the number's own clause, or borrow one."""
        number = self._numbers[index]
        own = self._names_in(*_clause(self._edges, number.start, len(self._text)))
        group = self._nearest(number, own, cue=cue) if own else self._borrowed(number)
        if group is None or (cue and not self._serves(group, number)):
            return Pairing()
        around = self._names_in(*_clause(self._edges, group.start, len(self._text)))
        is_alone = len(next(amount.items for amount in self._groups if not amount.is_name and index in amount.items)) == 1
        return Pairing(self._values(group), frozenset(value for name in around for value in self._values(name)), bool(own) and is_alone)

    def _values(self, group: _Group) -> tuple[str, ...]:
        return tuple(dict.fromkeys(self._mentions[item].value for item in group.items))

    def _names_in(self, start: int, end: int) -> list[_Group]:
        return [group for group in self._groups if group.is_name and start <= group.start < end]

    def _nearest(self, number: Number, own: list[_Group], *, cue: bool) -> _Group | None:
        """Choose among the names of the number's own clause."""
        if cue:
            return self._nearest_cue(number, own)
        if len(own) == 1:
            return own[0]
        before = [group for group in own if group.start < number.start]
        behind = [group for group in own if group.start > number.start]
        names_first = own[0].start < self._amounts_with(number)[0].start
        return before[-1] if before and (names_first or not behind) else behind[0]

    def _nearest_cue(self, number: Number, own: list[_Group]) -> _Group | None:
        """Choose the cue word before a number; one behind it only if no other number is nearer to that one."""
        amounts = self._amounts_with(number)
        at = next(place for place, group in enumerate(amounts) if group.start <= number.start < group.end)
        if amounts[0].start < own[0].start and len(amounts) == len(own):
            return own[at]
        before = [group for group in own if group.start < number.start]
        if before:
            return before[-1]
        return own[0] if at == len(amounts) - 1 else None

    def _amounts_with(self, number: Number) -> list[_Group]:
        """Return the groups of numbers in the clause of a number."""
        start, end = _clause(self._edges, number.start, len(self._text))
        return [group for group in self._groups if not group.is_name and start <= group.start < end]

    def _borrowed(self, number: Number) -> _Group | None:
        """Choose among the names of other clauses."""
        before = [group for group in self._groups if group.end <= number.start]
        behind = [group for group in self._groups if group.is_name and group.start > number.start and not self._is_taken(group)]
        last_name = next((group for group in reversed(before) if group.is_name), None)
        number_first = not self._groups[0].is_name
        if last_name and not (number_first and behind and before[-1].is_name and not self._is_taken(before[-1])):
            return last_name
        if not behind or _PART_OF.search(self._text, number.end_unit, behind[0].start):
            return None
        return behind[0]

    def _is_taken(self, group: _Group) -> bool:
        """Whether a name stands in a clause that has a number of its own."""
        start, end = _clause(self._edges, group.start, len(self._text))
        return any(start <= number.start < end for number in self._numbers)

    def _serves(self, group: _Group, number: Number) -> bool:
        """Whether a cue word reaches a number: the first behind it, others in the same unit, and coordinates."""
        if group.start > number.start or number.axis:
            return True
        first = next((other for other in self._numbers if other.start > group.start), None)
        return first is None or first.unit == number.unit


def _grouped(text: str, spans: Sequence[tuple[int, int, str]], *, is_name: bool) -> list[_Group]:
    """Join neighbours; what comes back a second time begins a new group ("of North and South, North …")."""
    groups: list[_Group] = []
    seen: set[str] = set()
    for index, (start, end, value) in enumerate(spans):
        if groups and start > groups[-1].end and value not in seen and _JOIN.fullmatch(text, groups[-1].end, start):
            groups[-1] = _Group(groups[-1].start, end, (*groups[-1].items, index), is_name)
        else:
            groups.append(_Group(start, end, (index,), is_name))
            seen = set()
        seen.add(value)
    return groups


def _edges(text: str, whole: Sequence[tuple[int, int]]) -> list[int]:
    """Return where clauses end; none of them lies inside a group."""
    inside = {end for start, stop in whole for end in range(start + 1, stop + 1)}
    return [end for end in _all_edges(text) if end not in inside]


@lru_cache(maxsize=64)
def _all_edges(text: str) -> tuple[int, ...]:
    return tuple(match.end() for match in _BOUNDARY.finditer(text))


def _clause(edges: Sequence[int], place: int, length: int) -> tuple[int, int]:
    at = bisect_right(edges, place)
    return edges[at - 1] if at else 0, edges[at] if at < len(edges) else length
