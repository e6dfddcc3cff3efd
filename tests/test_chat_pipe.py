"""A chat through a pipe: a question a line, plain text without escape codes, commands, errors that end nothing."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import geopandas as gpd
import pytest
from shapely.geometry import box

from agent.events import RunFinished
from agent.interfaces.repl.commands import COMMANDS
from agent.interfaces.repl.session import open_session
from chatting import Chat, piped
from scripted_endpoint import Stall, scripted
from terracite_process import COMMAND, environment
from test_start_up import HEAVY
from tools.registry import names
from waiting import wait_until

EVIL = "Ward \x1b]owned\x07\x1b[J[bold]X[/bold] \x9bJ\u202etxt"
"""A name that speaks to a terminal's title, clears it in two ways, is written in rich's markup, and reverses the line."""


@pytest.fixture
def districts(tmp_path: Path) -> Path:
    frame = gpd.GeoDataFrame(
        {"name": ["North", "South", "West"]},
        geometry=[box(500000 + 1000 * n, 5_400_000, 500500 + 1000 * n, 5_400_500) for n in range(3)],
        crs=32632,
    )
    frame.to_file(tmp_path / "districts.gpkg")
    return tmp_path / "districts.gpkg"


AREAS = "What is the area of each ward in ha?"


@pytest.fixture
def wards(tmp_path: Path) -> Path:
    squares = [box(500000 + 1000 * n, 5_400_000, 500500 + 1000 * n, 5_400_500) for n in range(2)]
    gpd.GeoDataFrame({"name": [EVIL, "Plain"]}, geometry=squares, crs=32632).to_file(tmp_path / "wards.gpkg")
    return tmp_path / "wards.gpkg"


@pytest.fixture
def chat(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Chat:
    return piped(monkeypatch, capsys, tmp_path / "ws")


def test_questions_are_answered_line_by_line_and_a_follow_up_refers_to_the_last(chat: Chat, districts: Path) -> None:
    said = chat("How many districts are there?", "", "What is the area of North in ha?", "and of South?", data=[str(districts)])
    assert said.code == 0, said.err
    first, second, third = re.split(r"(?m)^engine: .*\n\n?", said.out)[:3]
    assert "3 [1]" in first
    assert "25.02 ha [1]" in second, "500 m on the map is 500 m / 0.9996 on the ground"
    assert "South" in third
    assert "25.02 ha [1]" in third
    assert "· query_vector [1] computed" in said.err
    assert "\x1b" not in said.out + said.err


def test_the_exit_code_is_that_of_the_last_answer_whatever_the_commands_after_it_say(chat: Chat, districts: Path) -> None:
    assert chat("How many unicorns are there?", data=[str(districts)]).code == 3
    assert chat("How many unicorns are there?", "How many districts are there?").code == 0
    assert chat("How many districts are there?", "/show 99").code == 0
    assert chat("How many unicorns are there?", "/help").code == 3


def test_data_that_cannot_be_used_ends_the_chat_at_once_as_it_ends_ask(chat: Chat, tmp_path: Path) -> None:
    said = chat("How many districts are there?", data=[str(tmp_path / "absent.gpkg")])
    assert said.code == 66
    assert "absent.gpkg" in said.out
    assert "engine" not in said.out


def test_help_names_every_command(chat: Chat) -> None:
    said = chat("/help")
    assert all(command.usage in said.out for command in COMMANDS)


def test_an_unknown_command_names_the_nearest_and_the_chat_goes_on(chat: Chat, districts: Path) -> None:
    said = chat("/mpa", "/shw 1", "/tools nothing", "/help me now", "/engine warp", "How many districts are there?", data=[str(districts)])
    assert "Nearest: /map" in said.err
    assert "Nearest: /show" in said.err
    assert "zonal_stats" in said.err
    assert "Write it like this: /help" in said.err
    assert "auto, planner, model" in said.err
    assert "Traceback" not in said.err
    assert said.code == 0
    assert "3 [1]" in said.out


def test_tools_are_listed_and_shown(chat: Chat) -> None:
    said = chat("/tools", "/tools zonal_stats")
    assert all(f"{name} (" in said.out for name in names())
    assert "--merge-zones" in said.out


def test_data_is_registered_and_listed(chat: Chat, districts: Path, tmp_path: Path) -> None:
    spaced = districts.rename(tmp_path / "my districts.gpkg")
    said = chat("/data", f"/data '{spaced}' {tmp_path / 'absent.tif'}", "/data", "How many features has my_districts?")
    assert "No data is registered" in said.out
    assert said.out.count("my_districts: ") == 2
    assert "not registered: " in said.out
    assert said.code == 0


def test_show_lists_the_facts_of_a_result_page_by_page(chat: Chat, tmp_path: Path) -> None:
    squares = [box(500000 + 100 * n, 5_400_000, 500050 + 100 * n, 5_400_050) for n in range(70)]
    gpd.GeoDataFrame({"name": [f"Plot {n:02}" for n in range(70)]}, geometry=squares, crs=32632).to_file(tmp_path / "plots.gpkg")
    question = "What is the area of each plot in m2?"
    said = chat(question, "/show 1", "/show 1 2", "/show 1 all", "/show 1 9", data=[str(tmp_path / "plots.gpkg")])
    pages = re.split(r"(?m)^a:[0-9a-f]{12} query_vector: ", said.out)[1:]
    rows = [[int(n) for n in re.findall(r"(?m)^facts/(\d+) ", page)] for page in pages]
    everything = list(range(len(rows[2])))
    assert len(everything) >= 70
    assert rows[:3] == [everything[:50], everything[50:], everything]
    assert "Page 1 of 2" in pages[0]
    assert "page from 1 to 2, or all" in said.err


def test_show_finds_a_result_by_its_key_in_another_chat(chat: Chat, districts: Path) -> None:
    first = chat("How many districts are there?", "/show", data=[str(districts)])
    (ref,) = set(re.findall(r"a:[0-9a-f]{12}", first.out))
    said = chat(f"/show {ref}")
    assert f"{ref} query_vector" in said.out
    assert "facts/0" in said.out


def test_cite_says_by_which_call_from_which_data_and_why(chat: Chat, districts: Path) -> None:
    said = chat("/cite", "How many districts are there?", "/cite", "/cite 1", "/cite 2", data=[str(districts)])
    assert "Nothing was answered in this chat yet" in said.err
    assert said.out.count('called with {"layer": "districts"') == 2
    assert said.out.count("facts/0: count = 3 count") == 2
    assert said.out.count(f"from {districts}") == 2
    assert "The same call finds it today" in said.out
    assert "no citation [2]" in said.err


def test_map_draws_the_last_result_and_says_where_it_lies(chat: Chat, districts: Path) -> None:
    said = chat("How many districts are there?", "/map", "/map 1", "/map 4", data=[str(districts)])
    pictures = re.findall(r"(?m)^Map: (.+)$", said.out)
    assert len(pictures) == 2
    assert pictures[0] == pictures[1]
    assert Path(pictures[0]).read_bytes().startswith(b"\x89PNG")
    assert "It has [1]" in said.err


def test_a_refusal_has_nothing_to_show_cite_or_draw(chat: Chat, districts: Path) -> None:
    said = chat("How many unicorns are there?", "/show", "/cite", "/map", data=[str(districts)])
    assert said.err.count("rests on no result") == 2
    assert "cites nothing" in said.err


def test_a_model_whose_endpoint_counts_no_tokens_is_chatted_with(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, districts: Path) -> None:
    calls = [("query_vector", {"layer": "districts", "measures": [{"aggregate": "count"}]})]
    with scripted([calls, "There are 3 districts [1]."], counts=False) as endpoint:
        monkeypatch.setenv("OPENAI_BASE_URL", endpoint.url)
        session = open_session(tmp_path / "ws", "model", None)
        session.add([str(districts)], focus=True)
        (*_, last) = session.ask("How many districts are there?", threading.Event())
    assert isinstance(last, RunFinished)
    assert last.result["usage"]["input_tokens"] is None
    assert (session.answered().status, session.tokens) == ("answered", 0)


def test_a_thread_is_continued_and_left_for_a_new_one(chat: Chat, districts: Path) -> None:
    chat("What is the area of North in ha?", data=[str(districts)], thread="survey")
    said = chat("and of South?", "/thread", "/thread new", "and of West?", thread="survey")
    assert "25.02 ha" in said.out
    assert "thread survey" in said.out
    threads = re.findall(r"(?m)^(?:engine: .*)?thread (\S+)$", said.out)
    assert threads[:2] == ["survey", "survey"]
    assert threads[2] == threads[3] != "survey"


def test_what_data_says_reaches_no_terminal_as_an_order(chat: Chat, wards: Path) -> None:
    said = chat("/data", AREAS, "/show 1", "/cite", data=[str(wards)])
    written = said.out + said.err
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", written)
    assert "[bold]X[/bold]" in written, "markup is text like any other"
    assert "␛[J" in written


def test_ask_makes_orders_to_a_terminal_visible_too(tmp_path: Path, wards: Path) -> None:
    command = [*COMMAND, "ask", AREAS, "--data", wards, "--engine", "planner"]
    done = subprocess.run(command, cwd=tmp_path, env=environment(), capture_output=True, text=True, timeout=120, check=False)
    assert "\x1b" not in done.stdout + done.stderr
    assert "\x9b" not in done.stdout + done.stderr
    assert "␛[J" in done.stdout


def test_a_bug_of_ours_is_one_line_and_the_chat_goes_on(
    chat: Chat, districts: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from agent.interfaces.repl.session import Session

    asked = Session.ask

    def broken(self: Session, question: str, cancel: object) -> object:
        if "broken" in question:
            raise RuntimeError("secret detail")
        return asked(self, question, cancel)  # type: ignore[arg-type]

    monkeypatch.setattr(Session, "ask", broken)
    said = chat("broken?", "How many districts are there?", data=[str(districts)])
    assert "Something went wrong inside (RuntimeError)" in said.err
    assert "secret detail" not in said.out + said.err
    assert "secret detail" in (tmp_path / "ws" / "chat.log").read_text()
    assert said.code == 0


def test_a_process_writes_no_escape_code_into_a_pipe_though_colour_is_forced(tmp_path: Path, districts: Path) -> None:
    done = subprocess.run(
        [*COMMAND, "chat", "--engine", "planner", "--workspace", tmp_path / "ws", "--data", districts],
        input="How many districts are there?\n/help\n/quit\nHow many unicorns are there?\n",
        env={**environment(), "FORCE_COLOR": "1", "COLUMNS": "40"}, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "\x1b" not in done.stdout + done.stderr
    assert "The number of districts is 3 [1]." in done.stdout
    assert "unicorns" not in done.stdout, "/quit leaves"


def test_an_interrupt_ends_a_piped_chat_within_a_second_though_the_model_does_not_answer(tmp_path: Path) -> None:
    with scripted([Stall(30)]) as endpoint:
        variables = {"OPENAI_BASE_URL": endpoint.url, "OPENAI_API_KEY": "x"}
        command = [*COMMAND, "chat", "--engine", "model", "--workspace", str(tmp_path)]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        with subprocess.Popen(command, env={**environment(), **variables}, **pipes) as chat:  # type: ignore[call-overload]
            chat.stdin.write("What is here?\nAnd what else?\n")
            chat.stdin.flush()
            wait_until(lambda: bool(endpoint.requests), "the model is asked", 60)
            sent = time.monotonic()
            chat.send_signal(signal.SIGINT)
            assert chat.wait(20) == 130
            assert time.monotonic() - sent < 1.5, "a second, and the end of the process"
            assert "Stopped." in chat.stdout.read()
            assert "Traceback" not in chat.stderr.read()
        assert len(endpoint.requests) == 1


def test_nothing_heavy_is_imported_before_the_first_question(tmp_path: Path) -> None:
    program = (
        "import json, sys\nfrom agent.interfaces.cli import main\ntry:\n    main()\nfinally:\n"
        "    print(json.dumps(sorted(name for name in sys.modules if '.' not in name)), file=sys.stderr)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, "chat", "--workspace", tmp_path], input="/help\n", env=environment(),
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert set(json.loads(done.stderr.splitlines()[-1])).isdisjoint(HEAVY)


@pytest.mark.heavy
def test_cite_shows_the_passage_of_a_document_that_is_quoted(chat: Chat, tmp_path: Path) -> None:
    (tmp_path / "wells.md").write_text("# Well survey\n\n## Findings\n\nThe survey visited 41 wells. Nine of them were dry in August.\n")
    said = chat("What do the documents say about dry wells?", "/cite", data=[str(tmp_path / "wells.md")])
    assert said.code == 0, said.err
    assert "Findings: The survey visited 41 wells. Nine of them were dry in August." in said.out.partition("called with")[2]
