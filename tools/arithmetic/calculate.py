"""Arithmetic over facts, with units: the only way to a derived number."""

from __future__ import annotations

from pydantic import Field

from tools.arithmetic.expression import evaluate
from tools.arithmetic.quantity import Quantity
from tools.contract import Fact, Tool, ToolContext, ToolOutput, Unit
from tools.errors import ParameterError
from tools.geo.units import convert, dimension
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
    result = evaluate(params.expression, _quantities(params, context))
    fact = Fact(params.name, *_in_unit(result, params.unit))
    return ToolOutput(
        summary=f"{fact.name} is {fact.value:,.10g} {fact.unit}, computed as {params.expression}.",
        facts=(fact,),
        data={"expression": params.expression, "inputs": _inputs(params, context)},
    )


def _quantities(params: CalculateParams, context: ToolContext) -> dict[str, Quantity]:
    if twice := sorted(set(params.facts) & set(params.numbers)):
        raise ParameterError(
            f"{', '.join(map(repr, twice))} stands in 'facts' and in 'numbers'.", hint="Give every value a name of its own."
        )
    facts = {name: context.facts[ref] for name, ref in params.facts.items()}
    return {
        **{name: Quantity(fact.value, fact.unit) for name, fact in facts.items()},
        **{name: Quantity(value, None) for name, value in params.numbers.items()},
    }


def _in_unit(result: Quantity, unit: Unit | None) -> tuple[float, Unit]:
    """Return the value in the unit asked for; a temperature stays in its own, since a difference has no zero to shift."""
    own: Unit = result.unit or "1"
    if unit is None or unit == own:
        return result.value, own
    if dimension(own) == "temperature":
        raise ParameterError(f"The result is in {own!r} and is not converted to {unit!r}.", hint="Leave out 'unit' for temperatures.")
    return convert(result.value, own, unit), unit


def _inputs(params: CalculateParams, context: ToolContext) -> list[dict[str, object]]:
    """Return what went in, JSON-safe: name, value, unit, and of facts also quantity, subject and reference."""
    inputs: list[dict[str, object]] = []
    for name, ref in params.facts.items():
        fact = context.facts[ref]
        inputs.append({"name": name, "value": fact.value, "unit": fact.unit, "fact": fact.name, "subject": dict(fact.subject), "ref": ref})
    inputs.extend({"name": name, "value": value, "unit": None} for name, value in params.numbers.items())
    return inputs


TOOL = Tool("calculate", CalculateParams, run, "pure", place="here")
