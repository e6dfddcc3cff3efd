"""A real STAC API on this machine: `rustac serve` on a free port, as a fixture.

In a test file: `from stac_server import api_35mnm, serve_stac` (both are fixtures), then

    def test_x(api_35mnm: str) -> None: ...                   # address of the API with the 13 real items of tile 35MNM
    def test_y(serve_stac: ServeStac) -> None:                # address of an API with these files
        url = serve_stac(collection_json, items_geojson)

Both let TERRACITE_ALLOWED_HOSTS hold 127.0.0.1 for the test. rustac's memory backend declares no filter, sort or fields,
answers a filter with nothing, and pages by number.
"""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

ServeStac = Callable[..., str]
"""Files of collections, items and item collections → address of an API that serves them."""
START_S = 20.0


@contextmanager
def rustac(*files: Path) -> Iterator[str]:
    """Serve files as a STAC API while the block runs; yield its address, without a slash at the end."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    program = Path(sys.executable).with_name("rustac")
    address = f"127.0.0.1:{port}"
    command = [str(program), "serve", "--addr", address, *(str(file) for file in files)]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    try:
        _wait_for(f"http://{address}/", server)
        yield f"http://{address}"
    finally:
        server.kill()
        server.communicate()


def _wait_for(url: str, server: subprocess.Popen[str]) -> None:
    end = time.monotonic() + START_S
    while time.monotonic() < end:
        if server.poll() is not None:
            raise RuntimeError(f"rustac ended: {server.stderr.read() if server.stderr else ''}")
        try:
            with urllib.request.urlopen(url, timeout=2) as answer:
                json.load(answer)
            return
        except (urllib.error.URLError, OSError):
            time.sleep(0.05)
    raise RuntimeError(f"rustac did not answer within {START_S:g} s")


@pytest.fixture
def loopback_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let tools reach servers of this machine."""
    monkeypatch.setenv("TERRACITE_ALLOWED_HOSTS", "default,127.0.0.1")


@pytest.fixture
def serve_stac(loopback_allowed: None) -> Iterator[ServeStac]:
    """Return a function that serves files until the test ends."""
    with ExitStack() as servers:
        yield lambda *files: servers.enter_context(rustac(*files))


@pytest.fixture
def api_35mnm(shared_data: Path, serve_stac: ServeStac) -> str:
    """Return the address of an API with collection sentinel-2-l2a and its 13 items of tile 35MNM, June and July 2020."""
    stac = shared_data / "stac"
    return serve_stac(stac / "s2_l2a.collection.json", stac / "s2_35MNM_2020_jun_jul.geojson")
