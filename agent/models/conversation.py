"""Mend and shorten a conversation before it is sent, so that an endpoint takes it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from langchain_core.messages import AIMessage, BaseMessage, ToolMessage

from agent.errors import NotRunError
from tools.redaction import redacted_json

NOT_RUN = json.dumps({"error": NotRunError("This call was not run.").told_to_model()})


def call_ids(messages: Sequence[BaseMessage]) -> set[str]:
    """Return the ids of all calls of a conversation."""
    return {call["id"] or "" for message in messages if isinstance(message, AIMessage) for call in message.tool_calls}


def closed(messages: Sequence[BaseMessage]) -> list[BaseMessage]:
    """Return the conversation with every call answered right behind it, and no answer without its call.

    A run that was killed between a call and its answer leaves one open, and endpoints refuse such a conversation.
    """
    answers = {message.tool_call_id: message for message in messages if isinstance(message, ToolMessage)}
    return [part for message in messages if not isinstance(message, ToolMessage) for part in _with_answers(message, answers)]


def cleared(messages: Sequence[BaseMessage]) -> list[BaseMessage]:
    """Return the conversation as it may leave: without secrets, wherever they came from."""
    return [_cleared(message) for message in messages]


def _cleared(message: BaseMessage) -> BaseMessage:
    changed = {"content": redacted_json(message.content)}
    if isinstance(message, AIMessage):
        changed["tool_calls"] = redacted_json(message.tool_calls)
    return message.model_copy(update=changed)


def _with_answers(message: BaseMessage, answers: dict[str, ToolMessage]) -> Iterator[BaseMessage]:
    yield message
    if isinstance(message, AIMessage):
        for call in message.tool_calls:
            call_id = call["id"] or ""
            yield answers.get(call_id) or ToolMessage(NOT_RUN, tool_call_id=call_id, name=call["name"])
