"""Citations in text: `[1]`, `[1, 2]`, `[1][2]`, `[1-3]`."""

from __future__ import annotations

import re
from dataclasses import dataclass

_CITATION = re.compile(r"\[\^?(\d{1,4}(?:\s*[,;–-]\s*\d{1,4})*)\]")
_RANGE = re.compile(r"(\d+)\s*[–-]\s*(\d+)")
_WIDEST_RANGE = 100
"""`[1-9999]` is no list of citations; only its two ends are taken."""


@dataclass(frozen=True)
class Citation:
    """One bracket and the results it names."""

    start: int
    end: int
    numbers: tuple[int, ...]


def citations_in(text: str) -> list[Citation]:
    """Return the citations of a text in order of place."""
    return [Citation(match.start(), match.end(), _numbers(match.group(1))) for match in _CITATION.finditer(text)]


def without_citations(text: str) -> str:
    """Return the text with citations replaced by spaces; places stay."""
    return _CITATION.sub(lambda match: " " * len(match.group()), text)


def _numbers(inner: str) -> tuple[int, ...]:
    found: list[int] = []
    for part in re.split(r"[,;]", inner):
        span = _RANGE.search(part)
        first, last = (int(span.group(1)), int(span.group(2))) if span else (int(part), int(part))
        found.extend(range(first, last + 1) if 0 <= last - first <= _WIDEST_RANGE else (first, last))
    return tuple(dict.fromkeys(found))
