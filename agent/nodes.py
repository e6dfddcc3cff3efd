"""The steps of a run: prepare, decide, act, ground, finish. Each returns what it changes and where it goes."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage, ToolMessage
from langgraph.runtime import Runtime
from langgraph.types import Command

from agent import grounding, prompting, toolset
from agent.context import RunContext
from agent.events import Grounded, Token, ToolFailed, ToolFinished, ToolProgress, ToolStarted
from agent.models import ask
from agent.session import current_records, session_block
from agent.state import Json, RunState, Verdict, session_text
from tools.contract import Fact
from tools.errors import TerraciteError

COVERAGE_FACTS = frozenset(
    {"valid_share", "zone_area", "valid_area", "features searched", "layer area", "layer count", "layer length", "other area"}
)
"""Facts that prove that data covered the place; beside them, an answer of zeros is a true zero."""

PROGRESS_S = 0.2
"""Seconds between two reports of progress."""

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
    messages: list[BaseMessage] = [
        SystemMessage(prompting.load("system")),
        HumanMessage(f"{state['question']}\n\n{session_text(session)}"),
    ]
    return {
        "messages": messages,
        "results": [],
        "steps": [],
        "draft": "",
        "verdict": {"status": "failed", "outcome": "failed"},
        "frame": None,
        "repairs": 0,
        "model_calls": 0,
        "tool_calls": 0,
        "usage": {"input_tokens": 0, "output_tokens": 0},
        "limit": None,
        "claims": [],
        "unsupported": [],
        "cited": [],
        "started": runtime.context.clock(),
    }


def decide(state: RunState, runtime: Runtime[RunContext]) -> Command[Literal["act", "ground"]]:
    """Ask the engine for tool calls or a draft; at a limit, for a draft without tools."""
    context = runtime.context
    limit = state.get("limit") or _limit_reached(state, context)
    if limit and context.decider.engine == "planner":
        return Command(
            goto="ground", update={"limit": limit, "draft": _known_so_far(state, limit), "verdict": {"status": "limit", "outcome": None}}
        )
    messages = [*state["messages"], HumanMessage(prompting.load("limit").format(limit=limit))] if limit else state["messages"]

    def on_text(text: str) -> None:
        context.check()
        runtime.stream_writer(Token(text=text))

    reply = ask(context.decider.bound([] if limit else toolset.schemas()), messages, on_text)
    update: RunState = {
        "messages": [*messages, reply],
        "model_calls": state["model_calls"] + 1,
        "usage": _added(state["usage"], reply),
        "limit": limit,
    }
    ended = _ended(reply)
    if ended is None and (reply.tool_calls or reply.invalid_tool_calls) and not limit:
        return Command(goto="act", update=update)
    draft, verdict = ended or (str(reply.text), _verdict(reply, state, limit))
    return Command(goto="ground", update={**update, "draft": draft, "verdict": verdict, "frame": reply.additional_kwargs.get("frame")})


def act(state: RunState, runtime: Runtime[RunContext]) -> RunState:
    """Run the calls of the last message, in order; an error goes back to the engine as the call's result."""
    reply = state["messages"][-1]
    if not isinstance(reply, AIMessage):  # the graph only comes here from a reply with calls
        raise TypeError(f"act needs an AIMessage, got {type(reply).__name__}")
    results, steps = list(state["results"]), list(state["steps"])
    answers: list[BaseMessage] = []
    for call in reply.tool_calls:
        message, step = _call(call["name"], call["args"], call["id"] or "", len(results) + 1, state, runtime)
        if "error" not in message:
            results.append(message)
        steps.append(step)
        answers.append(ToolMessage(toolset.text_of(message), tool_call_id=call["id"] or "", name=call["name"]))
    for broken in reply.invalid_tool_calls:
        text = json.dumps(
            {"error": {"code": "bad_parameter", "message": f"The arguments of {broken['name']} are not valid JSON.", "hint": "Call again."}}
        )
        answers.append(ToolMessage(text, tool_call_id=broken["id"] or "", name=broken["name"] or ""))
    return {
        "messages": [*state["messages"], *answers],
        "results": results,
        "steps": steps,
        "tool_calls": state["tool_calls"] + len(reply.tool_calls) + len(reply.invalid_tool_calls),
    }


