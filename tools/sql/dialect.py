"""The SQL that is read, and the SQL that the engine is given: they differ only in what is left unsaid."""

from __future__ import annotations

from typing import ClassVar

from sqlglot import exp, generator
from sqlglot.dialects.dialect import Dialect, NormalizationStrategy


def _call(name: str, *arguments: exp.Expr | None) -> exp.Expr:
    return exp.Anonymous(this=name, expressions=[argument for argument in arguments if argument is not None])


class TerraciteSql(Dialect):
    """What people write: names keep their case, nulls come last in every order."""

    NORMALIZATION_STRATEGY = NormalizationStrategy.CASE_SENSITIVE
    NULL_ORDERING = "nulls_are_last"


class EngineSql(Dialect):
    """What DataFusion reads: its nulls are larger than everything, some of its functions have other names."""

    NORMALIZATION_STRATEGY = NormalizationStrategy.CASE_SENSITIVE
    NULL_ORDERING = "nulls_are_large"

    class Generator(generator.Generator):
        """Writes functions by the engine's names."""

        TRANSFORMS: ClassVar = {
            **generator.Generator.TRANSFORMS,
            exp.Extract: lambda self, node: self.sql(_call("date_part", exp.Literal.string(node.name.lower()), node.expression)),
            exp.DateTrunc: lambda self, node: self.sql(_call("date_trunc", exp.Literal.string(node.text("unit").lower()), node.this)),
            exp.StrPosition: lambda self, node: self.sql(_call("strpos", node.this, node.args.get("substr"))),
            exp.LogicalAnd: lambda self, node: self.sql(_call("bool_and", node.this)),
            exp.LogicalOr: lambda self, node: self.sql(_call("bool_or", node.this)),
            exp.Variance: lambda self, node: self.sql(_call("var_samp", node.this)),
            exp.VariancePop: lambda self, node: self.sql(_call("var_pop", node.this)),
        }
