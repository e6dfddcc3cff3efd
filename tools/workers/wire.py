"""What a worker and its parent say to each other: frames of 4 bytes of length and a body, over a pair of sockets.

Downwards a body is a pickle of what the parent itself made. Upwards it is JSON, since a worker has read foreign bytes: the
parent builds nothing from it but plain values.
"""

from __future__ import annotations

import json
import pickle
import socket
from typing import Any

from tools.workers.job import Job, Json

HEADER_BYTES = 4
MOST_BYTES = 256_000_000
"""Longest frame; results of more stand in files."""


class BrokenWireError(Exception):
    """The other side is gone, or says what cannot be understood."""


def send_job(wire: socket.socket, job: Job) -> None:
    """Send a job; raise BrokenWireError where nobody is there."""
    send(wire, pickle.dumps(job, protocol=pickle.HIGHEST_PROTOCOL))


def receive_job(wire: socket.socket) -> Job:
    """Wait for the next job; raise BrokenWireError where the parent is gone."""
    job: Job = pickle.loads(_receive(wire))  # noqa: S301 - from the parent, see above
    return job


def encoded(answer: Json) -> bytes:
    """Return a JSON object as it is sent; raise TypeError or ValueError for what is none."""
    body = json.dumps(answer).encode("ascii")
    if len(body) > MOST_BYTES:
        raise ValueError(f"an answer of {len(body):,} bytes is longer than {MOST_BYTES:,}")
    return body


def receive_answer(wire: socket.socket) -> Json:
    """Read one JSON object, waiting for all of it; raise BrokenWireError where it does not come whole or is none."""
    body = _receive(wire)
    try:
        answer: Any = json.loads(body)  # Any: JSON
    except (ValueError, RecursionError) as error:
        raise BrokenWireError("no JSON") from error
    if not isinstance(answer, dict):
        raise BrokenWireError("no JSON object")
    return answer


def send(wire: socket.socket, body: bytes) -> None:
    """Send a body; raise BrokenWireError where nobody is there."""
    try:
        wire.sendall(len(body).to_bytes(HEADER_BYTES, "big") + body)
    except OSError as error:
        raise BrokenWireError(str(error)) from error


def _receive(wire: socket.socket) -> bytes:
    size = int.from_bytes(_exactly(wire, HEADER_BYTES), "big")
    if size > MOST_BYTES:
        raise BrokenWireError(f"a message of {size:,} bytes")
    return _exactly(wire, size)


def _exactly(wire: socket.socket, count: int) -> bytes:
    body = bytearray()
    while len(body) < count:
        try:
            piece = wire.recv(min(count - len(body), 1 << 20))
        except OSError as error:
            raise BrokenWireError(str(error)) from error
        if not piece:
            raise BrokenWireError("the other side is gone")
        body += piece
    return bytes(body)
