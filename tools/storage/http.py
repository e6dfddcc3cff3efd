"""The one guarded way to other machines: allowed hosts only, bounded in time, bytes, retries and redirects.

Everything remote goes through `Remote.request`. What a user, a model or a catalogue names is checked by
`tools.storage.hosts` before it is asked, again when it is connected to, and again at every redirect. Query strings may be
signatures: they stand in no message, log or answer. httpx's client logs whole addresses, so its transport is used bare.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Container, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Literal, Protocol, Self, TypeVar

import httpx
import tenacity

from tools.errors import CredentialError, DataError, NotFoundError, ParameterError, ServiceError
from tools.settings import ToolSettings
from tools.storage.bodies import Opened, unpacked
from tools.storage.hosts import AllowedHosts, is_this_machine, shown
from tools.storage.pinned import PinnedTransport, deadline, nobody_asks, pause
from tools.version import __version__

Taken = TypeVar("Taken")
Method = Literal["GET", "HEAD", "POST"]
MOST_REDIRECTS = 5
MAX_BODY_BYTES = 64_000_000
"""Most bytes of one answer, unless the caller says otherwise; the largest page of items seen has 12 MB."""
MOST_HEADERS = 200
"""Most headers of an answer; their whole size is limited by h11, to 100 KiB. Public servers send 10 to 40."""
BUSY = (429, 500, 502, 503, 504)
"""Statuses that may pass."""
LONGEST_PAUSE_S = 20.0
FOR_EVERYONE = (
    "accept", "accept-encoding", "content-type", "if-match", "if-modified-since", "if-none-match", "if-range", "range", "user-agent",
)  # fmt: skip
"""Headers that go along to another machine, port or scheme; whatever else a caller sends may be a credential."""


class Signer(Protocol):
    """Adds a signature to addresses; thread-safe."""

    def sign(self, url: str) -> str:
        """Return the address with a signature; unchanged where none is needed."""

    def forget(self, url: str) -> None:
        """Drop a stored signature that was refused, so that `sign` gets a new one."""


@dataclass(frozen=True)
class Request:
    """One question to another machine; raises ParameterError where a header could be read as two."""

    url: str
    """Without signature."""
    method: Method = "GET"
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes | None = None
    signer: Signer | None = None
    accept: Container[int] = ()
    """Statuses that the caller understands, beside 2xx; every other raises."""
    max_bytes: int = MAX_BODY_BYTES
    """Most bytes of the answer's body."""
    until: float | None = None
    """When it must be done, by the monotonic clock; None for the setting TERRACITE_HTTP_DEADLINE_S from now on."""

    def __post_init__(self) -> None:
        for name, value in self.headers:
            if not (value.isascii() and value.isprintable()):
                raise ParameterError(f"The header {name!r} of a request holds characters that no header may.", hint="Leave them out.")


