"""A chat in a real terminal, kept by tmux: what a person sees, types, pastes and interrupts."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import geopandas as gpd
import pytest
from shapely.geometry import box

from chatting import Terminal, terminal
from scripted_endpoint import Endpoint, Stall, scripted

pytestmark = pytest.mark.heavy

COUNT = [("query_vector", {"layer": "districts", "measures": [{"aggregate": "count"}]})]
PROMPT_S = 60
"""Seconds within which a chat must show its prompt, on a machine that does much else."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    squares = [box(500000 + 1000 * n, 5_400_000, 500500 + 1000 * n, 5_400_500) for n in range(3)]
    gpd.GeoDataFrame({"name": ["North", "South", "West"]}, geometry=squares, crs=32632).to_file(tmp_path / "districts.gpkg")
    return tmp_path


@pytest.fixture
def planner(folder: Path) -> Iterator[Terminal]:
    with terminal("--engine", "planner", "--data", "districts.gpkg", cwd=folder) as chat:
        chat.wait_for("engine planner", timeout_s=PROMPT_S)
        yield chat


def of_model(endpoint: Endpoint) -> dict[str, str]:
    return {"OPENAI_BASE_URL": endpoint.url, "OPENAI_API_KEY": "x", "TERRACITE_MODEL_RETRIES": "0"}


def test_a_conversation_with_follow_ups_commands_and_leaving(planner: Terminal) -> None:
    planner.ask("What is the area of North in ha?")
    planner.wait_for("The area of North is 25.02 ha [1].", "[1] query_vector", "computed", timeout_s=PROMPT_S)
    planner.ask("and of South?")
    planner.wait_for("The area of South is 25.02 ha [1].")
    planner.ask("What is the area of North in ha?")
    planner.wait_for("from memory", "1 of 1 results from memory")
    planner.ask("/cite 1")
    planner.wait_for("called with", "/cite")
    planner.ask("/mpa")
    planner.wait_for("There is no command /mpa.", "Nearest: /map")
    planner.keys("C-d")
    planner.wait_for("ended with 0")


def test_ctrl_c_at_the_prompt_clears_the_line_and_tab_completes(planner: Terminal) -> None:
    planner.keys("How many mistakes")
    planner.wait_for("How many mistakes")
    planner.keys("C-c")
    planner.wait_for("How many mistakes\n>")
    planner.keys("/hel")
    planner.wait_for("> /hel")
    planner.keys("Tab")
    planner.wait_for("> /help")
    planner.keys("Enter")
    planner.wait_for("Type a question in plain words")
    planner.keys("How many dist")
    planner.wait_for("How many dist")
    planner.keys("Tab")
    planner.wait_for("How many districts")
    planner.keys("C-d")  # nothing, as the line is not empty
    planner.keys(" are there?", "Enter")
    planner.wait_for("The number of districts is 3 [1].", timeout_s=PROMPT_S)
    assert "mistakes" in planner.screen(), "what was typed stays to be read"


def test_a_pasted_text_of_several_lines_is_one_question(planner: Terminal) -> None:
    planner.tmux("set-buffer", "How many districts\nare there?")
    planner.tmux("paste-buffer", "-p")
    planner.wait_for("are there?")
    assert "The number" not in planner.screen()
    planner.keys("Enter")
    planner.wait_for("The number of districts is 3 [1].", timeout_s=PROMPT_S)


def test_ctrl_c_stops_a_model_that_does_not_answer_within_a_second_and_the_thread_goes_on(folder: Path) -> None:
    def never(_: dict[str, Any]) -> str:
        time.sleep(20)
        return "too late"

    with (
        scripted([COUNT, "There are 3 districts [1].", never, COUNT, "Again: 3 districts [1]."]) as endpoint,
        terminal("--engine", "model", "--data", "districts.gpkg", cwd=folder, variables=of_model(endpoint)) as chat,
    ):
        chat.wait_for("engine model", timeout_s=PROMPT_S)
        chat.ask("How many districts are there?")
        chat.wait_for("There are 3 districts [1].", timeout_s=PROMPT_S)
        chat.ask("And how large?")
        chat.wait_for("thinking")
        pressed = time.monotonic()
        chat.keys("C-c")
        chat.wait_for("Stopped.", timeout_s=1.0)
        assert time.monotonic() - pressed < 1.0
        chat.ask("How many again?")
        chat.wait_for("Again: 3 districts [1].")
        assert "too late" not in chat.screen()
        chat.keys("C-d")
        chat.wait_for("ended with 0")


def test_a_draft_is_marked_as_unchecked_and_nothing_of_it_stays(folder: Path) -> None:
    draft = "There are 77 districts, or so \x1b[31mit seems\n" * 30
    lie = "There are 3 districts [1]. And 88 lakes [1]."
    with (
        scripted([COUNT, Stall(20, first=draft), COUNT, lie, lie]) as endpoint,
        terminal("--engine", "model", "--data", "districts.gpkg", cwd=folder, variables=of_model(endpoint), lines=24) as chat,
    ):
        chat.wait_for("engine model", timeout_s=PROMPT_S)
        chat.ask("How many districts are there?")
        seen = chat.wait_for("draft, not checked yet:", "77 districts", "␛[31m", timeout_s=PROMPT_S)
        assert seen.count("77 districts") <= 8, "a long draft is shown by its end"
        chat.keys("C-c")
        assert "77 districts" not in chat.wait_for("Stopped."), "the screen also shows the id of the thread, which may hold any digits"
        chat.ask("How many districts are there?")
        chat.wait_for("There are 3 districts [1].", "Removed because no cited result supports it")
        before = chat.screen().partition("Removed because")[0]
        assert "88 lakes" not in before


def test_a_narrow_terminal_without_colours_shows_everything_in_its_width(folder: Path) -> None:
    with terminal("--engine", "planner", "--data", "districts.gpkg", cwd=folder, variables={"NO_COLOR": "1"}, columns=36) as chat:
        chat.wait_for("Ctrl-D leaves.", timeout_s=PROMPT_S)
        chat.ask("What is the area of each district in ha?")
        chat.wait_for("West", "run ", timeout_s=PROMPT_S)
        coloured = chat.tmux("capture-pane", "-p", "-e", "-S", "-100")
        assert not re.search(r"\x1b\[(?:\d+;)*(?:3[0-7]|4[0-7]|9[0-7]|38|48)[;m]", coloured)
        assert max(len(line) for line in chat.screen().splitlines()) <= 36
