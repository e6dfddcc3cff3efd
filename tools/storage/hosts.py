"""Which machines may be reached: names checked against a list, addresses checked after they were looked up.

The list is the setting TERRACITE_ALLOWED_HOSTS, separated by commas:

- `stac.example.org`: this host, on the port of https; `stac.example.org:8443`: this host on that port;
- `*.example.org`: every host below, not example.org itself;
- `127.0.0.1`, `localhost`, `[::1]`: this machine, any port, also without TLS; `127.0.0.1:8123`: that port only;
- `default`: the hosts of `DEFAULT_HOSTS`, to which others may be added: `default,stac.example.org`.

A host that is listed by a pattern, and one that is not listed, never leads into a private network: that needs its own name on
the list. This machine itself, link-local addresses (where clouds keep credentials) and reserved ones need their address there.
"""

from __future__ import annotations

import socket
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

import httpx

from tools.errors import ParameterError

DEFAULT_HOSTS = (
    "earth-search.aws.element84.com",
    "sentinel-cogs.s3.us-west-2.amazonaws.com",  # Sentinel-2 of Earth Search
    "sentinel-cogs.s3.amazonaws.com",
    "e84-earth-search-sentinel-data.s3.us-west-2.amazonaws.com",  # its Collection 1
    "copernicus-dem-30m.s3.amazonaws.com",
    "copernicus-dem-90m.s3.amazonaws.com",
    "landsatlook.usgs.gov",
    "planetarycomputer.microsoft.com",
    "*.blob.core.windows.net",  # the storage accounts of Planetary Computer; there are dozens
)
HTTPS_PORT = 443
SETTING = "TERRACITE_ALLOWED_HOSTS"
NO_URL = (httpx.InvalidURL, TypeError, UnicodeError)
"""What httpx raises for text that is no address; UnicodeError for a name that no domain can have, and for lone surrogates."""
_NAT64 = IPv6Network("64:ff9b::/96")
_Address = IPv4Address | IPv6Address


@dataclass(frozen=True)
class Rule:
    """One entry of the list."""

    host: str
    """Lower case; `*.` at the start stands for one label or more."""
    port: int | None

    def fits(self, host: str, port: int) -> bool:
        """Tell whether the entry lets a host be reached on a port."""
        port_fits = port == self.port if self.port else port == HTTPS_PORT or is_this_machine(host)
        return port_fits and (host.endswith(self.host[1:]) if self.is_pattern else host == self.host)

    @property
    def is_pattern(self) -> bool:
        """Whether it stands for several hosts."""
        return self.host.startswith("*.")


@dataclass(frozen=True)
class AllowedHosts:
    """The list; `AllowedHosts.parse` reads the setting."""

    rules: tuple[Rule, ...]

    @staticmethod
    def parse(text: str) -> AllowedHosts:
        """Read the setting; raise ParameterError for an entry that is no host."""
        entries = (entry.strip().lower() for entry in text.split(","))
        spread = (name for entry in entries if entry for name in (DEFAULT_HOSTS if entry == "default" else (entry,)))
        return AllowedHosts(tuple(_rule(name) for name in spread))

    def check_url(self, url: str) -> httpx.URL:
        """Return the address as it will be asked; raise ParameterError where scheme, host or port are not allowed."""
        try:
            parsed = httpx.URL(url)
            host = parsed.host.lower()
        except NO_URL as error:
            raise ParameterError("An address of a remote file is no URL.", hint="Give an address that starts with https://.") from error
        if parsed.userinfo:
            raise ParameterError(f"The address on {host!r} holds a user name.", hint="Leave user and password out of addresses.")
        if parsed.scheme != "https" and not (parsed.scheme == "http" and is_this_machine(host)):
            raise ParameterError(
                f"The address {shown(url)} is reached by {parsed.scheme or 'no scheme'!r}; only https is allowed.",
                hint="Use the https address of the same file.",
            )
        port = parsed.port or (HTTPS_PORT if parsed.scheme == "https" else 80)
        if not any(rule.fits(host, port) for rule in self.rules):
            named = host if port == HTTPS_PORT else f"{_bracketed(host)}:{port}"
            raise ParameterError(
                f"The host {named!r} of {shown(url)} is not on the list of allowed hosts.",
                hint=f"If you trust it, set {SETTING}=default,{named}.",
            )
        return parsed

    def addresses(self, host: str, port: int) -> tuple[str, ...]:
        """Look a host up and return its addresses, every one of them allowed; OSError where it has none.

        Raises ParameterError where any of them lies where the host may not lead.
        """
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        named = any(rule.fits(host.lower(), port) and not rule.is_pattern for rule in self.rules)
        texts = tuple(dict.fromkeys(str(entry[4][0]) for entry in found))
        for text in texts:
            if not _may_lead_to(host, ip_address(text), named):
                raise ParameterError(
                    f"The host {host!r} leads to {text}, an address that is not public.",
                    hint=f"If it is a machine of yours, list it by its own name or address in {SETTING}.",
                )
        return texts


def is_this_machine(host: str) -> bool:
    """Tell whether a host, as written, is the loopback interface."""
    address = _maybe_address(host)
    return host == "localhost" if address is None else address.is_loopback


def shown(url: str) -> str:
    """Return an address for messages: without query, fragment, user and password, where signatures stand."""
    try:
        return str(httpx.URL(url).copy_with(userinfo=b"", query=None, fragment=None))
    except NO_URL:
        return "(no URL)"


def _may_lead_to(host: str, address: _Address, named: bool) -> bool:
    embedded = _embedded(address)
    if embedded is not None:
        return _may_lead_to(host, embedded, named)
    if host == "localhost":
        return named and address.is_loopback
    if address.is_global and not (address.is_multicast or address.is_reserved):  # `::127.0.0.1` counts as both global and reserved
        return True
    if _maybe_address(host) is not None:
        return named
    special = address.is_loopback or address.is_link_local or address.is_multicast or address.is_reserved or address.is_unspecified
    return named and address.is_private and not special


def _embedded(address: _Address) -> IPv4Address | None:
    """Return the IPv4 address that an IPv6 address of a gateway stands for."""
    if not isinstance(address, IPv6Address):
        return None
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour


def _maybe_address(host: str) -> _Address | None:
    try:
        return ip_address(host.strip("[]"))
    except ValueError:
        return None


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _rule(entry: str) -> Rule:
    bare = entry.removeprefix("*.")
    try:
        parsed = httpx.URL(f"https://{bare}")
    except httpx.InvalidURL:
        parsed = httpx.URL("")
    has_port = bare.rpartition("]")[2].count(":") == 1
    port = int(bare.rpartition(":")[2]) if has_port and bare.rpartition(":")[2].isdecimal() else None
    plain = parsed.userinfo == b"" and parsed.raw_path == b"/" and not parsed.fragment
    if not parsed.host or not plain or "*" in parsed.host or (has_port and port is None):
        raise ParameterError(
            f"The entry {entry!r} of {SETTING} is no host.", hint="Write e.g. stac.example.org, *.example.org or host:8443."
        )
    return Rule(entry[: len(entry) - len(bare)] + parsed.host, port)
