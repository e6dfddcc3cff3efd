"""The tools as an engine sees them: schemas to offer, calls to make, results as tool messages."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from agent.grounding.numbers import numbers_in
from agent.state import MESSAGE_FACTS, TOOL_MESSAGE_VERSION, Json
from tools import registry
from tools.contract import Result
from tools.errors import ParameterError, TerraciteError

CONTROL: tuple[Json, ...] = (
    {
        "type": "function",
        "function": {
            "name": "ask_user",
            "description": "Ask the user one question when something needed is missing or ambiguous. Ends the turn.",
            "parameters": {
                "type": "object",
                "properties": {"question": {"type": "string", "description": "One short question that names the candidates."}},
                "required": ["question"],
                "additionalProperties": False,
            },
        },
    },
    {
        "type": "function",
        "function": {
            "name": "decline",
            "description": "Say that the question cannot be answered from the data and tools here. Ends the turn.",
            "parameters": {
                "type": "object",
                "properties": {
                    "reason": {"type": "string", "description": "Why, and the nearest question that can be answered; no number."},
                    "outcome": {
                        "type": "string",
                        "enum": ["refused", "no_coverage"],
                        "description": "no_coverage: the data does not reach the place.",
                    },
                },
                "required": ["reason", "outcome"],
                "additionalProperties": False,
            },
        },
    },
)
"""The two ways to end a turn without an answer; they are not tools of `tools` and leave no result."""

MAX_OFFERED = 12


def schemas() -> list[Json]:
    """Return what the model is offered at a decision, at most `MAX_OFFERED`, in a fixed order."""
    offered = [_schema(name) for name in registry.names()]
    return [*offered[: MAX_OFFERED - len(CONTROL)], *CONTROL]


def _schema(name: str) -> Json:
    tool = registry.load(name)
    parameters = _without(tool.params.model_json_schema(), {"title"})
    parameters.pop("description", None)
    return {"type": "function", "function": {"name": name, "description": tool.description, "parameters": parameters}}


def _without(schema: Any, keys: set[str]) -> Any:  # Any: a JSON schema
    """Drop the pydantic-made titles, which cost tokens and say nothing; a property called `title` is kept."""
    if isinstance(schema, list):
        return [_without(item, keys) for item in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        key: ({name: _without(value, keys) for name, value in item.items()} if key in ("properties", "$defs") else _without(item, keys))
        for key, item in schema.items()
        if key not in keys
    }


def message_of(result: Result, params: Mapping[str, Any], n: int) -> Json:
    """Return the tool message object of a finished call."""
    artifact = result.artifact
    return {
        "version": TOOL_MESSAGE_VERSION,
        "n": n,
        "tool": artifact.tool,
        "params": dict(params),
        "ref": artifact.ref,
        "key": artifact.key,
        "outcome": str(artifact.outcome),
        "summary": artifact.summary,
        "facts": [fact.to_json() for fact in artifact.facts[:MESSAGE_FACTS]],
        "fact_count": artifact.fact_count,
        "warnings": list(artifact.warnings),
        "data": dict(artifact.data),
        "method": dict(artifact.method),
        "kind": artifact.kind,
        "files": [file.path for file in artifact.files],
    }


def failure_of(name: str, params: Mapping[str, Any], error: TerraciteError) -> Json:
    """Return the tool message object of a failed call."""
    return {"version": TOOL_MESSAGE_VERSION, "tool": name, "params": dict(params), "error": error.to_json()}


def text_of(message: Mapping[str, Any]) -> str:
    """Write a tool message; `<` is escaped, so that text from data cannot look like a block of ours."""
    shown = {key: value for key, value in message.items() if key != "key"}
    return json.dumps(shown, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")


def check_numbers(name: str, params: Mapping[str, Any], question: str, earlier: Sequence[str]) -> None:
    """Refuse a calculation with a number that stands in no question of this thread.

    Raises ParameterError, naming the number.
    """
    if name != "calculate":
        return
    said = {number.value for text in (question, *earlier) for number in numbers_in(text)}
    for key, value in (params.get("numbers") or {}).items():
        if value not in said:
            raise ParameterError(
                f"calculate was given the number {key} = {value}, which does not stand in the question.",
                hint="Take it from a fact of an earlier result, or leave it out.",
            )
