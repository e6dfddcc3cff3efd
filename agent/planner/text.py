"""Tokens of a question or of a name: words, numbers and signs with their place, folded case and singular form."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

TokenKind = Literal["word", "number", "sign", "date"]

_TOKEN = re.compile(
    r"(?P<date>\d{4}-\d{2}-\d{2})"
    r"|(?P<number>(?<![^\W_])\d+(?:,\d{3})+(?:\.\d+)?(?!\d)|(?<![^\W_])\d+(?:[.,]\d+)?(?!\d))"
    r"|(?P<word>(?<=\d)['’]s\b|°\s?[CFK]\b|[^\W\d_][^\W_]*(?:['’][^\W\d_]+)*)"
    r"|(?P<sign>>=|<=|!=|==|[-<>=≥≤≠%&+/?.,;:()–—…°!])",
)
_QUOTED = re.compile(r"(?<!\w)\"([^\"]+)\"|“([^”]+)”|„([^“”]+)[“”]|(?<!\w)'([^']+)'(?!\w)|(?<!\w)‘([^’]+)’(?!\w)|`([^`]+)`")
_CAMEL = re.compile(r"(?<=[a-zß-ÿ])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|(?<=[^\W\d_])(?=\d)|(?<=\d)(?=[^\W\d_])")

_IRREGULAR = {
    "people": "person", "children": "child", "men": "man", "women": "woman", "feet": "foot", "leaves": "leaf", "wolves": "wolf",
    "halves": "half", "indices": "index", "vertices": "vertex", "axes": "axis", "bases": "base", "geese": "goose", "mice": "mouse",
    "data": "data", "series": "series", "species": "species", "gas": "gas", "bus": "bus", "buses": "bus", "canvas": "canvas",
    "atlas": "atlas", "gases": "gas", "statistics": "statistics", "lens": "lens", "news": "news", "swiss": "swiss", "status": "status", "census": "census",
}  # fmt: skip
_KEPT_ENDINGS = ("ss", "us", "is", "ous")


@dataclass(frozen=True)
class Token:
    """One word, number or sign of a text."""

    kind: TokenKind
    text: str
    """As written."""
    word: str
    """Without case, accents and a possessive ending."""
    lemma: str
    """`word` in the singular."""
    start: int
    end: int
    quote: int = 0
    """Number of the quotation it stands in, from 1; 0 outside."""
    glue: str = " "
    """What joins it to the token before: a space, a hyphen, or nothing."""

    @property
    def capital(self) -> bool:
        """Whether it starts with a capital letter."""
        return self.kind == "word" and self.text[0].isupper()

    @property
    def value(self) -> float:
        """The number it is; only for numbers."""
        return parse_number(self.text)


@lru_cache(maxsize=65536)
def fold(text: str) -> str:
    """Return the text without case and accents, so that `Čapek` equals `capek`."""
    text = text.translate(_SPECIAL)
    if not text.isascii():
        decomposed = unicodedata.normalize("NFKD", text)
        text = "".join(char for char in decomposed if not unicodedata.combining(char))
    return text.casefold()


_SPECIAL = str.maketrans({"²": "2", "³": "3", "’": "'", "ø": "o", "Ø": "O", "ł": "l", "Ł": "L", "đ": "d", "æ": "ae", "œ": "oe"})


@lru_cache(maxsize=65536)
def singular(word: str) -> str:
    """Return the singular of an English word in lower case; other words stay as they are."""
    if word in _IRREGULAR:
        return _IRREGULAR[word]
    if len(word) <= 3 or not word.endswith("s") or word.endswith(_KEPT_ENDINGS):
        return word
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    if word.endswith(("ches", "shes", "sses", "xes", "zes")):
        return word[:-2]
    return word[:-1]


def parse_number(text: str) -> float:
    """Read `1,200`, `0.5` or `0,5`; a comma is decimal unless three digits follow it."""
    if re.fullmatch(r"\d+(?:,\d{3})+(?:\.\d+)?", text):
        return float(text.replace(",", ""))
    return float(text.replace(",", "."))


def split_name(name: str) -> list[str]:
    """Split an identifier at underscores, camel case and digits, but keep what a user would type as one word."""
    name = re.sub(r"['’]s\b|['’](?=\w)", "", name)
    return [part for piece in re.split(r"[\W_]+", name) if piece for part in _CAMEL.split(piece) if part]


@lru_cache(maxsize=16384)
def name_lemmas(name: str) -> tuple[str, ...]:
    """Return the parts of an identifier or label as singular, folded words."""
    return tuple(singular(fold(part)) for part in split_name(name))


def tokenize(text: str) -> tuple[Token, ...]:
    """Split a question into tokens; quoted passages are marked, underscores separate words, `10m` is a number and a word."""
    text = unicodedata.normalize("NFC", text)
    quotes = [match.span() for match in _QUOTED.finditer(text)]
    tokens: list[Token] = []
    for match in _TOKEN.finditer(text):
        kind: TokenKind = match.lastgroup  # type: ignore[assignment]  # the groups are named after the kinds
        start, end = match.span()
        if kind == "sign" and _is_joint(text, start, end):
            continue
        quote = next((number for number, (left, right) in enumerate(quotes, 1) if left <= start and end <= right), 0)
        between = text[tokens[-1].end : start] if tokens else " "
        tokens.append(_token(kind, match.group(), start, end, quote, " " if " " in between or "\n" in between else between))
    return tuple(tokens)


def written(tokens: Sequence[Token]) -> str:
    """Write consecutive tokens as they stood in the question."""
    return "".join(f"{token.glue if place else ''}{token.text}" for place, token in enumerate(tokens))


def _is_joint(text: str, start: int, end: int) -> bool:
    """Whether a hyphen, stop or slash only joins two parts of one name, as in `built-up`, `5-Flood` or `St.Gall`."""
    inside = text[start:end] in "-./&" and start > 0 and end < len(text) and text[start - 1].isalnum() and text[end].isalnum()
    return inside and not (text[start - 1].isdigit() and text[end].isdigit())


def _token(kind: TokenKind, text: str, start: int, end: int, quote: int, glue: str) -> Token:
    word = fold(text)
    if kind == "word":
        word = re.sub(r"'s$|'$", "", word)
    lemma = singular(word) if kind == "word" else word
    return Token(kind, text, word, lemma, start, end, quote, glue)
