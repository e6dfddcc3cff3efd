"""pystac-client's way to a server, through the guarded client: allowed hosts, bounded time and bytes, only JSON objects."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from typing import Any, Literal

import httpx
from pystac_client.stac_api_io import StacApiIO

from tools.errors import ServiceError
from tools.storage.hosts import shown
from tools.storage.http import Answer, Remote, Request
from tools.storage.stac_links import Json, joined, links_of

MOST_PAGES = 500
"""Most pages of one question; a server that still has more is asked more narrowly."""
ALIVE_S = 0.25
"""Seconds between two questions whether anybody still waits for an answer."""
REJECTED = (400, 405, 415, 422, 501)
"""Statuses by which a server says that it does not understand the question."""


def _nobody_waits() -> None:
    """Never end: for a caller that cannot give up."""


class NoJsonError(ServiceError):
    """What answers is something else than a JSON object."""

    retryable = False


class RejectedError(ServiceError):
    """The server does not understand the question; it may understand a simpler one."""

    retryable = False


@dataclass(frozen=True)
class Asking:
    """One request for a page."""

    url: str
    method: Literal["GET", "POST"] = "GET"
    parameters: Mapping[str, Any] = field(default_factory=dict)  # Any: JSON

    @property
    def identity(self) -> str:
        """Equal for equal requests."""
        return json.dumps([self.url, self.method, self.parameters], sort_keys=True)


class GuardedIO(StacApiIO):
    """Reads the documents and pages of one catalogue until a moment of the monotonic clock.

    `alive` is called in the caller's thread while a server is waited for; it raises where nobody wants the answer any more.

    pystac-client's own session is never used: every request goes through `request`. Local files are never read.
    """

    def __init__(self, remote: Remote, until: float, alive: Callable[[], None] = _nobody_waits) -> None:
        super().__init__(max_retries=None)
        self.until = until
        self.cuts = 0
        """How many times a server's pages were not read to their end, since they repeat or are too many."""
        self._remote = remote
        self._alive = alive

    def request(
        self,
        href: str,
        method: str | None = None,
        headers: dict[str, str] | None = None,  # noqa: ARG002 - pystac-client's signature; what a catalogue's link asks for is not sent
        parameters: dict[str, Any] | None = None,
    ) -> str:
        """Return the text of a JSON object at an address.

        Raises RejectedError where the server does not understand the question,
        NoJsonError for an answer that is no JSON object, and what `Remote.request` raises.
        """
        asked: Literal["GET", "POST"] = "POST" if (method or "GET").upper() == "POST" else "GET"
        url, body = href, None
        sent = [("accept", "application/geo+json, application/json")]
        if asked == "POST":
            body = json.dumps(parameters or {}).encode()
            sent.append(("content-type", "application/json"))
        elif parameters:
            url = _with_parameters(href, parameters)
        answer = self._answered(Request(url, asked, tuple(sent), body, accept=REJECTED, until=self.until))
        if answer.status in REJECTED:
            raise RejectedError(
                f"{answer.url} does not understand the question (status {answer.status}).",
                hint="Ask for less: fewer conditions, or another collection.",
            )
        return _json_object(answer.body, answer.url)

    def _answered(self, request: Request) -> Answer:
        """Ask, and ask meanwhile whether anybody still waits; if not, what is under way is left to itself."""
        pool = ThreadPoolExecutor(1)
        try:
            under_way = pool.submit(self._remote.request, request)
            while not wait([under_way], ALIVE_S).done:
                self._alive()
            return under_way.result()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)

    def get_pages(self, url: str, method: str | None = None, parameters: dict[str, Any] | None = None) -> Iterator[Json]:
        """Yield page after page, also empty ones, until there is no next, or the next was there before."""
        asking: Asking | None = Asking(url, "POST" if method == "POST" else "GET", parameters or {})
        asked: set[str] = set()
        while asking is not None and asking.identity not in asked and len(asked) < MOST_PAGES:
            asked.add(asking.identity)
            page: Json = json.loads(self.request(asking.url, asking.method, parameters=dict(asking.parameters)))
            yield page
            asking = _next(page, asking)
        self.cuts += asking is not None

    def read_object(self, url: str) -> Json:
        """Return the JSON object at an address."""
        found: Json = json.loads(self.request(url))
        return found


def _next(page: Json, before: Asking) -> Asking | None:
    """Return the request for the page after this one, as its `next` link says; None where there is none."""
    link = next(iter(links_of(page, "next")), None)
    if link is None:
        return None
    url = joined(before.url, link["href"])
    if str(link.get("method", "GET")).upper() != "POST":
        return Asking(url)
    stated = link.get("body")
    body: Json = stated if isinstance(stated, dict) else {}
    return Asking(url, "POST", {**before.parameters, **body} if link.get("merge") else body)


def _with_parameters(href: str, parameters: Mapping[str, Any]) -> str:  # Any: JSON
    """Return an address with a query; raise RejectedError where that is none, e.g. since the query is too long for any address."""
    try:
        return str(httpx.URL(href).copy_merge_params({name: _text(value) for name, value in parameters.items()}))
    except httpx.InvalidURL as error:
        raise RejectedError(
            f"{shown(href)} cannot be asked this by an address: it is none, or too long.", hint="Ask for less: fewer conditions, or a box."
        ) from error


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _json_object(body: bytes, url: str) -> str:
    try:
        text = body.decode()
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        what = "a web page" if body.lstrip()[:1] == b"<" else "something that is no JSON"
        raise NoJsonError(
            f"{shown(url)} answers with {what}.", hint="Give the address of the STAC API itself, as it stands in its documentation."
        ) from error
    if not isinstance(found, dict):
        raise NoJsonError(f"{shown(url)} answers with JSON that is no object.", hint="Give the address of a STAC API or catalogue.")
    return text
