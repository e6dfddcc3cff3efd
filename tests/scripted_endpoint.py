"""An OpenAI-compatible server on loopback whose replies a test writes, one after the other.

A reply is a text, a list of (tool name, arguments) calls, an HTTP status, or a function from the request to one of these.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Reply = str | list[tuple[str, dict[str, Any]]] | int
Script = list[Reply | Callable[[dict[str, Any]], Reply]]


class Endpoint:
    """The running server: its address, and every request it was sent."""

    def __init__(self, script: Script) -> None:
        self.requests: list[dict[str, Any]] = []
        self.script = list(script)
        self.url = ""

    def reply_to(self, request: dict[str, Any]) -> Reply:
        self.requests.append(request)
        step = self.script.pop(0) if self.script else "I have nothing more to say."
        return step(request) if callable(step) else step


def tool_results(request: dict[str, Any]) -> list[dict[str, Any]]:
    """The tool messages that a request carries, decoded, oldest first."""
    return [json.loads(message["content"]) for message in request["messages"] if message["role"] == "tool"]


@contextmanager
def scripted(script: Script) -> Iterator[Endpoint]:
    endpoint = Endpoint(script)
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(endpoint))
    endpoint.url = f"http://127.0.0.1:{server.server_address[1]}/v1"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield endpoint
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _handler(endpoint: Endpoint) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

        def do_POST(self) -> None:
            request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            reply = endpoint.reply_to(request)
            if isinstance(reply, int):
                self._send(reply, "application/json", json.dumps({"error": {"message": f"scripted status {reply}"}}).encode())
                return
            message = _message(reply, len(endpoint.requests))
            finish = "tool_calls" if message.get("tool_calls") else "stop"
            head = {"id": "x", "created": 1, "model": "scripted"}
            usage = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}
            if not request.get("stream"):
                choice = {"index": 0, "finish_reason": finish, "message": {"role": "assistant", **message}}
                body = {**head, "object": "chat.completion", "choices": [choice], "usage": usage}
                self._send(200, "application/json", json.dumps(body).encode())
                return
            head["object"] = "chat.completion.chunk"
            first = {"role": "assistant", **message}
            for index, call in enumerate(first.get("tool_calls") or []):
                call["index"] = index
            chunks = [
                {**head, "choices": [{"index": 0, "delta": first, "finish_reason": None}]},
                {**head, "choices": [{"index": 0, "delta": {}, "finish_reason": finish}]},
                {**head, "choices": [], "usage": usage},
            ]
            text = "".join(f"data: {json.dumps(chunk)}\n\n" for chunk in chunks) + "data: [DONE]\n\n"
            self._send(200, "text/event-stream", text.encode())

        def _send(self, status: int, kind: str, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    return Handler


def _message(reply: Any, number: int) -> dict[str, Any]:
    if isinstance(reply, str):
        return {"content": reply}
    calls = [
        {"id": f"call_{number}_{i}", "type": "function", "function": {"name": name, "arguments": json.dumps(arguments)}}
        for i, (name, arguments) in enumerate(reply)
    ]
    return {"content": None, "tool_calls": calls}
