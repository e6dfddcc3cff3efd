"""What SQL may say here: one SELECT, made of parts that are on a list; everything else is refused with what is allowed.

The text is parsed once, checked part by part, and printed again. What runs is made from the checked tree, never from the text.
"""

from __future__ import annotations

from collections.abc import Iterator

from sqlglot import exp
from sqlglot.errors import SqlglotError
from sqlglot.tokenizer_core import Token, TokenType

from tools.errors import ParameterError
from tools.sql.dialect import TerraciteSql

MAX_LENGTH = 10_000
"""Longest query, in characters."""
MAX_TOKENS = 3_000
"""Most words, numbers and signs of a query."""
MAX_NESTING = 30
"""Deepest parentheses; the engine's own parser stops at 50."""
MAX_DEPTH = 150
"""Deepest tree; a chain of n terms with AND, OR or + is n deep."""
MAX_COLUMNS = 200
"""Most columns of a result."""
MAX_NAME = 200
"""Longest name of a column, in characters."""
MAX_DIGITS = 40
"""Longest number."""
MAX_QUERIES = 20
"""Most SELECTs of one query, those of WITH and of subqueries included."""

ALLOWED: dict[type[exp.Expr], str] = {
    exp.Select: "with_ expressions distinct from_ joins where group having order limit offset",
    exp.Subquery: "this alias", exp.Union: "with_ this expression distinct order limit offset",
    exp.Except: "with_ this expression distinct order limit offset", exp.Intersect: "with_ this expression distinct order limit offset",
    exp.With: "expressions", exp.CTE: "this alias", exp.TableAlias: "this columns", exp.From: "this", exp.Table: "this alias",
    exp.Join: "this on side kind using method", exp.Where: "this", exp.Group: "expressions", exp.Having: "this",
    exp.Order: "expressions", exp.Ordered: "this desc nulls_first", exp.Limit: "expression", exp.Offset: "expression", exp.Distinct: "expressions",
    exp.Column: "this table", exp.Identifier: "this quoted", exp.Alias: "this alias", exp.Star: "", exp.Paren: "this",
    exp.Literal: "this is_string", exp.Boolean: "this", exp.Null: "",
    exp.And: "this expression", exp.Or: "this expression", exp.Not: "this", exp.EQ: "this expression", exp.NEQ: "this expression",
    exp.GT: "this expression", exp.GTE: "this expression", exp.LT: "this expression", exp.LTE: "this expression",
    exp.Is: "this expression negate", exp.In: "this expressions query", exp.Between: "this low high", exp.Like: "this expression negate",
    exp.ILike: "this expression negate", exp.Exists: "this",
    exp.Add: "this expression", exp.Sub: "this expression", exp.Mul: "this expression", exp.Div: "this expression", exp.Mod: "this expression",
    exp.Neg: "this", exp.Case: "this ifs default", exp.If: "this true false", exp.Cast: "this to", exp.DataType: "this", exp.Var: "this",
    exp.Window: "this partition_by order spec over", exp.WindowSpec: "kind start start_side end end_side", exp.Filter: "this expression",
}  # fmt: skip
"""Part of a query → the arguments that it may have."""

FUNCTIONS: dict[type[exp.Expr], str] = {
    exp.Abs: "this", exp.Round: "this decimals", exp.Floor: "this", exp.Ceil: "this", exp.Sqrt: "this", exp.Ln: "this", exp.Exp: "this",
    exp.Pow: "this expression", exp.Greatest: "this expressions ignore_nulls", exp.Least: "this expressions ignore_nulls",
    exp.Coalesce: "this expressions", exp.Nullif: "this expression",
    exp.Lower: "this", exp.Upper: "this", exp.Trim: "this", exp.Length: "this", exp.Left: "this expression", exp.Right: "this expression",
    exp.StartsWith: "this expression", exp.StrPosition: "this substr", exp.Extract: "this expression", exp.DateTrunc: "unit this",
    exp.Count: "this big_int", exp.Sum: "this", exp.Avg: "this", exp.Min: "this", exp.Max: "this", exp.Median: "this", exp.Stddev: "this",
    exp.StddevPop: "this", exp.StddevSamp: "this", exp.Variance: "this", exp.VariancePop: "this", exp.Corr: "this expression",
    exp.LogicalAnd: "this", exp.LogicalOr: "this",
    exp.RowNumber: "", exp.Rank: "", exp.DenseRank: "", exp.PercentRank: "", exp.CumeDist: "", exp.Ntile: "this", exp.Lag: "this offset",
    exp.Lead: "this offset", exp.FirstValue: "this", exp.LastValue: "this",
}  # fmt: skip
"""Function → the arguments that it may have."""

