"""A server on the loopback interface that answers as a test says, and one that replays recorded answers of real catalogues."""

from __future__ import annotations

import gzip
import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

Json = dict[str, Any]


@dataclass(frozen=True)
class Call:
    """One request."""

    method: str
    path: str
    query: Mapping[str, list[str]]
    body: Json
    headers: Mapping[str, str]


@dataclass(frozen=True)
class Reply:
    """One answer; a `body` that is no bytes is sent as JSON."""

    body: Any = field(default_factory=dict)
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)

    def payload(self) -> bytes:
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()


class ScriptedServer:
    """Answers every request by a function, on a free port, while its `with` block lasts; remembers what was asked."""

    def __init__(self, answer: Callable[[Call, str], Reply]) -> None:
        self.calls: list[Call] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self, answer))
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def asked(self, path: str) -> list[Call]:
        return [call for call in self.calls if call.path == path]


def _handler(server: ScriptedServer, answer: Callable[[Call, str], Reply]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            sent = self.rfile.read(int(self.headers.get("content-length", 0)))
            headers = {name.lower(): value for name, value in self.headers.items()}
            call = Call(self.command, parts.path, parse_qs(parts.query), json.loads(sent) if sent else {}, headers)
            server.calls.append(call)
            reply = answer(call, server.url)
            payload = reply.payload()
            self.send_response(reply.status)
            for name, value in {"content-type": "application/json", "content-length": str(len(payload)), **reply.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(payload)

        do_POST = do_GET  # noqa: N815 - the name that http.server calls

        def log_message(self, *_: object) -> None:
            """Keep quiet."""

    return Handler


def interactions(recording: Path) -> list[Json]:
    """Return the recorded requests with their answers, bodies as text."""
    import yaml  # type: ignore[import-untyped]

    found: list[Json] = yaml.safe_load(recording.read_text(encoding="utf-8"))["interactions"]
    for each in found:
        body = each["response"]["body"]
        body["string"] = gzip.decompress(body["string"]).decode() if isinstance(body["string"], bytes) else body["string"]
    return found


def replay(recording: Path, *, mount: str = "", ends: bool = True) -> Callable[[Call, str], Reply]:
    """Answer as in a recording: by method and path, one after the other; its host is replaced by the server's own.

    `ends`: where a recording stops amid the pages, an empty last page follows, else 404.
    `mount` is the landing page's path where the recording has none of it: it is made up from nothing but a search link.
    """
    waiting = [(each["request"]["method"], each["request"]["uri"], each["response"]) for each in interactions(recording)]
    host = "/".join(waiting[0][1].split("/")[:3])

    def answer(call: Call, url: str) -> Reply:
        for number, (method, uri, response) in enumerate(waiting):
            if method == call.method and urlsplit(uri).path.rstrip("/") == call.path.rstrip("/"):
                if method == "POST":
                    del waiting[number]
                return Reply(response["body"]["string"].replace(host, url).encode(), response["status"]["code"])
        if mount and call.path.rstrip("/") == mount:
            link = {"rel": "search", "href": f"{url}{mount}/search", "method": "POST"}
            return Reply({"stac_version": "1.0.0", "type": "Catalog", "id": "mounted", "links": [link]})
        return page([]) if ends and call.path.endswith("/search") else Reply({"code": "NotFound"}, 404)

    return answer


def item(name: str, **changes: Any) -> Json:
    """Return a small item: one degree square at (10, 50), 2020-07-01, cloud cover 5 %; `changes` replace its properties."""
    properties = {"datetime": "2020-07-01T10:00:00Z", "eo:cloud_cover": 5.0, **changes}
    ring = [[10.0, 50.0], [11.0, 50.0], [11.0, 51.0], [10.0, 51.0], [10.0, 50.0]]
    return {
        "type": "Feature",
        "stac_version": "1.0.0",
        "id": name,
        "collection": "scenes",
        "geometry": {"type": "Polygon", "coordinates": [ring]},
        "bbox": [10.0, 50.0, 11.0, 51.0],
        "properties": properties,
        "assets": {"red": {"href": f"https://example.com/{name}/red.tif?sv=1&sig=secret&part=2"}},
        "links": [],
    }


def api(
    pages: Callable[[Call, str], Reply], *, conforms: tuple[str, ...] = (), collection: Json | None = None
) -> Callable[[Call, str], Reply]:
    """Answer as an API with one collection, `scenes`; `pages` answers what is asked of /search."""
    whole = {"spatial": {"bbox": [[0.0, 40.0, 20.0, 60.0]]}, "temporal": {"interval": [["2020-01-01T00:00:00Z", None]]}}
    scenes = collection or {"type": "Collection", "id": "scenes", "title": "Scenes", "license": "CC-BY-4.0", "extent": whole, "links": []}

    def answer(call: Call, url: str) -> Reply:
        links = [{"rel": "data", "href": f"{url}/collections"}, {"rel": "search", "href": f"{url}/search", "method": "POST"}]
        classes = ["https://api.stacspec.org/v1.0.0/item-search", *conforms]
        known: dict[str, Any] = {
            "": {"type": "Catalog", "stac_version": "1.0.0", "id": "made", "title": "Made up", "links": links, "conformsTo": classes},
            "/collections": {"collections": [scenes], "links": []},
            "/collections/scenes": scenes,
        }
        if call.path == "/search":
            return pages(call, url)
        found = known.get(call.path.rstrip("/"))
        return Reply({}, 404) if found is None else Reply(found)

    return answer


def page(items: list[Any], **more: Any) -> Reply:
    return Reply({"type": "FeatureCollection", "features": items, "links": [], **more})
