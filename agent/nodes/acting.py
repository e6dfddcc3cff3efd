"""Run the calls that the engine asked for."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from langchain_core.messages import AIMessage, BaseMessage, ToolMessage
from langgraph.runtime import Runtime

from agent import toolset
from agent.context import RunContext
from agent.events import ToolFailed, ToolFinished, ToolProgress, ToolStarted
from agent.knowledge.recall import references_of
from agent.models import problem_of
from agent.state import Json, RunState
from tools.contract import Result
from tools.errors import NotFoundError, ParameterError, TerraciteError
from tools.redaction import redacted_json

FIND_TOOLS = "find_tools"
PROGRESS_S = 0.2
"""Seconds between two reports of progress."""


@dataclass(frozen=True)
class _Call:
    """One call as the engine asked for it."""

    name: str
    params: Json
    id: str
    problem: str
    """What is wrong with its arguments as they were sent, or nothing."""


def act(state: RunState, runtime: Runtime[RunContext]) -> RunState:
    """Run the calls of the last message, in order; an error goes back to the engine as the call's result."""
    reply = state["messages"][-1]
    if not isinstance(reply, AIMessage):  # the graph only comes here from a reply with calls
        raise TypeError(f"act needs an AIMessage, got {type(reply).__name__}")
    results, steps, wanted = list(state["results"]), list(state["steps"]), list(state["wanted"])
    is_model = runtime.context.decider.engine == "model"
    answers: list[BaseMessage] = []
    for asked in reply.tool_calls:
        args = _in_focus(asked["name"], asked["args"], state) if is_model else asked["args"]
        call = _Call(asked["name"], args, asked["id"] or "", problem_of(reply, asked["id"] or ""))
        if call.name == FIND_TOOLS and not call.problem:
            message, step = _found(call)
            wanted += [tool["name"] for tool in message["tools"]]
        else:
            message, step = _answered(call, len(results) + 1, state, runtime)
            results += [message] if "error" not in message else []
        steps.append(step)
        text = toolset.text_of(toolset.bounded(message) if is_model else message)
        answers.append(ToolMessage(text, tool_call_id=call.id, name=call.name))
    return {
        "messages": [*state["messages"], *answers],
        "results": results,
        "steps": steps,
        "wanted": wanted,
        "tool_calls": state["tool_calls"] + len(reply.tool_calls),
    }


def _answered(call: _Call, n: int, state: RunState, runtime: Runtime[RunContext]) -> tuple[Json, Json]:
    """Run one call; return its tool message and its step."""
    emit, check, params = runtime.stream_writer, runtime.context.check, redacted_json(call.params)
    check()
    emit(ToolStarted(call_id=call.id, tool=call.name, params=params))
    try:
        result = _run(call, state, runtime)
    except TerraciteError as error:
        check()  # an interrupted call is no failed one, whatever its error looks like by now
        emit(ToolFailed(call_id=call.id, tool=call.name, error=error.to_json()))
        return toolset.failure_of(call.name, call.params, error), {"tool": call.name, "params": params, "error": error.to_json()}
    emit(_finished(call, n, result))
    step = {
        "tool": call.name,
        "params": params,
        "n": n,
        "key": result.artifact.key,
        "cache": result.cache,
        "seconds": result.seconds,
        "note": result.note,
    }
    return toolset.message_of(result, call.params, n), step


def _run(call: _Call, state: RunState, runtime: Runtime[RunContext]) -> Result:
    """Run a call whose arguments were readable and whose numbers are the user's or facts."""
    if call.problem:
        raise ParameterError(f"The arguments of {call.name} {call.problem}", hint="Call again with one JSON object as arguments.")
    context, previous, history = runtime.context, state.get("previous"), state.get("history", [])
    earlier = [previous["question"]] if previous else []
    toolset.check_numbers(call.name, call.params, state["question"], earlier)
    if context.decider.engine == "model":
        named = context.runner.references(call.name, call.params)
        toolset.check_references(
            [*named, *call.params.get("within", [])],
            # What an earlier call of the thread took up passed this check then.
            texts=[state["question"], *earlier, *(json.dumps(result["params"]) for result in history)],
            datasets=_datasets(state, context),
            results=[*(result["key"] for result in [*history, *state["results"]]), *_remembered(state)],
        )
        _check_current(named, state, context)
    return context.runner.run(call.name, call.params, progress=_progress(call, runtime), check=context.check)


def _check_current(named: Iterable[str], state: RunState, context: RunContext) -> None:
    """Refuse a result of an earlier run whose data or code has changed since: only what a call gives today may be built upon.

    Raises NotFoundError, with the call that gives it anew.
    """
    of_this_run = [result["key"] for result in state["results"]]
    for digits in {ref.removeprefix("a:").partition("#")[0] for ref in named if ref.startswith("a:")}:
        if any(key.startswith(digits) for key in of_this_run):
            continue
        why = context.runner.why(f"a:{digits}")
        if why.is_current is False or why.obstacle:
            raise NotFoundError(
                f"The result a:{digits} is of an earlier run, and what it was made from has changed since.",
                hint=f"Call {why.tool} again with {json.dumps(why.called, ensure_ascii=False)} and use its new ref.",
            )


def _in_focus(name: str, params: Json, state: RunState) -> Json:
    """Keep a search of memory to the data in focus, unless the engine names other data, which is checked."""
    focus = state.get("focus", [])
    return {**params, "within": list(focus)} if name == "search_knowledge" and focus and not params.get("within") else params


def _remembered(state: RunState) -> list[str]:
    """Return the beginnings of the keys of results that memory showed, if they were made of data in focus."""
    focus, messages = set(state.get("focus", [])), [*state.get("history", []), *state["results"]]
    searched = [found for message in messages if message["tool"] == "search_knowledge" for found in message["data"]["results"]]
    return [*state["recalled"], *references_of([found for found in searched if not focus or set(found["datasets"]) <= focus])]


def _datasets(state: RunState, context: RunContext) -> list[Json]:
    focus = state.get("focus", [])
    return [
        {"id": record.id, "title": record.title, "focus": not focus or record.id in focus} for record in context.datasets.record_objects()
    ]


def _found(call: _Call) -> tuple[Json, Json]:
    """Look for tools; return the tool message and the step. Nothing is computed, so nothing is told as an event."""
    need = str(call.params.get("need", ""))
    return toolset.tools_found(need, toolset.found(need)), {"tool": call.name, "params": call.params}


def _finished(call: _Call, n: int, result: Result) -> ToolFinished:
    artifact = result.artifact
    return ToolFinished(
        call_id=call.id,
        tool=call.name,
        n=n,
        key=artifact.key,
        cache=result.cache,
        outcome=str(artifact.outcome),
        summary=artifact.summary,
        seconds=result.seconds,
        warnings=[*artifact.warnings, *([result.note] if result.note else [])],
    )


def _progress(call: _Call, runtime: Runtime[RunContext]) -> Callable[[float], None]:
    """Return what a tool tells its progress to: it passes on what a reader can see."""
    told = 0.0

    def tell(share: float) -> None:
        nonlocal told
        now = runtime.context.clock()
        if now - told >= PROGRESS_S:
            told = now
            runtime.stream_writer(ToolProgress(call_id=call.id, tool=call.name, share=share))

    return tell
