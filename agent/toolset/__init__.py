"""The tools as an engine sees them: which are offered, how their results are told, and what a call may use."""

from __future__ import annotations

from agent.toolset.control import CONTROL_NAMES
from agent.toolset.limits import check_numbers, check_references
from agent.toolset.messages import bounded, failure_of, message_of, text_of, tools_found
from agent.toolset.offer import MAX_OFFERED, MAX_TOKENS, found, offered, one_line

__all__ = [
    "CONTROL_NAMES",
    "MAX_OFFERED",
    "MAX_TOKENS",
    "bounded",
    "check_numbers",
    "check_references",
    "failure_of",
    "found",
    "message_of",
    "offered",
    "one_line",
    "text_of",
    "tools_found",
]
