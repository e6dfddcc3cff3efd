"""From a resolved query to the one that runs: arithmetic that cannot overflow, one order of rows, a limit."""

from __future__ import annotations

from collections.abc import Collection

from sqlglot import exp

from tools.sql.dialect import EngineSql


def engine_sql(tree: exp.Query, geometries: Collection[str], most_rows: int) -> str:
    """Return the text for the engine: every LIMIT has a total order, the result too, and at most `most_rows` rows.

    `geometries` are the columns of the result that are geometries, which have no order but that of their bytes.
    """
    tree = tree.copy()
    for query in list(tree.find_all(exp.Select, exp.SetOperation)):
        if query is not tree and query.args.get("limit"):
            _order(query, ())
    _order(tree, geometries)
    limit = tree.args.get("limit")
    own = int(limit.expression.name) if limit is not None else most_rows
    tree = tree.limit(min(own, most_rows), copy=False)
    for node in reversed(list(tree.walk())):  # innermost first, since a part takes the place of the one it holds
        node.replace(_safe(node))
    return tree.sql(EngineSql, comments=False)


def _order(query: exp.Query, geometries: Collection[str]) -> None:
    """Break ties by all columns of the result, so that equal inputs give equal rows in equal order."""
    order = query.args.get("order")
    keys = list(order.expressions) if order is not None else []
    done = {key.this.name for key in keys if isinstance(key.this, exp.Column) and not key.this.table}
    can_compute = isinstance(query, exp.Select) and not query.args.get("distinct")
    for select in query.selects:
        name = select.alias_or_name
        if name in done or (name in geometries and not can_compute):
            continue
        column = exp.column(exp.to_identifier(name, quoted=True))
        key = exp.Anonymous(this="ST_AsBinary", expressions=[select.unalias().copy()]) if name in geometries else column
        keys.append(exp.Ordered(this=key, nulls_first=False))
    query.set("order", exp.Order(expressions=keys))


def _safe(node: exp.Expr) -> exp.Expr:
    """Compute + - * / in float64, as whole numbers wrap around in the engine; x / 0 is null; a median is no whole number."""
    if isinstance(node, (exp.Add, exp.Sub, exp.Mul, exp.Div)):
        right = _double(node.expression)
        divisor = exp.Nullif(this=right, expression=exp.Literal.number(0)) if isinstance(node, exp.Div) else right
        return type(node)(this=_double(node.this), expression=divisor)
    if isinstance(node, exp.Mod):
        return exp.Mod(this=node.this, expression=exp.Nullif(this=node.expression, expression=exp.Literal.number(0)))
    if isinstance(node, exp.Median):
        return exp.Median(this=_double(node.this))
    return node


def _double(node: exp.Expr) -> exp.Expr:
    return exp.cast(exp.paren(node, copy=False), "DOUBLE", copy=False)
