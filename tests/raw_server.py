"""A server on the loopback interface that sends exactly the bytes of a script, drips them, or never reads."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable
from typing import Self

Script = Callable[[socket.socket], None]


class RawServer:
    """Runs the script on every connection, while its `with` block lasts."""

    def __init__(self, script: Script) -> None:
        self._script = script
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._accept, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closed.set()
        self._socket.close()

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self._socket.getsockname()[1]}"

    def _accept(self) -> None:
        while not self._closed.is_set():
            try:
                connection, _ = self._socket.accept()
            except OSError:  # closed
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection:
            try:
                self._script(connection)
            except OSError:  # the client gave up
                return


def says(answer: bytes) -> Script:
    """Read the request and answer with these bytes."""

    def script(connection: socket.socket) -> None:
        connection.recv(65_536)
        connection.sendall(answer)

    return script


def drips(at_once: bytes, slowly: bytes, *, pause_s: float = 0.02, reads: bool = True) -> Script:
    """Send something at once, then byte after byte without end."""

    def script(connection: socket.socket) -> None:
        if reads:
            connection.recv(65_536)
        connection.sendall(at_once)
        while True:
            for byte in slowly:
                connection.sendall(bytes([byte]))
                time.sleep(pause_s)

    return script


def never_reads(connection: socket.socket) -> None:
    """Let the client send until nothing more fits."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    time.sleep(5)
