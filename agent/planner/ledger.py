"""The results of a run so far: a plan asks for a call, and gets its result or leaves the call pending."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from agent.planner.frames import Condition
from agent.planner.step import Call
from tools.contract import Fact


class CallFailedError(Exception):
    """A call of the plan failed; the draft tells its error."""

    def __init__(self, error: Mapping[str, Any]) -> None:  # Any: JSON
        super().__init__(error.get("message", ""))
        self.error = error


@dataclass(frozen=True)
class Message:
    """A tool message that succeeded."""

    n: int
    tool: str
    ref: str
    outcome: str
    facts: tuple[Fact, ...]
    fact_count: int
    kind: str
    data: Mapping[str, Any]  # Any: JSON
    params: Mapping[str, Any]  # Any: JSON

    def named(self, name: str, **subject: str) -> list[Fact]:
        """Return the facts of a name whose subject holds these pairs."""
        return [fact for fact in self.facts if fact.name == name and all(fact.subject.get(key) == value for key, value in subject.items())]

    @property
    def is_cut(self) -> bool:
        """Whether the message holds fewer facts than the result."""
        return self.fact_count > len(self.facts)


class Ledger:
    """Looks up calls among results, by tool and parameters."""

    def __init__(self, results: Sequence[Mapping[str, Any]]) -> None:  # Any: JSON
        self._known = {_key(result["tool"], result.get("params") or {}): result for result in results}
        self.pending: list[Call] = []

    def call(self, tool: str, params: Mapping[str, Any]) -> Message | None:  # Any: JSON
        """Return the result of a call, or None after noting it as pending.

        Raises CallFailedError where the call has failed.
        """
        wanted = dict(params)
        result = self._known.get(_key(tool, wanted))
        if result is None:
            if (tool, wanted) not in self.pending:
                self.pending.append((tool, wanted))
            return None
        if "error" in result:
            raise CallFailedError(result["error"])
        return _message(result)


def _key(tool: str, params: Mapping[str, Any]) -> str:  # Any: JSON
    return json.dumps([tool, params], sort_keys=True, ensure_ascii=False)


def _message(result: Mapping[str, Any]) -> Message:  # Any: JSON
    facts = tuple(Fact.from_json(fact) for fact in result.get("facts") or ())
    return Message(
        n=result["n"],
        tool=result["tool"],
        ref=result.get("ref", ""),
        outcome=result.get("outcome", "value"),
        facts=facts,
        fact_count=result.get("fact_count", len(facts)),
        kind=result.get("kind", ""),
        data=result.get("data") or {},
        params=result.get("params") or {},
    )


def where_params(conditions: Sequence[Condition], match: str = "all") -> dict[str, Any]:  # Any: JSON
    """Return the `where` object of a tool; empty conditions give an empty dict, to be left out."""
    if not conditions:
        return {}
    params: dict[str, Any] = {"conditions": [condition.to_params() for condition in conditions]}
    return params if match == "all" else {**params, "match": match}
