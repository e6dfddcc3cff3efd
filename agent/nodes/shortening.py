"""Shorten a conversation that is longer than the model can read: what is oldest and longest goes first, and it is said."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence

from langchain_core.messages import BaseMessage, HumanMessage, ToolMessage

from agent.state import Json, session_text

SHORT_FACTS = 10
SHORT_VALUES = 3
_SESSION = re.compile(r"<session>(.*)</session>", re.DOTALL)


def shortened(messages: Sequence[BaseMessage]) -> list[BaseMessage]:
    """Return the conversation without earlier runs' results, most sample values, and the payloads of tool messages."""
    return [_short(message) for message in messages]


def _short(message: BaseMessage) -> BaseMessage:
    text = str(message.text)
    if isinstance(message, ToolMessage):
        short = json.dumps(_short_result(json.loads(text)), ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")
        return message.model_copy(update={"content": short})
    block = _SESSION.search(text) if isinstance(message, HumanMessage) else None
    if block is None:
        return message
    return HumanMessage(text[: block.start()] + session_text(_short_session(json.loads(block[1]))))


def _short_result(result: Json) -> Json:
    if "facts" not in result:
        return result
    kept = {key: value for key, value in result.items() if key not in ("data", "method")}
    return {**kept, "facts": result["facts"][:SHORT_FACTS], "shortened": True}


def _short_session(session: Json) -> Json:
    return {**session, "results": [], "datasets": [_short_dataset(dataset) for dataset in session["datasets"]], "shortened": True}


def _short_dataset(dataset: Mapping[str, object]) -> Json:
    columns = dataset.get("columns")
    if not isinstance(columns, list):
        return dict(dataset)
    return {**dataset, "columns": [{**column, "values": list(column.get("values", ()))[:SHORT_VALUES]} for column in columns]}
