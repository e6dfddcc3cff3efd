"""Arithmetic over facts, with units: the only way to a derived number."""

from __future__ import annotations

from pydantic import Field

from tools.contract import Tool, ToolContext, ToolOutput, Unit
from tools.geotypes import FactRef, Params


class CalculateParams(Params):
    """Compute one number from facts of earlier results, e.g. expression 'a - b' with facts {"a": "a:KEY#facts/0", "b": …}. Operators + - * / and abs, min, max, sum, mean, share (percent of a whole), change (percent). Units are checked. Numbers may only be facts, or numbers standing in the question."""

    expression: str = Field(
        min_length=1, max_length=500, description="Arithmetic over the names in 'facts' and 'numbers'; literals are refused."
    )
    facts: dict[str, FactRef] = Field(default_factory=dict, description="Name → fact of an earlier result.")
    numbers: dict[str, float] = Field(default_factory=dict, description="Name → number that stands in the question.")
    unit: Unit | None = Field(default=None, description="Unit of the result, e.g. ha; default: that of the arithmetic.")
    name: str = Field(default="result", max_length=80, description="What the number is, e.g. difference.")


def run(params: CalculateParams, context: ToolContext) -> ToolOutput:
    """Evaluate the expression; see `CalculateParams`."""
    raise NotImplementedError


TOOL = Tool("calculate", CalculateParams, run, "pure")
