"""Begin and end a run: lay out what the engine reads, and hand the thread what the next question may refer to."""

from __future__ import annotations

from langchain_core.messages import BaseMessage, HumanMessage, SystemMessage
from langgraph.runtime import Runtime

from agent import prompting
from agent.context import RunContext
from agent.session import bounded, current_records, session_block
from agent.state import RunState, session_text

HISTORY = 12
"""Results of earlier runs that a thread keeps in view."""


def prepare(state: RunState, runtime: Runtime[RunContext]) -> RunState:
    """Reset what belongs to one run and lay out what the engine reads."""
    session = session_block(
        state["question"],
        current_records(runtime.context.datasets),
        focus=state.get("focus", []),
        history=state.get("history", []),
        previous=state.get("previous"),
    )
    kinds = {dataset["kind"] for dataset in session["datasets"] if dataset["focus"]}
    if runtime.context.decider.engine == "model":
        session = bounded(session)
    messages: list[BaseMessage] = [
        SystemMessage(prompting.load("system")),
        HumanMessage(f"{state['question']}\n\n{session_text(session)}"),
    ]
    return {
        "messages": messages,
        "kinds": sorted(kinds),
        "wanted": [],
        "results": [],
        "steps": [],
        "draft": "",
        "verdict": {"status": "failed", "outcome": "failed"},
        "frame": None,
        "repairs": 0,
        "slips": 0,
        "model_calls": 0,
        "tool_calls": 0,
        "usage": {"input_tokens": 0, "output_tokens": 0},
        "limit": None,
        "claims": [],
        "unsupported": [],
        "cited": [],
        "started": runtime.context.clock(),
    }


def finish(state: RunState) -> RunState:
    """Hand the thread what the next question may refer to."""
    if state["verdict"]["status"] != "answered":
        return {}
    return {
        "history": [*state.get("history", []), *state["results"]][-HISTORY:],
        "previous": {"question": state["question"], "answer": state["draft"], "cited": state["cited"], "frame": state.get("frame")},
    }
