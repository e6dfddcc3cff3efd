"""The steps of a run: prepare, decide, act, ground, finish. Each returns what it changes and where it goes."""

from __future__ import annotations

from agent.nodes.acting import act
from agent.nodes.checking import ground
from agent.nodes.deciding import decide
from agent.nodes.preparing import finish, prepare

__all__ = ["act", "decide", "finish", "ground", "prepare"]