PREDICATES = (
    "ST_INTERSECTS", "ST_WITHIN", "ST_CONTAINS", "ST_COVERS", "ST_COVEREDBY", "ST_TOUCHES", "ST_CROSSES", "ST_OVERLAPS", "ST_EQUALS", "ST_DISJOINT",
)  # fmt: skip
"""Spatial functions of two geometries."""
DESCRIBING = ("ST_ISEMPTY", "ST_GEOMETRYTYPE", "ST_DIMENSION", "ST_NUMGEOMETRIES", "ST_NPOINTS")
"""Spatial functions of one geometry that measure nothing."""
MEASURING = ("AREA", "LENGTH", "PERIMETER", "DISTANCE", "BUFFER", "DWITHIN", "AZIMUTH", "HAUSDORFF", "FRECHET", "KNN", "MAKELINE")
"""Words in the names of spatial functions that measure in the units of the map."""
TYPES = ("DOUBLE", "FLOAT", "BIGINT", "INT", "SMALLINT", "TEXT", "VARCHAR", "BOOLEAN", "DATE", "TIMESTAMP")
"""Types that CAST may make."""
DATE_PARTS = ("YEAR", "QUARTER", "MONTH", "WEEK", "DAY", "DOW", "DOY", "HOUR", "MINUTE", "SECOND")

GRAMMAR = (
    "Write one SELECT over the names in 'views', with WITH, JOIN, WHERE, GROUP BY, HAVING, ORDER BY, LIMIT, UNION, window functions, "
    "CASE, CAST; count, sum, avg, min, max, median, stddev, variance, corr; abs, round, floor, ceil, sqrt, ln, exp, power, greatest, least, "
    "coalesce, nullif, lower, upper, trim, length, left, right, starts_with, strpos, extract, date_trunc; ST_Intersects, ST_Within, "
    "ST_Contains, ST_Covers, ST_CoveredBy, ST_Touches, ST_Crosses, ST_Overlaps, ST_Equals, ST_Disjoint, ST_IsEmpty, ST_GeometryType."
)
MEASURE_HINT = (
    "It would measure in the units of the map, e.g. square degrees. A view with geometry has the columns area_m2, length_m (lines) and perimeter_m, measured on "
    "the ellipsoid; for distances and buffers use query_vector and overlay."
)


def parse(text: str) -> exp.Query:
    """Return the checked tree of one query; raise ParameterError for anything that is not on the lists."""
    _check_tokens(_tokens(text))
    try:
        statements = TerraciteSql().parse(text)
    except (SqlglotError, RecursionError, ValueError, TypeError, AttributeError, IndexError, KeyError) as error:
        # The parser raises what Python raises where it meets a text that its authors did not think of.
        raise _unreadable(error) from error
    if len(statements) != 1 or not isinstance(statements[0], exp.Query):
        raise ParameterError("The text is not one SELECT.", hint=GRAMMAR)
    tree = statements[0]
    _check_depth(tree)
    for node in list(tree.walk()):
        _check(_normal(node))
    if (queries := sum(1 for _ in tree.find_all(exp.Select))) > MAX_QUERIES:
        raise ParameterError(f"The query has {queries} SELECTs; at most {MAX_QUERIES} are run.", hint="Split it into several calls.")
    return tree


