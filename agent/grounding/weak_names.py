"""Tell whether a name that could be any number, letter or everyday word is meant as a name, by its place in the text.

A class may be called `3`, a zone `A`, a group `other`. Such a name counts only behind its kind ("class 3"), in quotes or
brackets, as a whole cell, at the start of a line before a colon, or where a clause can end in nothing but a name.
"""

from __future__ import annotations

import re
from collections.abc import Collection

from agent.grounding.written_units import read_unit

_PREPOSITION = r"\b(?:in|of|for|at|within|inside|than|and|versus|class|called|with|by|to|from|while|whereas)\s+"
_LINE_START = r"^[\s*_|]*"
_VERB = r"(?:has|have|had|covers?|contains?|holds?|takes?|makes?|reach(?:es)?|loses?|lost|gains?)"
_CLAUSE_END = r"\s*(?:$|[,;.)\[|(:])"

_PLACES = (
    (re.compile(r"[\"'“‘`]$|\*\*$"), re.compile(r"[\"'”’`]|\*\*|\s*[:(]")),
    (re.compile(r"\($"), re.compile(r"\)")),
    (re.compile(rf"{_LINE_START}$"), re.compile(r"[\s*_]*(?:$|[:(|]|[–—-]\s|,\s+[^\d\s])")),
    (re.compile(rf"(?:{_PREPOSITION}|[,;]\s+)$", re.IGNORECASE), re.compile(r"\s*:")),
    (re.compile(rf"{_LINE_START}(?:in|for|at)\s+$", re.IGNORECASE), re.compile(r"\s*,\s+\S")),
    (re.compile(r""), re.compile(rf"\s+{_VERB}\b")),
    (
        re.compile(r"\b(?:in|by|within|inside|while|whereas)\s+$", re.IGNORECASE),
        re.compile(rf"{_CLAUSE_END}|\s+(?:and|with|by|while|whereas)\b"),
    ),
)
"""What stands before and behind any weak name that is meant."""
_PLACES_OF_WORDS = (
    (re.compile(r""), re.compile(r"\s*[:(]")),
    (
        re.compile(rf"(?:{_PREPOSITION}|(?:\d|%|²|\b(?:ha|m2|km2|m|km|acres|hectares))\s+)$", re.IGNORECASE),
        re.compile(rf"{_CLAUSE_END}|\s+\d"),
    ),
    (re.compile(rf"(?:{_LINE_START}|,\s+)$"), re.compile(r"\s+(?:in|is|and)\b")),
    (re.compile(r"\b(?:of|class)\s+$", re.IGNORECASE), re.compile(r"\s+(?:in|within|inside)\b")),
    (re.compile(r"\b(?:in|by|and|than|with|of|is)\s+$", re.IGNORECASE), re.compile(r"\s+(?:and|or|with|by|is|was|are|were)\b")),
)
"""The same for names that are no bare numbers."""
_VERBS = frozenset({"changed"})
_DONE = re.compile(r"\s+(?:by|from|between|since|over|during|to|most|least|little)\b", re.IGNORECASE)
_BEHIND_PREPOSITION = re.compile(rf"{_PREPOSITION}$", re.IGNORECASE)
_CODE = re.compile(r"[^\W\d_][-_./]?\d|\d[-_./]?[^\W\d_]")
_NO_NAME_BEHIND = re.compile(r"\s*(?!(?:and|or|with|is|was|are|were|by|while|but)\b)[^\W\d_]|[.,]?\d|\s*%")


def is_placed(text: str, start: int, end: int, written: Collection[str]) -> bool:
    """Whether the name at these places is meant as one; `written` are its spellings in the results."""
    if read_unit(text, end)[0]:
        return False
    before, behind, name = text[:start], text[end:], text[start:end]
    places = _PLACES if name.isdigit() else (*_PLACES, *_PLACES_OF_WORDS)
    if any(left.search(before) and right.match(behind) for left, right in places):
        return True
    if any(_tells_itself(spelling) and text[:end].endswith(spelling) for spelling in written):
        return True
    return name in written and _is_capital(name, before)


def is_verb(text: str, start: int, end: int) -> bool:
    """Whether a name is no name but what something did: the water area `changed by 3 ha`, though a subject is called `changed`."""
    return text[start:end].casefold() in _VERBS and bool(_DONE.match(text, end))


def is_inside_number(text: str, start: int, end: int) -> bool:
    """Whether digits are part of a longer number: the `4` of `4.185` is no class 4."""
    goes_on = text[start:end][-1:].isdigit() and re.match(r"[.,]\d", text[end : end + 2])
    went_before = text[start : start + 1].isdigit() and re.search(r"\d[.,]$", text[max(0, start - 2) : start])
    return bool(goes_on or went_before)


def is_doubtful(text: str, start: int, end: int, written: Collection[str]) -> bool:
    """Whether a weak name without a place of its own may still be meant: spelled as in the results, and counting nothing."""
    if text[start:end].isdigit():
        return not _NO_NAME_BEHIND.match(text, end)
    return text[start:end] in written


def _tells_itself(name: str) -> bool:
    """Whether a name made of numbers is a range, a bound or a code, such as `1–2 m`, `≥ 2 m` or `P-08`, and no mere number."""
    return name[0] in "<>≥≤" or len(re.findall(r"\d+(?:[.,]\d+)?", name)) > 1 or bool(_CODE.search(name))


def _is_capital(name: str, before: str) -> bool:
    """Whether a name stands out by its capitals: `X and Y`, `NO`, or `in A`."""
    if not any(char.isupper() for char in name):
        return False
    if name.isupper() and len(name) < 4 and name not in ("A", "I"):
        return True
    return " " in name or bool(_BEHIND_PREPOSITION.search(before))
