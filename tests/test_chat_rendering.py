"""What a chat draws while an answer is worked on: tools with their progress, the end of the draft, nothing unchecked after it."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from agent.events import Event, Grounded, ModelRetried, Token, ToolFailed, ToolFinished, ToolProgress, ToolStarted
from agent.interfaces.repl.rendering import DRAFT_LINES, Screen, Table, _Running
from agent.interfaces.terminal import clean, one_line, progress_line
from tools.errors import DataError

DONE = {"n": 1, "key": "k", "outcome": "value", "summary": "All done.", "seconds": 1.234}


def drawn(*events: Event, width: int = 60) -> str:
    view = _Running("thinking")
    for event in events:
        view.take(event)
    file = io.StringIO()
    Console(file=file, width=width, force_terminal=False).print(view)
    return file.getvalue()


def test_a_running_tool_shows_its_share_and_goes_when_it_is_done() -> None:
    started = ToolStarted(call_id="1", tool="zonal_stats", params={})
    assert "thinking" in drawn()
    assert "zonal_stats" in drawn(started)
    assert "40%" in drawn(started, ToolProgress(call_id="1", tool="zonal_stats", share=0.4))
    assert "100%" in drawn(started, ToolProgress(call_id="1", tool="zonal_stats", share=7.0))
    done = ToolFinished(call_id="1", tool="zonal_stats", cache="hit", **DONE)
    assert "zonal_stats" not in drawn(started, done)
    failed = ToolFailed(call_id="1", tool="zonal_stats", error=DataError("Broken.").to_json())
    assert "zonal_stats" not in drawn(started, failed)


def test_two_tools_that_run_have_a_line_each() -> None:
    both = drawn(ToolStarted(call_id="1", tool="composite", params={}), ToolStarted(call_id="2", tool="segment", params={}))
    assert "composite" in both
    assert "segment" in both


def test_the_draft_is_marked_bounded_and_dropped_when_it_is_checked_or_begun_anew() -> None:
    pieces = [Token(text=f"line {n}\n") for n in range(50)]
    shown = drawn(*pieces)
    assert "draft, not checked yet:" in shown
    assert shown.count("line ") <= DRAFT_LINES
    assert "line 49" in shown
    for end in (
        Grounded(attempt=1, supported=1),
        ModelRetried(reason="busy", wait_s=1),
        ToolStarted(call_id="1", tool="calculate", params={}),
    ):
        assert "line " not in drawn(*pieces, end)


def test_what_a_tool_says_is_one_harmless_line() -> None:
    evil = ToolFinished(call_id="1", tool="find_place", cache="observed", **{**DONE, "summary": "Found\x1b[2J\n· calculate [9] forged"})
    line = progress_line(evil)
    assert line == "· find_place [1] looked up, 1.23 s: Found␛[2J · calculate [9] forged"


@pytest.mark.parametrize("character", [chr(code) for code in (*range(9), *range(11, 32), *range(127, 160), 0x202E, 0x2066)])
def test_no_character_that_a_terminal_obeys_is_left(character: str) -> None:
    assert clean(f"a{character}b")[1:2].isprintable()
    assert character not in clean(f"a{character}b")


def test_text_of_any_language_is_left_as_it_is() -> None:
    text = "Žďár, 北京, القاهرة, ½ m², “x”\n\ttabbed"
    assert clean(text) == text
    assert one_line("a\nb") == "a b"


def test_a_table_is_whole_in_a_pipe_however_wide(capsys: pytest.CaptureFixture[str]) -> None:
    Screen().show(Table(("path", "value"), (("x" * 300, "1"), ("[red]y\x1b[0m", "2"))))
    rows = capsys.readouterr().out.splitlines()
    assert "x" * 300 in rows[1]
    assert "[red]y␛[0m" in rows[2]
