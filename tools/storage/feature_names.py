"""The column that names the features of a layer: declared, else found by its name and its values."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from tools.storage.conditions import check_columns

if TYPE_CHECKING:
    import pandas

NAME_WORDS = frozenset(("name", "names", "nombre", "nom", "naam", "nome", "namn", "navn", "nimi", "nazwa", "naziv", "jmeno", "bezeichnung"))
"""The word for name in the languages that open data is most often published in."""
LABEL_WORDS = frozenset(("title", "titel", "titre", "label", "toponym", "designation"))
PLACE_WORDS = frozenset(
    (
        "admin", "area", "arrondissement", "barrio", "basin", "bezirk", "borough", "buurt", "canton", "catchment", "city", "comune", "community",
        "commune", "country", "county", "department", "departement", "district", "gemeente", "gemeinde", "governorate", "hood", "kommune", "kreis",
        "landkreis", "locality", "location", "municipality", "municipio", "neighborhood", "neighbourhood", "oblast", "parish", "park", "place",
        "precinct", "prefecture", "province", "provincia", "quarter", "region", "reserve", "sector", "settlement", "site", "state", "station",
        "suburb", "territory", "town", "township", "village", "ward", "watershed", "wijk", "zone",
    )
)  # fmt: skip
"""Words that stand for a named place; a text column of that name mostly holds the names."""
OTHER_WORDS = frozenset(
    (
        "address", "alt", "author", "category", "class", "code", "comment", "contact", "date", "desc", "description", "email", "file", "holder", "id",
        "iso", "kind", "lang", "layer", "link", "local", "manager", "note", "notes", "operator", "owner", "phone", "remark", "remarks", "source",
        "status", "street", "type", "url", "user",
    )
)  # fmt: skip
"""Words that say that a column holds something else: a type, a code, a person, a file, free text, a name in another language."""
ALTERNATE_WORDS = frozenset(("aka", "alias", "aliases", "alternatename", "alternatenames", "endonym", "exonym", "synonym", "synonyms"))
"""Words for further names of a feature; a column of names in another language or form has the word for name in it."""
OF_NAMES = frozenset(("alt", "lang", "local"))
"""Words of `OTHER_WORDS` that beside the word for name say which of the names it is."""
LEAST_DISTINCT = 0.5
"""Least share of distinct values in a column that names features, unless it is called just `name`."""
SAMPLE_VALUES = 60
"""Up to so many distinct values are looked at whole, of more the first `FEW_VALUES`."""
FEW_VALUES = 12
BY_VALUES = 6
"""Rank of a column whose name says nothing; its values must then look like names."""
LONGEST_NAME = 60
MOST_WORDS = 6
MOST_DISTINCT = 0.8
"""Least share of distinct values where only the values say that they are names."""
MOSTLY = 0.8
"""Share of the values that settles what they are: codes, or names."""
CODE = re.compile(r"[A-Z0-9][A-Z0-9_.\-]{0,4}")


class ColumnSummary(Protocol):
    """What has to be known of a column to judge it."""

    @property
    def name(self) -> str:
        """The column's name."""

    @property
    def type(self) -> str:
        """`text` for text; any other word for the rest."""

    @property
    def distinct(self) -> int:
        """Distinct values that are not null."""

    @property
    def nulls(self) -> int:
        """Values that are null."""

    @property
    def values(self) -> Sequence[object]:
        """All distinct values, or the first few."""


@dataclass(frozen=True)
class _Text:
    name: str
    distinct: int
    nulls: int
    values: tuple[object, ...]
    type: str = "text"


def name_column_of(frame: pandas.DataFrame, declared: str | None) -> str | None:
    """Return the declared name column, else the one found in a whole layer; None where no column names features.

    Raises ParameterError where the declared column is not there.
    """
    if declared is not None:
        check_columns([declared], [str(column) for column in frame.columns])
        return declared
    return name_column([_summary(frame, name) for name in frame.columns if _is_text(frame[name])], len(frame))


def feature_labels(frame: pandas.DataFrame, column: str | None) -> list[str]:
    """Return a unique label per feature: its name; with `fid N` added, or alone, where that is not unique or missing. The index is `fid`."""
    fids = [f"fid {fid}" for fid in frame.index]
    if column is None:
        return fids
    names = [str(value) if present else "" for value, present in zip(frame[column], frame[column].notna(), strict=True)]
    count = Counter(names)
    return [name if name and count[name] == 1 else f"{name} ({fid})" if name else fid for name, fid in zip(names, fids, strict=True)]


