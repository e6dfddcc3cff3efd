"""The calls that steer a turn instead of computing: ask back, decline, look for a tool. They leave no result."""

from __future__ import annotations

from agent.state import Json


def _function(name: str, description: str, **texts: Json) -> Json:
    parameters = {"type": "object", "properties": texts, "required": list(texts), "additionalProperties": False}
    return {"type": "function", "function": {"name": name, "description": description, "parameters": parameters}}


ASK_USER = _function(
    "ask_user",
    "Ask the user one question when something needed is missing or ambiguous. Ends the turn.",
    question={"type": "string", "description": "One short question that names the candidates."},
)
DECLINE = _function(
    "decline",
    "Say that the question cannot be answered from the data and tools here. Ends the turn.",
    reason={"type": "string", "description": "Why, and the nearest question that can be answered; no number."},
    outcome={"type": "string", "enum": ["refused", "no_coverage"], "description": "no_coverage: the data does not reach the place."},
)
FIND_TOOLS = _function(
    "find_tools",
    "Look for a tool that is not offered here. What is found can be called from the next reply on.",
    need={"type": "string", "description": "What has to be done, in a few words."},
)

CONTROL: tuple[Json, ...] = (ASK_USER, DECLINE, FIND_TOOLS)
CONTROL_NAMES = frozenset(each["function"]["name"] for each in CONTROL)
