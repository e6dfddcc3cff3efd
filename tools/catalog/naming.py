"""Names made from names: ids and titles from files, and the column that names the features of a layer."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tools.catalog.records import Column

NAME_WORDS = frozenset(("name", "names", "nombre", "nom", "naam", "nome", "namn", "navn", "nimi", "nazwa", "naziv", "jmeno", "bezeichnung"))
"""The word for name in the languages that open data is most often published in."""
LABEL_WORDS = frozenset(("title", "titel", "titre", "label", "toponym"))
PLACE_WORDS = frozenset(
    (
        "admin", "area", "basin", "borough", "catchment", "city", "community", "commune", "country", "county", "district", "gemeente", "gemeinde",
        "hood", "landkreis", "locality", "location", "municipality", "neighborhood", "neighbourhood", "parish", "park", "place", "province", "quarter", "region", "sector",
        "settlement", "site", "state", "station", "suburb", "town", "village", "ward", "zone",
    )
)  # fmt: skip
"""Words that stand for a named place; a text column of that name mostly holds the names."""
OTHER_WORDS = frozenset(("type", "class", "code", "id", "iso", "category", "status", "kind", "file", "user", "layer", "source", "alt", "local", "lang"))
"""Words that say that a column named otherwise holds something else: a type, a code, a file, a name in another language."""
LEAST_DISTINCT = 0.5
"""Least share of distinct values in a column that names features, unless it is called just `name`."""
CODE = re.compile(r"[A-Z0-9][A-Z0-9_.\-]{0,4}")


def humanised(stem: str) -> str:
    """Turn a file's stem into a title: `observed_event_first` → `observed event first`."""
    return re.sub(r"[\s_]+", " ", stem).strip() or stem


def slug(text: str) -> str:
    """Turn text into an id: lower case, accents dropped, words joined by `_`; letters of other scripts stay."""
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    plain = "".join(character for character in decomposed if not unicodedata.combining(character))
    return re.sub(r"\W+", "_", plain).strip("_") or "dataset"


def free_id(wanted: str, taken: Iterable[str]) -> str:
    """Return `wanted`, or the first of `wanted_2`, `wanted_3`, … that nobody has."""
    used = set(taken)
    if wanted not in used:
        return wanted
    number = 2
    while f"{wanted}_{number}" in used:
        number += 1
    return f"{wanted}_{number}"


@dataclass(frozen=True)
class Naming:
    """How well a column may name features; compared field by field, least is best."""

    codes: bool
    rank: int
    repeats: float
    position: int

    def key(self) -> tuple[bool, int, float, int]:
        """Return what candidates are sorted by."""
        return self.codes, self.rank, self.repeats, self.position


def name_column(columns: Sequence[Column], feature_count: int) -> str | None:
    """Return the column that names the features best, or None: better none than a column of types or codes.

    A text column qualifies by its name: `name` itself, a word of `NAME_WORDS` or `LABEL_WORDS` in it, or a place word; and
    by its values: mostly distinct, more than one (unless there is one feature). Columns that look like codes come last.
    """
    candidates = [
        (naming.key(), column.name)
        for position, column in enumerate(columns)
        if (naming := _naming(column, position, feature_count)) is not None
    ]
    return min(candidates)[1] if candidates else None


def _naming(column: Column, position: int, feature_count: int) -> Naming | None:
    rank = _rank(column.name)
    present = feature_count - column.nulls
    if column.type != "text" or rank is None or not column.distinct or (column.distinct == 1 and feature_count > 1):
        return None
    share = column.distinct / present
    if share < LEAST_DISTINCT and rank > 0:
        return None
    texts = [value for value in column.values if isinstance(value, str)]
    codes = bool(texts) and sum(bool(CODE.fullmatch(text)) for text in texts) > 0.8 * len(texts)
    return Naming(codes, rank, 1 - share, position)


def _rank(name: str) -> int | None:
    """0 for `name` itself, then names, labels, place words; None for anything else."""
    tokens = words(name)
    if not tokens:
        return None
    if len(tokens) == 1 and tokens[0] in NAME_WORDS:
        return 0
    others = OTHER_WORDS.intersection(tokens)
    if NAME_WORDS.intersection(tokens) or any("name" in token for token in tokens):
        return 5 if others else 1
    if others:
        return None
    if LABEL_WORDS.intersection(tokens):
        return 2
    return 3 if len(tokens) == 1 and tokens[0] in PLACE_WORDS else 4 if PLACE_WORDS.intersection(tokens) else None


def words(name: str) -> tuple[str, ...]:
    """Split a column name into lower-case words: at anything that is no letter, and before a capital after a small letter."""
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)
    return tuple(word.casefold() for word in re.split(r"[\W\d_]+", spaced) if word)
