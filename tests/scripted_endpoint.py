"""An OpenAI-compatible server on loopback whose replies a test writes, one after the other, its faults included.

A reply is a text, a list of (tool name, arguments) calls, an HTTP status, a `Message`, `Refusal`, `Body`, `Stall` or `Pieces`,
or a function from the request to one of these. Like real endpoints, it refuses a conversation with unanswered calls.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True)
class Message:
    """A reply as it goes over the wire, however wrong; arguments of calls are texts."""

    content: str | None = None
    tool_calls: Sequence[Mapping[str, Any]] = ()
    finish: str = "stop"

    def to_json(self) -> dict[str, Any]:
        calls = {"tool_calls": [dict(call) for call in self.tool_calls]} if self.tool_calls else {}
        return {"content": self.content, **calls}


def raw_call(name: str, arguments: str, call_id: str = "call_1") -> dict[str, Any]:
    return {"id": call_id, "type": "function", "function": {"name": name, "arguments": arguments}}


@dataclass(frozen=True)
class Refusal:
    """An error status with the words that a provider uses."""

    status: int
    message: str = "refused"
    code: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Body:
    """Status 200 with whatever bytes."""

    body: bytes
    kind: str = "text/html"


@dataclass(frozen=True)
class Stall:
    """No answer for so long, or, with `first`, none after the first piece of text."""

    seconds: float
    first: str = ""


@dataclass(frozen=True)
class Pieces:
    """Chunks of a stream, as `choices` and whatever else; without the end where `whole` is False."""

    chunks: Sequence[Mapping[str, Any]]
    whole: bool = True


Reply = str | list[tuple[str, dict[str, Any]]] | int | Message | Refusal | Body | Stall | Pieces
Script = list[Reply | Callable[[dict[str, Any]], Reply]]

HEAD = {"id": "x", "created": 1, "model": "scripted"}
USAGE = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}


class Endpoint:
    """The running server: its address, every request of a conversation, and apart from them the probes."""

    def __init__(self, script: Script, *, streams: bool, counts: bool, calls_tools: bool) -> None:
        self.requests: list[dict[str, Any]] = []
        self.probes: list[dict[str, Any]] = []
        self.script = list(script)
        self.streams = streams
        self.counts = counts
        self.calls_tools = calls_tools
        self.url = ""

    def reply_to(self, request: dict[str, Any]) -> Reply:
        if [tool["function"]["name"] for tool in request.get("tools", ())] == ["ready"]:
            self.probes.append(request)
            return [("ready", {"n": 1}), ("ready", {"n": 2})] if self.calls_tools else "I am ready, and ready."
        self.requests.append(request)
        if unanswered(request):
            return Refusal(400, "An assistant message with 'tool_calls' must be followed by tool messages")
        step = self.script.pop(0) if self.script else "I have nothing more to say."
        return step(request) if callable(step) else step


def unanswered(request: Mapping[str, Any]) -> set[str]:
    """The ids of calls without an answer, of answers without a call, and of calls with the same id."""
    calls = [call["id"] for message in request["messages"] for call in message.get("tool_calls") or ()]
    answers = {message.get("tool_call_id") for message in request["messages"] if message["role"] == "tool"}
    return (set(calls) ^ answers) | {call for call in calls if calls.count(call) > 1}


def tool_results(request: dict[str, Any]) -> list[dict[str, Any]]:
    """The tool messages that a request carries, decoded, oldest first."""
    return [json.loads(message["content"]) for message in request["messages"] if message["role"] == "tool"]


@contextmanager
def scripted(script: Script, *, streams: bool = True, counts: bool = True, calls_tools: bool = True) -> Iterator[Endpoint]:
    """Serve a script; without `streams` it answers whole, without `counts` without usage."""
    endpoint = Endpoint(script, streams=streams, counts=counts, calls_tools=calls_tools)
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"endpoint": endpoint}))
    endpoint.url = f"http://127.0.0.1:{server.server_address[1]}/v1"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield endpoint
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    endpoint: Endpoint

    def log_message(self, *_: object) -> None:
        pass

    def do_POST(self) -> None:
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        reply = self.endpoint.reply_to(request)
        match reply:
            case int():
                self._refuse(Refusal(reply, f"scripted status {reply}"))
            case Refusal():
                self._refuse(reply)
            case Body():
                self._send(200, reply.kind, reply.body)
            case Stall():
                if reply.first:
                    self._open_stream([_chunk({"content": reply.first})])
                time.sleep(reply.seconds)
            case Pieces():
                self._open_stream(reply.chunks, end=reply.whole)
            case _:
                self._answer(reply, request)

    def _answer(self, reply: Any, request: dict[str, Any]) -> None:
        message, finish = _message(reply, len(self.endpoint.requests))
        if not (request.get("stream") and self.endpoint.streams):
            choice = {"index": 0, "finish_reason": finish, "message": {"role": "assistant", **message}}
            body = {**HEAD, "object": "chat.completion", "choices": [choice], **({"usage": USAGE} if self.endpoint.counts else {})}
            self._send(200, "application/json", json.dumps(body).encode())
            return
        first = {"role": "assistant", **message}
        for index, call in enumerate(first.get("tool_calls") or []):
            call["index"] = index
        wanted = self.endpoint.counts and request.get("stream_options", {}).get("include_usage")
        self._open_stream([_chunk(first), _chunk({}, finish), *([{"choices": [], "usage": USAGE}] if wanted else [])], end=True)

    def _open_stream(self, chunks: Sequence[Mapping[str, Any]], end: bool = False) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.end_headers()
        for chunk in chunks:
            line = chunk if "error" in chunk else {**HEAD, "object": "chat.completion.chunk", **chunk}
            self.wfile.write(f"data: {json.dumps(line)}\n\n".encode())
        self.wfile.write(b"data: [DONE]\n\n" if end else b"")
        self.wfile.flush()

    def _refuse(self, refusal: Refusal) -> None:
        error = {"message": refusal.message, "code": refusal.code}
        self._send(refusal.status, "application/json", json.dumps({"error": error}).encode(), refusal.headers)

    def _send(self, status: int, kind: str, body: bytes, headers: Mapping[str, str] | None = None) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)


def _chunk(delta: Mapping[str, Any], finish: str | None = None) -> dict[str, Any]:
    return {"choices": [{"index": 0, "delta": dict(delta), "finish_reason": finish}]}


def _message(reply: Any, number: int) -> tuple[dict[str, Any], str]:
    if isinstance(reply, Message):
        return reply.to_json(), reply.finish
    if isinstance(reply, str):
        return {"content": reply}, "stop"
    calls = [raw_call(name, json.dumps(arguments), f"call_{number}_{i}") for i, (name, arguments) in enumerate(reply)]
    return {"content": None, "tool_calls": calls}, "tool_calls"
