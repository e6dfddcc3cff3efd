"""The one guarded way to other machines: allowed hosts only, bounded in time, bytes, retries and redirects.

Everything remote goes through `Remote.request`. What a user, a model or a catalogue names is checked by
`tools.storage.hosts` before it is asked, again when it is connected to, and again at every redirect. Query strings may be
signatures: they stand in no message, log or answer. httpx's client logs whole addresses, so its transport is used bare.
"""

from __future__ import annotations

import json
import time
from collections.abc import Container, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Literal, Protocol, Self

import httpx
import tenacity

from tools.errors import CredentialError, DataError, LimitError, NotFoundError, ServiceError
from tools.settings import ToolSettings
from tools.storage.hosts import AllowedHosts, shown
from tools.storage.pinned import PinnedTransport, deadline
from tools.version import __version__

Method = Literal["GET", "HEAD", "POST"]
MOST_REDIRECTS = 5
MAX_BODY_BYTES = 64_000_000
"""Most bytes of one answer, unless the caller says otherwise; the largest page of items seen has 12 MB."""
BUSY = (429, 500, 502, 503, 504)
"""Statuses that may pass."""
LONGEST_PAUSE_S = 20.0


class Signer(Protocol):
    """Adds a signature to addresses; thread-safe."""

    def sign(self, url: str) -> str:
        """Return the address with a signature; unchanged where none is needed."""

    def forget(self, url: str) -> None:
        """Drop a stored signature that was refused, so that `sign` gets a new one."""


@dataclass(frozen=True)
class Request:
    """One question to another machine."""

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
        except ValueError as error:
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
        now = time.monotonic()
        until = min(request.until or float("inf"), now + self._settings.http_deadline_s)
        attempts = tenacity.Retrying(
            retry=tenacity.retry_if_exception_type(_AgainError),
            wait=self._pause,
            stop=tenacity.stop_after_attempt(self._settings.http_attempts) | tenacity.stop_before_delay(max(0.0, until - now)),
            reraise=True,
        )
        try:
            with deadline(until):
                answer: Answer = attempts(self._signed, request)
        except _AgainError as error:
            raise error.final from error.__cause__
        return answer

    def _pause(self, state: tenacity.RetryCallState) -> float:
        """Wait as long as the server asks for, else twice as long as the last time."""
        error = state.outcome.exception() if state.outcome else None
        asked = error.after_s if isinstance(error, _AgainError) else 0.0
        return max(asked, min(self._pause_s * 2.0 ** (state.attempt_number - 1), LONGEST_PAUSE_S))

    def _signed(self, request: Request) -> Answer:
        """Ask with a signature, and once more with a new one where it was refused."""
        answer = self._followed(request)
        if request.signer is not None and answer.status in (401, 403):
            request.signer.forget(request.url)
            answer = self._followed(request)
        if 200 <= answer.status < 300 or answer.status in request.accept:
            return answer
        raise _error_of(answer)

    def _followed(self, request: Request) -> Answer:
        """Ask and follow redirects, each checked like the first address."""
        url = self._allowed.check_url(request.signer.sign(request.url) if request.signer else request.url)
        for _ in range(MOST_REDIRECTS + 1):
            answer, target = self._sent(request, url)
            if target is None:
                return answer
            url = self._allowed.check_url(str(url.join(target)))
            if answer.status == 303:
                request = replace(request, method="GET", body=None)
        raise ServiceError(f"{shown(request.url)} redirects more than {MOST_REDIRECTS} times.", hint="Give the address that it leads to.")

    def _sent(self, request: Request, url: httpx.URL) -> tuple[Answer, str | None]:
        """Send one request; return the answer and, of a redirect, where it leads."""
        timeout = httpx.Timeout(self._settings.http_timeout_s).as_dict()
        headers = {"user-agent": f"terracite/{__version__}", "accept": "*/*", "accept-encoding": "gzip", **dict(request.headers)}
        plain = shown(str(url))
        try:
            response = self._transport.handle_request(
                httpx.Request(request.method, url, headers=headers, content=request.body, extensions={"timeout": timeout})
            )
            try:
                found = {name.lower(): value for name, value in response.headers.items()}
                if 300 <= response.status_code < 400 and response.status_code != 304 and "location" in found:
                    return Answer(response.status_code, found, b"", plain), found["location"]
                return Answer(response.status_code, found, _body(response, request, plain), plain), None
            finally:
                response.close()
        except httpx.TransportError as error:
            raise _AgainError(_unreachable(plain, error)) from error
        except httpx.DecodingError as error:
            raise ServiceError(f"The answer of {plain} is damaged: its compression cannot be undone.", hint="Try again later.") from error


def _body(response: httpx.Response, request: Request, plain: str) -> bytes:
    """Read the body; raise LimitError as soon as it is too large."""
    announced = response.headers.get("content-length", "")
    if request.method != "HEAD" and announced.isdecimal() and int(announced) > request.max_bytes:
        raise _too_large(plain, request.max_bytes)
    body = bytearray()
    for chunk in response.iter_bytes():
        body += chunk
        if len(body) > request.max_bytes:
            raise _too_large(plain, request.max_bytes)
    return bytes(body)


def _too_large(plain: str, limit: int) -> LimitError:
    return LimitError(f"The answer of {plain} is larger than {limit:,} bytes.", hint="Ask for less at once: a smaller area or fewer items.")


def _unreachable(plain: str, error: httpx.TransportError) -> ServiceError:
    if isinstance(error, httpx.TimeoutException):
        return ServiceError(f"{plain} did not answer in time.", hint="Try again later, or raise TERRACITE_HTTP_DEADLINE_S.")
    if isinstance(error, httpx.RemoteProtocolError | httpx.ReadError):
        return ServiceError(f"{plain} broke off its answer.", hint="Try again later.")
    return ServiceError(f"{plain} cannot be reached ({error}).", hint="Check the network and the address; proxies are not used.")


def _error_of(answer: Answer) -> Exception:
    """Return the error that a status stands for."""
    status, plain = answer.status, answer.url
    if status in BUSY:
        error = ServiceError(f"{plain} answers {status}: it is busy or broken.", hint="Try again later.")
        return _AgainError(error, _retry_after_s(answer.headers.get("retry-after", "")))
    if status in (401, 403):
        return CredentialError(f"{plain} refuses access ({status}).", hint="Check the key or signature for this service.")
    if status in (404, 410):
        return NotFoundError(f"{plain} does not exist ({status}).", hint="Check the address; the file may have been moved or removed.")
    return ServiceError(f"{plain} answers with status {status}.", hint="Check that the address and the request fit this service.")


def _retry_after_s(text: str) -> float:
    """Return the seconds of a Retry-After header (RFC 9110, 10.2.3: seconds or a date); 0 for none that can be read."""
    if text.isdecimal():
        return float(text)
    try:
        when = parsedate_to_datetime(text)
    except ValueError:
        return 0.0
    return max(0.0, (when.replace(tzinfo=when.tzinfo or UTC) - datetime.now(UTC)).total_seconds())
