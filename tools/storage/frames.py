"""What a frame read from a file must be before anything is computed with it: coordinates on the Earth, columns of one kind."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tools.errors import DataError
from tools.storage.crs import MOST_COORDINATE

if TYPE_CHECKING:
    import geopandas
    import pandas


def check_coordinates(frame: geopandas.GeoDataFrame, name: str) -> None:
    """Raise DataError where a coordinate is infinite, or beyond any place on the Earth: a damaged file, not a wrong CRS."""
    import numpy as np
    import shapely

    largest = np.abs(shapely.bounds(frame.geometry.to_numpy())).max(axis=1, initial=0.0)
    wrong = np.flatnonzero(largest > MOST_COORDINATE)
    if wrong.size:
        raise DataError(
            f"Coordinates of {wrong.size} of {len(frame)} features of {name!r} are no place on the Earth, first of feature {wrong[0]}.",
            hint="The file may be damaged; fetch or export it again.",
        )


def with_plain_columns(frame: pandas.DataFrame) -> pandas.DataFrame:
    """Return the frame with columns of several kinds of values, or of objects, as text: what is no text becomes JSON.

    GeoJSON may hold anything in a column; GeoParquet, and whoever compares values, may not. Lists of one kind stay arrays.
    """
    found = {name: _as_text(column) for name, column in frame.items() if column.dtype == object and not _is_plain(column)}
    return frame.assign(**{str(name): column for name, column in found.items()}) if found else frame


def _is_plain(column: pandas.Series[object]) -> bool:
    kinds = set(map(type, column[column.notna()]))
    return len(kinds) <= 1 and kinds.isdisjoint((list, dict))


def _as_text(column: pandas.Series[object]) -> pandas.Series[object]:
    there = column.notna()
    return column.where(~there, column[there].map(lambda value: value if isinstance(value, str) else json.dumps(value, default=str)))
