"""Ask a chat model for one reply: streamed, within a deadline, sent again where a fault may pass, asked for less where it refuses."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.messages.ai import UsageMetadata

from agent.models.capabilities import Capabilities
from agent.models.conversation import call_ids, cleared, closed
from agent.models.decider import Decider
from agent.models.faults import PASSING, Fault, client_errors, error_of, fault_of
from agent.models.replies import well_formed

FIRST_WAIT_S = 0.5
LONGEST_WAIT_S = 8.0
EMPTY = "the stream was empty"
SLICE_S = 0.1
"""A wait looks this often whether anybody still wants the answer."""

Schema = Mapping[str, Any]  # Any: JSON schema

_OPTIONAL: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("usage", re.compile(r"stream_options|include_usage", re.IGNORECASE)),
    ("temperature", re.compile(r"temperature", re.IGNORECASE)),
    ("stream", re.compile(r"\bstream", re.IGNORECASE)),
)
"""What can be left out → how a refusal names it; the more particular first."""


def _nothing(*_: object) -> None:
    """Tell nobody."""


@dataclass(frozen=True)
class Asking:
    """Who listens while a reply is awaited."""

    on_text: Callable[[str], None] = _nothing
    """Told each piece of text. After `on_retry` the text begins anew."""
    on_retry: Callable[[str, float], None] = _nothing
    """Told why the request is sent again, and the seconds until then."""
    check: Callable[[], None] = _nothing
    """Raises where nobody wants the reply any more."""


class _FaultError(Exception):
    """Carries a fault from the client to the loop that decides what to do about it."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.text)
        self.fault = fault


def ask(decider: Decider, messages: Sequence[BaseMessage], schemas: Sequence[Schema], asking: Asking = Asking()) -> AIMessage:
    """Return one reply, well formed; `usage_metadata` is None where the endpoint counts nothing.

    Raises CredentialError for a refused key, ConfigurationError for an unknown model or one that cannot call tools,
    ContextTooLongError, and ModelError for an endpoint that fails, is silent, or answers what nobody can read.
    """
    deadline, attempt = time.monotonic() + decider.deadline_s, 1
    while True:
        asking.check()
        try:
            whole = _whole(decider, closed(messages), schemas, asking, deadline)
        except _FaultError as failed:
            if less := _asked_less(decider.capabilities, failed.fault):
                decider.learn(less)
                continue
            _wait(decider, failed.fault, attempt, deadline, asking)
            attempt += 1
            continue
        reply = well_formed(whole, call_ids(messages))
        _learn(decider, reply)
        return reply


def _whole(decider: Decider, messages: list[BaseMessage], schemas: Sequence[Schema], asking: Asking, deadline: float) -> AIMessageChunk:
    """Join the pieces of one reply; raise _FaultError for whatever the client reports."""
    whole: AIMessageChunk | None = None
    usage: UsageMetadata | None = None
    for piece in _pieces(decider, messages, schemas, deadline):
        if piece.text:
            asking.on_text(str(piece.text))
        usage = piece.usage_metadata or usage
        whole = piece if whole is None else whole + piece
    if whole is None:
        raise _FaultError(Fault("option", EMPTY))
    if not decider.speaks_openai:
        return whole
    if not whole.response_metadata.get("finish_reason"):
        raise _FaultError(Fault("garbled", "the reply broke off"))
    # A server that repeats its count with every piece means the last; adding them up would invent tokens.
    return whole.model_copy(update={"usage_metadata": usage})


def _pieces(decider: Decider, messages: list[BaseMessage], schemas: Sequence[Schema], deadline: float) -> Iterator[AIMessageChunk]:
    model = decider.bound([dict(schema) for schema in schemas], max(deadline - time.monotonic(), SLICE_S))
    stream = iter(model.stream(messages if decider.engine == "planner" else cleared(messages)))
    while True:
        if time.monotonic() > deadline:
            raise _FaultError(Fault("timeout", f"still writing after {decider.deadline_s:g} s"))
        try:
            chunk = next(stream, None)
        except client_errors(decider.engine) as error:
            raise _FaultError(fault_of(error)) from error
        if chunk is None:
            return
        yield chunk if isinstance(chunk, AIMessageChunk) else AIMessageChunk(**chunk.model_dump(exclude={"type"}))


def _asked_less(known: Capabilities, fault: Fault) -> Capabilities | None:
    """Return what to ask for from now on, where the fault is a refusal of something that can be left out."""
    if fault.kind not in ("option", "garbled", "tools"):
        return None
    if fault.text == EMPTY or "No generation" in fault.text:
        return replace(known, stream=False) if known.stream else None
    for name, pattern in _OPTIONAL:
        if getattr(known, name) and fault.kind == "option" and pattern.search(fault.text):
            return replace(known, **{name: False})
    return None


def _wait(decider: Decider, fault: Fault, attempt: int, deadline: float, asking: Asking) -> None:
    """Wait before the next attempt, or raise the fault as an error of ours where there is to be none."""
    if fault.kind == "tools":
        decider.learn(replace(decider.capabilities, tools=False))
    wait_s = fault.retry_after_s if fault.retry_after_s is not None else min(FIRST_WAIT_S * 2 ** (attempt - 1), LONGEST_WAIT_S)
    end = time.monotonic() + wait_s
    if fault.kind not in PASSING or attempt > decider.retries or end >= deadline:
        asked = f"; it asks to wait {fault.retry_after_s:.0f} s" if fault.retry_after_s else ""
        raise error_of(
            replace(fault, text=f"{fault.text}{asked}; attempt {attempt}" if attempt > 1 or asked else fault.text), decider.model
        )
    asking.on_retry(fault.text, wait_s)
    while (left := end - time.monotonic()) > 0:
        asking.check()
        time.sleep(min(left, SLICE_S))


def _learn(decider: Decider, reply: AIMessage) -> None:
    """Remember what a reply shows of the model."""
    known = decider.capabilities
    if decider.engine == "model" and reply.tool_calls:
        decider.learn(replace(known, tools=True, parallel=True if len(reply.tool_calls) > 1 else known.parallel))
