"""The features mode of a query put together: own measures, nearest neighbours, order and limit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tools.contract import Fact, ToolContext
from tools.vector.coordinates import coordinate_shift
from tools.vector.filters import Selection
from tools.vector.neighbours import distance_facts, find
from tools.vector.rows import FID, chosen_columns, ranked, row_facts, with_measures

if TYPE_CHECKING:
    import geopandas

    from tools.vector.query import QueryVectorParams


@dataclass(frozen=True)
class Listed:
    """The features of a query, in order, one row each; one per pair where neighbours were asked for."""

    frame: geopandas.GeoDataFrame
    names: tuple[str, ...]
    """What is reported of each."""
    matched: int
    """Features before `limit`."""
    facts: tuple[Fact, ...]
    warnings: tuple[str, ...] = ()
    transformations: tuple[dict[str, str], ...] = ()
    reached: bool = True
    """False where there was no other feature to be near to."""

    @property
    def shown(self) -> int:
        """Features after `limit`."""
        return int(self.frame[FID].nunique())


def list_features(selection: Selection, params: QueryVectorParams, context: ToolContext) -> Listed:
    """Return the features kept, measured as selected, with their neighbours, ranked and limited."""
    layer = selection.layer
    names = tuple(chosen_columns(layer, params))
    frame = with_measures(layer, names, params.surface)
    record, said = coordinate_shift(layer, names)
    if params.nearest is None or not len(frame):
        shown = ranked(frame, params)
        return Listed(shown, names, len(frame), (Fact("count", len(frame), "count"), *row_facts(shown, names)), said, record)
    found = find(layer, frame, params.nearest, context, same=params.nearest.other == params.layer)
    shown = ranked(found.frame, params)
    matched = int(found.frame[FID].nunique())
    facts = (Fact("count", matched, "count"), *row_facts(shown, names), *distance_facts(shown))
    return Listed(shown, names, matched, facts, (*found.warnings, *said), (*found.transformations, *record), found.reached)
