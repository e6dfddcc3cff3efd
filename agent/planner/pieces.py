"""A frame of a plan with the results that tell of it, as its writer gets them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from agent.planner.frames import Frame
from agent.planner.ledger import Message

Params = dict[str, Any]  # Any: JSON
MESSAGE_FACTS = 60
"""So many facts of a result stand in a tool message (`agent.state.MESSAGE_FACTS`)."""
LISTED = 20
"""Most lines of an answer."""


@dataclass(frozen=True)
class Part:
    """One result that an answer tells of, with what it is about."""

    message: Message
    label: str | None = None
    """Class label of the chosen pixels, where there is one."""
    labels: tuple[str, ...] = ()
    """All class labels that were asked for; empty for every class."""
    words: str = ""
    """How the question says it."""


@dataclass(frozen=True)
class Piece:
    """A frame and its results."""

    frame: Frame
    parts: tuple[Part, ...]
    rest: Message | None = None
    """The whole result, where `parts` hold the first of a ranking only."""
