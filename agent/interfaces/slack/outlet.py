"""What the bot needs of a place where people talk; Slack and the console stand-in provide it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol


@dataclass(frozen=True)
class Asked:
    """One question, as a platform delivered it."""

    event: str
    """Id of the delivery; a platform that is not sure that it arrived delivers the same id again."""
    message: str
    """Id of the message, wherever else it may be reported."""
    place: str
    """The conversation in which to answer; each has a thread of its own."""
    text: str


class Outlet(Protocol):
    """Writes into a conversation. Texts are plain: whatever would be an order to the platform is its concern to defuse.

    Everything raises ServiceError where the platform does not do it.
    """

    async def post(self, place: str, text: str) -> str:
        """Write a message and return its handle."""

    async def edit(self, place: str, handle: str, text: str) -> None:
        """Replace a message by a short text."""

    async def finish(self, place: str, handle: str, text: str) -> None:
        """Replace a message by a text of any length, in as many messages as it needs."""

    async def send(self, place: str, file: Path, title: str) -> None:
        """Show a picture."""
