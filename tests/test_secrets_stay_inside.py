# ruff: noqa: F811 - fixtures that are imported
"""Secrets that are planted where they get in, and looked for wherever Terracite writes, prints or sends anything."""

from __future__ import annotations

import asyncio
import json
import logging
import stat
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage, ToolCall, ToolMessage

from agent import Agent
from agent.interfaces.cli import main
from agent.interfaces.logs import Redacting, stop_logging
from agent.interfaces.slack.bot import Bot
from agent.interfaces.slack.claims import Claims
from agent.interfaces.slack.console import ConsoleOutlet
from agent.interfaces.slack.outlet import Asked
from agent.knowledge.ledger import Ledger
from agent.models import ask, make_decider
from agent.settings import AgentSettings
from chatting import Chat, piped
from conftest import MakeRaster
from scripted_endpoint import Refusal, Script, scripted
from scripted_stac import Call, Reply, ScriptedServer, api, item, page
from stac_server import loopback_allowed  # noqa: F401 - a fixture
from tools.errors import CredentialError, ParameterError, TerraciteError
from tools.runner import Runner

KEY = "planted-key-4711-of-the-endpoint"
TOKEN = "ya29planted4712token0123456789abc"
SIGNATURE = "Planted4713Signature%2Bof%3Dscene"
PASSWORD = "planted4714password"
PLANTED = ("lanted-key-4711", "lanted4712", "lanted4713", "lanted4714")
QUESTION = f"Which scenes are at https://someone:{PASSWORD}@example.org/a?sig={SIGNATURE} with the header Authorization: Bearer {TOKEN}?"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "ws"


@pytest.fixture(autouse=True)
def _own_log() -> Iterator[None]:
    yield
    for handler in [each for each in logging.getLogger().handlers if isinstance(each.formatter, Redacting)]:
        stop_logging(handler)


@pytest.fixture
def catalogue(loopback_allowed: None) -> Iterator[ScriptedServer]:
    """A catalogue that signs its addresses, says secrets of itself, and refuses its files with the signature in its words."""
    whole = {"spatial": {"bbox": [[0.0, 40.0, 20.0, 60.0]]}, "temporal": {"interval": [["2020-01-01T00:00:00Z", None]]}}
    scenes = {"type": "Collection", "id": "scenes", "title": f"Scenes token={TOKEN}", "license": f"password={PASSWORD}", "extent": whole}

    def pages(_: Call, url: str) -> Reply:
        scene = item("a", note=f"https://h.example/x?sig={SIGNATURE}")
        scene["assets"] = {"red": {"href": f"{url}/files/red.tif?se=1&sig={SIGNATURE}", "type": "image/tiff; application=geotiff"}}
        return page([scene])

    def answer(call: Call, url: str) -> Reply:
        if call.path.startswith("/files/"):
            return Reply({"error": f"Signature {SIGNATURE} is not valid for {KEY}"}, 403)
        return api(pages, collection={**scenes, "links": []})(call, url)

    with ScriptedServer(answer) as running:
        yield running


