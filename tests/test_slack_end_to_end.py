"""The Slack bot against a mock of the Web API and of Socket Mode: which calls it makes, in which order, with what in them."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import geopandas as gpd
import pytest
from pydantic import SecretStr
from shapely.geometry import box

from agent import Agent
from agent.interfaces.slack.adapter import SlackOutlet, serve
from agent.interfaces.slack.settings import SlackSettings
from agent.settings import AgentSettings
from scripted_endpoint import scripted
from slack_mock import APP_TOKEN, BOT_TOKEN, BOT_USER, Slack, slack
from tools.errors import BusyError, CredentialError
from waiting import wait_until

AREA = "What is the area of North in ha?"
EVIL = "<!channel> & <https://evil.example|North> @here"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with two districts, one of them named by somebody who wants everybody's attention."""
    folder = tmp_path_factory.mktemp("slack")
    squares = [box(500000 + 1000 * n, 5_400_000, 500500 + 1000 * n, 5_400_500) for n in range(3)]
    gpd.GeoDataFrame({"name": ["North", "South", EVIL]}, geometry=squares, crs=32632).to_file(folder / "districts.gpkg")
    return folder


@contextmanager
def bot(mock: Slack, workspace: Path, settings: AgentSettings | None = None, data: Path | None = None) -> Iterator[None]:
    """Serve the mock in a thread of its own, as `terracite slack` does, until the block ends."""
    loop, stop = asyncio.new_event_loop(), asyncio.Event()
    agent = Agent(workspace, settings=settings or AgentSettings(engine="planner"))
    if data:
        agent.add(data)
    tokens = SlackSettings(bot_token=SecretStr(BOT_TOKEN), app_token=SecretStr(APP_TOKEN), api_url=mock.url)
    ended: list[BaseException] = []

    def work() -> None:
        asyncio.set_event_loop(loop)
        try:
            loop.run_until_complete(serve(agent, tokens, stop))
        except BaseException as error:  # noqa: BLE001 - it is raised in the test's thread
            ended.append(error)
        finally:
            loop.run_until_complete(loop.shutdown_asyncgens())
            loop.run_until_complete(loop.shutdown_default_executor())
            loop.close()

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        if not loop.is_closed():
            loop.call_soon_threadsafe(stop.set)
        thread.join(20)
    if ended:
        raise ended[0]


def answered(mock: Slack, count: int = 1) -> list[str]:
    """Wait for so many answers, and return what stands in the messages."""
    wait_until(lambda: sum("Working on it" not in text for text in mock.messages().values()) >= count, f"{count} answers")
    return list(mock.messages().values())


def test_a_mention_is_acknowledged_at_once_and_answered_in_its_thread_with_sources(folder: Path, tmp_path: Path) -> None:
    with slack() as mock, bot(mock, tmp_path, data=folder / "districts.gpkg"):
        envelope = mock.mention(AREA)
        answered(mock)
    assert mock.acks[envelope] < 1
    first, *edits = mock.of("chat.postMessage", "chat.update")
    assert (first.method, first.args["channel"], first.args["thread_ts"]) == ("chat.postMessage", "C1", "100.1")
    assert "Working on it" in first.args["text"]
    assert {(call.method, call.args["channel"], call.args["ts"]) for call in edits} == {("chat.update", "C1", first.args["ts"])}
    text = edits[-1].args["text"]
    assert text.startswith("The area of North is 25.02 ha [1].")
    assert "Sources\n[1] query_vector" in text
    assert "run " in text
    assert {call.token for call in mock.calls if call.method != "apps.connections.open"} == {BOT_TOKEN}


def test_follow_ups_continue_their_thread_in_another_process_and_other_threads_know_nothing_of_it(folder: Path, tmp_path: Path) -> None:
    with slack() as mock:
        with bot(mock, tmp_path, data=folder / "districts.gpkg"):
            mock.mention(AREA)
            answered(mock)
        with bot(mock, tmp_path):
            mock.mention("and of South?", event="Ev2", ts="101.1", thread="100.1")
            assert "The area of South is 25.02 ha [1]." in answered(mock, 2)[1]
            mock.mention("and of South?", event="Ev3", ts="102.1")
            assert "25.02 ha" not in answered(mock, 3)[2]
    threads = [call.args["thread_ts"] for call in mock.of("chat.postMessage")]
    assert threads == ["100.1", "100.1", "102.1"]


