"""Which views and columns a query names: spelled as they are, every column with its table, every * written out."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable, Mapping

from sqlglot import exp
from sqlglot.errors import SqlglotError
from sqlglot.optimizer.qualify import qualify
from sqlglot.optimizer.scope import Scope, traverse_scope
from sqlglot.schema import MappingSchema

from tools.errors import ParameterError
from tools.sql.dialect import TerraciteSql
from tools.sql.grammar import MAX_COLUMNS

MEASURES = ("area_m2", "length_m", "perimeter_m")
"""Columns that every view with geometry offers beside its own: geodesic, of each feature; not part of *."""
GEOMETRY = "geometry"
MOST_NAMED = 40
"""Most columns that an error names."""


def tables_of(tree: exp.Query, views: Collection[str]) -> tuple[str, ...]:
    """Return the views that a query reads, in the order in which it names them.

    Raises ParameterError for a table that is neither a view nor a WITH query, and for a WITH query named like a view.
    """
    spelled = {view.casefold(): view for view in views}
    ctes = {cte.alias.casefold() for cte in tree.find_all(exp.CTE)}
    if both := sorted(ctes & set(spelled)):
        raise ParameterError(f"The WITH query {both[0]!r} has the name of a view.", hint="Give it another name.")
    named = [table.name.casefold() for table in tree.find_all(exp.Table, bfs=False)]
    for table in tree.find_all(exp.Table, bfs=False):
        if table.name.casefold() not in ctes | set(spelled):
            raise ParameterError(
                f"The query reads {table.name[:80]!r}, which is no view.",
                hint=f"Name a dataset in 'views' for it. The views are: {', '.join(views)}.",
            )
    return tuple(dict.fromkeys(spelled[name] for name in named if name in spelled))


def mentioned(tree: exp.Query, names: Iterable[str]) -> tuple[str, ...]:
    """Return those of the names that some column of a query has, whatever its case."""
    columns = {column.name.casefold() for column in tree.find_all(exp.Column)}
    return tuple(name for name in names if name.casefold() in columns)


def read_columns(tree: exp.Query) -> set[tuple[str, str]]:
    """Return every (view, column) that a resolved query reads."""
    found: set[tuple[str, str]] = set()
    for scope in traverse_scope(tree):
        for column in scope.columns:
            around: Scope | None = scope
            while around is not None and column.table not in around.sources:
                around = around.parent
            source = around.sources[column.table] if around is not None else None
            if isinstance(source, exp.Table):
                found.add((source.name, column.name))
    return found


def resolve(tree: exp.Query, columns: Mapping[str, Collection[str]], measures: Mapping[str, Collection[str]]) -> exp.Query:
    """Return a new tree in which names stand as they are in the data, columns with their tables, and * as columns.

    `columns` are those of each view, `measures` the computed ones that the query may name. Raises ParameterError with the
    nearest names for a column that is not there, and for one that several tables have.
    """
    tree = tree.copy()
    _name_outputs(tree)
    everything = {view: (*names, *measures[view]) for view, names in columns.items()}
    _spell(tree, {*everything, *(name for names in everything.values() for name in names)})
    _check_columns(tree, everything)
    schema = MappingSchema(
        {view: dict.fromkeys(names, "text") for view, names in everything.items()},
        visible=dict(columns),  # * leaves the measures out
        dialect=TerraciteSql,
        normalize=False,
    )
    try:
        tree = qualify(tree, schema=schema, dialect=TerraciteSql)
    except SqlglotError as error:
        raise ParameterError(
            f"The query cannot be understood: {str(error).partition(chr(10))[0][:200]}", hint=_listed(everything)
        ) from error
    _check_result(tree, columns)
    return tree


def _name_outputs(tree: exp.Query) -> None:
    """Name columns of the result that have no name: `sum of population`, `count`, or as they are written."""
    select = tree
    while not isinstance(select, exp.Select):
        select = select.this
    for node in select.expressions:
        inner = node.unnest()
        if isinstance(inner, (exp.Column, exp.Alias, exp.Star)):
            continue
        name = inner.sql(TerraciteSql)[:60]
        if isinstance(inner, exp.Count) and isinstance(inner.this, exp.Star):
            name = "count"
        elif isinstance(inner, (exp.AggFunc,)) and isinstance(inner.this, exp.Column):
            name = f"{inner.key} of {inner.this.name}"
        node.replace(exp.alias_(node.copy(), name, quoted=True))


def _spell(tree: exp.Query, known: Collection[str]) -> None:
    """Write unquoted names in the case that the data or the query's own alias has; then quote all."""
    aliases = {node.alias for node in tree.find_all(exp.Alias, exp.CTE, exp.Table, exp.Subquery) if node.alias}
    aliases |= {column.name for alias in tree.find_all(exp.TableAlias) for column in alias.args.get("columns") or ()}
    spelled: dict[str, set[str]] = {}
    for name in (*known, *aliases):
        spelled.setdefault(name.casefold(), set()).add(name)
    for identifier in tree.find_all(exp.Identifier):
        forms = spelled.get(identifier.name.casefold(), set())
        if not identifier.args.get("quoted") and identifier.name not in forms and len(forms) == 1:
            identifier.set("this", next(iter(forms)))
        identifier.set("quoted", True)


def _check_columns(tree: exp.Query, columns: Mapping[str, Collection[str]]) -> None:
    """Raise ParameterError for a column name that neither a view nor the query itself has."""
    own = {node.alias for node in tree.find_all(exp.Alias)}
    own |= {column.name for alias in tree.find_all(exp.TableAlias) for column in alias.args.get("columns") or ()}
    known = own | {name for names in columns.values() for name in names}
    for column in tree.find_all(exp.Column):
        if column.name not in known and not isinstance(column.this, exp.Star):
            folded = {name.casefold(): name for name in known}
            near = [folded[match] for match in difflib.get_close_matches(column.name[:100].casefold(), list(folded), n=3, cutoff=0.5)]
            raise ParameterError(
                f"There is no column {column.name[:80]!r}.", hint=f"Nearest: {', '.join(near)}." if near else _listed(columns)
            )


def _listed(columns: Mapping[str, Collection[str]]) -> str:
    texts = []
    for view, names in columns.items():
        shown = list(names)[:MOST_NAMED]
        texts.append(f"{view}: {', '.join(shown) or 'none'}{' …' if len(names) > len(shown) else ''}")
    return f"The columns are: {'; '.join(texts)}. Write a column of several tables as table.column."


def _check_result(tree: exp.Query, views: Collection[str]) -> None:
    """Check once more, on the tree that will run, what it reads, and that its columns can be told apart."""
    for scope in traverse_scope(tree):
        for source in scope.sources.values():
            if not isinstance(source, Scope) and source.name not in views:
                raise ParameterError(
                    f"The query reads {source.name[:80]!r}, which is no view here.", hint="A WITH query is known only where it stands."
                )
    names = tree.named_selects
    if len(names) > MAX_COLUMNS:
        raise ParameterError(
            f"The result has {len(names):,} columns; at most {MAX_COLUMNS} are made.", hint="Name the columns instead of *."
        )
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ParameterError(f"The result has several columns named {twice[0]!r}.", hint="Give each a name of its own with AS.")
