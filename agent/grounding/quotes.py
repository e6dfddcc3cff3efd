"""Quotations of passages: what stands in quotation marks and cites a search of documents must stand there word for word.

White space, the kind of quotation mark, dash or apostrophe, capitals and Markdown's emphasis do not count; everything else does.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from agent.grounding.citations import citations_in
from agent.grounding.numbers import numbers_in
from agent.grounding.results import Results
from agent.grounding.sentences import Passage

LEAST_WORDS = 3
"""Fewer words in quotation marks are a name or a term."""

_MARK = re.compile(r"[\"“”]")
_WORD = re.compile(r"\w+")
_SAME: Mapping[str, str] = {
    **dict.fromkeys("“”„‟«»", '"'),
    **dict.fromkeys("‘’‚‛´", "'"),
    **dict.fromkeys("‐‑‒–—−", "-"),
}
_EMPHASIS = frozenset("*_`")
_RIGHT_BEHIND = re.compile(r"[\s,.;:)]*(?:\[\^?\d[\d,;\s–-]*\]\s*)+")
_CLOSING = " .,;:!?…"
"""What a writer may add before the closing mark."""


@dataclass(frozen=True)
class Quotation:
    """A stretch of an answer in quotation marks, of three words or more."""

    start: int
    end: int
    """With its marks."""
    text: str
    """Without."""


@dataclass(frozen=True)
class Judged:
    """A quotation with where it stands, or why it is not supported."""

    quotation: Quotation
    n: int | None = None
    """The result in which it stands."""
    path: str = ""
    """The passage, e.g. `data/passages/0`."""
    reason: str = ""
    """Why it is not supported."""


def quotations_in(answer: str) -> list[Quotation]:
    """Return the quotations of an answer, in order of place; of quotations within quotations the outermost.

    “ and ” pair by their shape, straight marks by the space before and behind them.
    """
    closed: list[tuple[int, int]] = []
    opened: list[tuple[int, str]] = []
    for match in _MARK.finditer(answer):
        mark, place = match.group(), match.start()
        if mark == "“" or (mark == '"' and _opens(answer, place)):
            opened.append((place, mark))
            continue
        partner = '"' if mark == '"' else "“"
        while mark == "”" and opened and opened[-1][1] != partner:
            opened.pop()  # a straight mark that was never closed
        if opened and opened[-1][1] == partner:
            closed.append((opened.pop()[0], match.end()))
    outer = [span for span in closed if not any(start < span[0] and span[1] < end for start, end in closed)]
    found = (Quotation(start, end, answer[start + 1 : end - 1]) for start, end in sorted(outer))
    return [quotation for quotation in found if len(_WORD.findall(quotation.text)) >= LEAST_WORDS]


def stands_in(quoted: str, text: str) -> bool:
    """Whether a text holds these very words, whole, and no number is cut off from its digits, sign or unit."""
    wanted, (plain, places) = _normal(quoted)[0].strip().rstrip(_CLOSING), _normal(text)
    start = plain.find(wanted)
    while wanted and start >= 0:
        end = start + len(wanted)
        if _is_whole(plain, start, end) and not _cuts_number(text, places[start], places[end - 1] + 1):
            return True
        start = plain.find(wanted, start + 1)
    return False


class Quotes:
    """The quotations of one answer, judged against the passages of its results."""

    def __init__(self, answer: str, results: Results, passages: Sequence[Passage], known: str) -> None:
        """Take the answer with its pieces, and what else may stand in marks: the question and texts of other results, in lower case."""
        self._answer, self._results, self._pieces, self._known = answer, results, passages, known
        self._all = quotations_in(answer) if results.knowledge else []

    def judged(self) -> tuple[Judged, ...]:
        """Return the quotations that are supported or not; names and the user's own words in marks are neither."""
        return tuple(judged for quotation in self._all if (judged := self._judge(quotation)))

    def _judge(self, quotation: Quotation) -> Judged | None:
        cited = self._cited(quotation)
        searched = [n for n in cited if n in self._results.knowledge]
        for n in searched:
            if path := self._path(quotation, n):
                return Judged(quotation, n, path)
        if quotation.text.casefold() in self._known:
            return None
        elsewhere = next((n for n in self._results.knowledge if self._path(quotation, n)), None)
        if elsewhere is not None:
            return Judged(quotation, reason=f"these words stand in result [{elsewhere}], which is not cited here")
        if searched:
            return Judged(quotation, reason=f"these words stand in no passage of [{searched[0]}]; quote word for word, leave nothing out")
        return None if cited else Judged(quotation, reason="these words stand in no passage, and no result is cited")

    def _path(self, quotation: Quotation, n: int) -> str:
        return next((path for path, texts in self._results.passages(n) if any(stands_in(quotation.text, text) for text in texts)), "")

    def _cited(self, quotation: Quotation) -> tuple[int, ...]:
        """Return the citations of a quotation: those right behind it, else others of its sentences, else what its last one inherits.

        A bracket in the quotation itself may make a sentence end there, so those right behind are looked for first.
        """
        if adjacent := _RIGHT_BEHIND.match(self._answer, quotation.end):
            return self._numbers(*adjacent.span())
        pieces = [piece for piece in self._pieces if piece.start < quotation.end and quotation.start < piece.end]
        if not pieces:
            return ()
        following = next((other.start for other in self._all if other.start >= quotation.end), len(self._answer))
        behind = self._numbers(quotation.end, min(pieces[-1].end, following))
        if behind:
            return behind
        around = [*self._numbers(pieces[0].start, quotation.start), *self._numbers(quotation.end, pieces[-1].end)]
        inherited = (tuple(n for c in citations_in(text) for n in c.numbers) for text in pieces[-1].citing)
        return tuple(around) or next((numbers for numbers in inherited if numbers), ())

    def _numbers(self, start: int, end: int) -> tuple[int, ...]:
        return tuple(n for citation in citations_in(self._answer[start:end]) for n in citation.numbers)


