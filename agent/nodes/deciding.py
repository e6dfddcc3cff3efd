"""Ask the engine what to do next."""

from __future__ import annotations

from typing import Literal

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage
from langgraph.runtime import Runtime
from langgraph.types import Command

from agent import prompting, toolset
from agent.context import RunContext
from agent.errors import ContextTooLongError, ModelError
from agent.events import ModelRetried, Token
from agent.models import Asking, ask, slip_of
from agent.nodes.shortening import shortened
from agent.state import Json, RunState, Verdict

MAX_SLIPS = 1
"""How often in a run a reply that is neither a call nor an answer is sent back."""


def decide(state: RunState, runtime: Runtime[RunContext]) -> Command[Literal["act", "decide", "ground"]]:
    """Ask the engine for tool calls or a draft; at a limit, for a draft without tools."""
    context = runtime.context
    limit = state.get("limit") or _limit_reached(state, context)
    if limit and context.decider.engine == "planner":
        return Command(
            goto="ground", update={"limit": limit, "draft": _known_so_far(state, limit), "verdict": {"status": "limit", "outcome": None}}
        )
    messages = [*state["messages"], HumanMessage(prompting.load("limit").format(limit=limit))] if limit else state["messages"]
    messages, reply = _asked(messages, [] if limit or context.decider.engine == "planner" else _offered(state), runtime)
    update: RunState = {
        "messages": [*messages, reply],
        "model_calls": state["model_calls"] + 1,
        "usage": _added(state["usage"], reply),
        "limit": limit,
    }
    if context.decider.engine == "model" and (slip := slip_of(reply)):
        return _sent_back(slip, messages, state, {**update, "slips": state["slips"] + 1})
    ended = _ended(reply)
    if ended is None and reply.tool_calls and not limit:
        return Command(goto="act", update=update)
    draft, verdict = ended or (str(reply.text), _verdict(reply, state, limit))
    return Command(goto="ground", update={**update, "draft": draft, "verdict": verdict, "frame": reply.additional_kwargs.get("frame")})


def _offered(state: RunState) -> list[Json]:
    """Choose what to offer: by the user's words, the data in focus, and what was used in the run and the thread."""
    history, previous = state.get("history", []), state.get("previous")
    words = f"{previous['question']} {state['question']}" if previous else state["question"]
    kinds = {*state["kinds"], *(result["kind"] for result in [*history, *state["results"]])}
    used = [*(step["tool"] for step in state["steps"]), *(result["tool"] for result in reversed(history))]
    return toolset.offered(words, kinds, used, state["wanted"])


def _asked(messages: list[BaseMessage], schemas: list[Json], runtime: Runtime[RunContext]) -> tuple[list[BaseMessage], AIMessage]:
    """Return the conversation as it was sent and the reply; one that is too long for the model is shortened once.

    Raises ContextTooLongError where that is not enough.
    """
    context = runtime.context

    def on_text(text: str) -> None:
        context.check()
        runtime.stream_writer(Token(text=text))

    def on_retry(reason: str, wait_s: float) -> None:
        runtime.stream_writer(ModelRetried(reason=reason, wait_s=wait_s))

    asking = Asking(on_text, on_retry, context.check)
    try:
        return messages, ask(context.decider, messages, schemas, asking)
    except ContextTooLongError:
        short = shortened(messages)
        if short == messages:
            raise
        on_retry("the conversation was too long and is shortened", 0.0)
        return short, ask(context.decider, short, schemas, asking)


def _sent_back(slip: str, messages: list[BaseMessage], state: RunState, update: RunState) -> Command[Literal["act", "decide", "ground"]]:
    """Ask once more after a reply that is neither a call nor an answer; it is left out, since endpoints refuse empty messages.

    Raises ModelError at the second one.
    """
    if state["slips"] >= MAX_SLIPS:
        raise ModelError(
            f"The model's reply {slip}, twice.", hint="Ask again, or set TERRACITE_MODEL to a model that calls tools and answers."
        )
    request = HumanMessage(prompting.load("slip").format(what=slip))
    return Command(goto="decide", update={**update, "messages": [*messages, request]})


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
    """Add the tokens of a reply; where the endpoint counted none, the sum is unknown (None) from then on, never a guess."""
    new = reply.usage_metadata
    keys = ("input_tokens", "output_tokens")
    return {key: None if usage[key] is None or new is None else usage[key] + new[key] for key in keys}  # type: ignore[literal-required]


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
