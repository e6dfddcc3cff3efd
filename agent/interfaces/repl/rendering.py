"""What a chat writes: lines, tables, errors, and a running answer with its tools and its draft.

On a terminal the running part is redrawn in place and taken away at the end, so that no unchecked number stays. Anywhere
else there are plain lines and not one escape code: answers on standard output, progress on standard error.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.spinner import Spinner
from rich.table import Table as Grid
from rich.text import Text

from agent.events import Event, Grounded, ModelRetried, Token, ToolFailed, ToolFinished, ToolProgress, ToolStarted
from agent.interfaces.terminal import clean, one_line, progress_line
from tools.errors import TerraciteError

DRAFT_LINES = 8
"""Lines of the draft that are shown while it is written: its end."""
DRAFT_CHARACTERS = 4000
BAR_WIDTH = 24
UNBOUNDED = 1_000_000
"""Columns where no terminal bounds them: a line stays a line."""


@dataclass(frozen=True)
class Table:
    """Rows of text under their headings."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


Shown = str | Table


class Screen:
    """Standard output and standard error of a chat."""

    def __init__(self) -> None:
        self._out = _console(sys.stdout.isatty(), stderr=False)
        self._err = _console(sys.stderr.isatty(), stderr=True)
        self.is_live = self._out.is_terminal and not self._out.is_dumb_terminal

    def show(self, shown: Shown, style: str = "") -> None:
        """Write a line, or several, or a table."""
        if isinstance(shown, Table):
            self._out.print(_grid(shown))
        else:
            self._out.print(Text(clean(shown), style))

    def problem(self, error: TerraciteError) -> None:
        """Write an error as one block: what is wrong, and what to do."""
        console = self._out if self.is_live else self._err
        console.print(Text.assemble(("Not done: ", "bold red"), one_line(error.message)))
        if error.hint:
            console.print(Text(f"  {one_line(error.hint)}"))

    @contextmanager
    def working(self, on_what: str) -> Iterator[Callable[[Event], None]]:
        """Show that something works, and take its events, until the block ends."""
        if not self.is_live:
            yield self._tell
            return
        view = _Running(on_what)
        with Live(view, console=self._out, transient=True, refresh_per_second=10):

            def take(event: Event) -> None:
                view.take(event)
                if not isinstance(event, ToolStarted):  # it is shown as running; its line comes when it ends
                    self._tell(event)

            yield take

    def _tell(self, event: Event) -> None:
        line = progress_line(event)
        if line is not None:
            console = self._out if self.is_live else self._err
            console.print(Text(line, "dim"))


def _console(is_terminal: bool, *, stderr: bool) -> Console:
    # Said outright: rich would also take FORCE_COLOR for a terminal, and put escape codes into a pipe.
    return Console(
        force_terminal=is_terminal, width=None if is_terminal else UNBOUNDED, stderr=stderr, markup=False, emoji=False, highlight=False
    )


def _grid(table: Table) -> Grid:
    grid = Grid(box=None, pad_edge=False)
    for name in table.columns:
        grid.add_column(Text(name, "dim"), overflow="fold", justify="right" if name == "value" else "left")
    for row in table.rows:
        grid.add_row(*(Text(one_line(cell)) for cell in row))
    return grid


@dataclass
class _Running:
    """What is redrawn in place: running tools, and the end of the draft, which nothing has checked yet."""

    on_what: str
    _spinner: Spinner = field(default_factory=lambda: Spinner("dots"))
    _tools: dict[str, ToolStarted | ToolProgress] = field(default_factory=dict)
    _draft: str = ""

    def take(self, event: Event) -> None:
        """Follow an event."""
        match event:
            case ToolStarted() | ToolProgress():
                self._tools[event.call_id] = event
                self._draft = ""
            case ToolFinished() | ToolFailed():
                self._tools.pop(event.call_id, None)
            case Token():
                self._draft = (self._draft + event.text)[-DRAFT_CHARACTERS:]
            case Grounded() | ModelRetried():
                self._draft = ""
            case _:
                pass

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield from [self._line(tool) for tool in self._tools.values()] or [self._line(None)]
        if self._draft:
            yield Text("draft, not checked yet:", "dim italic")
            yield from _end(Text(clean(self._draft), "dim"), console, options.max_width)

    def _line(self, tool: ToolStarted | ToolProgress | None) -> Grid:
        line = Grid.grid(padding=(0, 1))
        parts: list[RenderableType] = [self._spinner, Text(one_line(tool.tool) if tool else self.on_what)]
        if isinstance(tool, ToolProgress):
            share = min(max(tool.share, 0.0), 1.0)
            parts += [ProgressBar(1.0, share, width=BAR_WIDTH), Text(f"{share:.0%}")]
        line.add_row(*parts)
        return line


def _end(text: Text, console: Console, width: int) -> Iterable[Text]:
    return list(text.wrap(console, max(width, 1)))[-DRAFT_LINES:]