def ground(state: RunState, runtime: Runtime[RunContext]) -> Command[Literal["decide", "finish"]]:
    """Check every number of the draft against the results it cites; send back once, then remove or mark."""
    context = runtime.context
    if state["verdict"]["status"] != "answered" and context.decider.engine == "planner":
        return Command(goto="finish", update={})  # our own message of what is missing or wrong, made of names; it states no result
    checked = _check(state["draft"], state, context)
    unsupported = [claim.to_json() for claim in checked.unsupported]
    runtime.stream_writer(Grounded(attempt=state["repairs"] + 1, supported=len(checked.claims) - len(unsupported), unsupported=unsupported))
    may_repair = context.decider.engine == "model" and state["repairs"] < context.settings.max_repairs and not state["limit"]
    if may_repair and (request := _repair_request(state, checked)):
        messages = [*_with_text_reply(state["messages"], state["draft"]), HumanMessage(request)]
        return Command(goto="decide", update={"messages": messages, "repairs": state["repairs"] + 1})
    text = grounding.mark(state["draft"], checked) if unsupported else state["draft"]
    left = _check(text, state, context) if unsupported else checked
    return Command(
        goto="finish",
        update={
            "draft": text,
            "claims": [claim.to_json() for claim in left.claims],
            "unsupported": unsupported,
            "cited": list(left.cited),
            "verdict": _final_verdict(state, left, bool(unsupported)),
        },
    )


def finish(state: RunState) -> RunState:
    """Hand the thread what the next question may refer to."""
    if state["verdict"]["status"] != "answered":
        return {}
    return {
        "history": [*state.get("history", []), *state["results"]][-HISTORY:],
        "previous": {"question": state["question"], "answer": state["draft"], "cited": state["cited"], "frame": state.get("frame")},
    }


def _limit_reached(state: RunState, context: RunContext) -> str | None:
    settings = context.settings
    if state["model_calls"] >= settings.max_model_calls:
        return f"{settings.max_model_calls} decisions (TERRACITE_MAX_MODEL_CALLS)"
    if state["tool_calls"] >= settings.max_tool_calls:
        return f"{settings.max_tool_calls} tool calls (TERRACITE_MAX_TOOL_CALLS)"
    if context.clock() - state["started"] >= settings.max_seconds:
        return f"{settings.max_seconds:g} seconds (TERRACITE_MAX_SECONDS)"
    return None


def _known_so_far(state: RunState, limit: str) -> str:
    done = ", ".join(f"{message['tool']} [{message['n']}]" for message in state["results"]) or "nothing"
    return f"The limit of {limit} was reached before the question was answered. Finished so far: {done}."


def _added(usage: Json, reply: AIMessage) -> Json:
    new = reply.usage_metadata
    return {key: usage[key] + (new[key] if new else 0) for key in ("input_tokens", "output_tokens")}


def _ended(reply: AIMessage) -> tuple[str, Verdict] | None:
    """Read a control call; it wins over other calls of the same reply."""
    for call in reply.tool_calls:
        if call["name"] == "ask_user":
            return str(call["args"].get("question", "")), {"status": "input_needed", "outcome": None}
        if call["name"] == "decline":
            outcome = "no_coverage" if call["args"].get("outcome") == "no_coverage" else "refused"
            return str(call["args"].get("reason", "")), {"status": "refused", "outcome": outcome}
    return None


def _verdict(reply: AIMessage, state: RunState, limit: str | None) -> Verdict:
    if limit:
        return {"status": "limit", "outcome": None}
    said = reply.additional_kwargs.get("verdict")
    if said:
        return {"status": said["status"], "outcome": said["outcome"]}
    if not state["results"]:
        return {"status": "refused", "outcome": "refused"}
    return {"status": "answered", "outcome": "value"}


