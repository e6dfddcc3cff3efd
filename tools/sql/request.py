"""A query by SQL as a call gives it: its text in its one form, its views checked against it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from tools.errors import ParameterError

NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,59}")
MOST_VIEWS = 10
DEFAULT_ROWS = 1_000


@dataclass(frozen=True)
class SqlRequest:
    """One SELECT over views."""

    sql: str
    views: Mapping[str, str]
    """Name in the SQL → reference of a layer or table."""
    limit: int = DEFAULT_ROWS
    """At most so many rows."""


def norm_sql(text: str) -> str:
    """Return a query as it is printed again, so that spaces, comments and the case of keywords are no part of a call."""
    from tools.sql.grammar import canonical  # sqlglot takes 0.2 s to import

    try:
        return canonical(text)
    except ParameterError as error:
        raise ValueError(str(error).rstrip(".")) from error


def check_views(sql: str, views: Mapping[str, str]) -> None:
    """Raise ValueError unless the views are those that the query names, under names that SQL can tell apart."""
    from tools.sql.grammar import parse
    from tools.sql.names import tables_of

    for name in views:
        if not NAME.fullmatch(name):
            raise ValueError(f"{name[:60]!r} cannot be the name of a view; use letters, digits and _, e.g. 'districts'")
    if len({name.casefold() for name in views}) < len(views):
        raise ValueError("two views have names that differ only in case")
    try:
        named = tables_of(parse(sql), views)
    except ParameterError as error:
        raise ValueError(str(error).rstrip(".")) from error
    if unused := sorted(set(views) - set(named)):
        raise ValueError(f"the query does not use the view {unused[0]!r}; leave it out")
