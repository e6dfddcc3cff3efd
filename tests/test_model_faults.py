"""Everything an endpoint can do wrong: the right class of error or a bounded repair, and the thread is usable afterwards."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import geopandas as gpd
import pytest
from shapely.geometry import box

from agent import Agent, RunResult
from agent.errors import ContextTooLongError, ModelError
from agent.events import ModelRetried, RunFinished, Token
from agent.models import make_decider, probe
from agent.settings import AgentSettings
from scripted_endpoint import Body, Endpoint, Message, Pieces, Refusal, Script, Stall, raw_call, scripted, tool_results, unanswered
from tools.errors import ConfigurationError, CredentialError, TerraciteError

QUESTION = "How many districts are there?"
COUNT = [("query_vector", {"layer": "districts", "measures": [{"aggregate": "count"}]})]
ARGUMENTS = json.dumps(COUNT[0][1])
TWO = "There are 2 districts [1]."
TOO_LONG = Refusal(400, "prompt is too long: 210000 tokens > 200000 maximum")
KEY = "sk-very-secret-0123456789"

Start = Callable[..., Any]


@pytest.fixture
def start(tmp_path: Path) -> Start:
    """Return a context manager: an agent with one layer of two districts, against a script."""
    frame = gpd.GeoDataFrame({"name": ["North", "South"]}, geometry=[box(7, 50, 7.1, 50.1), box(7, 51, 7.1, 51.1)], crs=4326)
    frame.to_file(tmp_path / "districts.gpkg")

    @contextmanager
    def run(script: Script, *, settings: dict[str, Any] | None = None, **traits: bool) -> Iterator[tuple[Agent, Endpoint]]:
        with scripted(script, **traits) as endpoint:
            options: dict[str, Any] = {"model_retries": 0, "model_timeout_s": 5, **(settings or {})}
            chosen = AgentSettings(engine="model", openai_base_url=endpoint.url, openai_api_key=KEY, **options)
            agent = Agent(tmp_path / "ws", settings=chosen)
            agent.add(tmp_path / "districts.gpkg")
            yield agent, endpoint

    return run


def assert_answered(result: RunResult) -> None:
    assert (result.status, result.answer) == ("answered", TWO)


def failed(agent: Agent, kind: type[TerraciteError]) -> TerraciteError:
    """Ask in the thread `t`, expect the error, and see that the same thread answers the next question."""
    with pytest.raises(kind) as raised:
        agent.run(QUESTION, thread_id="t")
    assert KEY not in str(raised.value)
    assert raised.value.hint
    assert_answered(agent.run(QUESTION, thread_id="t"))
    return raised.value


@pytest.mark.parametrize(
    ("fault", "kind", "exit_code"),
    [
        pytest.param(Refusal(401, f"Incorrect API key provided: {KEY}."), CredentialError, 77, id="bad key"),
        pytest.param(Refusal(403, "no access"), CredentialError, 77, id="forbidden"),
        pytest.param(Refusal(429, "You exceeded your current quota", "insufficient_quota"), CredentialError, 77, id="quota used up"),
        pytest.param(Refusal(404, "The model `x` does not exist", "model_not_found"), ConfigurationError, 78, id="unknown model"),
        pytest.param(Refusal(400, "invalid model ID"), ConfigurationError, 78, id="unknown model, said as a bad request"),
        pytest.param(Refusal(400, "x does not support tools"), ConfigurationError, 78, id="a model without tools"),
        pytest.param(Refusal(404, "No endpoints found that support tool use."), ConfigurationError, 78, id="a router without tools"),
        pytest.param(Refusal(400, "no idea"), ConfigurationError, 78, id="a request refused for another reason"),
        pytest.param(Refusal(429, "slow down"), ModelError, 69, id="too many requests"),
        pytest.param(500, ModelError, 69, id="internal error"),
        pytest.param(503, ModelError, 69, id="unavailable"),
        pytest.param(Body(b"<html>Sign in</html>"), ModelError, 69, id="a web page"),
        pytest.param(Body(b'data: {"choices": [{"del\n\n', "text/event-stream"), ModelError, 69, id="a stream of broken JSON"),
        pytest.param(Body(b'data: {"hello": 7}\n\n', "text/event-stream"), ModelError, 69, id="a stream of something else"),
        pytest.param(Pieces([{"error": {"message": "overloaded"}}]), ModelError, 69, id="an error in the stream"),
    ],
)
def test_a_fault_is_an_error_of_its_class(start: Start, fault: Any, kind: type[TerraciteError], exit_code: int) -> None:
    # Twice: a reply that nobody can read is asked for once more without streaming.
    both = [fault, fault] if isinstance(fault, Body) and fault.kind == "text/html" else [fault]
    with start([*both, COUNT, TWO]) as (agent, _):
        assert failed(agent, kind).exit_code == exit_code


def test_an_endpoint_that_nobody_serves_is_a_service_error(start: Start) -> None:
    with start([]) as (agent, _):
        settings = agent.settings.model_copy(update={"openai_base_url": "http://127.0.0.1:9/v1"})
        with pytest.raises(ModelError):
            Agent(agent.workspace.root, settings=settings).run(QUESTION)


def test_a_silent_endpoint_is_given_up_after_its_timeout(start: Start) -> None:
    with start([Stall(5), COUNT, TWO], settings={"model_timeout_s": 0.3}) as (agent, _):
        assert "in time" in failed(agent, ModelError).message


def test_a_stream_that_stops_in_the_middle_is_given_up(start: Start) -> None:
    with start([Stall(5, first="There are"), COUNT, TWO], settings={"model_timeout_s": 0.3}) as (agent, _):
        failed(agent, ModelError)


def test_a_passing_fault_is_asked_again_and_told(start: Start) -> None:
    with start([COUNT, 503, Stall(0, first="There"), TWO], settings={"model_retries": 2}) as (agent, endpoint):
        events = list(agent.stream(QUESTION))
    assert isinstance(events[-1], RunFinished)
    assert events[-1].result["answer"] == TWO
    assert len([event for event in events if isinstance(event, ModelRetried)]) == len(endpoint.requests) - 2
    # What is shown of the draft begins anew after a retry.
    last = max(index for index, event in enumerate(events) if isinstance(event, ModelRetried))
    assert "".join(event.text for event in events[last:] if isinstance(event, Token)) == TWO


def test_retries_are_bounded(start: Start) -> None:
    with start([500, 500, 500, COUNT, TWO], settings={"model_retries": 1}) as (agent, endpoint):
        with pytest.raises(ModelError):
            agent.run(QUESTION)
        assert len(endpoint.requests) == 2


def test_retry_after_is_honoured(start: Start) -> None:
    with start([Refusal(429, headers={"Retry-After": "1"}), COUNT, TWO], settings={"model_retries": 1}) as (agent, _):
        begun = time.monotonic()
        assert_answered(agent.run(QUESTION))
        assert time.monotonic() - begun >= 1


def test_a_wait_beyond_the_deadline_is_not_begun(start: Start) -> None:
    with start([Refusal(429, headers={"Retry-After": "3600"}), COUNT, TWO], settings={"model_retries": 5}) as (agent, _):
        begun = time.monotonic()
        assert "3600" in failed(agent, ModelError).message
        assert time.monotonic() - begun < 20


def test_the_deadline_holds_over_all_retries(start: Start) -> None:
    with start([Stall(5)] * 9, settings={"model_retries": 9, "model_timeout_s": 0.4, "model_deadline_s": 1}) as (agent, endpoint):
        with pytest.raises(ModelError):
            agent.run(QUESTION)
        assert len(endpoint.requests) <= 3


def test_a_conversation_that_is_too_long_is_shortened_once(start: Start) -> None:
    too_long = Refusal(400, "This model's maximum context length is 8192 tokens", "context_length_exceeded")
    with start([COUNT, TWO, COUNT, too_long, TWO]) as (agent, endpoint):
        agent.run(QUESTION, thread_id="t")
        assert_answered(agent.run(QUESTION, thread_id="t"))
        long, short = endpoint.requests[-2:]
    assert len(json.dumps(short)) < len(json.dumps(long))
    assert not unanswered(short)
    assert tool_results(short)[0]["shortened"]


@pytest.mark.parametrize("script", [[TOO_LONG], [COUNT, TOO_LONG, TOO_LONG]], ids=["nothing can be left out", "even shortened"])
def test_a_conversation_that_stays_too_long_reaches_a_limit(start: Start, script: Script) -> None:
    with start([*script, COUNT, TWO]) as (agent, _):
        assert failed(agent, ContextTooLongError).exit_code == 4


def test_an_endpoint_that_refuses_to_count_is_not_asked_again_to_count(start: Start) -> None:
    refusal = Refusal(400, "Unrecognized request argument supplied: stream_options")
    with start([refusal, COUNT, TWO, COUNT, TWO], counts=False) as (agent, endpoint):
        result = agent.run(QUESTION)
        assert_answered(result)
        # Nothing was counted, so nothing is said: neither zero nor a guess.
        assert (result.usage["input_tokens"], result.usage["output_tokens"]) == (None, None)
        assert_answered(Agent(agent.workspace.root, settings=agent.settings).run(QUESTION))
        assert ["stream_options" in request for request in endpoint.requests] == [True, False, False, False, False]


def test_an_endpoint_that_counts_nothing_leaves_the_usage_unknown(start: Start) -> None:
    with start([COUNT, TWO], counts=False) as (agent, _):
        result = agent.run(QUESTION)
    assert result.usage == {"input_tokens": None, "output_tokens": None, "model_calls": 2, "tool_calls": 1}


def test_usage_is_added_over_the_replies_of_a_run(start: Start) -> None:
    with start([COUNT, TWO]) as (agent, _):
        assert agent.run(QUESTION).usage == {"input_tokens": 20, "output_tokens": 10, "model_calls": 2, "tool_calls": 1}


def test_a_count_that_is_repeated_with_every_piece_is_not_added_up(start: Start) -> None:
    def piece(text: str, tokens: int) -> dict[str, Any]:
        delta = {"index": 0, "delta": {"content": text}, "finish_reason": None}
        return {"choices": [delta], "usage": {"prompt_tokens": 7, "completion_tokens": tokens, "total_tokens": 7 + tokens}}

    end = {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}
    with start([COUNT, Pieces([piece("There are ", 2), piece("2 districts [1].", 6), end])]) as (agent, _):
        result = agent.run(QUESTION)
    assert_answered(result)
    assert (result.usage["input_tokens"], result.usage["output_tokens"]) == (10 + 7, 5 + 6)


@pytest.mark.parametrize("said", [True, False], ids=["it says so", "it sends the reply whole"])
def test_an_endpoint_that_does_not_stream_is_asked_for_whole_replies(start: Start, said: bool) -> None:
    refusals = [Refusal(400, "streaming is not supported")] if said else []
    with start([*refusals, *([] if said else [COUNT]), COUNT, TWO], streams=False) as (agent, endpoint):
        assert_answered(agent.run(QUESTION))
    assert [bool(request.get("stream")) for request in endpoint.requests] == [True, False, False]


def test_a_model_that_takes_no_temperature_is_asked_without(start: Start) -> None:
    with start([Refusal(400, "Unsupported value: 'temperature' does not support 0"), COUNT, TWO]) as (agent, endpoint):
        assert_answered(agent.run(QUESTION))
    assert ["temperature" in request for request in endpoint.requests] == [True, False, False]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        pytest.param('{"layer": "districts", "measures": [', "not valid JSON", id="cut off"),
        pytest.param('{"layer": districts}', "not valid JSON", id="unquoted"),
        pytest.param('["districts"]', "not an object", id="a list"),
        pytest.param('"districts"', "not an object", id="a text"),
    ],
)
def test_arguments_that_cannot_be_read_go_back_to_the_model(start: Start, arguments: str, said: str) -> None:
    broken = Message(tool_calls=[raw_call("query_vector", arguments)], finish="tool_calls")
    with start([broken, COUNT, TWO]) as (agent, endpoint):
        result = agent.run(QUESTION)
    assert_answered(result)
    told = tool_results(endpoint.requests[-2])[0]["error"]
    assert told["code"] == "bad_parameter"
    assert said in told["message"]
    # What goes back into the conversation is valid JSON: some endpoints parse it again.
    sent = [call for message in endpoint.requests[-1]["messages"] for call in message.get("tool_calls") or ()]
    assert all(isinstance(json.loads(call["function"]["arguments"]), dict) for call in sent)


@pytest.mark.parametrize("name", ["query_vectr", "functions.query_vector<|channel|>", ""], ids=["misspelt", "malformed", "empty"])
def test_an_unknown_tool_goes_back_to_the_model_with_the_names_there_are(start: Start, name: str) -> None:
    with start([Message(tool_calls=[raw_call(name, "{}")]), COUNT, TWO]) as (agent, endpoint):
        assert_answered(agent.run(QUESTION))
    error = tool_results(endpoint.requests[1])[0]["error"]
    assert error["code"] == "not_found"
    assert "query_vector" in error["hint"]


def test_a_reply_with_text_and_calls_is_no_answer_yet(start: Start) -> None:
    both = Message("Let me count: there may be 7.", [raw_call("query_vector", ARGUMENTS)], "tool_calls")
    with start([both, TWO]) as (agent, _):
        assert_answered(agent.run(QUESTION))


@pytest.mark.parametrize("ids", [("a", "a"), ("", ""), ("a", "a_2")], ids=["the same", "none", "like the one made up"])
def test_calls_with_the_same_id_are_told_apart(start: Start, ids: tuple[str, str]) -> None:
    # Two replies with the same ids as well: an endpoint that counts from 1 in each.
    twice = Message(tool_calls=[raw_call("query_vector", ARGUMENTS, call_id) for call_id in ids], finish="tool_calls")
    with start([twice, twice, TWO]) as (agent, endpoint):
        assert_answered(agent.run(QUESTION))
    assert not unanswered(endpoint.requests[-1])
    assert len(tool_results(endpoint.requests[-1])) == 4


@pytest.mark.parametrize(
    "slip",
    [
        pytest.param(Message(""), id="empty"),
        pytest.param(Message(None), id="null"),
        pytest.param(Message("<think>Hm, 2?</think>"), id="thoughts only"),
        pytest.param(Message("There are", finish="length"), id="cut off"),
        pytest.param(Message('<tool_call>{"name": "query_vector"}</tool_call>'), id="a call written as text"),
    ],
)
def test_a_reply_that_is_neither_call_nor_answer_is_asked_for_once_more(start: Start, slip: Message) -> None:
    with start([COUNT, slip, TWO, COUNT, slip, slip, COUNT, TWO]) as (agent, endpoint):
        assert_answered(agent.run(QUESTION))
        assert endpoint.requests[2]["messages"][-1]["role"] == "user"
        assert all(message.get("content") or message.get("tool_calls") for message in endpoint.requests[2]["messages"])
        failed(agent, ModelError)


def test_thoughts_are_no_part_of_the_answer(start: Start) -> None:
    with start([COUNT, f"<think>17 or 2? [1] says 2.</think>\n{TWO}"]) as (agent, _):
        assert_answered(agent.run(QUESTION))


def test_a_model_that_never_calls_a_tool_is_named_as_such(start: Start) -> None:
    with start(["Two.", "Two!"], calls_tools=False) as (agent, endpoint):
        with pytest.raises(ConfigurationError, match="cannot call tools"):
            agent.run(QUESTION)
        assert len(endpoint.probes) == 1


def test_the_probe_tells_what_a_model_can_do_in_one_small_request(start: Start) -> None:
    with start([]) as (agent, endpoint):
        known = probe(agent.decider)
        assert (known.stream, known.usage, known.tools, known.parallel) == (True, True, True, True)
        assert len(endpoint.probes) == 1
        assert len(json.dumps(endpoint.probes[0])) < 1000
        again = make_decider(agent.settings, agent.workspace.root / "endpoints.json")
        assert again.capabilities == known
    assert "127.0.0.1" not in (agent.workspace.root / "endpoints.json").read_text()


def test_a_run_killed_between_a_call_and_its_answer_leaves_a_usable_thread(start: Start, tmp_path: Path) -> None:
    def die(self: object, *_: object, **__: object) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    with start([COUNT, COUNT, TWO]) as (agent, endpoint):
        program = (
            "import os, signal, sys\n"
            "from agent import Agent\n"
            "from tools.runner import Runner\n"
            "Runner.run = lambda *a, **k: os.kill(os.getpid(), signal.SIGKILL)\n"
            f"Agent({str(agent.workspace.root)!r}, engine='model').run({QUESTION!r}, thread_id='t')\n"
        )
        environment = {**os.environ, "OPENAI_BASE_URL": endpoint.url, "OPENAI_API_KEY": KEY, "PYTHONPATH": os.pathsep.join(sys.path)}
        done = subprocess.run([sys.executable, "-c", program], env=environment, cwd=tmp_path, check=False, capture_output=True)
        assert done.returncode == -signal.SIGKILL, done.stderr.decode()
        assert_answered(agent.run(QUESTION, thread_id="t"))
        assert not any(unanswered(request) for request in endpoint.requests)


def test_the_client_fetches_nothing_to_count_tokens(start: Start, tmp_path: Path) -> None:
    with start([COUNT, TWO]) as (agent, endpoint):
        program = (
            "import sys\n"
            "reached = []\n"
            "sys.addaudithook(lambda name, args: reached.append(args) if name in ('socket.connect', 'socket.getaddrinfo') else None)\n"
            "from agent import Agent\n"
            f"result = Agent({str(agent.workspace.root)!r}, engine='model').run({QUESTION!r})\n"
            "assert result.status == 'answered', result\n"
            "hosts = {args[1][0] if len(args) == 2 else args[0] for args in reached}\n"
            "assert hosts <= {'127.0.0.1'}, hosts\n"
            "assert 'tiktoken.registry' not in sys.modules or not sys.modules['tiktoken.registry'].ENCODINGS\n"
        )
        environment = {**os.environ, "OPENAI_BASE_URL": endpoint.url, "OPENAI_API_KEY": KEY, "PYTHONPATH": os.pathsep.join(sys.path)}
        done = subprocess.run([sys.executable, "-c", program], env=environment, cwd=tmp_path, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
