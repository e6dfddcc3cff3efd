"""The session block: what an engine is told of the data and of the thread."""

from __future__ import annotations

from agent.session.block import current_records, session_block
from agent.session.bounds import bounded

__all__ = ["bounded", "current_records", "session_block"]