def name_column(columns: Sequence[ColumnSummary], feature_count: int) -> str | None:
    """Return the column that names the features best, or None: better none than a column of types or codes.

    A text column qualifies by its name: `name` itself, a word of `NAME_WORDS` or `LABEL_WORDS` in it, or a place word; and
    by its values: mostly distinct, more than one (unless there is one feature). Columns that look like codes come last.
    Failing all that, a column of any other name whose values look like names will do.
    """
    ranked = [(rank, column.name) for position, column in enumerate(columns) if (rank := _rank(column, position, feature_count))]
    return min(ranked)[1] if ranked else None


def is_alternate(column: str, named: str | None) -> bool:
    """Whether a column holds further names of the features that `named` names: `alt_name`, `name:en`, `int_name`, `aliases`.

    A name of something else, as `county_name` of towns or `owner_name`, is none.
    """
    tokens = words(column)
    if column == named or ALTERNATE_WORDS.intersection(tokens):
        return column != named
    if not (NAME_WORDS.intersection(tokens) or any("name" in token for token in tokens)):
        return False
    known = set(words(named)) if named is not None else set[str]()
    return not ((PLACE_WORDS | OTHER_WORDS) - OF_NAMES - known).intersection(token.removesuffix("name") for token in tokens)


def listed_names(cell: str) -> tuple[str, ...]:
    """Return the names in one cell: itself, and its parts where it is a list, as `Köln; Cologne`, `Bolzano / Bozen` or `["a", "b"]`."""
    text = cell.strip()
    if text[:1] + text[-1:] in ("[]", "{}"):
        quoted = [one or other for one, other in re.findall(r'"([^"]+)"|\'([^\']+)\'', text)]
        parts = quoted or text[1:-1].split(",")
    else:
        parts = re.split(r"[;|\n]| ?/ ?", text)
    found = [part.strip() for part in parts]
    return tuple(dict.fromkeys((cell, *(part for part in found if part))))


def words(name: str) -> tuple[str, ...]:
    """Split a column name into lower-case words: at anything that is no letter, and before a capital after a small letter."""
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)
    return tuple(word.casefold() for word in re.split(r"[\W\d_]+", spaced) if word)


def _is_text(column: pandas.Series[object]) -> bool:
    import pandas

    return bool(pandas.api.types.infer_dtype(column, skipna=True) == "string")


def _summary(frame: pandas.DataFrame, name: str) -> _Text:
    distinct = frame[name].dropna().drop_duplicates()
    shown = distinct if len(distinct) <= SAMPLE_VALUES else distinct.head(FEW_VALUES)
    return _Text(str(name), len(distinct), int(frame[name].isna().sum()), tuple(shown))


def _rank(column: ColumnSummary, position: int, feature_count: int) -> tuple[bool, int, float, int] | None:
    """How well a column may name features, least is best: no codes, name, distinct values, position; None if not at all."""
    word_rank = _word_rank(column.name)
    if column.type != "text" or word_rank is None or not column.distinct or (column.distinct == 1 and feature_count > 1):
        return None
    texts = [value for value in column.values if isinstance(value, str)]
    share = column.distinct / (feature_count - column.nulls)
    if word_rank == BY_VALUES and (column.distinct == 1 or share < MOST_DISTINCT or not _are_mostly(texts, _looks_like_name)):
        return None
    if share < LEAST_DISTINCT and word_rank > 0:
        return None
    return _are_mostly(texts, lambda text: bool(CODE.fullmatch(text))), word_rank, 1 - share, position


def _are_mostly(texts: Sequence[str], test: Callable[[str], bool]) -> bool:
    return bool(texts) and sum(map(test, texts)) > MOSTLY * len(texts)


def _looks_like_name(text: str) -> bool:
    """A few words, the first with a capital where the script has any; no digits, no code."""
    letters = text.strip()
    if not letters or len(letters) > LONGEST_NAME or any(letter.isdigit() for letter in letters) or CODE.fullmatch(letters):
        return False
    return letters[0].isalpha() and not letters[0].islower() and len(letters.split()) <= MOST_WORDS


def _word_rank(name: str) -> int | None:
    """0 for `name` itself, then names, labels, place words, `BY_VALUES` where the name says nothing; None for anything else."""
    tokens = words(name)
    if len(tokens) == 1 and tokens[0] in NAME_WORDS:
        return 0
    others = OTHER_WORDS.intersection(token.removesuffix("name") for token in tokens)
    if NAME_WORDS.intersection(tokens) or any("name" in token for token in tokens):
        return 5 if others else 1
    if others:
        return None
    if LABEL_WORDS.intersection(tokens):
        return 2
    if PLACE_WORDS.intersection(tokens):
        return 3 if len(tokens) == 1 else 4
    return BY_VALUES
