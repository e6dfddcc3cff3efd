"""What can go wrong at a chat model's endpoint: one small set of faults, whichever client reports them."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Literal

from langchain_core import exceptions as said

from agent.errors import ContextTooLongError, ModelError
from tools.errors import ConfigurationError, CredentialError, TerraciteError
from tools.redaction import redacted

Kind = Literal["credential", "quota", "model", "context", "tools", "option", "rate", "down", "timeout", "garbled"]

PASSING: frozenset[Kind] = frozenset({"rate", "down", "timeout", "garbled"})
"""Faults after which the same request may succeed."""


@dataclass(frozen=True)
class Fault:
    """What an endpoint's client reported."""

    kind: Kind
    text: str
    """Its own words, first line, without secrets."""
    retry_after_s: float | None = None
    """What the endpoint asks to wait."""


_CONTEXT = re.compile(
    r"context[_ ](length|window|size)|maximum context|prompt is too long|too many (input )?tokens|reduce the length"
    r"|exceeds? .{0,40}\btokens\b|input is too long",
    re.IGNORECASE,
)
_MODEL = re.compile(
    r"model_not_found|(unknown|invalid|no such) model|\bmodel\b.{0,120}(not exist|not found|not available|unknown)", re.I | re.S
)
_TOOLS = re.compile(
    r"\b(tools?|functions?)\b.{0,60}(not support|unsupported|not enabled|not allowed|requires --)"
    r"|(not support|unsupported|no endpoints.{0,20}support).{0,60}\b(tools?|functions?)\b",
    re.IGNORECASE | re.DOTALL,
)
_QUOTA = re.compile(
    r"insufficient_quota|exceeded your current quota|billing|out of credits?|insufficient (balance|credits?)", re.IGNORECASE
)

BY_STATUS: Mapping[int, Kind] = {
    401: "credential", 403: "credential", 402: "quota", 404: "model", 408: "timeout", 409: "down", 413: "context", 429: "rate",
}  # fmt: skip

UNREADABLE = (ValueError, TypeError, KeyError, IndexError, AttributeError)
"""What a client raises over a reply that is not of the form it expects; caught around the client alone."""


def client_errors(engine: str) -> tuple[type[Exception], ...]:
    """Return every error that a client may raise, without importing one that is not in use; the planner has none but bugs."""
    if engine == "planner":
        return ()
    found: list[type[Exception]] = [said.LangChainException, ConnectionError, TimeoutError, *UNREADABLE]
    for module, name in (("openai", "OpenAIError"), ("httpx", "HTTPError"), ("httpx2", "HTTPError"), ("anthropic", "AnthropicError")):
        if module in sys.modules:
            found.append(getattr(sys.modules[module], name))
    return tuple(found)


def fault_of(error: Exception) -> Fault:
    """Classify what a client raised."""
    status = getattr(error, "status_code", None)
    return Fault(_kind(error, str(error), status if isinstance(status, int) else None), _first_line(error), _retry_after_s(error))


def _kind(error: Exception, text: str, status: int | None) -> Kind:
    if isinstance(error, said.ContextOverflowError) or (status != 429 and _CONTEXT.search(text)):
        return "context"
    if _QUOTA.search(text):
        return "quota"
    if status in (400, 404, 422, 500, 501) and _TOOLS.search(text):
        return "tools"
    if status in (400, 422) and _MODEL.search(text):
        return "model"
    if status is not None:
        return BY_STATUS.get(status, "option" if status < 500 else "down")
    named = type(error).__name__
    if "Timeout" in named or isinstance(error, TimeoutError):
        return "timeout"
    if isinstance(error, UNREADABLE):
        return "garbled"
    return "down"


def _retry_after_s(error: Exception) -> float | None:
    """Read Retry-After (seconds, or a date) and its cousin in milliseconds."""
    headers = getattr(getattr(error, "response", None), "headers", None) or {}
    milliseconds, text = headers.get("retry-after-ms"), headers.get("retry-after")
    if milliseconds and milliseconds.replace(".", "", 1).isdigit():
        return float(milliseconds) / 1000
    if not text:
        return None
    if text.strip().replace(".", "", 1).isdigit():
        return float(text)
    try:
        now = parsedate_to_datetime(headers["date"]) if "date" in headers else datetime.now(UTC)  # the server's own clock, if it tells
        return max(0.0, (parsedate_to_datetime(text) - now).total_seconds())
    except (ValueError, TypeError):
        return None


def _first_line(error: Exception) -> str:
    line = (redacted(str(error)).strip().splitlines() or [""])[0]
    return f"{type(error).__name__}: {line[:300]}"


def error_of(fault: Fault, model: str) -> TerraciteError:
    """Return the error of ours that says what went wrong and what to do."""
    make, message, hint = _ERRORS[fault.kind]
    return make(f"{message.format(model=model)} ({fault.text})", hint=hint)


_ERRORS: Mapping[Kind, tuple[Callable[..., TerraciteError], str, str]] = {
    "credential": (CredentialError, "The endpoint refused the key for the model {model!r}.", "Check OPENAI_API_KEY and OPENAI_BASE_URL."),
    "quota": (CredentialError, "The account of this key may not ask the model {model!r} any more.", "Look at its billing and limits."),
    "model": (
        ConfigurationError,
        "The endpoint knows no model {model!r}.",
        "Set TERRACITE_MODEL to one that it has, and check that OPENAI_BASE_URL ends as the endpoint wants it (often /v1).",
    ),
    "context": (
        ContextTooLongError,
        "The conversation is longer than the model {model!r} can read, even shortened.",
        "Put fewer datasets in focus with --data, start a new thread, or set TERRACITE_MODEL to one with a longer context.",
    ),
    "tools": (
        ConfigurationError,
        "The model {model!r} cannot call tools at this endpoint.",
        "Set TERRACITE_MODEL to one that can, switch tool calling on at the endpoint, or use --engine planner.",
    ),
    "option": (ConfigurationError, "The endpoint refused the request to the model {model!r}.", "Try another TERRACITE_MODEL."),
    "rate": (ModelError, "The endpoint of the model {model!r} takes no more requests now.", "Try again later, or use --engine planner."),
    "down": (ModelError, "The endpoint of the model {model!r} failed.", "Check OPENAI_BASE_URL, try again, or use --engine planner."),
    "timeout": (
        ModelError,
        "The model {model!r} did not answer in time.",
        "Try again, raise TERRACITE_MODEL_TIMEOUT_S or TERRACITE_MODEL_DEADLINE_S, or use --engine planner.",
    ),
    "garbled": (
        ModelError,
        "The endpoint's answer is not one of a chat model of the OpenAI kind ({model!r}).",
        "Check that OPENAI_BASE_URL is the endpoint's own address (often ending in /v1).",
    ),
}
