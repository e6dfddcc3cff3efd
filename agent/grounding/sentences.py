"""Split an answer into the pieces that are judged one by one: sentences, list items, headings, rows of tables.

Each piece knows what stands above it and speaks for it, too: the item or lead-in under which it is listed, the heading
of its section, the header of its column. A lead-in that carries a citation passes it on to items that have none.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Literal

from agent.grounding.citations import citations_in

Kind = Literal["sentence", "item", "heading", "header", "row"]

_HEADING = re.compile(r"\s{0,3}#{1,6}\s+")
_ITEM = re.compile(r"(?P<indent>\s*)(?:[-*+•–]|\d{1,3}[.)])\s+")
_RULE = re.compile(r"\s*\|?\s*:?-{2,}:?\s*(?:\|\s*:?-{2,}:?\s*)*\|?\s*")
_SENTENCE_END = re.compile(r"[.!?][\"”’)*_]*(?P<cites>(?:\s*\[\^?\d[\d,;\s–-]*\])*)(?:\s+(?=[^\sa-z])|$)")
_ABBREVIATION = re.compile(
    r"(?:\b(?:approx|ca|e\.g|i\.e|sq|st|no|nr|vs|mt|max|min|avg|resp|incl|excl|fig|cf|dr|c)|\b[A-Z])\.$", re.IGNORECASE
)
_NUMBERING = re.compile(r"\d{1,3}[.)]\s+")


@dataclass(frozen=True)
class Part:
    """A stretch in which numbers are read: a whole sentence, or one cell of a row."""

    start: int
    end: int
    header: str = ""
    """Text of the column's header."""
    beside: tuple[Part, ...] = ()
    """The other cells of the row, in order."""
    is_label: bool = True
    """False for the cells of a row behind the first, which hold values rather than names."""


@dataclass(frozen=True)
class Passage:
    """A piece of an answer that is supported or not, and that is removed as a whole."""

    start: int
    end: int
    kind: Kind
    parts: tuple[Part, ...]
    context: tuple[str, ...] = ()
    """What else says what its numbers are about, nearest first: the items above, the lead-in, the heading."""
    citing: tuple[str, ...] = ()
    """Where its citations are looked for if it has none itself, nearest first."""
    block: int = 0
    """Items of one list and rows of one table share it with their lead-in and header; 0 outside."""


def passages_of(answer: str) -> tuple[Passage, ...]:
    """Split an answer (Markdown or plain text) into passages, in order of place; every number lies in at most one."""
    return _Splitter(answer).split()


@dataclass(frozen=True)
class _Line:
    start: int
    text: str

    @property
    def end(self) -> int:
        return self.start + len(self.text)

    @property
    def is_blank(self) -> bool:
        return not self.text.strip()


