"""Signatures for the files of catalogues that hand them out for free: Planetary Computer's tokens for Azure's storage.

A token opens one container for about an hour. It is kept in memory only, asked for again when it is about to expire or was
refused, and never written anywhere.
"""

from __future__ import annotations

import warnings
from functools import cache
from threading import Lock
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

from tools.errors import NotFoundError, ServiceError
from tools.settings import ToolSettings
from tools.storage.http import Remote, Request, Signer

if TYPE_CHECKING:
    from planetary_computer.sas import SASToken  # type: ignore[import-untyped]

STORAGE = ".blob.core.windows.net"
PUBLIC_ACCOUNTS = ("ai4edatasetspublicassets",)
"""Storage accounts that need no token, as `planetary_computer.sas` knows them."""
LEAST_LEFT_S = 60.0
"""A token with less time left is replaced: a read may take that long."""


class TokenSigner:
    """Signs addresses of Azure's storage with tokens of Planetary Computer; satisfies `tools.storage.http.Signer`.

    `token_url` is where tokens are asked for; `storage` is the ending of the hosts whose addresses are signed.
    """

    def __init__(self, token_url: str, *, storage: str = STORAGE, settings: ToolSettings | None = None) -> None:
        self._token_url = token_url.rstrip("/")
        self._storage = storage
        self._settings = settings
        self._lock = Lock()
        self._tokens: dict[str, SASToken | None] = {}
        """Address of a container's token → the token, None where the service has none for it."""

    def sign(self, url: str) -> str:
        """Return the address with a token; unchanged outside that storage, where it is signed, and where there is no token.

        Raises ServiceError where the token service does not answer, ParameterError where its host is not allowed.
        """
        where = self._token_address(url)
        if where is None:
            return url
        with self._lock:
            token = self._tokens.get(where)
            if where not in self._tokens or (token is not None and token.ttl() < LEAST_LEFT_S):
                token = self._tokens[where] = self._fetched(where)
        if token is None:
            return url
        return f"{url}&{token.token}" if urlsplit(url).query else str(token.sign(url).href)

    def forget(self, url: str) -> None:
        """Drop the token that an address was signed with, so that `sign` asks for a new one."""
        where = self._token_address(url)
        with self._lock:
            if where is not None:
                self._tokens.pop(where, None)

    def _token_address(self, url: str) -> str | None:
        """Return where the token of an address is asked for: one per account and container; None where it needs none."""
        parts = urlsplit(url)
        host, container = (parts.hostname or "").lower(), parts.path.lstrip("/").partition("/")[0]
        account = host.partition(".")[0]
        is_signed = any(part.startswith("sig=") for part in parts.query.split("&"))
        if not host.endswith(self._storage) or account in PUBLIC_ACCOUNTS or not container or is_signed:
            return None
        return f"{self._token_url}/{quote(account)}/{quote(container)}"

    def _fetched(self, where: str) -> SASToken | None:
        token_class = _token_class()
        try:
            with Remote(self._settings) as remote:
                answer = remote.request(Request(where, headers=(("accept", "application/json"),)))
        except NotFoundError:
            return None
        try:
            token: SASToken = token_class.model_validate_json(answer.body)
        except ValueError:
            # Without its cause, whose text would quote the answer, and with it the token.
            raise ServiceError(f"{where} answers with something that is no token.", hint="Try again later.") from None
        return token


def signer_for(url: str) -> Signer | None:
    """Return who signs an address; None where none is needed."""
    try:
        host = (urlsplit(url).hostname or "").lower()
    except ValueError:  # no address; whoever asks it says so
        return None
    return _signer(ToolSettings().sas_token_url) if host.endswith(STORAGE) else None


@cache
def _signer(token_url: str) -> TokenSigner:
    """Return the one signer of this process, so that a token is asked for once."""
    return TokenSigner(token_url)


def _token_class() -> type[SASToken]:
    """Return the package's own token, whose module pydantic 2 warns of while it is imported."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        from planetary_computer.sas import SASToken
    found: type[SASToken] = SASToken
    return found
