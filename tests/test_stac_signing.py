"""Signatures of Planetary Computer: asked for once, asked for anew when they expire or are refused, kept nowhere."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from scripted_stac import Call, Reply, ScriptedServer
from tools.errors import CredentialError, ServiceError
from tools.settings import ToolSettings
from tools.storage.http import Remote, Request
from tools.storage.signing import TokenSigner, signer_for


class Storage:
    """A token service under /token, and files that open only with the newest token."""

    def __init__(self) -> None:
        self.issued = 0
        self.lasts = timedelta(hours=1)
        self.valid = "t1"

    def answer(self, call: Call, _: str) -> Reply:
        if call.path.startswith("/token/"):
            if call.path.endswith("/private"):
                return Reply({}, 404)
            self.issued += 1
            expiry = (datetime.now(UTC) + self.lasts).isoformat()
            return Reply({"token": f"sv=1&sig=t{self.issued}", "msft:expiry": expiry})
        return Reply(b"pixels") if call.query.get("sig") == [self.valid] else Reply({}, 403)


@pytest.fixture
def storage() -> Storage:
    return Storage()


@pytest.fixture
def server(storage: Storage) -> Iterator[ScriptedServer]:
    with ScriptedServer(storage.answer) as running:
        yield running


@pytest.fixture
def settings() -> ToolSettings:
    return ToolSettings(allowed_hosts="127.0.0.1", http_attempts=1)


@pytest.fixture
def signer(server: ScriptedServer, settings: ToolSettings) -> TokenSigner:
    return TokenSigner(f"{server.url}/token", storage="127.0.0.1", settings=settings)


def test_a_token_opens_a_container_and_is_asked_for_once(storage: Storage, server: ScriptedServer, signer: TokenSigner) -> None:
    signed = {signer.sign(f"{server.url}/images/{name}.tif") for name in "abc"}
    assert signed == {f"{server.url}/images/{name}.tif?sv=1&sig=t1" for name in "abc"}
    assert [call.path for call in server.calls] == ["/token/127/images"]
    signer.sign(f"{server.url}/masks/a.tif")
    assert storage.issued == 2


def test_a_query_and_a_signature_that_are_there_are_kept(server: ScriptedServer, signer: TokenSigner) -> None:
    assert signer.sign(f"{server.url}/images/a.tif?part=2") == f"{server.url}/images/a.tif?part=2&sv=1&sig=t1"
    assert signer.sign(f"{server.url}/images/a.tif?sig=mine") == f"{server.url}/images/a.tif?sig=mine"


def test_a_token_about_to_expire_is_replaced(storage: Storage, server: ScriptedServer, signer: TokenSigner) -> None:
    storage.lasts = timedelta(seconds=59)
    signer.sign(f"{server.url}/images/a.tif")
    storage.lasts = timedelta(hours=1)
    assert signer.sign(f"{server.url}/images/a.tif").endswith("sig=t2")
    assert signer.sign(f"{server.url}/images/a.tif").endswith("sig=t2")


def test_a_refused_token_is_replaced_once(storage: Storage, server: ScriptedServer, signer: TokenSigner, settings: ToolSettings) -> None:
    storage.valid = "t2"
    with Remote(settings) as remote:
        answer = remote.request(Request(f"{server.url}/images/a.tif", signer=signer))
        assert (answer.body, storage.issued) == (b"pixels", 2)
        assert "sig" not in answer.url
        storage.valid = "never"
        with pytest.raises(CredentialError) as caught:
            remote.request(Request(f"{server.url}/images/a.tif", signer=signer))
    assert storage.issued == 3
    assert "sig=" not in json.dumps(caught.value.to_json())


def test_a_container_without_a_token_is_read_unsigned(server: ScriptedServer, signer: TokenSigner) -> None:
    for _ in range(2):
        assert signer.sign(f"{server.url}/private/a.tif") == f"{server.url}/private/a.tif"
    assert len(server.calls) == 1


def test_an_answer_that_is_no_token_is_an_error_that_does_not_quote_it(settings: ToolSettings) -> None:
    with ScriptedServer(lambda *_: Reply({"token": "sig=secret"})) as server:
        signer = TokenSigner(f"{server.url}/token", storage="127.0.0.1", settings=settings)
        with pytest.raises(ServiceError, match="no token") as caught:
            signer.sign(f"{server.url}/images/a.tif")
    assert caught.value.__cause__ is None
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "is_signed"),
    [
        ("https://sentinel2l2a01.blob.core.windows.net/sentinel2-l2/a.tif", True),
        ("https://sentinel-cogs.s3.us-west-2.amazonaws.com/a.tif", False),
        ("https://evilblob.core.windows.net.example/a.tif", False),
        ("https://example.com/x.blob.core.windows.net/a.tif", False),
    ],
)
def test_only_azure_storage_is_signed(url: str, is_signed: bool) -> None:
    assert (signer_for(url) is not None) == is_signed


def test_public_storage_needs_no_token() -> None:
    url = "https://ai4edatasetspublicassets.blob.core.windows.net/thumbnails/a.png"
    signer = signer_for(url)
    assert signer is not None
    assert signer.sign(url) == url