def _call(name: str, params: Mapping[str, Any], call_id: str, n: int, state: RunState, runtime: Runtime[RunContext]) -> tuple[Json, Json]:
    """Run one call; return its tool message and its step."""
    emit, check = runtime.stream_writer, runtime.context.check
    check()
    emit(ToolStarted(call_id=call_id, tool=name, params=dict(params)))
    earlier = [state["previous"]["question"]] if state.get("previous") else []  # type: ignore[index]
    try:
        toolset.check_numbers(name, params, state["question"], earlier)
        result = runtime.context.runner.run(name, params, progress=_progress(name, call_id, runtime))
    except TerraciteError as error:
        check()  # an interrupted call is no failed one, whatever its error looks like by now
        emit(ToolFailed(call_id=call_id, tool=name, error=error.to_json()))
        return toolset.failure_of(name, params, error), {"tool": name, "params": dict(params), "error": error.to_json()}
    artifact = result.artifact
    emit(
        ToolFinished(
            call_id=call_id,
            tool=name,
            n=n,
            key=artifact.key,
            cache=result.cache,
            outcome=str(artifact.outcome),
            summary=artifact.summary,
            seconds=result.seconds,
            warnings=[*artifact.warnings, *([result.note] if result.note else [])],
        )
    )
    step = {
        "tool": name,
        "params": dict(params),
        "n": n,
        "key": artifact.key,
        "cache": result.cache,
        "seconds": result.seconds,
        "note": result.note,
    }
    return toolset.message_of(result, params, n), step


def _progress(name: str, call_id: str, runtime: Runtime[RunContext]) -> Callable[[float], None]:
    """Return what a tool tells its progress to: it passes on what a reader can see, and ends a call that nobody wants."""
    told = 0.0

    def tell(share: float) -> None:
        nonlocal told
        runtime.context.check()
        now = runtime.context.clock()
        if now - told >= PROGRESS_S:
            told = now
            runtime.stream_writer(ToolProgress(call_id=call_id, tool=name, share=share))

    return tell


def _check(text: str, state: RunState, context: RunContext) -> grounding.Grounding:
    def facts_of(n: int) -> list[Fact]:
        message = state["results"][n - 1]
        if message["fact_count"] <= len(message["facts"]):
            return [Fact.from_json(fact) for fact in message["facts"]]
        return context.runner.facts(message["key"])

    return grounding.check(text, question=state["question"], results=state["results"], facts_of=facts_of)


def _repair_request(state: RunState, checked: grounding.Grounding) -> str:
    """Say what must be mended: unsupported numbers, or an answer that rests on no result."""
    if checked.unsupported:
        return grounding.repair_request(checked)
    rests_on_nothing = state["verdict"]["status"] == "refused" and not state["results"] and _ended_by_text(state["messages"])
    return prompting.load("no_result") if rests_on_nothing else ""


def _ended_by_text(messages: list[BaseMessage]) -> bool:
    last = messages[-1]
    return isinstance(last, AIMessage) and not last.tool_calls


def _with_text_reply(messages: list[BaseMessage], draft: str) -> list[BaseMessage]:
    """Replace a reply that ended by a control call with its text, since endpoints refuse unanswered calls."""
    return messages if _ended_by_text(messages) else [*messages[:-1], AIMessage(draft)]


def _final_verdict(state: RunState, left: grounding.Grounding, removed: bool) -> Verdict:
    """Settle how an answered question ended, from what its supported numbers rest on."""
    verdict = state["verdict"]
    if verdict["status"] != "answered":
        return verdict
    supported = [claim for claim in left.claims if claim.verdict == "supported"]
    if removed and not supported:
        return {"status": "refused", "outcome": "refused"}
    asked = [claim for claim in supported if _fact_name(claim, state["results"]) not in COVERAGE_FACTS]
    return {"status": "answered", "outcome": "true_zero" if asked and all(claim.value == 0 for claim in asked) else "value"}


def _fact_name(claim: grounding.Claim, results: Sequence[Json]) -> str | None:
    """Return the name of the fact that supports a claim, where the tool message holds it."""
    facts = results[claim.n - 1]["facts"] if claim.n else []
    return next((fact["name"] for fact in facts if fact["path"] == claim.path), None)
