"""Terracite's agent: ask a question about the Earth, get a cited answer. `from agent import Agent`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from agent.api import Agent
    from agent.result import RunResult

__all__ = ["Agent", "RunResult"]


def __getattr__(name: str) -> Any:  # Any: PEP 562 serves attributes of any type
    if name == "Agent":
        from agent.api import Agent

        return Agent
    if name == "RunResult":
        from agent.result import RunResult

        return RunResult
    raise AttributeError(f"module 'agent' has no attribute {name!r}")
