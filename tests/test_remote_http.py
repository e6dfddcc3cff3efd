"""The guarded HTTP client: what it reaches, what it refuses, how it gives up."""

from __future__ import annotations

import gzip
import logging
import socket
import time
from collections.abc import Iterator

import pytest

from range_server import Fault, RangeServer
from tools.errors import CredentialError, LimitError, NotFoundError, ParameterError, ServiceError
from tools.settings import ToolSettings
from tools.storage.hosts import AllowedHosts, shown
from tools.storage.http import Remote, Request


@pytest.fixture
def server() -> Iterator[RangeServer]:
    with RangeServer() as running:
        running.put("/a", b"hello")
        yield running


@pytest.fixture
def remote(server: RangeServer) -> Iterator[Remote]:
    with Remote(ToolSettings(allowed_hosts=server.host, http_deadline_s=5), pause_s=0.01) as client:
        yield client


class Ticket:
    """Signs with the next of its tickets; a forgotten one is replaced."""

    def __init__(self, *tickets: str) -> None:
        self.tickets = list(tickets)

    def sign(self, url: str) -> str:
        return f"{url}?{self.tickets[0]}"

    def forget(self, url: str) -> None:
        if len(self.tickets) > 1:
            self.tickets.pop(0)


def test_an_allowed_host_is_read(server: RangeServer, remote: Remote) -> None:
    assert remote.request(Request(server.url("/a"))).body == b"hello"


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example/a",  # not listed
        "https://earth-search.aws.element84.com.evil.example/",  # a listed name as a prefix
        "https://earth-search.aws.element84.com:8443/",  # a port that is not listed
        "https://blob.core.windows.net/",  # the pattern stands for hosts below
        "https://evilblob.core.windows.net/",
        "http://earth-search.aws.element84.com/",  # without TLS
        "https://u:p@earth-search.aws.element84.com/",
        "http://127.0.0.1/a",
        "http://[::ffff:127.0.0.1]/a",
        "http://2130706433/a",
        "http://localhost/a",
        "file:///etc/passwd",
        "s3://sentinel-cogs/a",
        "/vsicurl/https://earth-search.aws.element84.com/",
        "https://earth-search.aws.element84.com\\@evil.example/",
        "no url",
        "https://",
    ],
)
def test_what_is_not_on_the_list_is_refused_before_anything_is_sent(url: str) -> None:
    with pytest.raises(ParameterError):
        AllowedHosts.parse("default").check_url(url)


@pytest.mark.parametrize(
    ("setting", "url"),
    [
        ("default", "https://earth-search.aws.element84.com/v1"),
        ("default", "https://EARTH-SEARCH.aws.element84.com:443/v1"),
        ("default", "https://sentinel2l2a01.blob.core.windows.net/a?sig=1"),
        ("stac.example.org:8443", "https://stac.example.org:8443/"),
        ("default, 127.0.0.1", "http://127.0.0.1:9/"),
        ("[::1]:8123", "http://[::1]:8123/"),
        ("localhost", "http://localhost:80/"),
    ],
)
def test_what_is_on_the_list_passes(setting: str, url: str) -> None:
    AllowedHosts.parse(setting).check_url(url)


def test_the_refusal_names_the_host_and_the_setting_but_no_query() -> None:
    with pytest.raises(ParameterError) as caught:
        AllowedHosts.parse("default").check_url("https://evil.example/a?sig=secret")
    assert "'evil.example'" in str(caught.value)
    assert "TERRACITE_ALLOWED_HOSTS=default,evil.example" in str(caught.value)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("entry", ["https://a.example", "a.example/path", "*", "*.*.example", "a.example:port", "u@a.example"])
def test_an_entry_that_is_no_host_is_refused(entry: str) -> None:
    with pytest.raises(ParameterError, match="is no host"):
        AllowedHosts.parse(entry)


