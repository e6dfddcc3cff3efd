"""Answer a question by SQL over layers and tables."""

from __future__ import annotations

import re
from importlib.util import find_spec
from typing import Annotated

from pydantic import AfterValidator, Field, model_validator

from tools.contract import Tool, ToolContext, ToolOutput
from tools.errors import ConfigurationError, ParameterError
from tools.geotypes import Params, RowsRef

NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,59}")
MOST_VIEWS = 10


def norm_sql(text: str) -> str:
    """Return a query as it is printed again, so that spaces, comments and the case of keywords are no part of a call."""
    if find_spec("sqlglot") is None or find_spec("sedonadb") is None:
        raise ConfigurationError("SQL needs libraries that are not installed.", hint="Install them: pip install 'terracite[sql]'.")
    from tools.sql.grammar import canonical  # sqlglot takes 0.2 s to import

    try:
        return canonical(text)
    except ParameterError as error:
        raise ValueError(str(error).rstrip(".")) from error


class QuerySqlParams(Params):
    """Answer by one read-only SQL SELECT over layers and tables, where query_vector and overlay cannot: joins by attributes, several GROUP BY columns, HAVING, window functions, spatial joins (ST_Intersects, ST_Within, ST_Contains …). Layers have a column geometry and the geodesic columns area_m2 and length_m. Text is compared with case."""

    sql: Annotated[str, AfterValidator(norm_sql)] = Field(
        min_length=1,
        max_length=10_000,
        description="e.g. SELECT d.name, COUNT(*) AS clinics FROM clinics c JOIN districts d ON ST_Within(c.geometry, d.geometry) GROUP BY d.name. Numbers other than 0 and 1 in a result column make it uncitable: leave units to the answer.",
    )
    views: dict[str, RowsRef] = Field(min_length=1, max_length=MOST_VIEWS, description="Table name in the SQL → layer or table.")
    limit: int = Field(default=1_000, ge=1, le=10_000, description="At most so many rows.")

    @model_validator(mode="after")
    def _views_are_those_of_the_query(self) -> QuerySqlParams:
        from tools.sql.grammar import parse
        from tools.sql.names import tables_of

        for name in self.views:
            if not NAME.fullmatch(name):
                raise ValueError(f"{name[:60]!r} cannot be the name of a view; use letters, digits and _, e.g. 'districts'")
        if len({name.casefold() for name in self.views}) < len(self.views):
            raise ValueError("two views have names that differ only in case")
        try:
            named = tables_of(parse(self.sql), self.views)
        except ParameterError as error:
            raise ValueError(str(error).rstrip(".")) from error
        if unused := sorted(set(self.views) - set(named)):
            raise ValueError(f"the query does not use the view {unused[0]!r}; leave it out")
        return self


def run(params: QuerySqlParams, context: ToolContext) -> ToolOutput:
    """Write the rows: GeoParquet where they have a geometry column, else Parquet.

    A fact per row and number that comes from the data: `count` for COUNT, m2 and m for area_m2 and length_m and what keeps
    their unit, else unspecified; the subject are the texts and group keys of the row. No row is a true zero. Raises
    ParameterError for names that are not there and for what the grammar does not allow, MissingCrsError where geometry is
    used that has no CRS, LimitError where joins would make too many rows.
    """
    from tools.sql.answering import answer

    return answer(params, context)


TOOL = Tool(
    "query_sql",
    QuerySqlParams,
    run,
    "pure",
    libraries=("sqlglot", "sedonadb", "pyarrow", "pandas", "geopandas", "shapely", "pyproj", "pyogrio"),
)
