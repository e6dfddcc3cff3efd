"""Read what a sentence says about each of its numbers: the subjects, and the quantity."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import replace
from itertools import pairwise, product
from math import prod

from agent.grounding.match import Statement
from agent.grounding.numbers import Number, plain
from agent.grounding.pairing import Pairing, clause_of, is_reference_whole, is_whole, pair
from agent.grounding.quantities import Spoken, split_ranks, statistics_in, things_in
from agent.grounding.subjects import Mention, words_of

_LOSS = re.compile(
    r"\b(?:less|fewer|smaller|lower|shorter|decreas\w*|declin\w*|shr[aiu]nk\w*|reduc\w*|drop\w*|below|los[st]\w*|fell|fallen)\b",
    re.IGNORECASE,
)
_FROM_TO = re.compile(r"\b(?:from|between|rang(?:e|es|ed|ing)(?: of| from| between)?)\s+$", re.IGNORECASE)
_CAPITALISED = re.compile(r"(?<=[\w,;:'’)–-]\s)[\"'“‘]?([A-ZÀ-Þ][^\W\d_]{2,})")
_TO = re.compile(r"\s*(?:to|and|[–—-])\s*[-−]?", re.IGNORECASE)

_MOST_CHOICES = 200
"""A number for more combinations of joined names than this is not looked up for each."""
_AT_START = Number(0, 0, "", 0.0, 0.0, None, 0)

NamesIn = Callable[[str], Sequence[Mention]]


class Reader:
    """Reads the statements of one stretch of text, with what stands around it."""

    def __init__(
        self,
        text: str,
        *,
        beside: Sequence[str],
        context: Sequence[str],
        names_in: NamesIn,
        doubtful: Sequence[Mention],
        columns: Collection[str],
        asked: str,
    ) -> None:
        """Take the text, the header and the other cells of its row, and what stands above it, nearest first.

        `names_in` finds the subjects that a text names, `doubtful` may be names in this text, `columns` are the measured things of the cited facts, `asked` is the question.
        """
        self._text, self._header = text, beside[0] if beside else ""
        self._beside = [scope for scope in beside[1:] if scope]
        self._around = [scope for scope in (*beside, *context) if scope]
        self._names_in, self._columns, self._asked = names_in, columns, asked
        self._mentions = names_in(text)
        self._doubtful = doubtful

    def statements(self, numbers: Sequence[Number]) -> list[Statement]:
        """Return one statement per number; numbers and text count from the same place."""
        pairings = self._pairings(numbers)
        spoken = self._quantities(numbers)
        falls = bool(_LOSS.search(self._text))
        asked = _proper_names(self._asked) & {word for scope in (self._text, *self._around) for word in words_of(scope)}
        return [
            Statement(
                number,
                spoken[index],
                self._readings(number, numbers[index - 1] if index else None, pairings[index]),
                around=frozenset[str]().union(*(pairing.around for _, pairing in pairings[index])),
                falls=falls,
                asked=asked,
                doubt=self._doubt(number, pairings[index]),
            )
            for index, number in enumerate(numbers)
        ]

    def _pairings(self, numbers: Sequence[Number]) -> list[list[tuple[list[Mention], Pairing]]]:
        """Return for every number the names it belongs to, each with the names that competed for it."""
        axes = _axes(self._mentions)
        paired = [pair(self._text, numbers, axis) for axis in axes]
        return [
            [(axis, pairing[index]) for axis, pairing in zip(axes, paired, strict=True) if pairing[index].chosen]
            for index in range(len(numbers))
        ]

    def _doubt(self, number: Number, pairings: Sequence[tuple[list[Mention], Pairing]]) -> str:
        """Return a word to which a number may belong rather than to the name it was given from another clause."""
        if all(pairing.is_own for _, pairing in pairings):
            return ""
        others = (mention for mention in self._doubtful if not (mention.start <= number.start < mention.end))
        return next((self._text[mention.start : mention.end] for mention in others), "")

    def _readings(self, number: Number, before: Number | None, own: Sequence[tuple[list[Mention], Pairing]]) -> list[list[frozenset[str]]]:
        inherited = self._inherited(frozenset(key for axis, _ in own for mention in axis for key in mention.keys))
        groups = [*(pairing.chosen for _, pairing in own), *inherited]
        paired = [frozenset(value for group in groups for value in group)]
        readings = [paired]
        if 1 < prod(map(len, groups)) <= _MOST_CHOICES:
            readings.append([frozenset(choice) for choice in product(*groups)])
        start, end = clause_of(self._text, number)
        is_named_here = any(start <= mention.start < end for mention in self._mentions)
        if is_reference_whole(self._text, number, before):
            readings.append([frozenset()])
        elif not is_named_here and (is_whole(self._text, number) or any(map(self._is_total, self._beside))):
            readings.insert(0, [frozenset()])
        return readings

    def _inherited(self, taken: frozenset[str]) -> list[tuple[str, ...]]:
        """Return the names that stand around the text, nearest first, for what the text does not name itself."""
        groups: list[tuple[str, ...]] = []
        for scope in self._around:
            for axis in _axes([mention for mention in self._names_in(scope) if not mention.keys & taken]):
                groups.append(tuple(dict.fromkeys(mention.value for mention in axis)))
                taken |= frozenset(key for mention in axis for key in mention.keys)
        return groups

    def _quantities(self, numbers: Sequence[Number]) -> list[Spoken]:
        statistics = pair(self._text, numbers, _unnamed(statistics_in(self._text), self._mentions), cue=True)
        things = pair(self._text, numbers, _unnamed(things_in(self._text, self._columns), self._mentions), cue=True)
        ends = _ends_of_ranges(self._text, numbers)
        whole = "\n".join([self._text, *self._around])
        asked, asked_ranks = split_ranks(mention.value for mention in statistics_in(self._asked))
        spoken = []
        for index, number in enumerate(numbers):
            said, ranks = split_ranks(ends.get(index) or statistics[index].chosen)
            named = frozenset((number.axis,) if number.axis else things[index].chosen)
            base = Spoken(said, ranks, named, whole, asked | asked_ranks, bool(number.noun))
            spoken.append(self._with_scopes(base, lone=len(numbers) == 1))
        return spoken

    def _is_total(self, cell: str) -> bool:
        return is_whole(cell, _AT_START) and not self._names_in(cell)

    def _with_scopes(self, spoken: Spoken, *, lone: bool) -> Spoken:
        """Add what header, lead-in and heading say, where the text itself is silent.

        A header, or a lead-in with one statistic over a lone number, binds; otherwise it only settles what is open.
        """
        for scope in self._around:
            names = self._names_in(scope)
            said, ranks = split_ranks(mention.value for mention in _unnamed(statistics_in(scope), names))
            things = frozenset(mention.value for mention in _unnamed(things_in(scope, self._columns), names))
            binds = scope == self._header or (lone and len(said) == 1)
            if said and not spoken.statistics:
                spoken = replace(spoken, statistics=said) if binds else replace(spoken, asked=spoken.asked | said)
            if ranks and not spoken.ranks and not spoken.statistics:
                spoken = replace(spoken, ranks=ranks)
            if things and not spoken.things:
                spoken = replace(spoken, things=things)
        return spoken


def _unnamed(words: Iterable[Mention], names: Sequence[Mention]) -> list[Mention]:
    """Leave out words that are part of a name: a zone called `Long Area` speaks of no area."""
    return [word for word in words if not any(name.start < word.end and word.start < name.end for name in names)]


def _proper_names(question: str) -> frozenset[str]:
    """Return the words of a question that begin with a capital letter, but for the first."""
    return frozenset(word for name in _CAPITALISED.findall(question) for word in words_of(name))


def _axes(mentions: Sequence[Mention]) -> list[list[Mention]]:
    """Group mentions that may be meant as the same kind of thing, so that they compete for numbers."""
    axes: list[tuple[set[str], list[Mention]]] = []
    for mention in mentions:
        joined = [axis for axis in axes if axis[0] & mention.keys]
        keys = set(mention.keys).union(*(axis[0] for axis in joined))
        members = [*(member for axis in joined for member in axis[1]), mention]
        axes = [axis for axis in axes if axis not in joined] + [(keys, members)]
    return [sorted(members, key=lambda mention: mention.start) for _, members in axes]


def _ends_of_ranges(text: str, numbers: Sequence[Number]) -> dict[int, tuple[str]]:
    """Return which numbers are the ends of a range, `from 1.2 to 3.4 m`: they speak of the minimum and the maximum."""
    readable, ends = plain(text), {}
    for index, (low, high) in enumerate(pairwise(numbers)):
        joint = _TO.fullmatch(readable, low.end_unit, high.start) or _TO.fullmatch(readable, low.end, high.start)
        if joint and (_FROM_TO.search(readable[: low.start]) or not joint.group().strip().isalpha()):
            ends[index], ends[index + 1] = ("min",), ("max",)
    return ends
