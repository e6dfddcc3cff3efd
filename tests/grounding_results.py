"""Tool messages and facts as an answer would cite them, made of a few rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from agent.grounding import Grounding, check
from tools.contract import Fact, Unit

Row = tuple[str, float, Unit, Mapping[str, str]]
"""Name, value, unit and subject of a fact."""


@dataclass(frozen=True)
class Case:
    """A question with the results that its answers may cite; result n is the nth."""

    question: str
    messages: tuple[Mapping[str, Any], ...] = ()
    facts: Mapping[int, tuple[Fact, ...]] = field(default_factory=dict)

    def with_result(self, tool: str, params: Mapping[str, Any], rows: Sequence[Row], *, shown: int = 60, **extra: Any) -> Case:
        n = len(self.messages) + 1
        facts = tuple(Fact(name, value, unit, subject, f"facts/{index}") for index, (name, value, unit, subject) in enumerate(rows))
        message = {
            "version": 1, "n": n, "tool": tool, "params": params, "ref": ref(n), "outcome": "value", "summary": "", "warnings": [], "data": {},
            "facts": [fact.to_json() for fact in facts[:shown]], "fact_count": len(facts), **extra,
        }  # fmt: skip
        return Case(self.question, (*self.messages, message), {**self.facts, n: facts})

    def check(self, answer: str) -> Grounding:
        return check(answer, question=self.question, results=self.messages, facts_of=lambda n: self.facts[n])

    def verdicts(self, answer: str) -> list[tuple[str, str]]:
        """Every claim as (text, verdict)."""
        return [(claim.text, claim.verdict) for claim in self.check(answer).claims]

    def unsupported(self, answer: str) -> list[str]:
        return [claim.text for claim in self.check(answer).unsupported]


def ref(n: int) -> str:
    return f"a:{n:012x}"


DEPTHS = (
    Case("What area is flooded deeper than 2 m in each district?")
    .with_result(
        "classify",
        {"raster": "flood_depth", "classes": [{"label": "deep", "min": 2.0, "min_inclusive": False}, {"label": "shallow", "max": 2.0}]},
        [("area", 420_000.0, "m2", {"class": "deep"}), ("area", 180_000.0, "m2", {"class": "shallow"})],
    )
    .with_result(
        "zonal_stats",
        {"raster": ref(1), "zones": "districts", "classes": True, "limit": 5},
        [
            ("area", 120_000.0, "m2", {"zone": "North", "class": "deep"}),
            ("area", 50_000.0, "m2", {"zone": "North", "class": "shallow"}),
            ("area", 300_000.0, "m2", {"zone": "South", "class": "deep"}),
            ("area", 130_000.0, "m2", {"zone": "South", "class": "shallow"}),
            ("share", 12.0, "%", {"zone": "North", "class": "deep"}),
            ("share", 25.0, "%", {"zone": "South", "class": "deep"}),
            ("zone_area", 1_000_000.0, "m2", {"zone": "North"}),
            ("zone_area", 1_200_000.0, "m2", {"zone": "South"}),
            ("valid_share", 99.8, "%", {"zone": "North"}),
            ("valid_share", 97.5, "%", {"zone": "South"}),
        ],
    )
    .with_result(
        "calculate",
        {"expression": "s - n", "facts": {"s": f"{ref(2)}#facts/2", "n": f"{ref(2)}#facts/0"}, "name": "difference", "unit": "ha"},
        [("difference", 180_000.0, "m2", {})],
    )
)
"""Areas deeper than 2 m by district, through a classification, and a difference."""

STATISTICS = Case("How deep is the water in each district?").with_result(
    "zonal_stats",
    {"raster": "flood_depth", "zones": "districts", "statistics": ["mean", "min", "max"]},
    [
        (name, value, "m", {"zone": zone})
        for zone, values in (("North", (1.234, 0.25, 3.4)), ("South", (2.155, 0.5, 5.1)))
        for name, value in zip(("mean", "min", "max"), values, strict=True)
    ],
)
"""Mean, least and greatest depth by district."""

AREAS = Case("How large is each district?").with_result(
    "query_vector",
    {"layer": "districts", "group_by": ["name"], "measures": [{"aggregate": "area"}]},
    [
        ("area", 6_319_000.0, "m2", {"name": "North"}),
        ("area", 2_504_321.0, "m2", {"name": "South"}),
        ("area", 8_823_321.0, "m2", {}),
        ("count", 4, "count", {"name": "North"}),
        ("count", 1_234_567, "count", {"name": "South"}),
    ],
)
"""Areas and counts by district, with the area in total."""
