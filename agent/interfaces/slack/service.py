"""Start the bot and let it work until it is told to stop."""

from __future__ import annotations

import asyncio
import logging
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from agent.interfaces.logs import FULL, log_to
from agent.interfaces.slack.settings import SlackSettings

if TYPE_CHECKING:
    from agent.api import Agent
    from agent.settings import EngineChoice


def run_slack(workspace: Path | None, engine: EngineChoice | None, *, console: bool) -> None:
    """Serve Slack until SIGINT or SIGTERM, or standard input until it ends where `console`.

    Raises CredentialError where a token is missing or refused, ConfigurationError where the extra is not installed,
    BusyError where another bot works on the workspace, ServiceError where Slack cannot be reached.
    """
    settings = SlackSettings()
    if not console:
        settings.tokens()  # the first thing that people miss, said before anything is loaded
    from agent.api import Agent

    set_up_log()
    if not console:
        # Ours alone: at this level httpx writes whole addresses, and some hold a signature.
        logging.getLogger("agent").setLevel(logging.INFO)
    agent = Agent(workspace, engine)
    agent.executor.warm()
    asyncio.run(_console(agent) if console else _slack(agent, settings))


def set_up_log() -> logging.Handler:
    """Return the handler that writes warnings to standard error; of rasterio errors alone, which repeats at every opening what GDAL finds odd in a file."""
    handler = logging.StreamHandler()
    log_to(handler, FULL)
    logging.getLogger("rasterio").setLevel(logging.ERROR)
    return handler


async def _slack(agent: Agent, settings: SlackSettings) -> None:
    from agent.interfaces.slack.adapter import serve

    stop = asyncio.Event()
    for each in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(each, stop.set)
    await serve(agent, settings, stop)


async def _console(agent: Agent) -> None:
    from agent.interfaces.slack.console import converse

    def write(text: str) -> None:
        sys.stdout.write(f"{text}\n")
        sys.stdout.flush()

    await converse(agent, sys.stdin, write)
