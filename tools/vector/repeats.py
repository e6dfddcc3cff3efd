"""Rows of a join that repeat a feature: its own values count once in a sum, however many rows hold them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from tools.geo.rings import Indexes

if TYPE_CHECKING:
    import geopandas
    import pandas

LAYER_FID = "layer_fid"
OTHER_FID = "other_fid"
"""Columns of a join: position of the feature in the layer's file, of its partner in the other's; a number is added where taken."""
PART_OF = "part_of"
"""Column of single parts: position of the feature in the file of which each is a part; each part has its own area."""
ONCE = "once"
"""Entry of the attributes that a result carries in its file: column that tells rows apart → columns whose values belong to it."""


def mark(
    frame: geopandas.GeoDataFrame, before: pandas.DataFrame, own: tuple[str, Sequence[str]], theirs: tuple[str, Sequence[str]]
) -> None:
    """Note which columns of a joined frame belong to the feature and which to its partner, and what `before` noted already.

    `own` and `theirs` are the name of the column of positions and the columns that belong to it.
    """
    noted = {key: list(columns) for key, columns in before.attrs.get(ONCE, {}).items()}
    taken = {column for columns in noted.values() for column in columns}
    noted[own[0]] = [column for column in own[1] if column not in taken]
    noted[theirs[0]] = list(theirs[1])
    frame.attrs = {ONCE: noted}


def mark_parts(frame: geopandas.GeoDataFrame, key: str, before: pandas.DataFrame, columns: Sequence[str]) -> None:
    """Note that columns belong to the feature of which each row is a part; `key` is the column of positions."""
    noted = {own: list(theirs) for own, theirs in before.attrs.get(ONCE, {}).items()}
    taken = {column for theirs in noted.values() for column in theirs}
    frame.attrs = {ONCE: {**noted, key: [column for column in columns if column not in taken]}}


def once(frame: pandas.DataFrame, column: str, aggregate: str, rows: Indexes) -> Indexes:
    """Return those of `rows` in which a value counts: the first of each feature, of a partner only in a sum.

    The mean of a partner's column is one over the features, as each has that value.
    """
    for key, columns in frame.attrs.get(ONCE, {}).items():
        if column in columns and key in frame.columns and (aggregate == "sum" or key.startswith((LAYER_FID, PART_OF))):
            kept = (~frame[key].iloc[rows].duplicated() | frame[key].iloc[rows].isna()).to_numpy(dtype=bool)
            return rows[np.flatnonzero(kept)]
    return rows


def features_once(frame: pandas.DataFrame, rows: Indexes) -> Indexes:
    """Return those of `rows` in which a feature stands for the first time."""
    keys = [key for key in frame.attrs.get(ONCE, {}) if key.startswith(LAYER_FID) and key in frame.columns]
    if not keys:
        return rows
    kept: Indexes = rows[np.flatnonzero(~frame[keys[0]].iloc[rows].duplicated().to_numpy(dtype=bool))]
    return kept


def repeats_warning(frame: pandas.DataFrame, measured: Iterable[tuple[str, str | None]]) -> tuple[str, ...]:
    """Say that rows repeat features and what was done about it; `measured` are aggregates with their columns."""
    rows = np.arange(len(frame))
    named = [
        f"{aggregate} of {column}" for aggregate, column in measured if column and len(once(frame, column, aggregate, rows)) < len(rows)
    ]
    said = [f"{', '.join(named)}: rows of the join that repeat a feature or partner count once"] if named else []
    features = len(features_once(frame, rows))
    if features < len(rows):
        said.append(f"the {len(rows)} rows of the join are {features} features; a count counts rows")
    return tuple(said)
