"""Errors of the agent, on the same table as those of the tools."""

from __future__ import annotations

import threading

from tools.errors import ServiceError, TerraciteError


class ModelError(ServiceError):
    """The chat model's endpoint failed or answered something that cannot be used."""

    code = "model_unavailable"


class RunInterruptedError(TerraciteError):
    """The caller no longer wants the answer; the run ended early and is recorded nowhere."""

    code = "interrupted"
    exit_code = 130
    http_status = 499


def check_wanted(cancel: threading.Event, question: str) -> None:
    """Raise RunInterruptedError where the caller no longer wants the answer."""
    if cancel.is_set():
        raise RunInterruptedError(
            f"The answer to {question!r} was interrupted.", hint="Ask again: what was computed by then is remembered."
        )
