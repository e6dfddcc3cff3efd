"""What the commands of the command line share: their common options, the agent, and how they print.

Text that is printed is made harmless for a terminal first; JSON is printed as it is, for programs.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tools.errors import InternalError, TerraciteError

if TYPE_CHECKING:
    from agent.api import Agent

_LOG = logging.getLogger(__name__)

WorkspaceOption = Annotated[
    Path | None, typer.Option("--workspace", help="Folder that holds everything that lasts. Default: $TERRACITE_WORKSPACE or ./.terracite")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


class EngineName(StrEnum):
    """Who decides."""

    auto = "auto"
    planner = "planner"
    model = "model"


EngineOption = Annotated[EngineName | None, typer.Option("--engine", help="auto, planner (embedded, no language model) or model.")]
ThreadOption = Annotated[str | None, typer.Option("--thread", help="Continue this conversation.")]


def open_agent(workspace: Path | None, engine: EngineName | None = None) -> Agent:
    """Return an agent over a workspace."""
    from agent.api import Agent

    return Agent(workspace, engine.value if engine else None)


def told_as(error: Exception) -> TerraciteError:
    """Return what is said of an error: one of ours as it is; of a mistake of ours its kind, while the log takes the rest."""
    if isinstance(error, TerraciteError):
        return error
    _LOG.error("a mistake of ours", exc_info=error)
    return InternalError.of(error)


def say(text: str, *, err: bool = False) -> None:
    """Print text; what a terminal would obey in it is made visible."""
    from agent.interfaces.terminal import clean

    typer.echo(clean(text), err=err)


def fetching(every_s: float = 2.0) -> Callable[[int, int | None], None]:
    """Return what tells on standard error, now and then, how much of a file has come; files that come at once are not told of."""
    said = time.monotonic()

    def tell(count: int, size: int | None) -> None:
        nonlocal said
        if time.monotonic() - said >= every_s:
            said = time.monotonic()
            say(f"· fetched {count / 1e6:,.1f}{f' of {size / 1e6:,.1f}' if size else ''} MB", err=True)

    return tell


def say_json(value: Any) -> None:  # Any: JSON values
    """Print one JSON value on one line."""
    typer.echo(json.dumps(value, ensure_ascii=False))
