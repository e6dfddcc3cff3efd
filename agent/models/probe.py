"""Find out with one small request what a model at an endpoint can do: stream, count, call tools, several at a time."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from langchain_core.messages import HumanMessage

from agent import prompting
from agent.models.asking import ask
from agent.models.capabilities import Capabilities
from agent.models.decider import Decider
from agent.models.faults import Fault, error_of

READY: dict[str, Any] = {  # Any: JSON schema
    "type": "function",
    "function": {
        "name": "ready",
        "description": "Say that you are ready.",
        "parameters": {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]},
    },
}


def probe(decider: Decider) -> Capabilities:
    """Ask the model to call a tool twice, remember what it did, and return it; what `ask` raises passes through."""
    reply = ask(decider, [HumanMessage(prompting.load("probe"))], [READY])
    known = replace(decider.capabilities, tools=bool(reply.tool_calls), parallel=len(reply.tool_calls) > 1)
    decider.learn(known)
    return known


def check_calls_tools(decider: Decider) -> None:
    """Raise ConfigurationError where the model cannot call tools; it is asked only where no reply has shown that it can."""
    if not (decider.capabilities.tools or probe(decider).tools):
        raise error_of(Fault("tools", "asked to call one, it answered with text"), decider.model)
