"""Shorten a conversation that is longer than the model can read: what is oldest and longest goes first, and it is said."""

from __future__ import annotations

import json
from collections.abc import Sequence

from langchain_core.messages import BaseMessage, HumanMessage, ToolMessage

from agent.session import bounded
from agent.state import Json, session_in, session_text

SHORT_FACTS = 10
SHORT_SESSION_BYTES = 6_000


def shortened(messages: Sequence[BaseMessage]) -> list[BaseMessage]:
    """Return the conversation with a smaller session block and without the payloads of tool messages."""
    return [_short(message) for message in messages]


def _short(message: BaseMessage) -> BaseMessage:
    text = str(message.text)
    if isinstance(message, ToolMessage):
        short = json.dumps(_short_result(json.loads(text)), ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")
        return message.model_copy(update={"content": short})
    session = session_in(text) if isinstance(message, HumanMessage) else None
    if session is None:
        return message
    return HumanMessage(text.rpartition("<session>")[0] + session_text(bounded(session, SHORT_SESSION_BYTES)))


def _short_result(result: Json) -> Json:
    if "facts" not in result:
        return result
    kept = {key: value for key, value in result.items() if key not in ("data", "method")}
    return {**kept, "facts": result["facts"][:SHORT_FACTS], "shortened": True}
