"""What an answer may not hold because it came out of the data, not out of a question or a result: links, and sentences taken over.

Text of data is quoted material. A model that obeys it would carry a stranger's sentence or link to the reader; both are
treated like a number that no result supports. What stands in quotation marks is quoted; a name of a few words is a name.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import pairwise
from typing import Any

from agent.grounding.citations import citations_in
from agent.grounding.claims import Claim, Grounding
from agent.grounding.quotes import quotations_in
from agent.grounding.sentences import Passage, passages_of

RUN_WORDS = 8
"""So many words in a row are no chance and seldom a name."""

_LINK = re.compile(
    r"!?\[[^\]\n]*\]\([^)\s]*\)|<[a-z][a-z0-9+.-]*:[^>\s]*>|\b[a-z][a-z0-9+.-]{1,20}://\S+|\bwww\.[^\s)]+|\b[\w.+-]+@[\w-]+\.[\w.]{2,}",
    re.IGNORECASE,
)
_WORD = re.compile(r"\w+")
OURS = frozenset({"question", "previous", "params", "summary", "warnings", "method", "hint", "message", "description", "cut", "need"})
"""Fields of what a model reads whose text is ours or the user's own."""


def strings_of(value: Any) -> Iterator[str]:  # Any: JSON
    """Yield every text of a session block or tool message that comes from data, names of fields included: columns may be such."""
    if isinstance(value, Mapping):
        for key, each in value.items():
            yield from () if key in OURS else (str(key), *strings_of(each))
    elif isinstance(value, list | tuple):
        for each in value:
            yield from strings_of(each)
    elif isinstance(value, str):
        yield value


def with_foreign(checked: Grounding, answer: str, question: str, read: Iterable[str]) -> Grounding:
    """Add a claim without support for every link that the user did not write, and every sentence taken over from `read`."""
    quoted = [(quotation.start, quotation.end) for quotation in quotations_in(answer)]
    found = [*_links(answer, question, quoted), *_echoes(checked, answer, question, read, quoted)]
    spans = [claim.span for claim in found]
    others = [claim for claim in checked.claims if not any(start <= claim.span[0] < end for start, end in spans)]
    return replace(checked, claims=tuple(sorted([*others, *found], key=lambda claim: claim.span)))


def _links(answer: str, question: str, quoted: list[tuple[int, int]]) -> Iterator[Claim]:
    for match in _LINK.finditer(answer):
        text = match.group().rstrip(".,;:!?\"'")
        text = text if "](" in text else text.rstrip(")")
        if text.casefold() not in question.casefold() and not any(start < match.start() < end for start, end in quoted):
            span = (match.start(), match.start() + len(text))
            yield Claim(span, text, None, None, "unsupported", reason="a link that the user did not write", sentence=text)


def _echoes(checked: Grounding, answer: str, question: str, read: Iterable[str], quoted: list[tuple[int, int]]) -> Iterator[Claim]:
    runs = {run for text in read for run in _runs(text)} - set(_runs(question))
    if not runs:
        return
    for passage in passages_of(answer):
        text = answer[passage.start : passage.end]
        if not _is_carried(passage, checked, text) and any(runs.intersection(_runs(part)) for part in _unquoted(answer, passage, quoted)):
            reason = "words of the data, which are no result; quote them with their citation, or leave them out"
            yield Claim((passage.start, passage.end), text.strip(), None, None, "unsupported", reason=reason, sentence=text)


def _is_carried(passage: Passage, checked: Grounding, text: str) -> bool:
    """Whether a passage says where it comes from: by a supported number, or by a result that exists."""
    supported = any(claim.verdict in ("supported", "quoted") and passage.start <= claim.span[0] < passage.end for claim in checked.claims)
    return supported or any(n in checked.cited for citation in citations_in(text) for n in citation.numbers)


def _unquoted(answer: str, passage: Passage, quoted: list[tuple[int, int]]) -> list[str]:
    """Return the stretches of a passage that stand in no quotation."""
    edges = [passage.start, *(edge for span in quoted for edge in span if passage.start < edge < passage.end), passage.end]
    stretches = ((start, end) for start, end in pairwise(edges) if not any(left <= start and end <= right for left, right in quoted))
    return [answer[start:end] for start, end in stretches]


def _runs(text: str) -> Iterator[tuple[str, ...]]:
    words = [word.casefold() for word in _WORD.findall(text)]
    for start in range(len(words) - RUN_WORDS + 1):
        yield tuple(words[start : start + RUN_WORDS])
