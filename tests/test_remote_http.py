"""The guarded HTTP client: what it reaches, what it refuses, how it gives up."""

from __future__ import annotations

import gzip
import logging
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from range_server import Fault, RangeServer
from raw_server import RawServer, Script, drips, never_reads, says
from tools.errors import CredentialError, DataError, LimitError, NotFoundError, ParameterError, ServiceError
from tools.settings import ToolSettings
from tools.storage.bodies import maybe_count
from tools.storage.hosts import AllowedHosts, shown
from tools.storage.http import Remote, Request
from tools.storage.ranges import Budget, RemoteFile
from tools.storage.stac_io import GuardedIO, RejectedError
from tools.storage.validators import digests, is_strong, maybe_content_range


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
        "https://earth-search.aws.element84.com/a\r\nHost: evil.example",
        "https://earth-search.aws.element84.com/a b\tc",
        "https://earth-search.aws.element84.com\x00.evil.example/",
        "https://xn--a.example/",  # no name that a domain can have
        "https://a.example/\ud800",
        f"https://earth-search.aws.element84.com/{'a' * 70_000}",
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
        ("a.example", "a.example", "::127.0.0.1", False),  # an old way to write IPv4 in IPv6
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
    assert time.monotonic() - started < 2.0


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


SECRETS = (("Authorization", "Bearer hush"), ("Cookie", "id=hush"), ("X-Api-Key", "hush"), ("Referer", "https://a.example/?hush"))


def test_credentials_go_to_no_other_port(server: RangeServer, remote: Remote) -> None:
    with RangeServer() as other:
        other.put("/a", b"theirs")
        server.fail("/b", Fault(307, {"location": other.url("/a")}))
        with Remote(ToolSettings(allowed_hosts="127.0.0.1")) as both:
            asked = Request(server.url("/b"), headers=(*SECRETS, ("Range", "bytes=0-2"), ("Accept", "text/plain")))
            assert both.request(asked).body == b"the"
        (first,), (second,) = server.seen, other.seen
    assert "hush" in first.headers["authorization"]
    assert "hush" not in str(second.headers)
    assert (second.headers["range"], second.headers["accept"]) == ("bytes=0-2", "text/plain")


def test_credentials_go_along_on_the_same_machine_and_port(server: RangeServer, remote: Remote) -> None:
    server.fail("/b", Fault(307, {"location": "/a"}))
    remote.request(Request(server.url("/b"), headers=SECRETS))
    assert [each.headers["x-api-key"] for each in server.seen] == ["hush", "hush"]


def test_a_cookie_that_a_server_sets_is_never_sent_back(server: RangeServer, remote: Remote) -> None:
    server.fail("/a", Fault(headers={"set-cookie": "id=1"}))
    for _ in range(2):
        remote.request(Request(server.url("/a")))
    assert all("cookie" not in each.headers and "referer" not in each.headers for each in server.seen)


@pytest.mark.parametrize("target", ["http://127.0.0.1/stop", "http://localhost:8123/", "https://[::1]/"])
def test_another_machine_cannot_redirect_to_this_one(target: str) -> None:
    with Remote(ToolSettings(allowed_hosts="default,127.0.0.1,localhost,[::1]")) as remote:
        asked = Request("https://landsatlook.usgs.gov/a")
        with pytest.raises(ServiceError, match="redirects to this machine"):
            remote._redirected(asked, httpx.URL(asked.url), target, 302)
        led = remote._redirected(asked, httpx.URL(asked.url), "https://earth-search.aws.element84.com/b", 302)[1]
    assert led.host == "earth-search.aws.element84.com"


def test_a_redirect_to_something_that_is_no_address_is_an_error(server: RangeServer, remote: Remote) -> None:
    server.always_fail("/b", Fault(302, {"location": "http://[::1/"}))
    with pytest.raises(ServiceError, match="no address"):
        remote.request(Request(server.url("/b")))


@pytest.mark.parametrize("value", ["a\r\nX-Evil: 1", "a\nb", "a\x00b", "\u0141"])
def test_a_header_cannot_hold_a_second_one(value: str) -> None:
    with pytest.raises(ParameterError, match="If-Match"):
        Request("https://a.example/", headers=(("If-Match", value),))


