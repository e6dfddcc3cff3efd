"""`terracite slack` as a process: killed in the middle of an answer and started again; without tokens; at a console."""

from __future__ import annotations

import logging
import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import geopandas as gpd
import pytest
from shapely.geometry import box

from agent import Agent
from agent.interfaces.logs import stop_logging
from agent.interfaces.slack.service import set_up_log
from scripted_endpoint import scripted
from slack_mock import APP_TOKEN, BOT_TOKEN, Slack, slack
from terracite_process import COMMAND, environment
from waiting import wait_until

COUNT = [("query_vector", {"layer": "districts", "measures": [{"aggregate": "count"}]})]
QUESTION = "How many districts are there?"
START_S = 90
"""Seconds that a process may take to start, on a machine that does much else."""


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    squares = [box(500000 + 1000 * n, 5_400_000, 500500 + 1000 * n, 5_400_500) for n in range(3)]
    gpd.GeoDataFrame({"name": ["North", "South", "West"]}, geometry=squares, crs=32632).to_file(tmp_path / "districts.gpkg")
    Agent(tmp_path / "ws").add(tmp_path / "districts.gpkg")
    return tmp_path / "ws"


@contextmanager
def process(mock: Slack, workspace: Path, endpoint: str) -> Iterator[subprocess.Popen[str]]:
    variables = {
        "SLACK_BOT_TOKEN": BOT_TOKEN, "SLACK_APP_TOKEN": APP_TOKEN, "SLACK_API_URL": mock.url, "OPENAI_BASE_URL": endpoint,
        "OPENAI_API_KEY": "x", "TERRACITE_MODEL_RETRIES": "0",
    }  # fmt: skip
    command = [*COMMAND, "slack", "--workspace", str(workspace), "--engine", "model"]
    with subprocess.Popen(command, env={**environment(), **variables}, stderr=subprocess.PIPE, text=True) as running:
        try:
            yield running
        finally:
            running.kill()


@pytest.mark.heavy
def test_a_killed_bot_takes_its_question_up_again_in_the_same_message_and_answers_it_once(workspace: Path) -> None:
    def never(_: dict[str, Any]) -> str:
        time.sleep(60)
        return "too late"

    with scripted([never, COUNT, "There are 3 districts [1]."]) as endpoint, slack() as mock:
        with process(mock, workspace, endpoint.url) as first:
            wait_until(lambda: bool(mock.of("apps.connections.open")), "the bot starts", START_S)
            mock.mention(QUESTION)
            wait_until(lambda: bool(mock.of("chat.postMessage") and endpoint.requests), "work begins", START_S)
            first.kill()
        with process(mock, workspace, endpoint.url) as second:
            wait_until(lambda: any("3 districts" in text for _, text in mock.said()), "the answer", START_S)
            mock.mention(QUESTION, retry=1)
            time.sleep(0.5)
            second.terminate()
            assert second.wait(20) == 0
            said = second.stderr.read() if second.stderr else ""
    (posted,) = mock.of("chat.postMessage")
    assert list(mock.messages()) == [posted.args["ts"]]
    assert mock.messages()[posted.args["ts"]].startswith("There are 3 districts [1].")
    assert "connected bot_user=UBOT" in said
    assert "run begins run=" in said
    assert endpoint.url not in said, "addresses may hold signatures"
    assert BOT_TOKEN not in said
    assert APP_TOKEN not in said


def test_missing_tokens_are_named_and_exit_77(tmp_path: Path) -> None:
    variables = {name: value for name, value in environment().items() if not name.startswith("SLACK_")}
    done = subprocess.run(
        [*COMMAND, "slack", "--workspace", tmp_path], env={**variables, "SLACK_BOT_TOKEN": "xoxb-secret"}, capture_output=True, text=True,
        timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 77
    assert "SLACK_APP_TOKEN is not set" in done.stderr
    assert "xoxb-secret" not in done.stderr
    assert "Traceback" not in done.stderr


def test_the_console_stands_in_for_slack(workspace: Path) -> None:
    done = subprocess.run(
        [*COMMAND, "slack", "--console", "--workspace", workspace, "--engine", "planner"], input=f"{QUESTION}\n\nand of unicorns?\n",
        env=dict(environment(), **{name: "" for name in os.environ if name.startswith("SLACK_")}), capture_output=True, text=True,
        timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "[message 1 in console] Working on it …" in done.stdout
    assert "[message 1 in console becomes] The number of districts is 3 [1]." in done.stdout
    assert "[message 2 in console becomes] " in done.stdout


def test_the_log_repeats_no_oddities_of_files() -> None:
    handler = set_up_log()
    try:
        assert not logging.getLogger("rasterio._env").isEnabledFor(logging.WARNING)
    finally:
        logging.getLogger("rasterio").setLevel(logging.NOTSET)
        stop_logging(handler)
