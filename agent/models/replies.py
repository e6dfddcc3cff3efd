"""Make one well-formed message out of what a model sent: calls that can be answered one by one, text without thoughts."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any

from langchain_core.messages import AIMessage, AIMessageChunk
from langchain_core.messages.tool import ToolCall

from tools.redaction import redacted, without_secrets

LONGEST_SHOWN = 120

_NAME = re.compile(r"[^a-zA-Z0-9_-]+")
_THOUGHTS = re.compile(r"\A\s*<think>.*?(</think>|\Z)\s*", re.DOTALL)
_WRITTEN_CALL = re.compile(r"<tool_call>|<\|tool_call|\[TOOL_CALLS\]|<function=")


def well_formed(whole: AIMessageChunk, taken: Iterable[str]) -> AIMessage:
    """Return the reply as a message that every endpoint takes back: names and arguments valid, each call with an id of its own.

    `taken` are the ids of earlier calls. Arguments that are no JSON object become an empty one; `problem_of` then says what
    was sent. Partial JSON is never completed: half a condition would be another question.
    """
    ids = set(taken)
    calls: list[ToolCall] = []
    problems: dict[str, str] = {}
    for chunk in whole.tool_call_chunks:
        call_id = _unique(chunk["id"] or "call", ids)
        arguments, problem = _arguments(chunk["args"])
        if problem:
            problems[call_id] = problem
        calls.append(ToolCall(name=_name(chunk["name"]), args=arguments, id=call_id, type="tool_call"))
    cut = whole.response_metadata.get("finish_reason") == "length"
    return AIMessage(
        content=redacted(_THOUGHTS.sub("", str(whole.text))),
        tool_calls=calls,
        additional_kwargs={
            **{name: value for name, value in whole.additional_kwargs.items() if name in ("verdict", "frame")},
            **({"problems": problems} if problems else {}),
            **({"cut": True} if cut else {}),
        },
        usage_metadata=whole.usage_metadata,
        id=whole.id,
    )


def problem_of(reply: AIMessage, call_id: str) -> str:
    """Say what is wrong with the arguments of a call as it was sent, or nothing."""
    return str(reply.additional_kwargs.get("problems", {}).get(call_id, ""))


def slip_of(reply: AIMessage) -> str:
    """Say why a reply is neither a call nor an answer, or nothing."""
    if reply.tool_calls:
        return ""
    text = str(reply.text)
    if reply.additional_kwargs.get("cut"):
        return "was cut off at the length limit"
    if not text.strip():
        return "was empty"
    return "held a tool call written as text" if _WRITTEN_CALL.search(text) else ""


def _arguments(text: str | None) -> tuple[dict[str, Any], str]:  # Any: JSON
    """Return (arguments, what is wrong with them)."""
    if not (text or "").strip():
        return {}, ""
    clean = without_secrets(text or "")
    try:
        value = json.loads(clean)
    except json.JSONDecodeError as error:
        return {}, f"are not valid JSON ({error.msg} at character {error.pos}): {_shown(clean)}"
    if isinstance(value, dict):
        return value, "" if clean == text else "hold what looks like a key, token or password, which must be left out."
    return ({}, "") if value is None else ({}, f"are {type(value).__name__}, not an object: {_shown(clean)}")


def _shown(text: str) -> str:
    shown = " ".join(text.split())
    return shown if len(shown) <= LONGEST_SHOWN else f"{shown[:LONGEST_SHOWN]}…"


def _name(name: str | None) -> str:
    """Return a name that an endpoint takes back; an unknown one stays unknown."""
    return _NAME.sub("_", name or "")[:64] or "unnamed"


def _unique(call_id: str, ids: set[str]) -> str:
    """Return the id, or a new one where an earlier call has it, and count it as taken."""
    unique, number = call_id, 1
    while unique in ids:
        number += 1
        unique = f"{call_id}_{number}"
    ids.add(unique)
    return unique