def test_a_direct_message_is_answered_and_what_is_no_question_only_acknowledged(folder: Path, tmp_path: Path) -> None:
    direct = {"type": "message", "channel_type": "im", "channel": "D1", "user": "UANN"}
    with slack() as mock, bot(mock, tmp_path, data=folder / "districts.gpkg"):
        mock.deliver("Ev1", {**direct, "ts": "1.1", "text": "edited", "subtype": "message_changed"})
        mock.deliver("Ev2", {**direct, "ts": "1.2", "text": AREA, "bot_id": "BOTHER"})
        mock.deliver("Ev3", {**direct, "ts": "1.3", "text": AREA, "user": BOT_USER, "bot_id": "BBOT"})
        mock.deliver("Ev4", {**direct, "ts": "1.4", "text": AREA, "channel_type": "channel"})
        mock.deliver("Ev5", {"type": "reaction_added", "user": "UANN", "item": {}, "reaction": "eyes"})
        mock.deliver("Ev6", {**direct, "ts": "1.6", "text": "How many districts have an area &gt; 10 ha?"})
        assert "3 [1]" in answered(mock)[0]
    assert [(call.args["channel"], call.args["thread_ts"]) for call in mock.of("chat.postMessage")] == [("D1", "1.6")]
    assert len(mock.acks) == 6


def test_an_event_that_comes_again_does_nothing_neither_now_nor_after_a_restart(folder: Path, tmp_path: Path) -> None:
    with slack() as mock:
        with bot(mock, tmp_path, data=folder / "districts.gpkg"):
            mock.mention(AREA)
            mock.mention(AREA, retry=1)  # while it is being answered
            answered(mock)
            mock.mention(AREA, retry=2)
            mock.mention(AREA, event="Ev9")  # the same message, reported by another event
        count = len(mock.said())
        with bot(mock, tmp_path):
            mock.mention(AREA, retry=3)
            mock.mention("How many districts are there?", event="Ev2", ts="101.1")
            answered(mock, 2)
    assert len(mock.of("chat.postMessage")) == 2
    assert [call.args["thread_ts"] for call in mock.of("chat.postMessage")] == ["100.1", "101.1"]
    assert count < len(mock.said())


def test_names_out_of_data_call_nobody_and_make_no_link(folder: Path, tmp_path: Path) -> None:
    with slack() as mock, bot(mock, tmp_path, data=folder / "districts.gpkg"):
        mock.mention("What is the area of each district in ha?")
        text = answered(mock)[0]
    assert "&lt;!channel&gt; &amp; &lt;https://evil.example|North&gt;" in text
    assert "<" not in text
    for call in mock.of("chat.postMessage", "chat.update"):
        assert call.args["parse"] == "none"
    assert mock.of("chat.postMessage")[0].args["unfurl_links"] in (False, "0", 0)


def test_the_map_is_uploaded_into_the_thread(folder: Path, tmp_path: Path) -> None:
    with slack() as mock, bot(mock, tmp_path, data=folder / "districts.gpkg"):
        mock.mention("Show a map of the districts")
        wait_until(lambda: bool(mock.of("files.completeUploadExternal")), "the map is uploaded")
    asked, sent, done = mock.of("files.getUploadURLExternal", "upload", "files.completeUploadExternal")
    assert (asked.args["filename"], sent.method, done.method) == ("map.png", "upload", "files.completeUploadExternal")
    assert b"\x89PNG" in sent.args["bytes"]
    assert (done.args["channel_id"], done.args["thread_ts"]) == ("C1", "100.1")
    assert mock.calls.index(mock.of("chat.update")[-1]) < mock.calls.index(asked), "the answer comes before its picture"


def test_slack_is_obeyed_when_it_asks_to_wait(folder: Path, tmp_path: Path) -> None:
    with slack() as mock:
        mock.faults = {"chat.update": [{"status": 429, "retry_after": 1}], "chat.postMessage": [{"status": 429, "retry_after": 1}]}
        with bot(mock, tmp_path, data=folder / "districts.gpkg"):
            mock.mention(AREA)
            answered(mock)
    for method in ("chat.postMessage", "chat.update"):
        refused, again = mock.of(f"{method} refused")[0], next(call for call in mock.of(method) if "text" in call.args)
        assert again.at - refused.at >= 1


def test_an_answer_whose_message_was_deleted_is_posted_anew(folder: Path, tmp_path: Path) -> None:
    with slack() as mock:
        mock.faults = {"chat.update": [{"error": "message_not_found"}] * 2}
        with bot(mock, tmp_path, data=folder / "districts.gpkg"):
            mock.mention(AREA)
            wait_until(lambda: len(mock.of("chat.postMessage")) == 2, "a second message")
    assert "25.02 ha" in mock.of("chat.postMessage")[1].args["text"]


