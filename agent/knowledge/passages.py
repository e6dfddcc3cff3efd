"""Split a text into passages short enough to be embedded whole: by headings, then paragraphs, then sentences, then words."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

MAX_TOKENS = 200
"""Leaves room for title and heading within the 256 tokens that an embedding takes in."""

Spans = Sequence[tuple[int, int]]
TokenSpans = Callable[[str], Spans]
"""Text → where each of its tokens stands."""

_HEADING = re.compile(r"^ {0,3}(#{1,6})[ \t]+(.*?)[ \t#]*$", re.MULTILINE)
_UNDERLINED = re.compile(r"^(?P<title>\S[^\n]*)\n(?P<line>([=\-~^\"'#*+])\3{2,})[ \t]*$", re.MULTILINE)
"""Headings of Markdown and reStructuredText that are underlined."""
_FENCE = re.compile(r"^ {0,3}(```|~~~).*?^ {0,3}\1[^\n]*$", re.MULTILINE | re.DOTALL)
_PARAGRAPH_END = re.compile(r"\n[ \t]*\n\s*")
_LINE_END = re.compile(r"\n")
_SENTENCE_END = re.compile(r"(?<=[.!?;])\s+")
_WORD_END = re.compile(r"\s+")
_WORD = re.compile(r"\w")


@dataclass(frozen=True)
class Passage:
    """A stretch of a text, word for word."""

    start: int
    end: int
    """`text[start:end]` is the passage; it neither begins nor ends with white space."""
    heading: str
    """The headings above it, outermost first, joined by ` › `."""


def passages_of(text: str, token_spans: TokenSpans, limit: int = MAX_TOKENS) -> tuple[Passage, ...]:
    """Return the passages of a text in order; together they hold every word that is no heading.

    None has more than `limit` tokens, unless a single word has. Neighbouring paragraphs under one heading share a passage
    while they fit.
    """
    return tuple(
        Passage(start, end, heading)
        for section_start, section_end, heading in _sections(text)
        for start, end in _packed(text, section_start, section_end, token_spans, limit)
    )


def _sections(text: str) -> Iterator[tuple[int, int, str]]:
    """Yield (start, end, heading) of what stands under each heading, and before the first."""
    fenced = [match.span() for match in _FENCE.finditer(text)]
    headings = [
        (match.start(), match.end(), len(match[1]), match[2].strip())
        for match in _HEADING.finditer(text)
        if not any(start <= match.start() < end for start, end in fenced)  # a comment in a program is no heading
    ]
    headings += [
        (match.start(), match.end(), 1 if match["line"][0] == "=" else 2, match["title"].strip())
        for match in _UNDERLINED.finditer(text)
        if not any(start <= match.start() < end for start, end in fenced) and not match["title"].lstrip().startswith(("|", "-", "#"))
    ]
    above: list[tuple[int, str]] = []
    place = 0
    for start, end, level, title in sorted(headings):
        yield place, start, _joined(above)
        above = [*((depth, other) for depth, other in above if depth < level), (level, title)]
        place = end
    yield place, len(text), _joined(above)


def _joined(above: Sequence[tuple[int, str]]) -> str:
    return " › ".join(title for _, title in above if title)


def _packed(text: str, start: int, end: int, token_spans: TokenSpans, limit: int) -> Iterator[tuple[int, int]]:
    """Yield spans of as many neighbouring pieces as fit together."""
    first, last = -1, -1
    for left, right in _pieces(text, start, end, token_spans, limit, (_PARAGRAPH_END, _LINE_END, _SENTENCE_END, _WORD_END)):
        if first >= 0 and len(token_spans(text[first:right])) > limit:
            yield first, last
            first = -1
        first, last = (left if first < 0 else first), right
    if first >= 0:
        yield first, last


def _pieces(
    text: str, start: int, end: int, token_spans: TokenSpans, limit: int, separators: Sequence[re.Pattern[str]]
) -> Iterator[tuple[int, int]]:
    """Yield the parts between separators, without white space; a part that is too long is split by the next separator."""
    edges = [start, *(edge for match in separators[0].finditer(text, start, end) for edge in match.span()), end]
    for part in zip(edges[::2], edges[1::2], strict=True):
        left, right = _stripped(text, *part)
        if not _WORD.search(text, left, right):  # rules and borders
            continue
        if len(separators) > 1 and len(token_spans(text[left:right])) > limit:
            yield from _pieces(text, left, right, token_spans, limit, separators[1:])
        else:
            yield left, right


def _stripped(text: str, left: int, right: int) -> tuple[int, int]:
    """Return the span without white space at its ends; an empty one where there is nothing else."""
    part = text[left:right]
    left += len(part) - len(part.lstrip())
    return left, left + len(part.strip())