DRIPS: dict[str, tuple[str, Script]] = {
    "status line": ("http", drips(b"", b"H")),
    "headers": ("http", drips(b"HTTP/1.1 200 OK\r\n", b"a: b\r\n")),
    "sizes of chunks": ("http", drips(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\na\r\n")),
    "body": ("http", drips(b"HTTP/1.1 200 OK\r\n\r\n", b"a")),
    "interim answers": ("http", drips(b"", b"HTTP/1.1 100 Continue\r\n\r\n", pause_s=0.001)),
    "TLS handshake": ("https", drips(b"\x16\x03\x03\x3f\xff", b"\x02", reads=False)),
    "reading the request": ("http", never_reads),
}


def test_a_server_that_drips_is_stopped_at_the_limit_and_others_are_asked_meanwhile(server: RangeServer, remote: Remote) -> None:
    limit_s = 0.8

    def stopped_after(scheme: str, script: Script) -> float:
        with RawServer(script) as slow, Remote(ToolSettings(allowed_hosts="127.0.0.1", http_deadline_s=limit_s)) as patient:
            started = time.monotonic()
            body = b"x" * (20_000_000 if script is never_reads else 1)
            with pytest.raises(ServiceError, match="in time"):
                patient.request(Request(f"{scheme}://{slow.host}/", "POST", body=body))
            return time.monotonic() - started

    with ThreadPoolExecutor(len(DRIPS)) as pool:
        waiting = {name: pool.submit(stopped_after, *each) for name, each in DRIPS.items()}
        quick = [_seconds(remote, server) for _ in range(5)]
        took = {name: each.result() for name, each in waiting.items()}
    assert max(quick) < limit_s
    assert all(limit_s <= seconds < limit_s + 2.0 for seconds in took.values()), took


def _seconds(remote: Remote, server: RangeServer) -> float:
    started = time.monotonic()
    remote.request(Request(server.url("/a")))
    return time.monotonic() - started


def test_a_name_server_that_does_not_answer_is_waited_for_no_longer_than_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    answered = threading.Event()

    def look_up(*_: object, **__: object) -> list[object]:
        answered.wait(10)
        return []

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    started = time.monotonic()
    with Remote(ToolSettings(allowed_hosts="a.example", http_deadline_s=0.2)) as remote, pytest.raises(ServiceError, match="in time"):
        remote.request(Request("https://a.example/"))
    assert time.monotonic() - started < 2.0
    answered.set()


HEAD = b"HTTP/1.1 200 OK\r\n"


@pytest.mark.parametrize(
    "answer",
    [
        HEAD + b"".join(b"h%d: x\r\n" % n for n in range(201)) + b"content-length: 0\r\n\r\n",  # too many headers
        HEAD + b"h: " + b"x" * 200_000 + b"\r\n\r\n",  # too long ones
        HEAD + b"content-length: " + b"9" * 5000 + b"\r\n\r\n",  # more digits than int() takes
        HEAD + b"content-length: 3\r\ncontent-length: 4\r\n\r\nabcd",
        HEAD + b"content-length: 9\r\n\r\nabcd",
        HEAD + b"content-length: -1\r\n\r\n",
        HEAD + b"transfer-encoding: gzip, chunked\r\n\r\n",
        HEAD + b"transfer-encoding: chunked\r\n\r\nfffffffffffffffffffffffff\r\n",
        HEAD + b"content-encoding: gzip\r\n\r\nno gzip",
        HEAD + b"content-encoding: gzip\r\n\r\n" + gzip.compress(b"whole", mtime=0)[:-5],
        HEAD + b"content-encoding: br\r\n\r\nx",  # never announced
        HEAD + b"content-encoding: gzip, gzip\r\n\r\n" + gzip.compress(gzip.compress(b"nested", mtime=0), mtime=0),
        HEAD + b"content-encoding: deflate\r\n\r\nx",
        b"<html>",
        b"HTTP/1.1 999999 OK\r\n\r\n",
        b"",
    ],
)
def test_an_answer_against_the_rules_of_http_is_an_error_of_the_service(answer: bytes) -> None:
    with (
        RawServer(says(answer)) as raw,
        Remote(ToolSettings(allowed_hosts=raw.host, http_attempts=1)) as remote,
        pytest.raises(ServiceError),
    ):
        remote.request(Request(f"http://{raw.host}/"))


def test_a_packed_answer_is_unpacked_also_where_it_is_several_parts_in_a_row(server: RangeServer, remote: Remote) -> None:
    text = b"".join(b"%d " % n for n in range(200_000))  # more than is unpacked at once
    server.put("/packed", gzip.compress(text) + gzip.compress(b"end"))
    server.always_fail("/packed", Fault(headers={"content-encoding": "gzip"}))
    assert remote.request(Request(server.url("/packed"))).body == text + b"end"
    server.put("/same", b"plain")
    server.fail("/same", Fault(headers={"content-encoding": "identity"}))
    assert remote.request(Request(server.url("/same"))).body == b"plain"


def test_a_body_that_unpacks_to_very_much_more_than_was_sent_is_refused(server: RangeServer, remote: Remote) -> None:
    server.put("/bomb", gzip.compress(bytes(20_000_000)))
    server.fail("/bomb", Fault(headers={"content-encoding": "gzip"}))
    with pytest.raises(LimitError, match="more than 250 times its size"):
        remote.request(Request(server.url("/bomb")))


def test_a_packed_range_and_a_coding_that_was_not_asked_for_are_refused(server: RangeServer, remote: Remote) -> None:
    server.put("/packed", gzip.compress(b"hello"))
    server.always_fail("/packed", Fault(headers={"content-encoding": "gzip"}))
    with pytest.raises(ServiceError, match="not asked for"):
        remote.request(Request(server.url("/packed"), headers=(("range", "bytes=0-9"),)))
    with pytest.raises(ServiceError, match="not asked for"):
        remote.request(Request(server.url("/packed"), headers=(("accept-encoding", "identity"),)))


@pytest.mark.parametrize(
    "pause", ["9" * 5000, "99999999999", "Fri, 31 Dec 9999 23:59:59 GMT", "Fri, 31 Dec 9999 23:59:59 -2359", "-5", "1e9", "soon", "\u0665"]
)
def test_a_pause_that_makes_no_sense_never_holds_anybody_up(server: RangeServer, pause: str) -> None:
    server.always_fail("/a", Fault(503, {"retry-after": pause.encode().decode("latin-1")}))
    started = time.monotonic()
    with (
        Remote(ToolSettings(allowed_hosts=server.host, http_deadline_s=3), pause_s=0.001) as remote,
        pytest.raises(ServiceError, match="503"),
    ):
        remote.request(Request(server.url("/a")))
    assert time.monotonic() - started < 2.0


def test_a_range_with_more_digits_than_a_number_has_is_nonsense_of_the_server(server: RangeServer, remote: Remote) -> None:
    server.always_fail("/a", Fault(headers={"content-range": f"bytes 0-4/{'9' * 5000}"}))
    with pytest.raises(ServiceError, match="answers a range"):
        RemoteFile(remote, server.url("/a"), Budget(10_000)).read(0, 5)


def test_an_etag_that_no_header_can_hold_is_not_sent_back(server: RangeServer, remote: Remote) -> None:
    server.put("/long", b"x" * 100_000)
    server.always_fail("/long", Fault(headers={"etag": '"\xe9"'}))
    file = RemoteFile(remote, server.url("/long"), Budget(1_000_000))
    assert file.read(0, 10) + file.read(90_000, 5) == b"x" * 15
    assert all("if-match" not in each.headers for each in server.seen)


def test_a_question_too_long_for_an_address_is_rejected_so_that_a_simpler_one_is_asked(remote: Remote) -> None:
    io = GuardedIO(remote, time.monotonic() + 5)
    with pytest.raises(RejectedError, match="too long"):
        io.request("http://127.0.0.1/search", "GET", parameters={"intersects": "1" * 70_000})
    with pytest.raises(RejectedError, match="it is none"):
        io.request("http://127.0.0.1:port/", "GET", parameters={"limit": 1})


def test_json_nested_without_end_is_no_json(server: RangeServer, remote: Remote) -> None:
    server.put("/deep", b"[" * 200_000)
    with pytest.raises(DataError, match="is not JSON"):
        remote.request(Request(server.url("/deep"))).json()


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("bytes 0-4/5", (0, 4, 5)),
        ("bytes 2-4/*", (2, 4, None)),
        ("bytes */5", (None, None, 5)),
        ("bytes 4-2/5", None),
        ("bytes 0-5/5", None),
        ("bytes 0-4", None),
        ("items 0-4/5", None),
        ("bytes \u0660-4/5", None),
        ("", None),
    ],
)
def test_a_content_range_is_read_or_said_to_make_no_sense(text: str, parts: tuple[int | None, ...] | None) -> None:
    found = maybe_content_range({"content-range": text})
    assert parts == (None if found is None else (found.first, found.last, found.size))


def test_a_size_that_no_file_has_is_none() -> None:
    assert maybe_count("123") == 123
    assert [maybe_count(each) for each in ("", "-1", "1.5", "9" * 5000, "\u0665", "\xb2")] == [None] * 6


def test_only_a_strong_etag_proves_equal_bytes() -> None:
    assert is_strong('"abc"')
    assert not any(is_strong(each) for each in (None, "", "abc", 'W/"abc"', '"a"b"', '"\xe9"', '"a\r\n"'))


def test_digests_in_headers_are_of_the_whole_file_or_do_not_count() -> None:
    md5, sha = "5d41402abc4b2a76b9719d911017c592", "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"  # of "hello"
    said = {
        "content-md5": "XUFAKrxLKna5cZ2REBfFkg==",
        "digest": "crc32c=AAAAAA==, SHA-256=LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=",
    }
    assert digests(said, whole=True) == {"sha256": sha, "md5": md5}
    assert digests(said, whole=False) == {"sha256": sha}
    assert digests({"repr-digest": "sha-256=:LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=:"}, whole=False) == {"sha256": sha}
    assert digests({"content-md5": "short", "digest": "SHA-256=////"}, whole=True) == {}
