"""From a query and its sources to its output: views, names, bounds, engine, facts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any, Literal

import shapely
from pyproj import CRS
from sqlglot import exp

from tools.contract import Fact, Outcome, ToolContext, ToolOutput
from tools.errors import ParameterError
from tools.geo.measure import area_method
from tools.geo.vicinity import extent_region, lonlat_bounds
from tools.settings import ToolSettings
from tools.sql import bounds
from tools.sql.grammar import parse, printed
from tools.sql.names import GEOMETRY, MEASURES, mentioned, read_columns, resolve, tables_of
from tools.sql.request import SqlRequest
from tools.sql.result import MOST_FACTS, MOST_ROWS, Row, facts_of, numbers_of_the_query, plain_rows, without_infinite, write_result
from tools.sql.rewriting import engine_sql
from tools.sql.traits import Trait, column_traits, group_keys, traits_of
from tools.sql.views import UNITS, View, arrow_table, fit, transformations, view_of
from tools.storage.sql_engine import run_sql
from tools.storage.vectors import read_rows

if TYPE_CHECKING:
    import pyarrow

SEARCHED = "features searched"
"""Name of the fact that proves coverage beside a true zero, as in query_vector."""


@dataclass(frozen=True)
class _Query:
    """A query whose names were found."""

    tree: exp.Query
    views: Mapping[str, View]
    used: Mapping[str, Sequence[str]]
    """Columns of each view that it reads."""
    traits: Mapping[str, Trait]
    crs: CRS | None
    """That of all geometries in the query."""

    @property
    def geometries(self) -> list[str]:
        """The columns of the result that are geometries."""
        return [name for name, trait in self.traits.items() if trait.is_geometry]


def answer(request: SqlRequest, context: ToolContext) -> ToolOutput:
    """Run a query and write its rows: GeoParquet where they have a geometry column, else Parquet.

    A fact per row and number that comes from the data: `count` for COUNT, m2 and m for area_m2 and length_m and what keeps
    their unit, else unspecified; the subject are the texts and group keys of the row. No row is a true zero. Raises
    ParameterError for names that are not there and for what the grammar does not allow, MissingCrsError where geometry is
    used that has no CRS, LimitError where joins would make too many rows.
    """
    query = _prepared(request, context)
    bounds.check_rows(query.tree, {name: bounds.View(len(view.frame), view.most) for name, view in query.views.items()})
    context.progress(0.2)
    tables = {name: arrow_table(view, query.used[name], query.crs) for name, view in query.views.items()}
    memory = ToolSettings().worker_memory_mb * (1 << 20) // 2  # the other half is for the views and the rows
    table = run_sql(engine_sql(query.tree, query.geometries, request.limit + 1), tables, memory_bytes=memory)
    context.progress(0.9)
    return _report(query, table, request, context)


def _prepared(request: SqlRequest, context: ToolContext) -> _Query:
    tree = parse(request.sql)
    wanted = mentioned(tree, MEASURES)
    views = {name: view_of(name, read_rows(context.source(request.views[name])), wanted) for name in tables_of(tree, request.views)}
    columns, measures = {name: view.columns for name, view in views.items()}, {name: view.measures for name, view in views.items()}
    tree = resolve(tree, columns, measures)
    traits = traits_of(tree, {name: column_traits(columns[name], {each: UNITS[each] for each in measures[name]}) for name in views})
    used = _used(tree, views)
    views = {name: fit(view) if {GEOMETRY, *view.measures} & set(used[name]) else view for name, view in views.items()}
    crs = next((view.crs for name, view in views.items() if GEOMETRY in used[name]), None)
    _check_geometry(tree, traits)
    return _Query(tree, views, used, traits, crs)


def _used(tree: exp.Query, views: Mapping[str, View]) -> dict[str, list[str]]:
    """Return the columns of each view that a resolved query reads, in their own order."""
    read = read_columns(tree)
    return {name: [each for each in (*view.columns, *view.measures) if (name, each) in read] for name, view in views.items()}


def _check_geometry(tree: exp.Query, traits: Mapping[str, Trait]) -> None:
    """Refuse more than one geometry in a result, and geometry where only its bytes could be compared."""
    shapes = [name for name, trait in traits.items() if trait.is_geometry]
    if len(shapes) > 1:
        raise ParameterError(f"The result has {len(shapes)} geometry columns: {', '.join(shapes)}.", hint="Select one of them.")
    for column in tree.find_all(exp.Column):
        if column.name == GEOMETRY and not isinstance(column.parent, (exp.Alias, exp.Select, exp.Anonymous, exp.Count, exp.Is)):
            raise ParameterError(
                "A geometry may stand only in SELECT, COUNT, IS NULL and the ST_ functions.", hint="Compare geometries with ST_Equals."
            )


def _report(query: _Query, table: pyarrow.Table, request: SqlRequest, context: ToolContext) -> ToolOutput:
    is_cut = table.num_rows > request.limit
    table, infinite = without_infinite(table.slice(0, request.limit))
    rows = plain_rows(table, query.geometries)
    facts = tuple(islice(facts_of(rows, query.traits, group_keys(query.tree)), MOST_FACTS))
    outcome = _outcome(rows, facts)
    if outcome is Outcome.TRUE_ZERO and _are_apart(query):
        return _nowhere(query)
    file, kind = _written(query, table, context)
    return ToolOutput(
        summary=f"The query gives {'more than ' if is_cut else ''}{len(rows)} rows with {', '.join(query.traits)}.",
        facts=facts if outcome is Outcome.VALUE else (*(facts or (Fact("count", 0, "count"),)), *_proof(query)),
        outcome=outcome,
        files=(file,) if file else (),
        kind=kind,
        warnings=(*_warnings(query), *_said(query, rows, facts, request, is_cut), *_undefined(infinite)),
        method=_method(query),
        data={"rows": rows[:MOST_ROWS]},
        bbox=_bbox(query),
    )


def _outcome(rows: Sequence[Row], facts: Sequence[Fact]) -> Outcome:
    """A true zero is a result without rows, or one that counts and measures nothing but zeros."""
    zero = bool(facts) and all(fact.value == 0 and fact.unit in ("count", "m2", "m") for fact in facts)
    return Outcome.TRUE_ZERO if zero or not rows else Outcome.VALUE


def _are_apart(query: _Query) -> bool:
    """Whether a layer lies wholly outside the extent of the others, so that a zero says nothing of them."""
    layers = [view for name, view in query.views.items() if GEOMETRY in query.used[name]]
    regions = [extent_region(view.bounds, view.crs) for view in layers if view.crs is not None and view.bounds is not None]
    return any(not shapely.intersects(one, shapely.union_all([each for each in regions if each is not one])) for one in regions[1:])


def _nowhere(query: _Query) -> ToolOutput:
    return ToolOutput(
        summary="The layers of the query do not reach each other, so nothing can be found or counted there.",
        outcome=Outcome.NO_COVERAGE,
        warnings=_warnings(query),
        method=_method(query),
        bbox=_bbox(query),
    )


def _proof(query: _Query) -> tuple[Fact, ...]:
    return tuple(
        Fact(SEARCHED, len(view.frame), "count", {"view": name} if len(query.views) > 1 else {}) for name, view in query.views.items()
    )


def _written(query: _Query, table: pyarrow.Table, context: ToolContext) -> tuple[str, Literal["vector", "table", "text"]]:
    if not table.num_rows:
        return "", "text"
    return write_result(context.folder, table, next(iter(query.geometries), None), query.crs)


def _warnings(query: _Query) -> tuple[str, ...]:
    return tuple(warning for view in query.views.values() for warning in view.warnings)


def _said(query: _Query, rows: Sequence[Row], facts: Sequence[Fact], request: SqlRequest, is_cut: bool) -> tuple[str, ...]:
    said = [f"only the first {request.limit:,} rows are shown, as limited"] if is_cut else []
    said += [f"only the first {MOST_FACTS:,} numbers became facts"] if len(facts) == MOST_FACTS else []
    if own := numbers_of_the_query(rows, query.traits):
        said.append(
            f"{', '.join(own[:5])} cannot be cited: a number of the query itself goes into it; select the columns, and convert in the answer or with calculate"
        )
    return tuple(said)


def _undefined(infinite: int) -> tuple[str, ...]:
    return (f"{infinite:,} values have no finite result, e.g. the root of a negative number, and were left out",) if infinite else ()


def _method(query: _Query) -> dict[str, Any]:
    """Return, JSON-safe, what ran and how its measures and geometries were made."""
    layers = [view for name, view in query.views.items() if GEOMETRY in query.used[name]]
    measured = [view for name, view in query.views.items() if set(view.measures) & set(query.used[name])]
    own = {"measures": "of each feature by itself: a feature that a join repeats counts once per row"} if measured else {}
    return {
        "sql": printed(query.tree),
        "order": "by ORDER BY, then by all columns; nulls last",
        "arithmetic": "float64; a division by zero is null",
        **(area_method(measured[0].crs) if measured and measured[0].crs is not None else {}),
        **own,
        "transformations": transformations(layers, query.crs) if query.crs is not None else [],
    }


def _bbox(query: _Query) -> tuple[float, float, float, float] | None:
    """Return the extent in degrees of the first layer that the query uses; None for tables."""
    return next(
        (lonlat_bounds(view.bounds, view.crs) for view in query.views.values() if view.bounds is not None and view.crs is not None), None
    )
