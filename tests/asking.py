"""Ask an agent and check what it says: every number supported and cited, right to 0.1 %, and repeated from memory to the byte."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from agent import Agent
from agent.api import RunResult

TOLERANCE = 1e-3
"""Relative error allowed in a reported number, rounding included."""

BASE_UNITS: Mapping[str, tuple[str, float]] = {
    "m2": ("m2", 1.0), "ha": ("m2", 1e4), "km2": ("m2", 1e6), "acre": ("m2", 4046.8564224), "mi2": ("m2", 2589988.110336), "ft2": ("m2", 0.09290304),
    "m": ("m", 1.0), "km": ("m", 1e3), "cm": ("m", 0.01), "mm": ("m", 0.001), "ft": ("m", 0.3048), "mi": ("m", 1609.344),
}  # fmt: skip
"""Unit in an answer → unit of the facts and factor to it. Any other unit stands for itself."""

OBSERVATIONS = {"list_datasets", "find_place", "search_stac", "search_knowledge"}
"""Tools that look at a world that changes: they run every time."""

QUANTITY = re.compile(r"\d[\d,]*(?:\.\d+)?\s*(?:ha|hectares?|acres?|km²|km2|m²|m2|sq(?:uare)? \w+|km|metres?|meters?|m|%|percent)\b")
"""A number with a unit of measure, as it stands in an answer."""


@dataclass(frozen=True)
class Reading:
    """One supported number of an answer with the fact that it cites; `value` is the answer's own, in the unit of the fact."""

    value: float
    unit: str
    """Unit in which the answer gives it."""
    name: str
    subject: Mapping[str, str]
    fact_value: float

    def is_about(self, *subjects: str) -> bool:
        """Tell whether the fact's subject holds all of these values, whatever their keys."""
        return {subject.casefold() for subject in subjects} <= {str(value).casefold() for value in self.subject.values()}


def readings(result: RunResult) -> list[Reading]:
    """Return the supported numbers of an answer in the order in which they stand; each must stand in a citation's facts."""
    facts = {(citation["n"], fact["path"]): fact for citation in result.citations for fact in citation["facts"]}
    supported = sorted((claim for claim in result.claims if claim["verdict"] == "supported"), key=lambda claim: claim["span"][0])
    return [_reading(claim, facts[claim["n"], claim["path"]]) for claim in supported]


def _reading(claim: Mapping[str, Any], fact: Mapping[str, Any]) -> Reading:
    base, factor = BASE_UNITS.get(claim["unit"], (claim["unit"], 1.0))
    value = claim["value"] * factor if base == fact["unit"] else claim["value"]
    return Reading(value, claim["unit"], fact["name"], fact["subject"], fact["value"])


def assert_answered(result: RunResult) -> None:
    """The question was answered, nothing in the answer is unsupported, and every citation in the text exists."""
    assert result.status == "answered", _tell(result)
    assert result.exit_code == 0, _tell(result)
    assert result.outcome in ("value", "true_zero"), _tell(result)
    assert not result.unsupported, _tell(result)
    assert {claim["verdict"] for claim in result.claims} <= {"supported", "quoted", "parameter"}, _tell(result)
    assert {int(n) for n in re.findall(r"\[(\d+)\]", result.answer)} == {citation["n"] for citation in result.citations}, _tell(result)
    for reading in readings(result):
        assert reading.value == pytest.approx(reading.fact_value, rel=TOLERANCE, abs=1e-9), _tell(result)


def assert_reads(
    result: RunResult, expected: Mapping[str | tuple[str, ...], float], *, name: str | None = None, unit: str | None = None
) -> None:
    """For every subject of `expected` (a zone, or a zone and a class), the answer gives that number and no other.

    `name` is the fact's name, `unit` the unit in which the answer must give it. Numbers are in the unit of facts (m², m, …).
    """
    assert_answered(result)
    found = [reading for reading in readings(result) if name is None or reading.name == name]
    for subject, value in expected.items():
        about = [reading for reading in found if reading.is_about(*((subject,) if isinstance(subject, str) else subject))]
        assert about, f"nothing is said of {subject!r}: {_tell(result)}"
        for reading in about:
            assert reading.value == pytest.approx(value, rel=TOLERANCE, abs=1e-9), f"{subject!r} should be {value}: {_tell(result)}"
            assert unit is None or reading.unit == unit, f"{subject!r} should be in {unit}: {_tell(result)}"


def assert_first(result: RunResult, value: float, *, name: str | None = None, unit: str | None = None) -> None:
    """The first supported number of this name is `value`, in the unit of facts; in the answer it is given in `unit`."""
    assert_answered(result)
    found = [reading for reading in readings(result) if name is None or reading.name == name]
    assert found, f"no number of {name!r}: {_tell(result)}"
    assert found[0].value == pytest.approx(value, rel=TOLERANCE, abs=1e-9), f"should be {value}: {_tell(result)}"
    assert unit is None or found[0].unit == unit, f"should be in {unit}: {_tell(result)}"


def assert_names(result: RunResult, expected: Iterable[str], candidates: Iterable[str]) -> None:
    """Of all candidates, the answer names exactly the expected ones."""
    assert_answered(result)
    named = {name for name in candidates if is_named(name, result.answer)}
    assert named == set(expected), _tell(result)


def assert_order(result: RunResult, names: Sequence[str]) -> None:
    """The answer names these, first mention in this order."""
    assert_answered(result)
    assert all(is_named(name, result.answer) for name in names), f"should name {names}: {_tell(result)}"
    assert sorted(names, key=lambda name: _where(name, result.answer)) == list(names), f"order should be {names}: {_tell(result)}"


def is_named(name: str, text: str) -> bool:
    """Tell whether a name stands in a text as a whole."""
    return _where(name, text) >= 0


def _where(name: str, text: str) -> int:
    match = re.search(rf"(?<!\w){re.escape(name)}(?!\w)", text, re.IGNORECASE)
    return match.start() if match else -1


def assert_declined(result: RunResult, *, outcome: str | None = None) -> None:
    """The question was refused or a missing part asked for: the right exit code, and no number out of any result."""
    assert result.status in ("refused", "input_needed"), _tell(result)
    assert result.exit_code == {"refused": 3, "input_needed": 5}[result.status], _tell(result)
    assert not readings(result), _tell(result)
    asked = set(QUANTITY.findall(result.question))
    assert not set(QUANTITY.findall(result.answer)) - asked, _tell(result)
    if outcome is not None:
        assert result.outcome == outcome, _tell(result)
    assert len(result.answer.split()) > 3, "a refusal says why and how to go on"


def assert_repeats(agent: Agent, first: RunResult, data: Sequence[Path | str] = ()) -> None:
    """Asked again, every pure tool hits and the answer is the same to the byte."""
    second = agent.run(first.question, data=data)
    assert second.answer == first.answer
    pure = [artifact for artifact in second.artifacts if artifact["tool"] not in OBSERVATIONS]
    assert {artifact["cache"] for artifact in pure} <= {"hit"}
    assert [artifact["key"] for artifact in pure] == [
        artifact["key"] for artifact in first.artifacts if artifact["tool"] not in OBSERVATIONS
    ]


def _tell(result: RunResult) -> str:
    """Show what was asked, called and answered."""
    steps = "\n".join(f"  {step.get('tool')} {step.get('params')} {step.get('error', '')}" for step in result.steps)
    claims = "\n".join(f"  {claim}" for claim in [*result.claims, *result.unsupported])
    return f"\nQ: {result.question}\n{result.status}/{result.outcome}\n{steps}\nA: {result.answer}\n{claims}"
