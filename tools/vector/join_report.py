"""The output of a join: the layer that was made, who found a partner and who did not, distances, and how it was done."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from tools.contract import Fact, Outcome, ToolContext, ToolOutput
from tools.geo.rings import Indexes
from tools.geo.vicinity import lonlat_bounds
from tools.storage.vectors import write_layer
from tools.vector.absent import require_columns
from tools.vector.joining import Joined
from tools.vector.plain import plain
from tools.vector.repeats import LAYER_FID, OTHER_FID, mark
from tools.vector.rows import FEATURE

if TYPE_CHECKING:
    import geopandas
    import pandas

    from tools.vector.join import JoinParams

FILE = "joined.parquet"
DISTANCE = "distance_m"
MOST_ROWS = 200
"""Most rows in `data`; the file holds all."""
MOST_DISTANCES = 10_000
"""Most distances that become facts."""


def report(params: JoinParams, joined: Joined, context: ToolContext) -> ToolOutput:
    """Write the joined layer and say what was joined."""
    layer, pairs = joined.layer, len(joined.first)
    if not joined.reached:
        return _nowhere(joined)
    counts = _counts(joined)
    frame = _frame(params, joined)
    files = (FILE,) if len(frame) else ()
    if files:
        write_layer(context.folder / FILE, frame)
    return ToolOutput(
        summary=f"{counts['count']} of {len(layer.frame)} features have a partner, in {pairs} pairs.",
        facts=(*(Fact(name, number, "count") for name, number in counts.items()), *_distances(joined)),
        outcome=Outcome.VALUE if pairs else Outcome.TRUE_ZERO,
        files=files,
        kind="vector" if files else "text",
        warnings=(*layer.warnings, *(absent.warning for absent in layer.absent), *joined.warnings, *_said(joined, counts)),
        method={**(joined.method or {}), "operation": params.operation, "how": params.how, "keep": params.keep},
        data={"rows": _rows(frame)},
        bbox=lonlat_bounds(layer.bounds, layer.crs),
    )


def _nowhere(joined: Joined) -> ToolOutput:
    return ToolOutput(
        summary="The other layer does not reach into the extent of the layer, or holds no such feature, so nothing can be joined.",
        outcome=Outcome.NO_COVERAGE,
        warnings=(*joined.layer.warnings, *joined.warnings),
        method=joined.method or {},
        bbox=lonlat_bounds(joined.layer.bounds, joined.layer.crs),
    )


def _counts(joined: Joined) -> dict[str, int]:
    """Return how many features have a partner, pairs there are, and rows of each side were left without."""
    found = int(np.count_nonzero(np.bincount(joined.first, minlength=len(joined.layer.frame))))
    theirs = int(np.count_nonzero(np.bincount(joined.second, minlength=len(joined.other))))
    return {
        "count": found,
        "pairs": len(joined.first),
        "features without a partner": len(joined.layer.frame) - found,
        "other rows without a partner": len(joined.other) - theirs,
    }


def _distances(joined: Joined) -> tuple[Fact, ...]:
    if joined.metres is None:
        return ()
    own = np.array(joined.layer.labels(), dtype=object)
    rows = zip(joined.first[:MOST_DISTANCES], joined.second[:MOST_DISTANCES], joined.metres[:MOST_DISTANCES], strict=True)
    return tuple(
        Fact("distance", float(metres), "m", {FEATURE: own[first], "nearest": joined.labels[second]}) for first, second, metres in rows
    )


def _said(joined: Joined, counts: dict[str, int]) -> tuple[str, ...]:
    said = []
    if counts["features without a partner"]:
        said.append(f"{counts['features without a partner']} of {len(joined.layer.frame)} features have no partner")
    if (joined.method or {}).get("key") and counts["other rows without a partner"]:
        said.append(f"{counts['other rows without a partner']} of {len(joined.other)} rows of the other have no feature")
    if counts["pairs"] > counts["count"]:
        several = int((np.bincount(joined.first) > 1).sum())
        said.append(
            f"{several} features have several partners and stand in {counts['pairs']} rows; query_vector counts their own values and areas once"
        )
    if joined.metres is not None and counts["pairs"] > MOST_DISTANCES:
        said.append(f"only the first {MOST_DISTANCES:,} distances became facts")
    return tuple(said)


def _frame(params: JoinParams, joined: Joined) -> geopandas.GeoDataFrame:
    """Return one row per pair, with left joins also one per lone feature, by feature; partners' columns after its own."""
    import geopandas
    import pandas

    first, second = _with_lone(joined) if params.how == "left" else (joined.first, joined.second)
    layer = joined.layer.frame
    own = [str(name) for name in layer.columns if name != "geometry"]
    theirs = _brought(params, joined, own)
    keys = (_free(LAYER_FID, own), _free(OTHER_FID, own))
    made: dict[str, Any] = {name: layer[name].iloc[first].array for name in own}  # Any: pandas arrays
    made |= {new: _taken(joined.other[name], second) for name, new in theirs.items()}
    made |= {keys[0]: layer.index.to_numpy()[first], keys[1]: _taken(joined.other.index.to_series(), second)}
    if joined.metres is not None:
        metres = np.full(len(first), np.nan)
        metres[second >= 0] = joined.metres
        made[_free(DISTANCE, [*own, *theirs.values()])] = metres
    frame = geopandas.GeoDataFrame(pandas.DataFrame(made), geometry=list(joined.layer.geometries[first]), crs=joined.layer.crs)
    mark(frame, layer, (keys[0], own), (keys[1], list(theirs.values())))
    return frame


def _with_lone(joined: Joined) -> tuple[Indexes, Indexes]:
    """Return the pairs with one more for each lone feature, whose partner is -1, sorted by feature."""
    lone = np.flatnonzero(np.bincount(joined.first, minlength=len(joined.layer.frame)) == 0)
    first = np.concatenate([joined.first, lone])
    order = np.argsort(first, kind="stable")
    return first[order], np.concatenate([joined.second, np.full(len(lone), -1)])[order]


def _brought(params: JoinParams, joined: Joined, own: Sequence[str]) -> dict[str, str]:
    """Return the columns of the other to bring along and what they are called: `other NAME` where the layer has one so named."""
    there = [str(name) for name in joined.other.columns if name != "geometry"]
    require_columns(params.columns or [], joined.other)
    method = joined.method or {}
    same_key = method.get("other_key") if method.get("other_key") == method.get("key") else None
    chosen = [name for name in (there if params.columns is None else params.columns) if name != same_key]
    return {name: _free(f"other {name}" if name in own else name, own) for name in dict.fromkeys(chosen)}


def _free(name: str, taken: Sequence[str]) -> str:
    number = 1
    free = name
    while free in taken:
        number += 1
        free = f"{name} {number}"
    return free


def _taken(column: pandas.Series[Any], positions: Indexes) -> Any:  # Any: a pandas array of the column's kind
    """Return the cells at these positions, none at -1; whole numbers and booleans stay what they are."""
    nullable = {"i": "Int64", "u": "UInt64", "b": "boolean"}.get(column.dtype.kind)
    lacks = bool((positions < 0).any())
    typed = column.astype(nullable) if nullable and lacks and not hasattr(column.dtype, "na_value") else column
    return typed.array.take(positions, allow_fill=True) if lacks else typed.array.take(positions)


def _rows(frame: geopandas.GeoDataFrame) -> list[dict[str, object]]:
    table = frame.drop(columns="geometry").head(MOST_ROWS)
    return [{str(name): plain(value) for name, value in zip(table.columns, row, strict=True)} for row in table.itertuples(index=False)]