@pytest.mark.parametrize(
    ("setting", "host", "address", "allowed"),
    [
        ("a.example", "a.example", "93.184.216.34", True),
        ("a.example", "a.example", "10.0.0.1", True),  # named: a machine of one's own network
        ("*.example", "a.example", "10.0.0.1", False),  # only a pattern
        ("a.example", "a.example", "127.0.0.1", False),
        ("a.example", "a.example", "169.254.169.254", False),  # where clouds keep credentials
        ("a.example", "a.example", "::ffff:169.254.169.254", False),
        ("a.example", "a.example", "64:ff9b::a9fe:a9fe", False),  # the same through a gateway
        ("a.example", "a.example", "224.0.0.1", False),
        ("a.example", "a.example", "0.0.0.0", False),
        ("a.example", "a.example", "fe80::1", False),
        ("localhost", "localhost", "127.0.0.1", True),
        ("localhost", "localhost", "10.0.0.1", False),
        ("10.0.0.1", "10.0.0.1", "10.0.0.1", True),
    ],
)
def test_addresses_are_checked_after_the_name_was_looked_up(
    setting: str, host: str, address: str, allowed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: [(0, 0, 0, "", (address, 443))])
    hosts = AllowedHosts.parse(setting)
    if allowed:
        assert hosts.addresses(host, 443) == (address,)
    else:
        with pytest.raises(ParameterError, match="not public"):
            hosts.addresses(host, 443)


def test_a_name_that_leads_elsewhere_is_never_connected_to(server: RangeServer, monkeypatch: pytest.MonkeyPatch) -> None:
    port = int(server.host.rpartition(":")[2])
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: [(0, 0, 0, "", ("127.0.0.1", port))])
    with Remote(ToolSettings(allowed_hosts=f"a.example:{port}")) as remote, pytest.raises(ParameterError, match=r"leads to 127\.0\.0\.1"):
        remote.request(Request(f"https://a.example:{port}/a"))
    assert not server.seen


