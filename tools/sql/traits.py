"""What the columns of a result are: made from the data or by the query itself, in which unit, or geometry.

A fact must come from data. A number that stands in the query, e.g. 100 in `100 * area_m2`, would let any number be cited as
if it were computed, so a column into which one goes yields no fact; 0 and 1 as results of CASE, and what is only compared
with, do not count.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import reduce

from sqlglot import exp
from sqlglot.optimizer.scope import Scope, build_scope

from tools.contract import Unit
from tools.sql.names import GEOMETRY


@dataclass(frozen=True)
class Trait:
    """What is known of one column or expression."""

    depends: bool
    """On a column or on the rows of a view."""
    has_own: bool = False
    """A number or text of the query itself goes into the value."""
    unit: Unit = "unspecified"
    is_geometry: bool = False


Columns = Mapping[str, Trait]
CONSTANT = Trait(depends=False)
COUNT = Trait(depends=True, unit="count")

_KEEPING = (
    exp.Paren, exp.Alias, exp.Window, exp.Filter, exp.Round, exp.Abs, exp.Floor, exp.Ceil, exp.Neg, exp.Avg, exp.Min, exp.Max, exp.Median,
    exp.Stddev, exp.StddevPop, exp.StddevSamp, exp.FirstValue, exp.LastValue, exp.Lag, exp.Lead, exp.Cast, exp.Nullif, exp.Distinct,
)  # fmt: skip
"""Their value is of the kind of their first argument."""
_CHOOSING = (exp.Coalesce, exp.Greatest, exp.Least)
_ARITHMETIC = (exp.Add, exp.Sub, exp.Mul, exp.Div, exp.Mod, exp.Pow)
_RANKING = (exp.RowNumber, exp.Rank, exp.DenseRank, exp.PercentRank, exp.CumeDist, exp.Ntile)


def traits_of(tree: exp.Query, views: Mapping[str, Columns]) -> dict[str, Trait]:
    """Return the trait of each column of a resolved query, by name; `views` are those of the columns of each view."""
    scope = build_scope(tree)
    if scope is None:
        raise TypeError("a resolved query has a scope")
    return _outputs(scope, views)


def _outputs(scope: Scope, views: Mapping[str, Columns]) -> dict[str, Trait]:
    if scope.set_operation_scopes:
        first, second = (_outputs(each, views) for each in scope.set_operation_scopes)
        pairs = zip(first.items(), second.values(), strict=False)
        return {name: replace(_either(one, other), depends=one.depends and other.depends) for (name, one), other in pairs}
    expression = scope.expression.unnest() if isinstance(scope.expression, exp.Subquery) else scope.expression
    if not isinstance(expression, exp.Query):
        raise TypeError("a scope of a resolved query is a query")
    return {node.alias_or_name: _Reader(scope, views).trait(node) for node in expression.selects}


@dataclass(frozen=True)
class _Reader:
    scope: Scope
    views: Mapping[str, Columns]

    def trait(self, node: exp.Expr) -> Trait:
        """Return the trait of an expression that stands in the scope."""
        if isinstance(node, exp.Column):
            return self._column(node)
        if isinstance(node, exp.Literal):
            return replace(CONSTANT, has_own=node.is_string or float(node.name) not in (0, 1))
        if isinstance(node, exp.Count):
            return COUNT
        if isinstance(node, exp.Sum):
            return replace(self.trait(node.this), depends=True)
        if isinstance(node, exp.Distinct):
            return self.trait(node.expressions[0])
        if isinstance(node, _KEEPING):
            return self.trait(node.this)
        return self._combined(node)

    def _combined(self, node: exp.Expr) -> Trait:
        if isinstance(node, _CHOOSING):
            return _merged(self.trait(each) for each in (node.this, *node.expressions))
        if isinstance(node, exp.Case):
            results = [branch.args["true"] for branch in node.args["ifs"]] + ([node.args["default"]] if node.args.get("default") else [])
            return replace(_merged(self.trait(each) for each in results), depends=self._depends(node))
        if isinstance(node, _ARITHMETIC):
            operands = [self.trait(node.this), self.trait(node.expression)]
            unit = operands[0].unit if isinstance(node, (exp.Add, exp.Sub)) and operands[0].unit == operands[1].unit else "unspecified"
            return Trait(any(each.depends for each in operands), not all(each.depends and not each.has_own for each in operands), unit)
        if isinstance(node, (exp.Subquery, exp.Query)):
            return self._subquery(node)
        if isinstance(node, _RANKING):
            return Trait(depends=True)
        return Trait(self._depends(node))

    def _column(self, node: exp.Column) -> Trait:
        scope: Scope | None = self.scope
        while scope is not None:
            source = scope.sources.get(node.table)
            if isinstance(source, Scope):
                return _outputs(source, self.views)[node.name]
            if source is not None:
                return self.views[source.name][node.name]
            scope = scope.parent
        return Trait(depends=False, has_own=True)

    def _subquery(self, node: exp.Expr) -> Trait:
        inner = node.unnest()
        for scope in self.scope.subquery_scopes:
            if scope.expression is inner:
                return next(iter(_outputs(scope, self.views).values()))
        return Trait(depends=False, has_own=True)

    def _depends(self, node: exp.Expr) -> bool:
        return any(self.trait(column).depends for column in node.find_all(exp.Column))


def _merged(traits: Iterable[Trait]) -> Trait:
    """Return what holds of a value that is one of several: constants such as 0 have no unit of their own."""
    return reduce(_either, traits)


def _either(one: Trait, other: Trait) -> Trait:
    units = {trait.unit for trait in (one, other) if trait.depends}
    return Trait(
        depends=one.depends or other.depends,
        has_own=one.has_own or other.has_own,
        unit=units.pop() if len(units) == 1 else "unspecified",
        is_geometry=one.is_geometry and other.is_geometry,
    )


def group_keys(tree: exp.Expr) -> frozenset[str]:
    """Return the names of result columns that are keys of GROUP BY: they name a row and measure nothing."""
    if not isinstance(tree, exp.Select) or not tree.args.get("group"):
        return frozenset()
    keys = {key.sql() for key in tree.args["group"].expressions}
    return frozenset(node.alias_or_name for node in tree.selects if node.unalias().sql() in keys)


def column_traits(names: Iterable[str], measures: Mapping[str, Unit]) -> dict[str, Trait]:
    """Return the traits of the columns of one view; `measures` are the computed ones with their units."""
    own = {name: Trait(depends=True, is_geometry=name == GEOMETRY) for name in names}
    return {**own, **{name: Trait(depends=True, unit=unit) for name, unit in measures.items()}}
