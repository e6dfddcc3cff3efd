"""Errors of the agent, on the same table as those of the tools, and how a run ends that gives no answer."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from typing import Any

from tools.errors import InternalError, LimitError, ServiceError, TerraciteError, published


class ModelError(ServiceError):
    """The chat model's endpoint failed or answered something that cannot be used."""

    code = "model_unavailable"
    meaning = "The chat model's endpoint failed, or answered what nobody can read."
    remedy = "Try again later, or use --engine planner."
    for_model = "Answer with what is known."


class ContextTooLongError(LimitError):
    """The conversation is longer than the model can read."""

    code = "context_too_long"
    meaning = "The conversation is longer than the chat model can read."
    remedy = "Put fewer datasets in focus with --data, or start a new thread."
    for_model = "Answer with what is known, in few words."


class RunInterruptedError(TerraciteError):
    """The caller no longer wants the answer; the run ended early and is recorded nowhere."""

    code = "interrupted"
    meaning = "The run was interrupted by whoever asked."
    remedy = "Ask again: what was computed by then is remembered."
    for_model = "Stop: nobody waits for the answer."
    exit_code = 130
    http_status = 499


def check_wanted(cancel: threading.Event, question: str) -> None:
    """Raise RunInterruptedError where the caller no longer wants the answer."""
    if cancel.is_set():
        raise RunInterruptedError(f"The answer to {question!r} was interrupted.")


class NotRunError(TerraciteError):
    """A call that a model made in a run which ended before the call was run."""

    code = "not_run"
    meaning = "A call was not run, because its run ended before."
    remedy = "Call again if it is needed."
    for_model = "Call again if it is needed."
    exit_code = 75
    http_status = 503
    retryable = True


class RefusedError(TerraciteError):
    """The question cannot be answered from this data with these tools; the message says why."""

    code = "refused"
    meaning = "The question cannot be answered from this data with these tools; the answer says why."
    remedy = "Ask what the answer proposes, or add the data that is missing."
    for_model = "Tell the user why, and the nearest question that can be answered."
    exit_code = 3
    http_status = 422


class NotCoveredError(RefusedError):
    """The data does not reach what was asked about."""

    code = "no_coverage"
    meaning = "The data does not cover the place or the time that was asked about."
    remedy = "Ask about another place or time, or add data that covers it."
    for_model = "Tell the user that no data covers this; it is not a zero."


class InputNeededError(TerraciteError):
    """The question can be read in several ways, and the answer is a question."""

    code = "input_needed"
    meaning = "The question can be read in several ways; the answer asks which is meant."
    remedy = "Ask again in the same thread, and say which is meant."
    for_model = "Ask the user which is meant."
    exit_code = 5
    http_status = 422


ENDINGS: Mapping[str, type[TerraciteError]] = {"refused": RefusedError, "limit": LimitError, "input_needed": InputNeededError}
"""Status of a run without an answer → its place in the table; `failed` has that of its error."""


def listing() -> list[dict[str, object]]:
    """Return the published list of errors, a JSON object each, sorted by code."""
    columns = ("code", "meaning", "remedy", "retryable", "exit_code", "http_status", "for_model")
    return [{column: getattr(cls, column) for column in columns} for _, cls in sorted(published().items())]


def exit_code_for(status: str, steps: Sequence[Mapping[str, Any]]) -> int:  # Any: JSON
    """Return the exit code of a run: that of its status, or of the last error of its calls."""
    return 0 if status == "answered" else _ending(status, steps).exit_code


def http_status_for(status: str, steps: Sequence[Mapping[str, Any]]) -> int:  # Any: JSON
    """Return the HTTP status of a run, as `exit_code_for` does."""
    return 200 if status == "answered" else _ending(status, steps).http_status


def _ending(status: str, steps: Sequence[Mapping[str, Any]]) -> type[TerraciteError]:
    codes = [step["error"]["code"] for step in steps if "error" in step]
    return ENDINGS.get(status) or published().get(codes[-1] if codes else "", InternalError)
