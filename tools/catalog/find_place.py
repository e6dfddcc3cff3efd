"""Find a named place in the registered layers: candidates, never a guess."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic import Field

from tools.catalog.naming import counted
from tools.contract import Fact, Source, Tool, ToolContext, ToolOutput
from tools.errors import ConfigurationError, DataError, NotFoundError
from tools.geotypes import Params, VectorRef

if TYPE_CHECKING:
    import pandas

Bounds = tuple[float, float, float, float]


class FindPlaceParams(Params):
    """Find features by name in the text columns of registered layers. Returns candidates (dataset, column, value, extent); several candidates mean: ask which one."""

    name: str = Field(min_length=1, max_length=200, description="The name as written in the question; case and accents do not matter.")
    layers: list[VectorRef] = Field(default_factory=list, description="Only in these layers; empty = all.")
    limit: int = Field(default=20, ge=1, le=200, description="At most so many candidates.")


@dataclass(frozen=True)
class Candidate:
    """A value of a text column that fits the name."""

    dataset: str
    column: str
    value: str
    fid: int
    """Position in its file of the first feature with the value."""
    features: int
    """How many features have the value."""
    bbox: Bounds | None
    """Of all of them, in degrees; None where the layer's CRS is unknown."""
    exactness: str
    """exact, prefix, contains or close; see `tools.geo.names`."""
    names_features: bool
    """Whether the column is the one that names the layer's features."""

    def order(self) -> tuple[int, bool, str, str, str]:
        """Return what candidates are sorted by: the best match first, name columns before others."""
        from tools.geo.names import EXACTNESS

        rank = [str(exactness) for exactness in EXACTNESS].index(self.exactness)
        return rank, not self.names_features, self.dataset, self.column, self.value

    def to_json(self) -> dict[str, Any]:
        """Return a JSON object."""
        bbox = None if self.bbox is None else list(self.bbox)
        shown = {"dataset": self.dataset, "column": self.column, "value": self.value, "fid": self.fid}
        return {**shown, "features": self.features, "bbox": bbox, "exactness": self.exactness}


def run(params: FindPlaceParams, context: ToolContext) -> ToolOutput:
    """Find the place; see `FindPlaceParams`.

    Only the best class of match over all layers is returned, and each place once per layer. Nothing found is an answer, a count of 0 with the layers
    that were searched; a layer that cannot be read is a warning.
    """
    found: list[Candidate] = []
    unread: list[str] = []
    layers = list(_layers(params, context))
    for ref, record in layers:
        try:
            found += _candidates(params.name, ref, record, context)
        except (DataError, NotFoundError) as error:
            unread.append(f"{ref} was not searched: {error.message}")
    best = _distinct(sorted((candidate for candidate in found if candidate.exactness == _best(found)), key=Candidate.order))
    shown = best[: params.limit]
    cut = () if len(shown) == len(best) else (f"Only {len(shown)} of {len(best)} candidates are shown.",)
    return ToolOutput(
        summary=_summary(params.name, best, len(layers) - len(unread)),
        facts=(Fact("count", len(best), "count"),),
        warnings=(*unread, *cut),
        data={"candidates": [candidate.to_json() for candidate in shown], "searched": [ref for ref, _ in layers]},
        bbox=best[0].bbox if len(best) == 1 else None,
    )


def _best(found: list[Candidate]) -> str | None:
    return min(found, key=Candidate.order).exactness if found else None


def _distinct(candidates: list[Candidate]) -> list[Candidate]:
    """Keep one candidate for the same features, and only the name column's of a layer that has a fitting one."""
    named = {candidate.dataset for candidate in candidates if candidate.names_features}
    kept = [candidate for candidate in candidates if candidate.names_features or candidate.dataset not in named]
    first: dict[tuple[str, int, int], Candidate] = {}
    for candidate in kept:
        first.setdefault((candidate.dataset, candidate.fid, candidate.features), candidate)
    return list(first.values())


def _layers(params: FindPlaceParams, context: ToolContext) -> Iterator[tuple[str, Mapping[str, Any] | None]]:
    """Yield (reference, record) of the layers to search; results of earlier calls have no record."""
    if context.catalog is None:
        raise ConfigurationError("Finding a place needs the catalogue, which this call was not given.", hint="Run it through tools.runner.")
    records = {str(record["id"]): record for record in context.catalog.records() if record["kind"] == "vector"}
    for ref in dict.fromkeys(params.layers or records):
        yield ref, records.get(ref)


def _candidates(name: str, ref: str, record: Mapping[str, Any] | None, context: ToolContext) -> list[Candidate]:
    if record is not None and not _may_hold(name, record):
        return []
    source = context.sources.get(ref) or _resolved(ref, context)
    from tools.catalog.vector_content import column_type
    from tools.storage.vectors import attribute_columns, read_features

    frame = read_features(source)
    texts = [column for column in attribute_columns(frame) if column_type(frame[column]) == "text"]
    named = record["name_column"] if record is not None else None
    return [candidate for column in texts for candidate in _in_column(name, ref, frame, column, named)]


def _resolved(ref: str, context: ToolContext) -> Source:
    assert context.catalog is not None  # checked in _layers
    return context.catalog.resolve(ref)


def _may_hold(name: str, record: Mapping[str, Any]) -> bool:
    """Whether the layer must be read: not where the record lists every value of its text columns and none fits."""
    from tools.geo.names import best_matches

    texts = [column for column in record["columns"] if column["type"] == "text"]
    return any(len(column["values"]) < column["distinct"] or best_matches(name, column["values"])[1] for column in texts)


def _in_column(name: str, ref: str, frame: Any, column: str, named: str | None) -> Iterator[Candidate]:  # Any: GeoDataFrame
    from tools.geo.names import best_matches

    values: pandas.Series[str] = frame[column].dropna()
    exactness, matches = best_matches(name, values.unique())
    for value in matches:
        rows = frame.loc[values.index[values == value]]
        yield Candidate(ref, column, value, int(rows.index[0]), len(rows), _extent(rows), str(exactness), column == named)


def _extent(rows: Any) -> Bounds | None:  # Any: GeoDataFrame
    from tools.catalog.describing import extent_degrees
    from tools.catalog.vector_content import layer_bounds

    bounds = layer_bounds(rows)
    return None if bounds is None or rows.crs is None else extent_degrees(bounds, rows.crs)[0]


def _summary(name: str, best: list[Candidate], searched: int) -> str:
    where = f"{counted(searched, 'layer')} searched"
    if not best:
        return f"No feature named {name!r} was found; {where}."
    first = best[0]
    if len(best) == 1:
        return f"{name!r} is {first.value!r} in column {first.column} of {first.dataset} ({first.exactness} match; {where})."
    return f"{len(best)} places fit {name!r} ({first.exactness} match; {where})."


TOOL = Tool("find_place", FindPlaceParams, run, "observation")
