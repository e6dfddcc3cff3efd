"""Begin and end a run: lay out what the engine reads, and hand the thread what the next question may refer to."""

from __future__ import annotations

from langchain_core.messages import BaseMessage, HumanMessage, SystemMessage
from langgraph.runtime import Runtime

from agent import prompting
from agent.context import RunContext
from agent.events import Recalled
from agent.knowledge.recall import NOTHING, recall, references_of
from agent.session import bounded, current_records, session_block
from agent.state import Json, RunState, session_text

HISTORY = 12
"""Results of earlier runs that a thread keeps in view."""


def prepare(state: RunState, runtime: Runtime[RunContext]) -> RunState:
    """Reset what belongs to one run and lay out what the engine reads."""
    known = _known(state, runtime)
    session = session_block(
        state["question"],
        current_records(runtime.context.datasets),
        focus=state.get("focus", []),
        history=state.get("history", []),
        previous=state.get("previous"),
        known=known,
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
        "recalled": references_of(known["results"]),
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


def _known(state: RunState, runtime: Runtime[RunContext]) -> Json:
    """Ask memory about the question. The planner needs no hint: the call that it makes finds its result by the exact key."""
    context = runtime.context
    if context.decider.engine != "model":
        return NOTHING
    focus, seen = state.get("focus", []), [message["ref"] for message in state.get("history", [])]
    known, note = recall(context.knowledge, state["question"], focus=focus, seen=seen, check=context.check)
    results = [result["ref"] for result in known["results"]]
    documents = list(dict.fromkeys(passage["document"] for passage in known["passages"]))
    if results or documents or note:
        runtime.stream_writer(Recalled(results=results, documents=documents, note=note))
    return known


def finish(state: RunState) -> RunState:
    """Hand the thread what the next question may refer to."""
    if state["verdict"]["status"] != "answered":
        return {}
    return {
        "history": [*state.get("history", []), *state["results"]][-HISTORY:],
        "previous": {"question": state["question"], "answer": state["draft"], "cited": state["cited"], "frame": state.get("frame")},
    }
