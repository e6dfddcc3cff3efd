"""Names in the text columns of one layer: which values fit a name, how well, and what tells features of one name apart."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tools.contract import Source

if TYPE_CHECKING:
    import geopandas

Bounds = tuple[float, float, float, float]
MOST_NAMESAKES = 10
"""Features of one name that are told apart one by one; more are most likely the parts of one, as of a river."""
TELLING_COLUMNS = 2


@dataclass(frozen=True)
class Candidate:
    """A value of a text column that fits the name, or a place of the geocoder."""

    dataset: str
    column: str
    value: str
    """The value of the column, as a filter must name it."""
    fid: int
    """Position in its file of the first feature with the value."""
    features: int
    """How many features have the value."""
    bbox: Bounds | None
    """Of all of them, in degrees; None where the layer's CRS is unknown."""
    exactness: str
    """exact, prefix, contains or close; see `tools.geo.names`."""
    rank: int
    """0 in the column that names the layer's features, 1 in one of further names, 2 in any other."""
    name: str | None = None
    """What the name column says, where another column fits."""
    namesakes: tuple[Mapping[str, Any], ...] = field(default=(), compare=False)
    """Where several features have the value: the fid and extent of each, with the values that tell them apart."""

    def order(self) -> tuple[int, int, str, str, str]:
        """Return what candidates are sorted by: the best match first, name columns before others."""
        from tools.geo.names import EXACTNESS

        return [str(one) for one in EXACTNESS].index(self.exactness), self.rank, self.dataset, self.column, self.value

    def to_json(self) -> dict[str, Any]:
        """Return a JSON object."""
        bbox = None if self.bbox is None else list(self.bbox)
        shown = {"dataset": self.dataset, "column": self.column, "value": self.value, "fid": self.fid}
        named = {} if self.name is None else {"name": self.name}
        namesakes = {"namesakes": [dict(one) for one in self.namesakes]} if self.namesakes else {}
        return {**shown, **named, "features": self.features, "bbox": bbox, "exactness": self.exactness, **namesakes}


def may_hold(name: str, record: Mapping[str, Any]) -> bool:
    """Whether a layer must be read: not where its record lists every value of its text columns and none fits."""
    texts = [column for column in record["columns"] if column["type"] == "text"]
    return any(len(column["values"]) < column["distinct"] or _fitting(name, column["values"])[1] for column in texts)


def candidates_in(name: str, source: Source, ref: str, named: str | None) -> list[Candidate]:
    """Return every value of every text column that fits best in its column; `named` is the layer's name column.

    Raises DataError and NotFoundError where the layer cannot be read.
    """
    from tools.catalog.vector_content import column_type
    from tools.storage.vectors import attribute_columns, read_features

    frame = read_features(source)
    texts = [column for column in attribute_columns(frame) if column_type(frame[column]) == "text"]
    return [candidate for column in texts for candidate in _in_column(name, ref, frame, column, named)]


def _fitting(name: str, values: Any) -> tuple[str | None, tuple[str, ...]]:  # Any: an iterable of texts
    """Return how well the best values fit, and these; of a cell that lists names, the best of them counts."""
    from tools.geo.names import best_matches
    from tools.storage.feature_names import listed_names

    cells: dict[str, dict[str, None]] = {}
    for value in values:
        for part in listed_names(value):
            cells.setdefault(part, {})[value] = None
    exactness, parts = best_matches(name, cells)
    return exactness, tuple(dict.fromkeys(value for part in parts for value in cells[part]))


def _in_column(name: str, ref: str, frame: geopandas.GeoDataFrame, column: str, named: str | None) -> Iterator[Candidate]:
    from tools.storage.feature_names import is_alternate

    values = frame[column].dropna()
    exactness, matches = _fitting(name, values.unique())
    rank = 0 if column == named else 1 if is_alternate(column, named) else 2
    for value in matches:
        rows = frame.loc[values.index[values == value]]
        main: list[str] = list(rows[named].dropna().unique()) if rank and named in frame.columns else []
        yield Candidate(
            ref,
            column,
            value,
            int(rows.index[0]),
            len(rows),
            _extent(rows),
            str(exactness),
            rank,
            name=str(main[0]) if len(main) == 1 else None,
            namesakes=tuple(_namesakes(rows, column, named)) if 1 < len(rows) <= MOST_NAMESAKES else (),
        )


def _namesakes(rows: geopandas.GeoDataFrame, column: str, named: str | None) -> Iterator[Mapping[str, Any]]:
    """Yield the features of one name, each with its extent and the values of the columns that differ most, texts first."""
    from tools.catalog.vector_content import column_type
    from tools.storage.vectors import attribute_columns

    differing = {
        other: rows[other].nunique()
        for other in attribute_columns(rows)
        if other not in (column, named) and column_type(rows[other]) in ("text", "integer") and rows[other].nunique() > 1
    }
    telling = sorted(differing, key=lambda other: (column_type(rows[other]) != "text", -differing[other]))[:TELLING_COLUMNS]
    for fid in rows.index:
        one = rows.loc[[fid]]
        bbox = _extent(one)
        told = {other: _plain(one[other].iloc[0]) for other in telling if one[other].notna().all()}
        yield {"fid": int(fid), **told, "bbox": None if bbox is None else list(bbox)}


def _plain(value: Any) -> Any:  # Any: a text or a whole number of numpy or Python
    return value if isinstance(value, str) else int(value)


def _extent(rows: geopandas.GeoDataFrame) -> Bounds | None:
    from tools.catalog.describing import extent_degrees
    from tools.catalog.vector_content import layer_bounds

    bounds = layer_bounds(rows)
    return None if bounds is None or rows.crs is None else extent_degrees(bounds, rows.crs)[0]
