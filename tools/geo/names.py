"""Compare names as people write them: case, accents, punctuation and small slips do not matter."""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Iterable
from typing import Literal, get_args

from tools.geo.transliteration import latin_forms

Exactness = Literal["exact", "prefix", "contains", "close"]
EXACTNESS: tuple[Exactness, ...] = get_args(Exactness)
"""Best first."""
CLOSE_RATIO = 0.85
"""Least similarity (difflib) of a close match: one slip in seven letters."""
SHORT = 3
"""Shorter names match only whole words: two letters are part of almost every name."""
UNDECOMPOSED = str.maketrans({"ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "ı": "i"})
"""Letters that Unicode does not take apart into a base letter and a mark."""


def fold(text: str) -> str:
    """Return lower-case words without accents and punctuation, one blank between them."""
    plain_letters = unicodedata.normalize("NFKD", text).casefold().translate(UNDECOMPOSED)
    decomposed = unicodedata.normalize("NFKD", plain_letters)
    plain = "".join(character for character in decomposed if not unicodedata.combining(character))
    return " ".join(re.findall(r"\w+", plain))


def forms(text: str) -> frozenset[str]:
    """Return every form in which a name may be written, folded: as it is, and in Latin letters (`Київ` is kyiv, `Köln` koeln)."""
    if text.isascii():
        return frozenset((fold(text),))
    spelt = latin_forms(unicodedata.normalize("NFC", unicodedata.normalize("NFKC", text).casefold()))
    return frozenset((fold(text), *map(fold, spelt)))


def best_matches(name: str, values: Iterable[str]) -> tuple[Exactness | None, tuple[str, ...]]:
    """Return the values that match best, in the order given, and how well; (None, ()) where none does.

    Only the best class is returned: where a value is exactly the name, those that contain it are other places.
    """
    wanted = forms(name)
    spelt = {value: forms(value) for value in values}
    found: dict[Exactness, list[str]] = {}
    for value, texts in spelt.items():
        exactness = _best_of(wanted, texts)
        if exactness is not None:
            found.setdefault(exactness, []).append(value)
    for exactness in EXACTNESS:
        if exactness in found:
            return exactness, tuple(found[exactness])
    known = {text for texts in spelt.values() for text in texts}
    near = {text for form in wanted if form for text in difflib.get_close_matches(form, known, n=max(1, len(known)), cutoff=CLOSE_RATIO)}
    return ("close", tuple(value for value, texts in spelt.items() if texts & near)) if near else (None, ())


def _best_of(wanted: frozenset[str], texts: frozenset[str]) -> Exactness | None:
    """Return how well the best pair of forms fits."""
    if not wanted.isdisjoint(texts):
        return "exact" if any(wanted & texts) else None
    fits = {_compare(one, text) for one in wanted for text in texts}
    return next((exactness for exactness in EXACTNESS if exactness in fits), None)


def _compare(wanted: str, text: str) -> Exactness | None:
    if not wanted or not text:
        return None
    if text == wanted:
        return "exact"
    if text.startswith(f"{wanted} ") or (len(wanted) >= SHORT and text.startswith(wanted)):
        return "prefix"
    if f" {wanted} " in f" {text} " or (len(wanted) >= SHORT and wanted in text):
        return "contains"
    return None
