"""What a run carries from node to node, and the two JSON forms that an engine reads: session block and tool message.

Both engines read the same forms; they are versioned here.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Literal, NotRequired, TypedDict

from langchain_core.messages import BaseMessage

SESSION_VERSION = 2
"""Session block: the JSON object inside the last <session>…</session> of the human message.

{"version": 2,
 "question": str,
 "datasets": [DatasetRecord as JSON without path, digest, bytes, declared; "focus": bool added], in focus first
 "results": [tool message objects (below) of earlier runs of this thread, oldest first, at most 12],
 "known": {"results": [{"ref", "tool", "params", "summary"}], "passages": [{"document", "title", "heading", "text"}]}, what memory
          has on the question; it informs the plan and is no answer. The same call made again costs nothing. Empty for the planner,
 "previous": {"question": str, "answer": str, "cited": [n into the earlier run], "frame": {…} | null} | null
}
"""

TOOL_MESSAGE_VERSION = 1
"""Tool message: the JSON text of a ToolMessage.

{"version": 1, "n": int, "tool": str, "params": {…as called}, "ref": "a:KEY12", "outcome": str, "summary": str,
 "facts": [{"name","value","unit","subject","path"}, …at most 60], "fact_count": int,
 "warnings": [str], "data": {…}, "method": {…}, "kind": str, "files": [str]}
or, for a failed call, {"version": 1, "tool": str, "params": {…}, "error": {"code","message","hint","retryable","do"}}
"""

MESSAGE_FACTS = 60

Status = Literal["answered", "refused", "input_needed", "limit", "failed"]

Json = dict[str, Any]  # Any: JSON values


class Verdict(TypedDict):
    """A draft's own statement of how it ends."""

    status: Status
    outcome: str | None


class RunState(TypedDict, total=False):
    """State of the graph. All is JSON but the messages; `history` and `previous` outlive the run, the rest is reset by `prepare`."""

    run_id: str
    question: str
    focus: list[str]
    started: float
    """Clock of the process, seconds."""
    recalled: list[str]
    """Beginnings of the keys of results that memory brought up, and of those that their calls name: the engine may take them up."""
    messages: list[BaseMessage]
    """What the engine of this run has seen and said."""
    kinds: list[str]
    """Kinds of the datasets in focus."""
    wanted: list[str]
    """Tools that `find_tools` brought, to be offered."""
    results: list[Json]
    """Tool messages of this run that succeeded; `n` is the position from 1."""
    steps: list[Json]
    """Every call with its key, cache state, seconds, or error."""
    draft: str
    verdict: Verdict
    frame: Json | None
    repairs: int
    slips: int
    """Replies that were neither a call nor an answer."""
    model_calls: int
    tool_calls: int
    usage: Json
    """Tokens in and out, each None where the endpoint did not count."""
    limit: str | None
    """Which limit ended the run, in words."""
    claims: list[Json]
    unsupported: list[Json]
    cited: list[int]
    history: list[Json]
    """Tool messages of earlier runs of the thread."""
    previous: Json | None


class Step(TypedDict):
    """One call in a run's result."""

    tool: str
    params: Json
    n: NotRequired[int]
    key: NotRequired[str]
    cache: NotRequired[str]
    seconds: NotRequired[float]
    error: NotRequired[Json]


def session_text(session: Mapping[str, Any]) -> str:
    """Write a session block; `<` is escaped, so that no text from data can close the block."""
    body = json.dumps(session, ensure_ascii=False, separators=(",", ":"), sort_keys=True).replace("<", "\\u003c")
    return f"<session>{body}</session>"


def session_in(text: str) -> Json | None:
    """Read the session block back out of a message; None where it has none."""
    _, opened, rest = text.rpartition("<session>")
    return json.loads(rest.partition("</session>")[0]) if opened else None
