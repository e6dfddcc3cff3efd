"""A file server on the loopback interface that answers byte ranges, counts what it sends, and fails on request."""

from __future__ import annotations

import hashlib
import re
import threading
import time
from collections import defaultdict, deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BufferedIOBase
from typing import Self
from urllib.parse import urlsplit


class _QuietServer(ThreadingHTTPServer):
    def handle_error(self, *_: object) -> None:
        """Keep quiet of clients that went away."""


@dataclass(frozen=True)
class Fault:
    """How one answer goes wrong."""

    status: int | None = None
    """Answer with this status and an empty body."""
    headers: Mapping[str, str] = field(default_factory=dict)
    """Headers to add, or to replace."""
    cut_at: int | None = None
    """Break the connection after so many bytes of the body."""
    ignores_range: bool = False
    """Send the whole file with 200, whatever range was asked for."""
    drip_s: float = 0.0
    """Pause between single bytes of the body."""
    pause_s: float = 0.0
    """Wait before the answer."""
    stall_at: int | None = None
    """Send nothing more after so many bytes of the body, and keep the connection."""


@dataclass(frozen=True)
class Exchange:
    """One request and what was sent for it."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes
    status: int
    sent: int
    """Bytes of the body."""


class RangeServer:
    """Serves bytes under paths, on a free port, while its `with` block lasts."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.types: dict[str, str] = {}
        self.signatures: dict[str, str] = {}
        """Path → query string without which the answer is 403."""
        self.seen: list[Exchange] = []
        self._faults: dict[str, deque[Fault]] = defaultdict(deque)
        self._always: dict[str, Fault] = {}
        self._server = _QuietServer(("127.0.0.1", 0), _handler(self))
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def host(self) -> str:
        """Return 127.0.0.1:PORT, as the setting for allowed hosts wants it."""
        return f"127.0.0.1:{self._server.server_port}"

    def url(self, path: str) -> str:
        return f"http://{self.host}{path}"

    def put(self, path: str, body: bytes, content_type: str = "application/octet-stream") -> str:
        """Serve bytes under a path; return the address."""
        self.files[path], self.types[path] = body, content_type
        return self.url(path)

    def fail(self, path: str, *faults: Fault) -> None:
        """Let the next answers for a path go wrong, one after the other."""
        self._faults[path].extend(faults)

    def always_fail(self, path: str, fault: Fault) -> None:
        """Let every answer for a path go wrong."""
        self._always[path] = fault

    def sent(self, path: str | None = None) -> int:
        """Return how many bytes of bodies were sent, for one path or all."""
        return sum(each.sent for each in self.seen if path in (None, each.path))

    def asked(self, path: str | None = None, method: str | None = None) -> list[Exchange]:
        """Return the requests for a path, by a method."""
        return [each for each in self.seen if path in (None, each.path) and method in (None, each.method)]

    def fault_for(self, path: str) -> Fault:
        """Return how the answer that is due goes wrong."""
        waiting = self._faults[path]
        return waiting.popleft() if waiting else self._always.get(path, Fault())


def etag_of(body: bytes) -> str:
    return f'"{hashlib.sha256(body).hexdigest()[:32]}"'


def _handler(server: RangeServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._answer()

        do_HEAD = do_POST = do_GET  # noqa: N815 - the names that http.server calls

        def log_message(self, *_: object) -> None:
            """Keep quiet."""

        def _answer(self) -> None:
            parts = urlsplit(self.path)
            asked = self.rfile.read(int(self.headers.get("content-length", 0)))
            fault = server.fault_for(parts.path)
            status, headers, body = _response(server, parts.path, parts.query, {k.lower(): v for k, v in self.headers.items()}, fault)
            if fault.status is not None:
                status, body = fault.status, b""
            headers = {"content-length": str(len(body)), **headers, **fault.headers}
            payload = b"" if self.command == "HEAD" else body[: fault.cut_at]
            seen = {name.lower(): value for name, value in self.headers.items()}
            server.seen.append(Exchange(self.command, parts.path, parts.query, seen, asked, status, len(payload)))
            self._send(status, headers, payload, fault)

        def _send(self, status: int, headers: Mapping[str, str], payload: bytes, fault: Fault) -> None:
            time.sleep(fault.pause_s)
            (self.send_response_only if "date" in headers else self.send_response)(status)  # the latter tells the date by itself
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.close_connection = fault.cut_at is not None
            try:
                _write(self.wfile, payload, fault)
                if fault.stall_at is not None:
                    self.rfile.read(1)  # until the client gives up
            except OSError:  # the client gave up
                self.close_connection = True

    return Handler


def _write(stream: BufferedIOBase, payload: bytes, fault: Fault) -> None:
    if not fault.drip_s:
        stream.write(payload[: fault.stall_at])
        return
    for position in range(len(payload)):
        stream.write(payload[position : position + 1])
        time.sleep(fault.drip_s)


def _response(server: RangeServer, path: str, query: str, headers: Mapping[str, str], fault: Fault) -> tuple[int, dict[str, str], bytes]:
    if path not in server.files:
        return 404, {}, b"no such file"
    if server.signatures.get(path, query) != query:
        return 403, {}, b"signature refused"
    body = server.files[path]
    said = {"etag": etag_of(body), "accept-ranges": "bytes", "content-type": server.types[path]}
    if headers.get("if-none-match") == said["etag"]:
        return 304, said, b""
    wanted = re.fullmatch(r"bytes=(\d+)-(\d*)", headers.get("range", ""))
    if wanted is None or fault.ignores_range or headers.get("if-range", said["etag"]) != said["etag"]:
        return 200, said, body
    first, last = int(wanted[1]), min(int(wanted[2] or len(body)), len(body) - 1)
    if first >= len(body):
        return 416, {**said, "content-range": f"bytes */{len(body)}"}, b""
    return 206, {**said, "content-range": f"bytes {first}-{last}/{len(body)}"}, body[first : last + 1]
