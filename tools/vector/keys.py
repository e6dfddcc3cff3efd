"""Rows of two tables that have the same key: which columns hold it, how their values are compared, who has a partner."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Literal

import numpy as np

from tools.errors import DataError, LimitError, ParameterError
from tools.geo.names import fold
from tools.geo.rings import Indexes
from tools.settings import current_settings
from tools.vector.absent import require_columns
from tools.vector.plain import EMPTY, NO_VALUE, group_label

if TYPE_CHECKING:
    import pandas

LEAST_SHARED = 0.5
"""Least share of the distinct values of the smaller side that a key without a common name must find on the other."""
MOST_TRIED = 60
"""Most columns of a side that are tried by their values."""
MOST_SHOWN = 3

Texts = np.ndarray[tuple[int], np.dtype[np.object_]]


@dataclass(frozen=True)
class Key:
    """The columns by which two tables are joined."""

    own: str
    other: str
    found: Literal["given", "by name", "by values"]


@dataclass(frozen=True)
class Keyed:
    """Rows with equal keys, sorted by the first side, then by the other."""

    key: Key
    first: Indexes
    second: Indexes
    cardinality: str
    """one-to-one, one-to-many, many-to-one or many-to-many, of the keys that have partners."""
    warnings: tuple[str, ...] = ()


def keyed(frame: pandas.DataFrame, other: pandas.DataFrame, key: str | None, other_key: str | None) -> Keyed:
    """Pair the rows of two tables by key; keys are compared as text, so that 001 is not 1; a missing key equals nothing.

    Raises ParameterError where no key was given and none is sure, DataError where no row has a partner.
    """
    found = _key(frame, other, key, other_key)
    own, theirs = texts(frame[found.own]), texts(other[found.other])
    first, second = equal_pairs(own, theirs)
    alike = _alike(own, theirs)
    if not len(first) and len(own) and len(theirs):
        raise _strangers(found, own, theirs, alike)
    return Keyed(found, first, second, _cardinality(first, second), alike)


def check_pairs(count: int) -> None:
    """Raise LimitError for more pairs than the setting `max_features`."""
    limit = current_settings().max_features
    if count > limit:
        raise LimitError(
            f"The join makes {count:,} pairs; the limit is {limit:,}.",
            hint="Filter the layers, ask for fewer partners (keep, k, distance_m), or raise TERRACITE_MAX_FEATURES.",
        )


def texts(column: pandas.Series[object]) -> Texts:
    """Return the cells as they are compared: whole numbers without a decimal point, text without blanks around it; None stays."""
    labels = [group_label(value).strip() for value in column]
    found: Texts = np.array([None if label in (EMPTY, NO_VALUE) else label for label in labels], dtype=object)
    return found


def equal_pairs(own: Texts, theirs: Texts) -> tuple[Indexes, Indexes]:
    """Return the positions of all pairs of equal texts, sorted; raise LimitError for more of them than may be made."""
    import pandas

    left = pandas.DataFrame({"key": own, "first": np.arange(len(own))}).dropna()
    right = pandas.DataFrame({"key": theirs, "second": np.arange(len(theirs))}).dropna()
    check_pairs(int((left.groupby("key").size() * right.groupby("key").size()).sum()))
    pairs = left.merge(right, on="key").sort_values(["first", "second"])
    return pairs["first"].to_numpy(dtype=np.intp), pairs["second"].to_numpy(dtype=np.intp)


def _key(frame: pandas.DataFrame, other: pandas.DataFrame, key: str | None, other_key: str | None) -> Key:
    if key is not None or other_key is not None:
        own, theirs = key or other_key or "", other_key or key or ""
        require_columns([own], frame)
        require_columns([theirs], other)
        return Key(own, theirs, "given")
    named = _by_name(frame, other)
    if len(named) == 1:
        return named[0]
    sure = _sure(named or _by_values(frame, other), frame, other)
    if sure is None:
        raise ParameterError(
            f"{_pairs_text(named) if named else 'No column'} may be the key that both sides share.",
            hint=f"Say which with 'key' and 'other_key'. Columns: {_listed(frame)}; of the other: {_listed(other)}.",
        )
    return sure


def _by_name(frame: pandas.DataFrame, other: pandas.DataFrame) -> list[Key]:
    theirs = {fold(name).replace("_", " "): name for name in _columns(other)}
    return [
        Key(name, theirs[folded], "by name") for name in _columns(frame) if (folded := fold(name).replace("_", " ")) and folded in theirs
    ]


def _by_values(frame: pandas.DataFrame, other: pandas.DataFrame) -> list[Key]:
    """Return the pairs of columns that share most of their values, where these name the rows of one side at least."""
    own = {name: texts(frame[name]) for name in _columns(frame)[:MOST_TRIED] if _can_be_key(frame[name])}
    theirs = {name: texts(other[name]) for name in _columns(other)[:MOST_TRIED] if _can_be_key(other[name])}
    return [
        Key(one, two, "by values")
        for one, two in product(own, theirs)
        if _shared(own[one], theirs[two]) >= LEAST_SHARED and not (_just_counts(own[one]) and _just_counts(theirs[two]))
    ]


def _sure(keys: Sequence[Key], frame: pandas.DataFrame, other: pandas.DataFrame) -> Key | None:
    """Return the key where one alone finds partners, or all that do find the same ones."""
    found = [(key, equal_pairs(texts(frame[key.own]), texts(other[key.other]))) for key in keys if _names_rows(frame, other, key)]
    there = [(key, pairs) for key, pairs in found if len(pairs[0])]
    same = all(np.array_equal(pairs[0], there[0][1][0]) and np.array_equal(pairs[1], there[0][1][1]) for _, pairs in there)
    return there[0][0] if there and same else None


def _names_rows(frame: pandas.DataFrame, other: pandas.DataFrame, key: Key) -> bool:
    """Whether no value stands twice in the key of one side at least."""
    return any(bool(column.dropna().is_unique) for column in (frame[key.own], other[key.other]))


def _can_be_key(column: pandas.Series[object]) -> bool:
    """Whether a column may hold a key: text or whole numbers."""
    if column.dtype.kind in "iu":
        return True
    if column.dtype.kind == "f":
        there = column.dropna()
        return bool(len(there)) and bool((there % 1 == 0).all())
    return column.dtype.kind not in "bmMc" and bool(column.dropna().map(lambda value: isinstance(value, str)).all())


def _shared(own: Texts, theirs: Texts) -> float:
    one, two = (set(side[side != np.array(None)].tolist()) for side in (own, theirs))
    return len(one & two) / max(min(len(one), len(two)), 1)


def _just_counts(side: Texts) -> bool:
    """Whether the values are 0 or 1 to n, which equal those of any other numbering."""
    distinct = {value for value in side.tolist() if value is not None}
    return any(distinct == {str(number) for number in range(start, start + len(distinct))} for start in (0, 1))


def _alike(own: Texts, theirs: Texts) -> tuple[str, ...]:
    """Say which keys without a partner would have one, were it not for leading zeros or case."""
    held = {str(value): None for value in theirs.tolist() if value is not None}
    loose = {_loose(value): value for value in held}
    near = {value: loose[_loose(value)] for value in own.tolist() if value is not None and value not in held and _loose(value) in loose}
    if not near:
        return ()
    shown = ", ".join(f"{one!r} and {two!r}" for one, two in list(near.items())[:MOST_SHOWN])
    return (f"{len(near)} keys differ from those of the other only by leading zeros or case and were not joined: {shown}",)


def _loose(value: str) -> str:
    return value.casefold().lstrip("0")


def _strangers(key: Key, own: Texts, theirs: Texts, alike: tuple[str, ...]) -> DataError:
    shown = [", ".join(map(str, list(dict.fromkeys(side.tolist()))[:MOST_SHOWN])) for side in (own, theirs)]
    said = f" {alike[0][0].upper()}{alike[0][1:]}." if alike else ""
    return DataError(
        f"No value of {key.own!r} ({shown[0]} …) is in {key.other!r} of the other ({shown[1]} …), so nothing can be joined.{said}",
        hint="Name the columns with 'key' and 'other_key', or write the keys alike on both sides.",
    )


def _cardinality(first: Indexes, second: Indexes) -> str:
    sides = ["many" if len(np.unique(side)) < len(side) else "one" for side in (second, first)]
    return "-to-".join(sides)


def _columns(frame: pandas.DataFrame) -> list[str]:
    return [str(name) for name in frame.columns if name != "geometry"]


def _pairs_text(keys: Sequence[Key]) -> str:
    return "Each of " + ", ".join(repr(key.own) for key in keys)


def _listed(frame: pandas.DataFrame) -> str:
    return ", ".join(_columns(frame)[:40]) or "none"
