"""Check a draft against the results it cites."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Literal

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolMessage
from langgraph.runtime import Runtime
from langgraph.types import Command

from agent import grounding, prompting
from agent.context import RunContext
from agent.events import Grounded
from agent.models import check_calls_tools
from agent.state import Json, RunState, Verdict, session_in
from tools.contract import Fact

COVERAGE_FACTS = frozenset(
    {"valid_share", "zone_area", "valid_area", "features searched", "layer area", "layer count", "layer length", "other area"}
)
"""Facts that prove that data covered the place; beside them, an answer of zeros is a true zero."""


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
    if context.decider.engine == "model" and _rests_on_nothing(state):
        check_calls_tools(context.decider)
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


def _check(text: str, state: RunState, context: RunContext) -> grounding.Grounding:
    def facts_of(n: int) -> list[Fact]:
        message = state["results"][n - 1]
        if message["fact_count"] <= len(message["facts"]):
            return [Fact.from_json(fact) for fact in message["facts"]]
        return context.runner.facts(message["key"])

    checked = grounding.check(text, question=state["question"], results=state["results"], facts_of=facts_of)
    if context.decider.engine == "planner":
        return checked  # its sentences are ours, with names put in
    return grounding.with_foreign(checked, text, state["question"], _read(state["messages"]))


def _read(messages: Sequence[BaseMessage]) -> Iterator[str]:
    """Yield every text out of data that the engine was shown in this run: in the session block and in tool messages."""
    for message in messages:
        block = session_in(str(message.text)) if isinstance(message, HumanMessage) else None
        told = block or (json.loads(str(message.text)) if isinstance(message, ToolMessage) else None)
        yield from grounding.strings_of(told or {})


def _repair_request(state: RunState, checked: grounding.Grounding) -> str:
    """Say what must be mended: unsupported numbers, or an answer that rests on no result."""
    if checked.unsupported:
        return grounding.repair_request(checked)
    return prompting.load("no_result") if _rests_on_nothing(state) else ""


def _rests_on_nothing(state: RunState) -> bool:
    """Whether the engine answered in its own words without any result."""
    return state["verdict"]["status"] == "refused" and not state["results"] and _ended_by_text(state["messages"])


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
    is_quoted = any(claim.verdict == "quoted" for claim in left.claims)
    if removed and not supported and not is_quoted:
        return {"status": "refused", "outcome": "refused"}
    if is_quoted:
        return {"status": "answered", "outcome": "value"}
    if not supported and _lies_outside(state, left):
        return {"status": "refused", "outcome": "no_coverage"}
    asked = [claim for claim in supported if _fact_name(claim, state["results"]) not in COVERAGE_FACTS]
    return {"status": "answered", "outcome": "true_zero" if asked and all(claim.value == 0 for claim in asked) else "value"}


def _lies_outside(state: RunState, left: grounding.Grounding) -> bool:
    """Whether an answer without a number rests on nothing but results that no data covers."""
    rests_on = [message for message in state["results"] if message["n"] in left.cited] or state["results"]
    return bool(rests_on) and all(message["outcome"] == "no_coverage" for message in rests_on)


def _fact_name(claim: grounding.Claim, results: Sequence[Json]) -> str | None:
    """Return the name of the fact that supports a claim, where the tool message holds it."""
    facts = results[claim.n - 1]["facts"] if claim.n else []
    return next((fact["name"] for fact in facts if fact["path"] == claim.path), None)