def test_a_long_answer_is_split_into_messages_of_its_thread_in_order(tmp_path: Path) -> None:
    from slack_sdk.web.async_client import AsyncWebClient

    text = "\n".join(f"- Plot {n:04} <&>: {n} ha [1]" for n in range(400))
    with slack() as mock:
        outlet = SlackOutlet(AsyncWebClient(BOT_TOKEN, base_url=mock.url))
        asyncio.run(outlet.finish("T1/C1/100.1", "900.1", text))
    methods = [call.method for call in mock.of("chat.update", "chat.postMessage")]
    assert methods == ["chat.update", *["chat.postMessage"] * (len(methods) - 1)]
    assert len(methods) > 3
    assert all(len(part) <= 4000 for _, part in mock.said())
    whole = "\n".join(part for _, part in mock.said())
    assert whole.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&") == text


def of_model(url: str) -> AgentSettings:
    return AgentSettings(engine="model", openai_base_url=url, openai_api_key="x", model_retries=0)


def test_an_error_is_said_plainly_with_the_run_and_the_thread_goes_on(
    folder: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    count = [("query_vector", {"layer": "districts", "measures": [{"aggregate": "count"}]})]
    with (
        scripted([500, count, "There are 3 districts [1]."]) as endpoint,
        slack() as mock,
        caplog.at_level(logging.DEBUG),
        bot(mock, tmp_path, of_model(endpoint.url), folder / "districts.gpkg"),
    ):
        mock.mention("How many districts are there?")
        first = answered(mock)[0]
        mock.mention("And now?", event="Ev2", ts="101.1", thread="100.1")
        second = answered(mock, 2)[1]
    assert first.startswith("Not answered: ")
    assert "run " in first
    assert "Traceback" not in first
    assert second.startswith("There are 3 districts [1].")
    assert BOT_TOKEN not in caplog.text
    assert APP_TOKEN not in caplog.text


def test_a_bug_of_ours_is_said_without_its_details_and_logged_with_the_run(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    from tools.runner import Runner

    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("secret detail")

    monkeypatch.setattr(Runner, "run", broken)
    with slack() as mock, bot(mock, tmp_path, data=folder / "districts.gpkg"):
        mock.mention(AREA)
        text = answered(mock)[0]
    assert text.startswith("Not answered: Something went wrong inside (RuntimeError).")
    assert "secret detail" not in text
    run = text.rpartition("run ")[2]
    assert f"run={run}" in caplog.text
    assert "secret detail" in caplog.text


def test_questions_of_a_thread_wait_for_each_other_and_too_many_are_turned_away(folder: Path, tmp_path: Path) -> None:
    release = threading.Event()

    def slow(_: dict[str, Any]) -> Any:
        assert release.wait(30)
        return [("decline", {"reason": "Not today.", "outcome": "refused"})]

    with scripted([slow] * 7) as endpoint, slack() as mock, bot(mock, tmp_path, of_model(endpoint.url), folder / "districts.gpkg"):
        for n in range(1, 9):
            mock.mention(f"Question {n}", event=f"Ev{n}", ts=f"100.{n}", thread="100.1")
        wait_until(lambda: any("wait already" in text for _, text in mock.said()), "one is turned away")
        time.sleep(0.2)
        assert sum("Working on it" in text for text in mock.messages().values()) == 1, "one at a time in a thread"
        release.set()
        texts = answered(mock, 8)
    assert sum("wait already" in text for text in texts) == 2
    assert sum(text.startswith("Not today.") for text in texts) == 6


@pytest.mark.parametrize("method", ["auth.test", "apps.connections.open"])
def test_a_refused_token_ends_the_bot_with_a_credential_error_that_does_not_tell_it(method: str, tmp_path: Path) -> None:
    with slack() as mock:
        mock.faults = {method: [{"error": "invalid_auth"}]}
        with pytest.raises(CredentialError) as error, bot(mock, tmp_path):
            wait_until(lambda: bool(mock.of(f"{method} refused")), "the token is refused")
    assert "secret" not in str(error.value)


def test_a_second_bot_on_the_same_workspace_says_so(tmp_path: Path) -> None:
    with slack() as mock, bot(mock, tmp_path):
        wait_until(lambda: bool(mock._sockets), "the first is connected")
        with pytest.raises(BusyError, match="another bot"), bot(mock, tmp_path):
            time.sleep(1.5)
