"""Terracite's agent: ask a question about the Earth, get a cited answer. `from agent import Agent`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from agent.api import Agent, RunResult

__all__ = ["Agent", "RunResult"]


def __getattr__(name: str) -> Any:  # Any: PEP 562 serves attributes of any type
    if name in __all__:
        from agent import api

        return getattr(api, name)
    raise AttributeError(f"module 'agent' has no attribute {name!r}")
