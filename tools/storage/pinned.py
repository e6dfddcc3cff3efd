"""Connections that go to exactly the address that was checked, and end when the time is up.

httpx looks a host up when it connects, after any check made before; a name server that answers differently the second time
would get past it. So the check sits inside the connecting itself. TLS still verifies the host's name, not the address.
"""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from queue import Empty, SimpleQueue
from typing import Any

import httpcore
import httpx
from httpcore import SOCKET_OPTION

from tools.errors import ParameterError
from tools.storage.hosts import AllowedHosts

ALIVE_S = 0.25
"""Seconds between two questions whether anybody still waits for an answer."""
_until: ContextVar[float] = ContextVar("until")
"""When the request of this thread must be done, by the monotonic clock."""
_alive: ContextVar[Callable[[], None]] = ContextVar("alive")
"""What to ask, again and again, while this thread waits for the other side."""


def nobody_asks() -> None:
    """Go on."""


@contextmanager
def deadline(until: float, alive: Callable[[], None] = nobody_asks) -> Iterator[None]:
    """Let every wait on the network within the block end at `until` (monotonic seconds), however the other side drips.

    `alive` is called while the other side is waited for; what it raises ends the wait.
    """
    tokens = _until.set(until), _alive.set(alive)
    try:
        yield
    finally:
        _until.reset(tokens[0])
        _alive.reset(tokens[1])


def pause(seconds: float) -> None:
    """Sleep, and ask meanwhile whether anybody still waits."""
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        _alive.get(nobody_asks)()
        time.sleep(min(left, ALIVE_S))


def _left(timeout: float | None, exceeded: type[httpcore.TimeoutException]) -> float | None:
    until = _until.get(None)
    if until is None:
        return timeout
    left = until - time.monotonic()
    if left <= 0:
        raise exceeded("the time for this request is up")
    return left if timeout is None else min(timeout, left)


@cache
def _tls() -> ssl.SSLContext:
    """Return the settings of TLS; reading the certificates takes 20 ms, so they are read once."""
    return httpx.create_ssl_context()


class PinnedTransport(httpx.HTTPTransport):
    """Sends requests over connections whose addresses were checked; proxies of the environment are not used."""

    def __init__(self, allowed: AllowedHosts) -> None:
        context = _tls()
        super().__init__(verify=context)
        # httpx offers no way to hand a network backend through; a test shows that connections pass the check.
        self._pool = httpcore.ConnectionPool(ssl_context=context, network_backend=_Backend(allowed), keepalive_expiry=10.0)


class _Backend(httpcore.NetworkBackend):
    def __init__(self, allowed: AllowedHosts) -> None:
        self._allowed = allowed
        self._plain = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        """Connect to the first checked address that answers."""
        addresses = _looked_up(self._allowed, host, port, timeout)
        failure: httpcore.NetworkError | httpcore.TimeoutException = httpcore.ConnectError("no address")
        for address in addresses:
            try:
                return _Stream(
                    self._plain.connect_tcp(address, port, _left(timeout, httpcore.ConnectTimeout), local_address, socket_options)
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
        raise failure


def _looked_up(allowed: AllowedHosts, host: str, port: int, timeout: float | None) -> tuple[str, ...]:
    """Return the checked addresses of a host; the system's own look-up knows no time limit, so a thread waits for it."""
    answers: SimpleQueue[tuple[str, ...] | Exception] = SimpleQueue()

    def look() -> None:
        try:
            answers.put(allowed.addresses(host, port))
        except (OSError, UnicodeError, ParameterError) as error:  # a label of more than 63 characters is no name: UnicodeError
            answers.put(error)

    threading.Thread(target=look, daemon=True).start()
    try:
        found = answers.get(timeout=_left(timeout, httpcore.ConnectTimeout))
    except Empty as error:
        raise httpcore.ConnectTimeout(f"the name {host!r} was not looked up in time") from error
    if isinstance(found, ParameterError):
        raise found
    if isinstance(found, Exception):
        raise httpcore.ConnectError(f"the name {host!r} is not known") from found
    return found


class _Stream(httpcore.NetworkStream):
    def __init__(self, inner: httpcore.NetworkStream) -> None:
        self._inner = inner

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Wait for bytes a little at a time, so that somebody who gives up is heard."""
        end = time.monotonic() + (float("inf") if timeout is None else timeout)
        while True:
            left = _left(max(0.0, end - time.monotonic()), httpcore.ReadTimeout) or 0.0
            try:
                return self._inner.read(max_bytes, min(max(left, 0.001), ALIVE_S))
            except httpcore.ReadTimeout:
                if left <= ALIVE_S:
                    raise
                _alive.get(nobody_asks)()

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Send everything; httpcore's own loop would give each part of it the whole time that is left."""
        plain: socket.socket = self._inner.get_extra_info("socket")
        rest = memoryview(buffer)
        while rest:
            plain.settimeout(_left(timeout, httpcore.WriteTimeout))
            try:
                rest = rest[plain.send(rest) :]
            except TimeoutError as error:
                raise httpcore.WriteTimeout("the other side does not read") from error
            except OSError as error:
                raise httpcore.WriteError(str(error)) from error

    def close(self) -> None:
        self._inner.close()

    def start_tls(self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None) -> _Stream:
        return _Stream(self._inner.start_tls(ssl_context, server_hostname, _left(timeout, httpcore.ConnectTimeout)))

    def get_extra_info(self, info: str) -> Any:  # Any: httpcore's own signature
        return self._inner.get_extra_info(info)