def _opens(answer: str, place: int) -> bool:
    """Whether a straight mark opens a quotation: nothing or space stands before it, and none behind."""
    before, behind = answer[place - 1 : place] if place else "", answer[place + 1 : place + 2]
    return (not before or before.isspace() or before in '([{“"—–-*_>|/') and bool(behind) and not behind.isspace()


@lru_cache(maxsize=256)
def _normal(text: str) -> tuple[str, tuple[int, ...]]:
    """Return a text without what does not count, and where in the text each of its characters stands."""
    found = list(_counted(text))
    return "".join(char for char, _ in found), tuple(place for _, place in found)


def _counted(text: str) -> Iterator[tuple[str, int]]:
    is_space = False
    for place, char in enumerate(text):
        if char.isspace():
            if not is_space:
                yield " ", place
            is_space = True
            continue
        if char in _EMPHASIS and _is_emphasis(text[place - 1 : place], text[place + 1 : place + 2]):
            continue
        is_space = False
        low = char.lower()
        yield _SAME.get(char, low if len(low) == 1 else char), place


def _is_emphasis(before: str, behind: str) -> bool:
    """Whether a sign between these neighbours is Markdown's: it touches a word or a sign, but stands in no word and not alone."""
    stands_alone = not before.strip() and not behind.strip()
    return not stands_alone and not (before.isalnum() and behind.isalnum())


def _is_whole(plain: str, start: int, end: int) -> bool:
    """Whether a stretch neither begins nor ends within a word."""
    before, behind = plain[start - 1 : start] if start else "", plain[end : end + 1]
    return not (before.isalnum() and plain[start].isalnum()) and not (behind.isalnum() and plain[end - 1].isalnum())


def _cuts_number(text: str, start: int, end: int) -> bool:
    return any(number.start < start < number.end_unit or number.start < end < number.end_unit for number in _numbers_of(text))


@lru_cache(maxsize=256)
def _numbers_of(text: str) -> tuple[_Extent, ...]:
    return tuple(_Extent(number.start, number.end_unit) for number in numbers_in(text))


@dataclass(frozen=True)
class _Extent:
    start: int
    end_unit: int