def canonical(text: str) -> str:
    """Return a query as it is printed from its tree: one line, no comments, keywords in capitals."""
    return printed(parse(text))


def printed(tree: exp.Expr) -> str:
    """Print a checked tree in the dialect that is read."""
    return tree.sql(TerraciteSql, comments=False)


def _tokens(text: str) -> list[Token]:
    if len(text) > MAX_LENGTH:
        raise ParameterError(
            f"The query has {len(text):,} characters; at most {MAX_LENGTH:,} are read.", hint="Split it into several calls."
        )
    try:
        return TerraciteSql().tokenize(text)
    except (SqlglotError, ValueError) as error:
        raise _unreadable(error) from error


def _unreadable(error: Exception) -> ParameterError:
    first = str(error).partition("\n")[0][:150].rstrip(". ")
    return ParameterError(f"The SQL cannot be read ({first}).", hint=GRAMMAR)


def _check_tokens(tokens: list[Token]) -> None:
    """Refuse what must not reach the parser: other statements, several of them, and nests that it could not climb."""
    if not tokens or tokens[0].token_type not in (TokenType.SELECT, TokenType.WITH, TokenType.L_PAREN):
        raise ParameterError("The SQL is not a SELECT.", hint=GRAMMAR)
    if len(tokens) > MAX_TOKENS:
        raise ParameterError(
            f"The query has {len(tokens):,} words and signs; at most {MAX_TOKENS:,} are read.", hint="Split it into several calls."
        )
    if any(token.token_type is TokenType.SEMICOLON for token in tokens[:-1]):
        raise ParameterError("The text holds more than one statement.", hint=GRAMMAR)
    depth = deepest = run = longest = 0
    for token in tokens:
        depth += (token.token_type in _OPENING) - (token.token_type in _CLOSING)
        deepest = max(deepest, depth)
        run = run + 1 if token.token_type in _PREFIXES else 0
        longest = max(longest, run)
    if max(deepest, longest) > MAX_NESTING:
        raise ParameterError(f"The query nests deeper than {MAX_NESTING} levels.", hint="Write parts of it as WITH queries.")


_OPENING = (TokenType.L_PAREN, TokenType.L_BRACKET, TokenType.L_BRACE, TokenType.CASE)
_CLOSING = (TokenType.R_PAREN, TokenType.R_BRACKET, TokenType.R_BRACE, TokenType.END)
_PREFIXES = (TokenType.NOT, TokenType.DASH, TokenType.PLUS, TokenType.TILDE)


def _check_depth(tree: exp.Expr) -> None:
    level: list[exp.Expr] = [tree]
    for _ in range(MAX_DEPTH):
        level = [child for node in level for child in node.iter_expressions()]
        if not level:
            return
    raise ParameterError(
        f"The query nests deeper than {MAX_DEPTH} levels.", hint="Use IN (…) for many values, and WITH for parts of the query."
    )


def _normal(node: exp.Expr) -> exp.Expr:
    """Return a part in its one form: the words of a frame in capitals, date_part as EXTRACT."""
    if isinstance(node, exp.WindowSpec):
        for name, value in list(node.args.items()):
            node.set(name, value.upper() if isinstance(value, str) else value)
    if (
        isinstance(node, exp.Anonymous)
        and node.name.upper() == "DATE_PART"
        and len(node.expressions) == 2
        and node.expressions[0].is_string
    ):
        part, moment = node.expressions
        return node.replace(exp.Extract(this=exp.Var(this=part.name.upper()), expression=moment))
    return node


def _check(node: exp.Expr) -> None:
    if isinstance(node, exp.Anonymous):
        _check_spatial(node)
        return
    arguments = ALLOWED.get(type(node)) if type(node) in ALLOWED else FUNCTIONS.get(type(node))
    if arguments is None:
        raise _not_allowed(node)
    extra = [name for name, value in node.args.items() if value not in (None, False, []) and name not in arguments.split()]
    if extra:
        raise ParameterError(f"{_words(node)} cannot have {extra[0].strip('_').upper()} here.", hint=GRAMMAR)
    for refusal in _refusals(node):
        raise ParameterError(refusal, hint=GRAMMAR)