def test_a_name_is_looked_up_once_so_that_it_cannot_change_between_check_and_connection(
    server: RangeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    names: list[str] = []
    true_lookup = socket.getaddrinfo

    def lookup(host: str, *rest: object, **named: object) -> object:
        names.append(host)
        return true_lookup("127.0.0.1", *rest, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(socket, "getaddrinfo", lookup)
    port = server.host.rpartition(":")[2]
    with Remote(ToolSettings(allowed_hosts="localhost")) as remote:
        assert remote.request(Request(f"http://localhost:{port}/a")).body == b"hello"
    assert names == ["localhost", "127.0.0.1"]  # the second is the checked address itself


def test_a_host_whose_name_cannot_be_looked_up_is_a_clear_error() -> None:
    host = f"{'a' * 70}.example"
    with Remote(ToolSettings(allowed_hosts=host, http_attempts=1)) as remote, pytest.raises(ServiceError, match="is not known"):
        remote.request(Request(f"https://{host}/a"))


def test_a_redirect_is_followed_only_to_allowed_hosts(server: RangeServer, remote: Remote) -> None:
    server.fail("/b", Fault(302, {"location": "/a"}), Fault(302, {"location": "https://evil.example/a?sig=secret"}))
    assert remote.request(Request(server.url("/b"))).body == b"hello"
    with pytest.raises(ParameterError, match=r"evil\.example") as caught:
        remote.request(Request(server.url("/b")))
    assert "secret" not in str(caught.value)


def test_redirects_without_end_are_given_up(server: RangeServer, remote: Remote) -> None:
    server.always_fail("/b", Fault(302, {"location": "/b"}))
    with pytest.raises(ServiceError, match="redirects more than 5 times"):
        remote.request(Request(server.url("/b")))
    assert len(server.seen) == 6


def test_a_redirected_post_keeps_its_body(server: RangeServer, remote: Remote) -> None:
    server.fail("/b", Fault(307, {"location": "/a"}))
    remote.request(Request(server.url("/b"), "POST", body=b"{}"))
    assert [(each.method, each.body) for each in server.seen] == [("POST", b"{}"), ("POST", b"{}")]


@pytest.mark.parametrize("fault", [Fault(429), Fault(503), Fault(500), Fault(cut_at=2)])
def test_what_may_pass_is_tried_again(server: RangeServer, remote: Remote, fault: Fault) -> None:
    server.fail("/a", fault, fault)
    assert remote.request(Request(server.url("/a"))).body == b"hello"
    assert len(server.seen) == 3


def test_tries_are_bounded(server: RangeServer, remote: Remote) -> None:
    server.always_fail("/a", Fault(503))
    with pytest.raises(ServiceError, match="answers 503"):
        remote.request(Request(server.url("/a")))
    assert len(server.seen) == 4


def test_a_pause_that_the_server_asks_for_is_kept(server: RangeServer, remote: Remote) -> None:
    server.fail("/a", Fault(429, {"retry-after": "1"}))
    started = time.monotonic()
    remote.request(Request(server.url("/a")))
    assert 1.0 <= time.monotonic() - started < 2.0


def test_a_pause_longer_than_the_deadline_is_not_waited_for(server: RangeServer, remote: Remote) -> None:
    server.fail("/a", Fault(429, {"retry-after": "3600"}))
    started = time.monotonic()
    with pytest.raises(ServiceError, match="answers 429"):
        remote.request(Request(server.url("/a")))
    assert time.monotonic() - started < 1.0


def test_an_answer_that_only_drips_ends_at_the_deadline(server: RangeServer) -> None:
    server.put("/slow", b"x" * 100)
    server.always_fail("/slow", Fault(drip_s=0.1))
    started = time.monotonic()
    with Remote(ToolSettings(allowed_hosts=server.host, http_deadline_s=0.5)) as remote, pytest.raises(ServiceError, match="in time"):
        remote.request(Request(server.url("/slow")))
    assert time.monotonic() - started < 1.0


def test_the_caller_may_set_an_earlier_deadline(server: RangeServer, remote: Remote) -> None:
    server.always_fail("/a", Fault(503, {"retry-after": "1"}))
    with pytest.raises(ServiceError):
        remote.request(Request(server.url("/a"), until=time.monotonic() + 0.5))
    assert len(server.seen) == 1


def test_a_body_above_the_limit_is_refused(server: RangeServer, remote: Remote) -> None:
    with pytest.raises(LimitError, match="larger than 4 bytes"):
        remote.request(Request(server.url("/a"), max_bytes=4))


def test_a_body_that_unpacks_above_the_limit_is_refused(server: RangeServer, remote: Remote) -> None:
    server.put("/bomb", gzip.compress(b"0" * 1_000_000))
    server.fail("/bomb", Fault(headers={"content-encoding": "gzip"}))
    with pytest.raises(LimitError, match="larger than 10,000 bytes"):
        remote.request(Request(server.url("/bomb"), max_bytes=10_000))


@pytest.mark.parametrize(
    ("status", "error"), [(401, CredentialError), (403, CredentialError), (404, NotFoundError), (410, NotFoundError), (400, ServiceError)]
)
def test_a_status_becomes_the_error_of_who_can_repair_it(server: RangeServer, remote: Remote, status: int, error: type[Exception]) -> None:
    server.always_fail("/a", Fault(status))
    with pytest.raises(error, match=str(status)):
        remote.request(Request(server.url("/a")))
    assert len(server.seen) == 1


def test_a_status_that_the_caller_understands_is_returned(server: RangeServer, remote: Remote) -> None:
    server.fail("/a", Fault(400))
    assert remote.request(Request(server.url("/a"), accept=(400,))).status == 400


def test_a_refused_signature_is_renewed_once(server: RangeServer, remote: Remote) -> None:
    server.signatures["/a"] = "sig=new"
    assert remote.request(Request(server.url("/a"), signer=Ticket("sig=old", "sig=new"))).body == b"hello"
    assert [each.query for each in server.seen] == ["sig=old", "sig=new"]


def test_a_signature_refused_twice_is_an_error_without_the_signature(server: RangeServer, remote: Remote) -> None:
    server.signatures["/a"] = "sig=other"
    with pytest.raises(CredentialError) as caught:
        remote.request(Request(server.url("/a"), signer=Ticket("sig=secret1", "sig=secret2")))
    assert len(server.seen) == 2
    assert "secret" not in str(caught.value)


def test_signatures_enter_no_log(server: RangeServer, remote: Remote, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        answer = remote.request(Request(server.url("/a"), signer=Ticket("sig=secret")))
    assert "secret" not in caplog.text
    assert "secret" not in answer.url


def test_a_machine_that_is_not_there_is_a_service_error() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        host = f"127.0.0.1:{taken.getsockname()[1]}"
        with Remote(ToolSettings(allowed_hosts=host), pause_s=0.01) as remote, pytest.raises(ServiceError, match="cannot be reached"):
            remote.request(Request(f"http://{host}/"))


def test_an_address_is_shown_without_what_may_be_secret() -> None:
    assert shown("https://u:p@a.example/x/y?sig=1#f") == "https://a.example/x/y"