@pytest.mark.heavy
def test_a_run_keeps_every_secret_inside(
    catalogue: ScriptedServer, folder: Path, make_raster: MakeRaster, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    document = folder.parent / "notes.md"
    document.write_text(
        f"# Access\n\nThe floods of spring are at https://h.example/a?sig={SIGNATURE}, password: {PASSWORD} and key {KEY}.\n"
    )
    raster = make_raster(np.ones((4, 4), "uint8"), descriptions=[f"token={TOKEN}"])
    search = [("search_stac", {"catalogue": "made_up", "collections": ["scenes"], "bbox": [10, 50, 11, 51]})]
    look = [("describe_dataset", {"dataset": "raster"})]

    def read_found(request: dict[str, Any]) -> Any:
        ref = json.loads(request["messages"][-1]["content"])["ref"]
        return [("read_asset", {"assets": [f"{ref}#items/0/red"], "bbox": [10, 50, 11, 51]}), *look]

    leak = [("search_knowledge", {"query": f"Bearer {TOKEN}"})]
    script: Script = [search, read_found, leak, f"It is at https://h.example/a?sig={SIGNATURE}.", "Nothing can be said."]
    with scripted(script) as endpoint:
        agent = Agent(folder, settings=settings(endpoint.url))
        for source in (catalogue.url, document, raster):
            report = agent.add(source)
            assert not report.refused, report.refused
        with pytest.raises(ParameterError):
            agent.run("What is here?", data=[f"https://someone:{PASSWORD}@127.0.0.1/v1"])
        result = agent.run(QUESTION)
    steps = {step["tool"]: step for step in result.steps}
    assert "key" in steps["search_stac"], steps
    assert steps["read_asset"]["error"]
    assert any("left out" in warning for warning in result.warnings)
    out, err = capfd.readouterr()
    where = {
        "the result": json.dumps(result.to_json()),
        "the endpoint": json.dumps([*endpoint.requests, *endpoint.probes]),
        "standard output": out,
        "standard error": err,
        "the datasets": json.dumps(agent.datasets.records()),
        **files(folder),
    }
    assert leaks(where) == []
    assert "ws/ledger.sqlite" in where
    assert "ws/threads.sqlite" in where


def test_an_endpoint_that_repeats_the_key_does_not_get_it_told(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with scripted([Refusal(401, f"Incorrect API key provided: {KEY}. Authorization: Bearer {KEY}")]) as endpoint:
        agent = Agent(folder, settings=settings(endpoint.url))
        with pytest.raises(CredentialError) as raised:
            agent.run("What is here?")
    told = json.dumps(raised.value.to_json())
    assert "Incorrect API key provided: [redacted]" in told
    out, err = capfd.readouterr()
    assert leaks({"the error": told + str(raised.value), "printed": out + err, **files(folder)}) == []


@pytest.mark.parametrize("options", [[], ["--json"], ["--stream-json"]], ids=["plain", "json", "stream"])
def test_a_crash_of_the_command_line_is_logged_without_secrets_and_told_without_details(
    options: list[str], folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(*_: object, **__: object) -> None:
        try:
            raise ValueError(f"GET https://someone:{PASSWORD}@h.example/a?sig={SIGNATURE}")
        except ValueError as error:
            raise KeyError(f"{{'Authorization': 'Bearer {TOKEN}'}} {KEY}") from error

    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setattr(Agent, "stream", broken)
    monkeypatch.setattr(sys, "argv", ["terracite", "ask", "What is here?", "--workspace", str(folder), *options])
    with pytest.raises(SystemExit) as ended:
        main()
    out, err = capsys.readouterr()
    assert ended.value.code == 1
    assert "Traceback" in err, "the log has the details"
    assert "GET https://h.example/a" in err
    assert "Something went wrong inside (KeyError)." in (out if options else err)
    if options:
        assert json.loads(out)["steps"][0]["error"]["code"] == "internal"
    assert leaks({"printed": out + err, **files(folder)}) == []


def test_a_chat_logs_a_bug_without_secrets_in_a_file_of_its_owner(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from agent.interfaces.repl.session import Session

    def broken(*_: object) -> None:
        raise RuntimeError(f"https://h.example/a?sig={SIGNATURE} with xoxb-{TOKEN}")

    monkeypatch.setattr(Session, "ask", broken)
    chat: Chat = piped(monkeypatch, capsys, folder)
    said = chat(f"What is at https://someone:{PASSWORD}@h.example/?")
    log = folder / "chat.log"
    assert "RuntimeError: https://h.example/a with [redacted]" in log.read_text()
    assert stat.S_IMODE(log.stat().st_mode) == 0o600
    assert leaks({"printed": said.out + said.err, **files(folder)}) == []


def test_what_was_asked_and_told_is_readable_by_its_owner_alone_also_in_an_earlier_workspace(folder: Path) -> None:
    kept = [folder / "ledger.sqlite", folder / "threads.sqlite"]
    folder.mkdir()
    for path in kept:
        path.touch(0o644)
        path.chmod(0o644)
    Agent(folder, "planner").run("How many unicorns are there?")
    assert [stat.S_IMODE(path.stat().st_mode) for path in kept] == [0o600, 0o600]


@pytest.mark.parametrize("value", [f"Bearer {TOKEN}", f"https://someone:{PASSWORD}@h.example/", f"password={PASSWORD}"])
def test_a_parameter_that_holds_a_secret_is_refused_since_parameters_are_kept(value: str, folder: Path) -> None:
    runner: Runner = Agent(folder, "planner").runner
    with pytest.raises(ParameterError, match="parameter query holds what looks like a key") as raised:
        runner.run("search_knowledge", {"query": value})
    assert leaks({"the error": str(raised.value), **files(folder)}) == []


def test_an_address_with_a_query_is_no_secret_to_a_parameter(folder: Path) -> None:
    with pytest.raises(TerraciteError) as raised:
        Agent(folder, "planner").runner.run("query_vector", {"layer": "no-such-layer?x=https://h.example/a?b=c", "measures": []})
    assert "looks like a key" not in str(raised.value)


def test_nothing_that_an_endpoint_is_sent_holds_a_secret_wherever_it_stands_in_the_conversation(folder: Path) -> None:
    call = ToolCall(name="search_knowledge", args={"query": f"Bearer {TOKEN}"}, id="c1", type="tool_call")
    conversation = [
        SystemMessage(f"Use the header Authorization: Bearer {TOKEN}."),
        HumanMessage(QUESTION),
        AIMessage(f"Looking at https://h.example/?sig={SIGNATURE}", tool_calls=[call]),
        ToolMessage(json.dumps({"data": {"password": PASSWORD, "count": 3}}), tool_call_id="c1"),
    ]
    with scripted([f"Done with {KEY}."]) as endpoint:
        reply = ask(make_decider(settings(endpoint.url)), conversation, [])
    (request,) = endpoint.requests
    assert leaks({"the request": json.dumps(request), "the reply": str(reply)}) == []
    assert json.loads(request["messages"][3]["content"]) == {"data": {"password": "[redacted]", "count": 3}}


def test_a_question_loses_its_secrets_at_the_door_and_the_answer_says_so(folder: Path) -> None:
    result = Agent(folder, "planner").run(QUESTION)
    assert result.question == "Which scenes are at https://example.org/a with the header Authorization: [redacted]"
    assert any("was left out" in warning for warning in result.warnings)
    assert leaks({"the result": json.dumps(result.to_json()), **files(folder)}) == []


def test_the_ledger_keeps_no_secret_whoever_hands_it_one(folder: Path) -> None:
    ledger = Ledger(folder / "ledger.sqlite")
    folder.mkdir()
    run = {"run_id": "r1", "thread_id": "t1", "question": QUESTION, "status": "answered", "answer": f"password={PASSWORD} is 3"}
    ledger.record(run, "2024-01-01T00:00:00Z")
    assert ledger.run("r1")["answer"] == "password=[redacted] is 3"
    assert leaks(files(folder)) == []


def test_a_question_that_waits_in_slack_is_kept_without_its_secrets(folder: Path) -> None:
    async def asked() -> str:
        claims = Claims(Path(":memory:"))
        bot = Bot(Agent(folder, "planner"), claims, ConsoleOutlet(lambda _: None))
        bot.take(Asked(event="e", message="m", place="a/b/c", text=QUESTION))
        kept = claims.unfinished()[0].text
        await bot.idle()
        await bot.close()
        return kept

    kept = asyncio.run(asked())
    assert "Which scenes are at https://example.org/a with" in kept
    assert leaks({"the claim": kept, **files(folder)}) == []


def test_a_catalogue_that_tells_secrets_of_itself_is_registered_without_them(catalogue: ScriptedServer, folder: Path) -> None:
    agent = Agent(folder, "planner")
    (record,) = agent.add(catalogue.url).records
    assert record.collections[0].title == "Scenes token=[redacted]"
    assert record.path == catalogue.url
    assert leaks({"the record": record.model_dump_json(), **files(folder)}) == []


def test_a_result_is_recorded_without_the_secrets_of_its_data(folder: Path, make_raster: MakeRaster) -> None:
    agent = Agent(folder, "planner")
    agent.add(make_raster(np.ones((4, 4), "uint8"), descriptions=[f"depth, password={PASSWORD}"]))
    result = agent.tool("describe_dataset")(dataset="raster")
    assert leaks({"the record": json.dumps(dict(result.artifact.record)), **files(folder)}) == []


def settings(url: str) -> AgentSettings:
    return AgentSettings(engine="model", openai_base_url=url, openai_api_key=KEY, model="any-model", model_retries=0)  # type: ignore[arg-type]


def files(folder: Path) -> dict[str, str]:
    """Every file of a workspace by its path, as text; whatever is compressed in it stays so."""
    return {str(path.relative_to(folder.parent)): path.read_bytes().decode("latin-1") for path in folder.rglob("*") if path.is_file()}


def leaks(where: dict[str, str]) -> list[str]:
    return [f"{secret} in {name}" for name, text in where.items() for secret in PLANTED if secret in text]
