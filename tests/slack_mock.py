"""Slack on the loopback interface: the Web API as far as the bot uses it, and Socket Mode, with every call recorded."""

from __future__ import annotations

import asyncio
import itertools
import json
import threading
import time
from collections.abc import Coroutine, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

from aiohttp import WSMsgType, web

from waiting import wait_until

BOT_TOKEN, APP_TOKEN = "xoxb-secret-bot", "xapp-secret-app"
BOT_USER = "UBOT"
T = TypeVar("T")


@dataclass(frozen=True)
class ApiCall:
    """One call of the Web API, or one upload."""

    method: str
    args: Mapping[str, Any]
    at: float
    token: str


@dataclass
class Slack:
    """The running mock. Its methods may be called from any thread."""

    url: str = ""
    calls: list[ApiCall] = field(default_factory=list)
    faults: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    """Method → what its next calls answer instead: `{"status": 429, "retry_after": 1}` or `{"error": "channel_not_found"}`."""
    acks: dict[str, float] = field(default_factory=dict)
    """Envelope → seconds from its delivery to its acknowledgement."""
    loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.new_event_loop)
    _sockets: list[web.WebSocketResponse] = field(default_factory=list)
    _sent: dict[str, float] = field(default_factory=dict)
    _ids: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def of(self, *methods: str) -> list[ApiCall]:
        """Return the calls of these methods, in order."""
        return [call for call in list(self.calls) if call.method in methods]

    def said(self) -> list[tuple[str, str]]:
        """Return (method, text) of every message that was written or edited, in order."""
        return [(call.method, call.args["text"]) for call in self.of("chat.postMessage", "chat.update")]

    def messages(self) -> dict[str, str]:
        """Return what stands in each message now, by its timestamp."""
        now: dict[str, str] = {}
        for call in self.of("chat.postMessage", "chat.update"):
            now[call.args["ts"]] = call.args["text"]
        return now

    def mention(self, text: str, *, event: str = "Ev1", ts: str = "100.1", thread: str | None = None, retry: int = 0, **more: Any) -> str:
        """Deliver a mention in a channel; see `deliver`."""
        inner = {"type": "app_mention", "user": "UANN", "text": f"<@{BOT_USER}> {text}", "channel": "C1", "ts": ts, **more}
        return self.deliver(event, {**inner, **({"thread_ts": thread} if thread else {})}, retry)

    def deliver(self, event: str, inner: Mapping[str, Any], retry: int = 0) -> str:
        """Send an event over Socket Mode, wait until it is acknowledged, and return the id of its envelope."""
        payload = {"type": "event_callback", "team_id": "T1", "api_app_id": "A1", "event_id": event, "event_time": 1, "event": dict(inner)}
        envelope = f"env{next(self._ids)}"
        body = {"envelope_id": envelope, "type": "events_api", "accepts_response_payload": False, "payload": payload}
        body |= {"retry_attempt": retry, "retry_reason": "timeout" if retry else ""}
        wait_until(lambda: any(not socket.closed for socket in self._sockets), "a bot is connected")
        self._sent[envelope] = time.monotonic()
        self.on_loop(self._sockets[-1].send_str(json.dumps(body)))
        wait_until(lambda: envelope in self.acks, f"{event} is acknowledged")
        return envelope

    def on_loop(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(10)

    async def api(self, request: web.Request) -> web.Response:
        method = request.match_info["method"]
        args = await _arguments(request)
        token = request.headers.get("Authorization", "").removeprefix("Bearer ") or args.pop("token", "")
        if method == "chat.postMessage":
            args["ts"] = f"900.{next(self._ids)}"
        self.calls.append(ApiCall(method, args, time.monotonic(), token))
        if fault := next(iter(self.faults.get(method, [])), None):
            self.faults[method].pop(0)
            if "status" in fault:
                headers = {"Retry-After": str(fault["retry_after"])} if "retry_after" in fault else {}
                self.calls.pop()
                self.calls.append(ApiCall(f"{method} refused", args, time.monotonic(), token))
                return web.json_response({"ok": False, "error": "ratelimited"}, status=fault["status"], headers=headers)
            self.calls[-1] = ApiCall(f"{method} refused", args, time.monotonic(), token)
            return web.json_response({"ok": False, **fault})
        if token not in (BOT_TOKEN, APP_TOKEN):
            return web.json_response({"ok": False, "error": "invalid_auth"})
        return web.json_response({"ok": True, **self._answer(method, args)})

    def _answer(self, method: str, args: Mapping[str, Any]) -> dict[str, Any]:
        address = self.url.removesuffix("/api/")
        answers: dict[str, dict[str, Any]] = {
            "auth.test": {"user_id": BOT_USER, "bot_id": "BBOT", "team_id": "T1", "team": "Team", "user": "terracite", "url": self.url},
            "apps.connections.open": {"url": f"{address.replace('http', 'ws')}/socket"},
            "chat.postMessage": {"channel": args.get("channel"), "ts": args.get("ts")},
            "chat.update": {"channel": args.get("channel"), "ts": args.get("ts")},
            "files.getUploadURLExternal": {"upload_url": f"{address}/upload/F1", "file_id": "F1"},
            "files.completeUploadExternal": {"files": [{"id": "F1", "title": "t"}]},
        }
        return answers.get(method, {})

    async def upload(self, request: web.Request) -> web.Response:
        self.calls.append(ApiCall("upload", {"bytes": await request.read()}, time.monotonic(), ""))
        return web.Response(text="OK")

    async def socket(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        self._sockets.append(socket)
        await socket.send_str(json.dumps({"type": "hello", "num_connections": 1}))
        async for message in socket:
            if message.type == WSMsgType.TEXT:
                envelope = json.loads(message.data)["envelope_id"]
                self.acks[envelope] = time.monotonic() - self._sent[envelope]
        return socket


async def _arguments(request: web.Request) -> dict[str, Any]:
    if request.content_type == "application/json":
        return dict(await request.json())
    return {**request.query, **await request.post()}


@contextmanager
def slack() -> Iterator[Slack]:
    """Run the mock in a thread of its own."""
    mock = Slack()
    ready = threading.Event()

    async def run() -> None:
        app = web.Application()
        app.add_routes([web.route("*", "/api/{method}", mock.api), web.post("/upload/F1", mock.upload), web.get("/socket", mock.socket)])
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        mock.url = f"http://127.0.0.1:{runner.addresses[0][1]}/api/"
        ready.set()
        await stopped.wait()
        await runner.cleanup()

    stopped = asyncio.Event()
    thread = threading.Thread(target=lambda: mock.loop.run_until_complete(run()), daemon=True)
    thread.start()
    assert ready.wait(10)
    try:
        yield mock
    finally:
        mock.loop.call_soon_threadsafe(stopped.set)
        thread.join(10)
        mock.loop.close()