class _Splitter:
    """Reads line by line and remembers what stands above: heading, lead-in, open items."""

    def __init__(self, answer: str) -> None:
        self._answer = answer
        starts = [0, *(match.end() for match in re.finditer(r"\n", answer))]
        self._lines = [_Line(start, answer[start : answer.find("\n", start) if "\n" in answer[start:] else None]) for start in starts]
        self._passages: list[Passage] = []
        self._heading = ""
        self._lead = ""
        self._items: list[tuple[int, str]] = []
        self._block = 0
        self._in_block = False

    def split(self) -> tuple[Passage, ...]:
        at = 0
        while at < len(self._lines):
            at = self._take(at)
        return tuple(self._passages)

    def _take(self, at: int) -> int:
        """Read the block that starts at a line; return the line behind it."""
        line = self._lines[at]
        if line.is_blank:
            return at + 1
        if self._is_table(at):
            return self._take_table(at)
        if heading := _HEADING.match(line.text):
            self._heading, self._lead, self._items, self._in_block = line.text[heading.end() :], "", [], False
            numbering = _NUMBERING.match(line.text, heading.end())
            self._add(line.start, line.end, "heading", Part(line.start + (numbering or heading).end(), line.end), ())
            return at + 1
        if _ITEM.match(line.text):
            self._take_item(line)
            return at + 1
        return self._take_paragraph(at)

    def _is_table(self, at: int) -> bool:
        following = self._lines[at + 1].text if at + 1 < len(self._lines) else ""
        return "|" in self._lines[at].text and "|" in following and bool(_RULE.fullmatch(following))

    def _take_table(self, at: int) -> int:
        end = at + 2
        while end < len(self._lines) and "|" in self._lines[end].text:
            end += 1
        self._items = []
        self._open_block()
        rows = self._lines[at + 2 : end]
        header, headers = self._lines[at], [text for _, text in _cells(self._lines[at])]
        above = self._above()
        citing = (*above, *(row.text for row in rows))
        parts = tuple(Part(start, start + len(text)) for start, text in _cells(header))
        self._passages.append(Passage(header.start, self._lines[at + 1].end, "header", parts, above, citing, self._block))
        for row in rows:
            self._passages.append(
                Passage(row.start, row.end, "row", _row_parts(row, headers), above, (header.text, self._lead), self._block)
            )
        return end

    def _take_item(self, line: _Line) -> None:
        match = _ITEM.match(line.text)
        indent, text_start = (len(match["indent"]), match.end()) if match else (0, 0)
        self._open_block()
        self._items = [(depth, text) for depth, text in self._items if depth < indent]
        self._add(line.start, line.end, "item", Part(line.start + text_start, line.end), self._above())
        self._items.append((indent, line.text[text_start:]))

    def _take_paragraph(self, at: int) -> int:
        end = at + 1
        while end < len(self._lines) and not self._starts_block(end):
            end += 1
        indent = len(self._lines[at].text) - len(self._lines[at].text.lstrip())
        under_item = bool(self._items) and indent > self._items[-1][0]
        if not under_item:
            self._items, self._in_block, self._lead = [], False, ""
        start, stop = self._lines[at].start, self._lines[end - 1].end
        spans = _sentences(self._answer[start:stop])
        for left, right in spans:
            self._add(start + left, start + right, "sentence", Part(start + left, start + right), self._above())
            text = self._answer[start + left : start + right]
            if not under_item and (is_lead_in(text) or not self._in_block):
                self._lead, self._in_block = text, False
                if is_lead_in(text):
                    self._open_block()
        return end

    def _starts_block(self, at: int) -> bool:
        line = self._lines[at]
        return line.is_blank or bool(_HEADING.match(line.text) or _ITEM.match(line.text)) or self._is_table(at)

    def _open_block(self) -> None:
        """Begin a list or table, unless one is going on; the sentence right above becomes its lead-in."""
        if self._in_block:
            return
        self._block, self._in_block = self._block + 1, True
        if self._passages and self._lead and self._passages[-1].kind == "sentence":
            last = self._passages[-1]
            self._passages[-1] = Passage(last.start, last.end, last.kind, last.parts, last.context, last.citing, self._block)

    def _above(self) -> tuple[str, ...]:
        """What speaks for the next passage; a lead-in does so only if it ends with a colon."""
        items = tuple(text for _, text in reversed(self._items))
        lead = self._lead if self._in_block and is_lead_in(self._lead) else ""
        return tuple(text for text in (*items, lead, self._heading) if text)

    def _add(self, start: int, end: int, kind: Kind, part: Part, context: tuple[str, ...]) -> None:
        items = tuple(text for _, text in reversed(self._items))
        block = self._block if self._in_block else 0
        citing = tuple(text for text in (*items, self._lead if block else "") if text)
        self._passages.append(Passage(start, end, kind, (part,), context, citing, block))


def is_lead_in(text: str) -> bool:
    """Whether a sentence only introduces what follows: it ends with a colon."""
    bare = re.sub(r"\[[\d,;\s–-]*\]|[*_`\s]", "", text)
    return bare.endswith(":")


def _cells(line: _Line) -> list[tuple[int, str]]:
    """Return the cells of a row with their places in the answer."""
    inner = line.text.strip()
    first = line.start + line.text.index(inner) + (1 if inner.startswith("|") else 0)
    inner = inner.removeprefix("|").removesuffix("|")
    cells, place = [], first
    for cell in re.split(r"(?<!\\)\|", inner):
        cells.append((place, cell))
        place += len(cell) + 1
    return cells


def _row_parts(row: _Line, headers: list[str]) -> tuple[Part, ...]:
    parts = [
        Part(start, start + len(text), headers[index].strip() if index < len(headers) else "", is_label=index == 0)
        for index, (start, text) in enumerate(_cells(row))
    ]
    return tuple(replace(part, beside=tuple(other for other in parts if other is not part)) for part in parts)


def _sentences(paragraph: str) -> list[tuple[int, int]]:
    """Return the spans of the sentences of a paragraph, without the space between them.

    A line break ends a sentence unless the next line begins in lower case. Citations right behind a full stop belong to
    the sentence before, if it has none.
    """
    cuts = [match.start() for match in re.finditer(r"\n(?!\s*[a-z])", paragraph)]
    for match in _SENTENCE_END.finditer(paragraph):
        stop = match.start() + 1
        if _ABBREVIATION.search(paragraph[:stop]):
            continue
        begun = max((cut for cut in cuts if cut <= match.start()), default=0)
        own = citations_in(paragraph[begun:stop])
        cuts.append(match.start("cites") if match["cites"] and own else match.end("cites"))
    edges = sorted({0, *cuts, len(paragraph)})
    spans = [_stripped(paragraph, left, right) for left, right in pairwise(edges)]
    return [(left, right) for left, right in spans if left < right] or [(0, len(paragraph))]


def _stripped(text: str, left: int, right: int) -> tuple[int, int]:
    while left < right and text[left].isspace():
        left += 1
    while left < right and text[right - 1].isspace():
        right -= 1
    return left, right