@dataclass(frozen=True)
class Answer:
    """What came back, read whole."""

    status: int
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes
    url: str
    """Where it came from after redirects, without query."""

    def json(self) -> Any:  # Any: JSON
        """Return the body as JSON; raise DataError where it is none."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError) as error:
            raise DataError(f"The answer of {self.url} is not JSON.", hint="Check that the address is that of the catalogue.") from error


class _AgainError(Exception):
    """A failure that may pass; `final` is what to raise where it does not."""

    def __init__(self, final: ServiceError, after_s: float = 0.0) -> None:
        super().__init__(str(final))
        self.final = final
        self.after_s = after_s


class Remote:
    """A client with its open connections; close it, or use it in a `with` block. Safe for several threads.

    `settings` default to those of the environment; `pause_s` is the first pause between two attempts, doubled each time.
    """

    def __init__(self, settings: ToolSettings | None = None, *, pause_s: float = 0.5) -> None:
        self._settings = settings or ToolSettings()
        self._allowed = AllowedHosts.parse(self._settings.allowed_hosts)
        self._transport = PinnedTransport(self._allowed)
        self._pause_s = pause_s

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._transport.close()

    def request(self, request: Request) -> Answer:
        """Ask and return the answer: status 2xx, or one that the request accepts.

        Raises ParameterError for a host that is not allowed, CredentialError for 401 and 403 (with a signer after a new
        signature), NotFoundError for 404 and 410, LimitError for a body above the limit, ServiceError for everything else
        and where no attempt succeeds in time.
        """
        until = min(request.until or float("inf"), time.monotonic() + self._settings.http_deadline_s)
        return self.receive(
            lambda: request,
            lambda opened: Answer(opened.status, opened.headers, opened.read(request.max_bytes), opened.url),
            until=until,
        )

    def receive(
        self, ask: Callable[[], Request], take: Callable[[Opened], Taken], *, until: float, alive: Callable[[], None] = nobody_asks
    ) -> Taken:
        """Ask, and return what `take` makes of the answer while it comes; each new attempt asks anew and takes from the start.

        `until` is the end of all attempts, by the monotonic clock; `alive` is called while the other side is waited for.
        Raises as `request` does, and what `take` and `alive` raise.
        """
        attempts = tenacity.Retrying(
            retry=tenacity.retry_if_exception_type(_AgainError), wait=self._pause, stop=self._stops(until), sleep=pause, reraise=True
        )
        try:
            with deadline(until, alive):
                taken: Taken = attempts(lambda: self._signed(ask(), take))
        except _AgainError as error:
            raise error.final from error.__cause__
        return taken

    def _stops(self, until: float) -> Callable[[tenacity.RetryCallState], bool]:
        """Return what says that no further attempt is made: there were enough, or it would begin too late."""
        latest_s = self._settings.http_deadline_s  # a server that asks for a longer pause is given up

        def stops(state: tenacity.RetryCallState) -> bool:
            is_late = state.upcoming_sleep > latest_s or time.monotonic() + state.upcoming_sleep >= until
            return is_late or state.attempt_number >= self._settings.http_attempts

        return stops

    def _pause(self, state: tenacity.RetryCallState) -> float:
        """Wait as long as the server asks for, else twice as long as the last time."""
        error = state.outcome.exception() if state.outcome else None
        asked = error.after_s if isinstance(error, _AgainError) else 0.0
        return max(asked, min(self._pause_s * 2.0 ** (state.attempt_number - 1), LONGEST_PAUSE_S))

    def _signed(self, request: Request, take: Callable[[Opened], Taken]) -> Taken:
        """Ask with a signature, and once more with a new one where it was refused."""
        try:
            return self._followed(request, take)
        except CredentialError:
            if request.signer is None:
                raise
            request.signer.forget(request.url)
            return self._followed(request, take)

    def _followed(self, request: Request, take: Callable[[Opened], Taken]) -> Taken:
        """Ask and follow redirects, each checked like the first address."""
        self._allowed.check_url(request.url)  # before it is signed: a signer may ask another machine
        url = self._allowed.check_url(request.signer.sign(request.url) if request.signer else request.url)
        asked = request
        for _ in range(MOST_REDIRECTS + 1):
            plain = shown(str(url))
            with _transport_errors(plain), self._sent(asked, url) as response:
                opened = _opened(response, asked, plain)
                target = opened.headers.get("location") if 300 <= opened.status < 400 and opened.status != 304 else None
                if target is None:
                    _check_status(opened, request)
                    return take(opened)
            asked, url = self._redirected(asked, url, target, opened.status)
        raise ServiceError(f"{shown(request.url)} redirects more than {MOST_REDIRECTS} times.", hint="Give the address that it leads to.")

    @contextmanager
    def _sent(self, request: Request, url: httpx.URL) -> Iterator[httpx.Response]:
        timeout = httpx.Timeout(self._settings.http_timeout_s).as_dict()
        headers = {"user-agent": f"terracite/{__version__}", "accept": "*/*", "accept-encoding": "gzip", **dict(request.headers)}
        response = self._transport.handle_request(
            httpx.Request(request.method, url, headers=headers, content=request.body, extensions={"timeout": timeout})
        )
        try:
            yield response
        finally:
            response.close()

    def _redirected(self, request: Request, url: httpx.URL, target: str, status: int) -> tuple[Request, httpx.URL]:
        """Return the request that a redirect asks for, and its checked address; another machine, port or scheme gets no credentials."""
        try:
            led = self._allowed.check_url(str(url.join(target)))
        except httpx.InvalidURL as error:
            raise ServiceError(f"{shown(str(url))} redirects to something that is no address.", hint="Tell its provider.") from error
        if is_this_machine(led.host) and not is_this_machine(url.host):
            raise ServiceError(
                f"{shown(str(url))} redirects to this machine, {shown(str(led))}.", hint="Give that address itself if you trust it."
            )
        if _origin(led) != _origin(url):
            request = replace(request, headers=tuple(each for each in request.headers if each[0].lower() in FOR_EVERYONE))
        if status == 303 and request.method == "POST":
            request = replace(request, method="GET", body=None)
        return request, led


@contextmanager
def _transport_errors(plain: str) -> Iterator[None]:
    try:
        yield
    except httpx.TransportError as error:
        raise _AgainError(_unreachable(plain, error)) from error


def _opened(response: httpx.Response, request: Request, plain: str) -> Opened:
    """Return an answer whose body is not read yet; raise ServiceError for one with too many headers."""
    if len(response.headers.raw) > MOST_HEADERS:
        raise ServiceError(f"{plain} answers with more than {MOST_HEADERS} headers.", hint="Tell its provider.")
    headers = {name.lower(): value for name, value in response.headers.items()}
    asked = dict(request.headers).get("accept-encoding", "gzip")
    return Opened(
        response.status_code, headers, plain, unpacked(_raw(response), headers, plain, whole=response.status_code != 206, asked=asked)
    )


def _raw(response: httpx.Response) -> Iterator[bytes]:
    """Yield the body as it was sent, without what httpx would unpack."""
    if not isinstance(response.stream, httpx.SyncByteStream):
        raise TypeError("a transport that is not asynchronous gave a stream that is")
    yield from response.stream


def _origin(url: httpx.URL) -> tuple[str, str, int | None]:
    return url.scheme, url.host, url.port


def _unreachable(plain: str, error: httpx.TransportError) -> ServiceError:
    if isinstance(error, httpx.TimeoutException):
        return ServiceError(f"{plain} did not answer in time.", hint="Try again later, or raise TERRACITE_HTTP_DEADLINE_S.")
    if isinstance(error, httpx.RemoteProtocolError | httpx.ReadError):
        return ServiceError(f"{plain} broke off its answer, or garbled it.", hint="Try again later.")
    return ServiceError(f"{plain} cannot be reached ({error}).", hint="Check the network and the address; proxies are not used.")


def _check_status(opened: Opened, request: Request) -> None:
    """Raise the error that a status stands for, unless it is one of success or the request accepts it."""
    status, plain = opened.status, opened.url
    if 200 <= status < 300 or status in request.accept:
        return
    if status in BUSY:
        error = ServiceError(f"{plain} answers {status}: it is busy or broken.", hint="Try again later.")
        raise _AgainError(error, _retry_after_s(opened.headers))
    if status in (401, 403):
        raise CredentialError(f"{plain} refuses access ({status}).", hint="Check the key or signature for this service.")
    if status in (404, 410):
        raise NotFoundError(f"{plain} does not exist ({status}).", hint="Check the address; the file may have been moved or removed.")
    raise ServiceError(f"{plain} answers with status {status}.", hint="Check that the address and the request fit this service.")


def _retry_after_s(headers: Mapping[str, str]) -> float:
    """Return the seconds of Retry-After (RFC 9110, 10.2.3: seconds or a date); 0 for none that can be read.

    A date is one of the server's clock; ours may be wrong.
    """
    text = headers.get("retry-after", "")
    if text.isdecimal():
        return float(text)
    try:
        when = parsedate_to_datetime(text)
        now = parsedate_to_datetime(headers["date"]) if "date" in headers else datetime.now(UTC)
        return max(0.0, (when.replace(tzinfo=when.tzinfo or UTC) - now.replace(tzinfo=now.tzinfo or UTC)).total_seconds())
    except (ValueError, OverflowError):
        return 0.0
