"""How many rows the joins of a query may make, known before it runs: a bound, from the sizes of the views and their keys.

A join by equal columns makes for each row at most as many as the commonest value of the other side has; one by a spatial
predicate is taken for one partner each, as its true number is not known without making it; every other join makes all pairs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from sqlglot import exp
from sqlglot.optimizer.scope import Scope, build_scope

from tools.errors import LimitError
from tools.settings import ToolSettings
from tools.sql.traits import group_keys

Most = Callable[[tuple[str, ...]], int]
"""Columns of a view → how often their commonest values stand together in it."""


@dataclass(frozen=True)
class View:
    """The size of a view."""

    rows: int
    most: Most


@dataclass(frozen=True)
class _Size:
    rows: int
    """At most."""
    work: int
    """Rows of all joins that are made on the way."""
    most: Most


def check_rows(tree: exp.Query, views: Mapping[str, View]) -> None:
    """Raise LimitError for a resolved query whose joins may make more rows than the setting `max_sql_rows`."""
    scope = build_scope(tree)
    if scope is None:
        raise TypeError("a resolved query has a scope")
    limit, work = ToolSettings().max_sql_rows, _size(scope, views).work
    if work > limit:
        raise LimitError(
            f"The joins of the query may make {work:,} rows; the limit is {limit:,} (TERRACITE_MAX_SQL_ROWS).",
            hint="Join by equal columns of which one names its rows, or by a spatial predicate, and group or filter before joining.",
        )


def _size(scope: Scope, views: Mapping[str, View]) -> _Size:
    expression = scope.expression.unnest() if isinstance(scope.expression, exp.Subquery) else scope.expression
    inner = sum(_subquery_work(each, views) for each in scope.subquery_scopes)
    if scope.set_operation_scopes:
        sides = [_size(each, views) for each in scope.set_operation_scopes]
        rows = sum(side.rows for side in sides)
        return _limited(expression, rows, inner + rows + sum(side.work for side in sides))
    sources = {name: _source(source, views) for name, source in scope.sources.items() if name in scope.selected_sources}
    rows, work = _joined(expression, sources)
    correlated = sum(_pairs(each, rows, views) for each in scope.subquery_scopes if each.external_columns)
    grouped = 1 if not expression.args.get("group") and _is_one_row(expression) else rows
    return _limited(expression, grouped, work + inner + correlated + sum(source.work for source in sources.values()))


def _limited(expression: exp.Expr, rows: int, work: int) -> _Size:
    limit, group, keys = expression.args.get("limit"), expression.args.get("group"), group_keys(expression)
    rows = min(rows, int(limit.expression.name)) if limit is not None else rows
    is_key = group is not None and len(keys) == len(group.expressions)
    return _Size(rows, work, lambda columns: 1 if is_key and keys <= set(columns) else rows)


def _source(source: Scope | exp.Table, views: Mapping[str, View]) -> _Size:
    if isinstance(source, Scope):
        return _size(source, views)
    view = views[source.name]
    return _Size(view.rows, view.rows, view.most)


def _joined(select: exp.Expr, sources: Mapping[str, _Size]) -> tuple[int, int]:
    """Return the rows of the whole FROM, and of all its joins together."""
    tests = list(_conjuncts(select.args.get("where")))
    first = select.args["from_"].this.alias_or_name
    done, rows, work = [first], sources[first].rows, 0
    for join in select.args.get("joins") or ():
        name = join.this.alias_or_name
        pairs = _pair_rows(
            rows, sources[done[0]] if len(done) == 1 else None, name, sources[name], [*_conjuncts(join.args.get("on")), *tests]
        )
        kept = (rows if join.side in ("LEFT", "FULL") else 0) + (sources[name].rows if join.side in ("RIGHT", "FULL") else 0)
        rows, work = pairs + kept, work + pairs + kept
        done.append(name)
    return rows, work


def _pair_rows(rows: int, alone: _Size | None, name: str, source: _Size, tests: Iterable[exp.Expr]) -> int:
    """Return how many pairs a join makes at most; `alone` is the left side where it is one table."""
    own, other, spatial = [], [], False
    for test in tests:
        tables = {column.table for column in test.find_all(exp.Column)}
        if name not in tables or len(tables) != 2:
            continue
        if isinstance(test, exp.EQ) and isinstance(test.this, exp.Column) and isinstance(test.expression, exp.Column):
            sides = sorted((test.this, test.expression), key=lambda column: column.table != name)
            own.append(sides[0].name)
            other.append(sides[1].name)
        spatial |= isinstance(test, exp.Anonymous) and test.name != "ST_DISJOINT"
    bounds = [rows * source.rows]
    if own:
        bounds.append(rows * source.most(tuple(own)))
        bounds += [source.rows * alone.most(tuple(other))] if alone is not None else []
    if spatial:
        bounds.append(rows + source.rows)
    return min(bounds)


def _conjuncts(node: exp.Expr | None) -> Iterator[exp.Expr]:
    if isinstance(node, (exp.Where, exp.Paren)):
        yield from _conjuncts(node.this)
    elif isinstance(node, exp.And):
        yield from _conjuncts(node.this)
        yield from _conjuncts(node.expression)
    elif node is not None:
        yield node


def _subquery_work(scope: Scope, views: Mapping[str, View]) -> int:
    return _size(scope, views).work


def _pairs(scope: Scope, rows: int, views: Mapping[str, View]) -> int:
    """Return the pairs of a subquery that names columns of the query around it, which holds `rows` rows."""
    inner = _size(scope, views)
    outside = {column.table for column in scope.external_columns}
    tests = [
        test for test in _conjuncts(scope.expression.args.get("where")) if outside & {column.table for column in test.find_all(exp.Column)}
    ]
    linked = any(isinstance(test, exp.EQ) or (isinstance(test, exp.Anonymous) and test.name != "ST_DISJOINT") for test in tests)
    return rows + inner.rows if linked else rows * max(inner.rows, inner.work)


def _is_one_row(select: exp.Expr) -> bool:
    """Whether a SELECT without GROUP BY aggregates all its rows into one."""
    return any(node.parent_select is select and not isinstance(node.parent, exp.Window) for node in select.find_all(exp.AggFunc))
