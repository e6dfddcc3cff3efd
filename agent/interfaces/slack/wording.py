"""What the bot says: its progress while it works, the checked answer with its sources, and errors in plain words."""

from __future__ import annotations

from agent.events import Event, Grounded, ModelRetried, Token, ToolFailed, ToolFinished, ToolProgress, ToolStarted
from agent.interfaces.terminal import clean, footer, one_line, progress_line, source_lines
from agent.result import RunResult
from tools.errors import TerraciteError

WORKING = "Working on it …"
DRAFT_CHARACTERS = 1200
"""End of the draft that is shown while it is written."""
STEPS = 12
"""Latest steps that are shown."""


class Progress:
    """What is shown of a run while it works; the draft in it is marked as unchecked and goes away with the answer."""

    def __init__(self) -> None:
        self._steps: dict[str, str] = {}
        self._draft = ""

    def take(self, event: Event) -> None:
        """Follow an event."""
        match event:
            case ToolStarted() | ToolFinished() | ToolFailed():
                self._steps[event.call_id] = progress_line(event) or ""
                self._draft = ""
            case ToolProgress():
                self._steps[event.call_id] = f"· {event.tool} … {event.share:.0%}"
            case Token():
                self._draft = (self._draft + event.text)[-DRAFT_CHARACTERS:]
            case Grounded() | ModelRetried():
                self._draft = ""
            case _:
                pass

    def text(self) -> str:
        """Return what stands in the message now."""
        lines = [WORKING, *list(self._steps.values())[-STEPS:]]
        if self._draft.strip():
            lines += ["Draft, not checked yet:", clean(self._draft)]
        return "\n".join(lines)


def answer_text(result: RunResult) -> str:
    """Return the checked answer with its numbered sources and what the reader must know."""
    parts = [clean(result.answer)]
    if result.citations:
        parts.append("\n".join(["Sources", *source_lines(result)]))
    if result.warnings:
        parts.append("\n".join(one_line(f"Note: {warning}") for warning in result.warnings))
    if result.unsupported:
        parts.append(f"{len(result.unsupported)} number(s) of the draft were removed, because no cited result supports them.")
    return "\n\n".join([*parts, footer(result)])


def problem_text(error: TerraciteError, run_id: str = "") -> str:
    """Return an error: what went wrong, what to do, and by which id the operator finds it."""
    run = f"run {run_id}" if run_id else ""
    return "\n".join(part for part in (f"Not answered: {one_line(error.message)}", one_line(error.hint), run) if part)
