"""Find which subjects a text names: zones, classes, features, groups, as the facts and the parameters of the calls spell them.

Names are compared word by word, without case and accents, in the singular. A code in front ("11-Residential"), or a kind
of place behind ("Ashford District"), may be left out where no other subject is meant by the rest. A name that is a bare
number, a single letter or an everyday word ("other", "no") is taken as one only where its place says so.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from agent.grounding.dates import full_dates
from agent.grounding.weak_names import is_doubtful, is_inside_number, is_placed, is_verb
from agent.grounding.written_units import read_unit, stated_unit

_WORD = re.compile(r"[^\W_]+")
_WEAK_WORDS = frozenset(
    "a an the of in on at by to from for with and or not no yes none all any other others total unknown true false null nan is are was be it as if "
    "do so we he me my us up one two area areas zone class count share mean value values data valid i".split()
)
_KINDS = frozenset(
    "zone district region county province state municipality city town village area class category group type code id value park parcel "
    "ward sector unit block feature department canton commune kind level island".split()
)
_MEASURES = frozenset("area value level unit count share".split())
"""Kinds that head columns of numbers as well."""
_DIMENSIONS = frozenset("deep high long wide tall thick old away".split())
_MEASURED = re.compile(r"\b(?:m|cm|mm|km|ft|metres?|meters?|feet|miles?|years?)\s+$|\d\s?m\s+$")
"""In `2 m deep` the adjective is no class, even if there is one of that name."""


@dataclass(frozen=True)
class Mention:
    """A name in a text."""

    start: int
    end: int
    value: str
    """The whole name in normal form, see `normal_name`."""
    keys: frozenset[str] = frozenset()
    """As what it may be meant: `zone`, `class`, the name of a column."""
    is_doubtful: bool = False
    """Whether it may as well be no name at all."""


@lru_cache(maxsize=65536)
def normal_word(word: str) -> str:
    """Return a word without case and accents, in the singular as far as its ending tells."""
    folded = "".join(char for char in unicodedata.normalize("NFKD", word.casefold()) if not unicodedata.combining(char))
    if len(folded) > 4 and folded.endswith("ies"):
        return folded[:-3] + "y"
    if len(folded) > 4 and folded.endswith(("ches", "shes", "sses", "xes")):
        return folded[:-2]
    return folded[:-1] if len(folded) > 3 and folded.endswith("s") and not folded.endswith("ss") else folded


@lru_cache(maxsize=65536)
def words_of(name: str) -> tuple[str, ...]:
    """Return the normal words of a name."""
    return tuple(normal_word(word) for word in _WORD.findall(name))


def normal_name(name: str) -> str:
    """Return the form in which names are compared."""
    return " ".join(words_of(name))


class Vocabulary:
    """All names that can be meant, found in a text by their words; longer names win over shorter ones inside them."""

    def __init__(self, names: Iterable[tuple[str, str]]) -> None:
        """Take (key, name) pairs, such as ("zone", "North")."""
        self._keys: dict[str, set[str]] = {}
        self._written: dict[str, set[str]] = {}
        for key, name in names:
            if value := normal_name(name):
                self._keys.setdefault(value, set()).add(key)
                self._written.setdefault(value, set()).add(name)
        self._forms: dict[tuple[str, ...], str] = {tuple(value.split()): value for value in self._keys}
        self._add_short_forms()
        self._longest = max((len(form) for form in self._forms), default=0)
        self._key_words = _KINDS | {word for keys in self._keys.values() for key in keys for word in words_of(key)}

    def __contains__(self, value: str) -> bool:
        return value in self._keys

    def is_kind(self, header: str) -> bool:
        """Whether the header of a column says that names stand below it: `class`, `zone`, a column of the results."""
        return stated_unit(header) is None and any(word in self._key_words - _MEASURES for word in words_of(header))

    def mentions(self, text: str) -> list[Mention]:
        """Return the names in a text in order of place, none inside another."""
        return [mention for mention in self._found(text) if not mention.is_doubtful]

    def doubtful(self, text: str) -> list[Mention]:
        """Return what may be meant as a name, but may as well be a number or an everyday word."""
        return [mention for mention in self._found(text) if mention.is_doubtful]

    def _found(self, text: str) -> list[Mention]:
        tokens = list(_WORD.finditer(text))
        forms = [normal_word(token.group()) for token in tokens]
        dates = (date for date in full_dates(text) if " ".join(words_of(date.iso)) in self._keys)
        found = {self._mention(date.start, date.end, date.iso) for date in dates}
        at = 0
        while at < len(tokens):
            mention = self._longest_at(text, tokens, forms, at)
            if mention:
                found.add(mention)
            at += len([token for token in tokens[at:] if token.end() <= mention.end]) if mention else 1
        return sorted(found, key=lambda mention: mention.start)

    def _mention(self, start: int, end: int, value: str) -> Mention:
        value = normal_name(value)
        return Mention(start, end, value, frozenset(self._keys[value]))

    def _longest_at(self, text: str, tokens: Sequence[re.Match[str]], forms: Sequence[str], at: int) -> Mention | None:
        """Return the longest name that starts with a word; a doubtful one only if there is no other."""
        doubtful = None
        for size in range(min(self._longest, len(tokens) - at), 0, -1):
            form = tuple(forms[at : at + size])
            value = self._forms.get(form)
            start, end = tokens[at].start(), tokens[at + size - 1].end()
            if (
                value is None
                or is_inside_number(text, start, end)
                or is_verb(text, start, end)
                or (size == 1 and forms[at] in _DIMENSIONS and _MEASURED.search(text[max(0, start - 12) : start]))
            ):
                continue
            if not _is_weak(form) or self._is_placed(text, tokens, at, size, value):
                return self._mention(start, end, value)
            if is_doubtful(text, start, end, self._written[value]):
                doubtful = doubtful or replace(self._mention(start, end, value), is_doubtful=True)
        return doubtful

    def _is_placed(self, text: str, tokens: Sequence[re.Match[str]], at: int, size: int, value: str) -> bool:
        """Whether the place of a weak name shows that it is meant as one."""
        start, end = tokens[at].start(), tokens[at + size - 1].end()
        kind = tokens[at - 1] if at else None
        if kind and normal_word(kind.group()) in self._key_words and re.fullmatch(r"\W{1,3}", text[kind.end() : start]):
            return not read_unit(text, end)[0]
        return is_placed(text, start, end, self._written[value])

    def _add_short_forms(self) -> None:
        """Let a leading code or a kind of place be left out where the rest means one name only."""
        shorter: dict[tuple[str, ...], set[str]] = {}
        for value in self._keys:
            words = tuple(value.split())
            for form in (_without_code(words), tuple(word for word in words if word not in _KINDS)):
                if form and form != words and not _is_weak(form):
                    shorter.setdefault(form, set()).add(value)
        self._forms |= {form: values.pop() for form, values in shorter.items() if len(values) == 1 and form not in self._forms}


def _without_code(words: tuple[str, ...]) -> tuple[str, ...]:
    return words[1:] if words[0].isdigit() else words


def _is_weak(form: tuple[str, ...]) -> bool:
    """Whether the words of a name are met in any text: numbers, single letters, units, everyday words."""
    if len(form) > 1 and any(word in _KINDS for word in form) and not all(word in _KINDS for word in form):
        return False
    return all(word in _WEAK_WORDS or word.isdigit() or len(word) == 1 or read_unit(word, 0)[0] for word in form)
