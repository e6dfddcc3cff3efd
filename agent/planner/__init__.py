"""The embedded engine: a deterministic semantic parser over the datasets of a session, without a language model.

`plan(question, session, results)` returns the next tool calls or the draft of an answer; `phrases()` lists what it accepts.
"""

from __future__ import annotations

from agent.planner.engine import plan
from agent.planner.phrasings import phrases
from agent.planner.step import Call, Draft, Step, ToolCalls

__all__ = ["Call", "Draft", "Step", "ToolCalls", "phrases", "plan"]