def _refusals(node: exp.Expr) -> Iterator[str]:
    """Yield what is wrong with a part that may stand in a query."""
    if isinstance(node, exp.Select) and not (node.expressions and node.args.get("from_")):
        yield "Every SELECT needs columns and FROM."
    if isinstance(node, exp.Select) and len(node.expressions) > MAX_COLUMNS:
        yield f"A SELECT has {len(node.expressions):,} columns; at most {MAX_COLUMNS} are made."
    if isinstance(node, (exp.From, exp.Join)) and not isinstance(node.this, (exp.Table, exp.Subquery)):
        yield "FROM and JOIN take views and queries in parentheses."
    if isinstance(node, exp.Table) and not (isinstance(node.this, exp.Identifier) and node.name):
        yield f"{node.sql(TerraciteSql)[:80]!r} is no view."
    if isinstance(node, exp.Join) and (node.method or node.kind not in ("", "INNER", "OUTER", "CROSS")):
        yield f"{node.method or node.kind} JOIN is not allowed."
    if isinstance(node, exp.Star) and not isinstance(node.parent, (exp.Select, exp.Count, exp.Column)):
        yield "* may stand only in SELECT and in COUNT(*)."
    yield from _word_refusals(node)


def _word_refusals(node: exp.Expr) -> Iterator[str]:
    """Yield what is wrong with a name, a number, a type or a unit."""
    if isinstance(node, exp.DataType) and node.this.name not in TYPES:
        yield f"CAST to {node.this.name} is not allowed; types are {', '.join(TYPES)}."
    if isinstance(node, (exp.Extract, exp.DateTrunc)) and (unit := (node.text("unit") or node.name).upper()) not in DATE_PARTS:
        yield f"{unit[:40]!r} is no part of a date; parts are {', '.join(DATE_PARTS)}."
    if isinstance(node, exp.Var) and not isinstance(node.parent, (exp.Extract, exp.DateTrunc)):
        yield f"{node.name[:40]!r} is not allowed."
    if isinstance(node, (exp.Limit, exp.Offset)) and not _is_whole(node.expression):
        yield "LIMIT and OFFSET take a whole number."
    if isinstance(node, exp.Identifier) and (len(node.name) > MAX_NAME or not node.name.isprintable()):
        yield f"A name is longer than {MAX_NAME} characters, or holds characters that cannot be printed."
    if isinstance(node, exp.Literal) and not node.is_string and len(node.name) > MAX_DIGITS:
        yield f"The number {node.name[:MAX_DIGITS]!r}… has too many digits."


def _is_whole(node: exp.Expr) -> bool:
    return isinstance(node, exp.Literal) and not node.is_string and node.name.isascii() and node.name.isdigit() and len(node.name) < 19


def _check_spatial(node: exp.Anonymous) -> None:
    name = node.name.upper()
    wanted = 2 if name in PREDICATES else 1 if name in DESCRIBING else None
    if wanted is None:
        raise _not_allowed(node)
    if len(node.expressions) != wanted or not all(isinstance(argument, exp.Column) for argument in node.expressions):
        raise ParameterError(f"{name} takes {wanted} geometry column{'s' if wanted > 1 else ''} of views.", hint=GRAMMAR)
    node.set("this", name)


def _not_allowed(node: exp.Expr) -> ParameterError:
    words = _words(node)
    measures = words.startswith("ST_") and any(part in words for part in MEASURING)
    return ParameterError(f"{words} is not allowed in a query.", hint=MEASURE_HINT if measures else GRAMMAR)


def _words(node: exp.Expr) -> str:
    if isinstance(node, exp.Anonymous):
        return node.name.upper()[:60]
    return node.sql_name() if isinstance(node, exp.Func) else node.key.upper()
