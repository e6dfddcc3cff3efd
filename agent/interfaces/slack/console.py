"""The stand-in for Slack: the same bot, asked line by line at a console. For trying it without tokens, and for tests."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from agent.interfaces.slack.bot import Bot
from agent.interfaces.slack.claims import Claims
from agent.interfaces.slack.outlet import Asked

if TYPE_CHECKING:
    from agent.api import Agent

PLACE = "console"

Write = Callable[[str], None]


class ConsoleOutlet:
    """Writes every message, and every change of one, with its number."""

    def __init__(self, write: Write) -> None:
        self._write = write
        self._count = 0

    async def post(self, place: str, text: str) -> str:
        """Write a message."""
        self._count += 1
        self._write(f"[message {self._count} in {place}] {text}")
        return str(self._count)

    async def edit(self, place: str, handle: str, text: str) -> None:
        """Write what a message has become."""
        self._write(f"[message {handle} in {place} becomes] {text}")

    async def finish(self, place: str, handle: str, text: str) -> None:
        """Write what a message has become at last."""
        await self.edit(place, handle, text)

    async def send(self, place: str, file: Path, title: str) -> None:
        """Write where the picture lies."""
        self._write(f"[file in {place}] {title}: {file}")


async def converse(agent: Agent, lines: Iterable[str], write: Write) -> None:
    """Answer lines as the bot would, all in one thread, until there are no more."""
    claims = Claims(Path(":memory:"))  # no line is delivered twice, and none is left for another process
    bot = Bot(agent, claims, ConsoleOutlet(write))
    try:
        source = iter(lines)
        while (line := await asyncio.to_thread(next, source, None)) is not None:
            if line.strip():
                bot.take(Asked(event=uuid.uuid4().hex, message=uuid.uuid4().hex, place=PLACE, text=line.strip()))
                await bot.idle()
    finally:
        await bot.close()
