"""What leaves with a text: no key, token, password, signature or query string; and everything else whole."""

from __future__ import annotations

import json
import logging
import string
import sys
from urllib.parse import quote

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from agent.interfaces.logs import FULL, Redacting
from tools import redaction
from tools.errors import DataError, error_from_json
from tools.redaction import MARK, redacted, redacted_json, remember, remember_environment, without_secrets

ALNUM = string.ascii_letters + string.digits
SECRET = st.text(ALNUM + "-_", min_size=24, max_size=48).map(lambda text: f"a1Z{text}9Q")
"""What no other text holds by chance."""
TEXT = st.text(max_size=40)
FORMS = (
    "Authorization: Bearer {}",
    "authorization: Basic {}",
    "{{'Authorization': 'Bearer {}'}}",
    "[(b'x-api-key', b'{}')]",
    "Bearer {}",
    "Cookie: session={}; theme=dark",
    "sk-{}",
    "sk-proj-{}",
    "xoxb-{}",
    "xapp-1-{}",
    "ghp_{}",
    "https://user:{}@example.org/a.tif",
    "https://{}@example.org/a.tif",
    "postgresql://me:with/slash{}@db:5432/x",
    "https://example.org/a.tif?sv=2024&sig={}%3D&se=1",
    "https://example.org/a.tif?{}",
    "https://example.org/a.tif?X-Amz-Signature={}",
    "GET /a.tif?se=1&sig={} HTTP/1.1",
    "https:\\/\\/example.org\\/a.tif?se=1\\u0026sig={}",
    "sig={}",
    "token={}",
    "OPENAI_API_KEY={}",
    "AccountKey={};EndpointSuffix=core",
    "host=db password={} user=me",
    "password: {}",
    '{{"password": "{}"}}',
    '{{"refresh_token":"{}"}}',
    '{{"inner": "{{\\"client_secret\\": \\"{}\\"}}"}}',
)
"""How a secret is written where nobody has made it known."""

HARMLESS = (
    "What is the mean depth? And why?",
    "Is the area of https://example.org/data larger than 3?",
    "See https://stac.example.org/v1/collections/a/items/b.tif, which is free.",
    "https://example.org:8080/tiles/@2x/a.png",
    "The result a:3f9c0d12ab45#facts/3 and a:0123456789abcdef0123456789abcdef",
    "key=3f9c0d12ab45 tool=zonal_stats seconds=0.12",
    "sha256:53aa5117e3b8d1f0a9c2b9db53aa5117e3b8d1f0a9c2b9db53aa5117e3b8d1f0",
    "13.405, 52.52, -1e-9, 12:30@office, 50% of 3 km2",
    "sk-learn, sk-corine-landcover-2018, task-force-2024-08-01, risk-map",
    "The bearer of this map, a token of thanks, the password is asked for.",
    "Set OPENAI_API_KEY and OPENAI_BASE_URL, or use --engine planner.",
    "design=3 and the signature of the treaty",
    '{"usage": {"input_tokens": 12}, "key": "3f9c0d12ab45", "token": 5}',
    "where(a == 1 and sig == 2, 1, 0)",
    "mailto:someone@example.org",
    "S2B_MSIL2A_20240615T095031_N0510_R079_T33UXP_20240615T121212",
    "C:\\data\\river?.shp, /data/über/räume (copy).tif",
    '["password", "depth", "token", "name"]',
    '{"column": "token", "unit": "m", "names": ["authorization", "cookie"], "sig": 3}',
    "https://doi.org/10.5281/zenodo.1234567#section-2",
)


@pytest.mark.parametrize("form", FORMS)
def test_each_form_of_a_secret_is_found(form: str) -> None:
    secret = "a1Zq8-Xw_rT5vB2nM4kL7pJ9Q"
    text = redacted(f"before ({form.format(secret)})\nafter")
    assert secret not in text
    assert text.startswith("before (")
    assert text.endswith("\nafter")


@settings(max_examples=60)
@given(secret=SECRET, form=st.sampled_from(FORMS), before=TEXT, after=TEXT)
@example(secret="a1Z/+9Q" * 5, form="https://example.org/a?sig={}", before="(", after=").")
def test_no_form_of_a_secret_stays_in_any_text(secret: str, form: str, before: str, after: str) -> None:
    assume(not before[-1:].isalnum() and before[-1:] not in "-_+.\\\"'`<>&" and not after[:1].isalnum())
    assert secret not in redacted(f"{before} {form.format(secret)} {after}")


@given(secret=st.text(min_size=8, max_size=40).filter(lambda text: text.strip() == text), before=TEXT, after=TEXT)
def test_a_known_value_stays_in_no_text_however_it_is_written(secret: str, before: str, after: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(redaction, "_known", frozenset())
        assume(secret not in MARK)
        remember(secret)
        for text in (secret, json.dumps(secret)[1:-1], quote(secret), quote(secret, safe="")):
            assert text not in redacted(f"{before}{text}{after}").replace(MARK, "")


@pytest.mark.parametrize("text", HARMLESS)
def test_what_is_no_secret_stays_as_it_is(text: str) -> None:
    assert redacted(text) == text


@given(st.one_of(TEXT, st.lists(st.sampled_from((*FORMS, *HARMLESS, MARK, "?", "://", "@", '"', "\\", "=")), max_size=6).map(" ".join)))
def test_what_was_redacted_once_is_not_changed_again(text: str) -> None:
    assert redacted(redacted(text)) == redacted(text)


UNENDED = ('"token": "x', "'token': 'x", "('cookie', 'x", "token=\\", "password: \\", "https://a?b=\\", "\\", '"', "://a:b", "Cookie: ")
"""What begins like a secret and does not end."""
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | TEXT
    | st.sampled_from((*FORMS, *HARMLESS, "token", "the password", "Cookie", *UNENDED)),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(("token", "password", "authorization", "url", "a token", 'a"b')), inner, max_size=4)
    ),
    max_leaves=12,
)


@example(['"token": "x', "rest"])
@example({"licence": "cookie", "attribution": "a"})
@given(JSON)
def test_json_stays_json_of_the_same_shape(value: object) -> None:
    def shape(one: object) -> object:
        if isinstance(one, dict):
            return {key: shape(inner) for key, inner in one.items()}
        return [shape(inner) for inner in one] if isinstance(one, list) else type(one)

    assert shape(redacted_json(value)) == shape(value)


@given(st.recursive(st.sampled_from((*HARMLESS, 3, 0.5, None)), lambda inner: st.lists(inner, max_size=4), max_leaves=8))
def test_harmless_json_is_handed_back_itself(value: object) -> None:
    assert redacted_json(value) is value


def test_a_query_that_signs_nothing_is_no_secret_but_leaves_all_the_same() -> None:
    address = "https://example.org/tiles?bands=B04"
    assert without_secrets(address) == address
    assert redacted(address) == "https://example.org/tiles"


@pytest.mark.parametrize("piece", ["http://", "?a=", "sk-", '"token"', "\\", "://a:", "bearer ", "cookie:a;", "a@", "password=", "=" * 3])
def test_hostile_text_takes_no_longer_than_its_length_says(piece: str) -> None:
    # Quadratic time would take minutes here.
    redacted(piece * (100_000 // len(piece)))


def test_keys_of_the_environment_are_known_by_their_names_and_paths_are_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redaction, "_known", frozenset())
    remember_environment(
        {"MISTRAL_API_KEY": "plain words here", "TLS_KEY": "/etc/tls/own.key", "HOME": "/home/someone", "DB_PASSWORD": "short"}
    )
    assert redacted("plain words here, /etc/tls/own.key, /home/someone, short") == f"{MARK}, /etc/tls/own.key, /home/someone, short"


def test_an_error_is_without_secrets_in_every_form_in_which_it_is_told() -> None:
    error = DataError("https://u:pw12345@h/a?sig=abc failed.", hint="Try token=abc.")
    told = [str(error), repr(error), json.dumps(error.to_json()), error.message, error.hint, str(error_from_json(error.to_json()))]
    assert all("pw12345" not in text and "abc" not in text for text in told)


def test_a_log_is_without_secrets_in_message_arguments_extras_and_traceback() -> None:
    formatter = Redacting(f"{FULL} %(address)s")
    try:
        try:
            raise ValueError("https://h/a?sig=first")
        except ValueError as cause:
            raise RuntimeError("Authorization: Bearer second") from cause
    except RuntimeError:
        record = logging.LogRecord("x", logging.ERROR, "", 1, "token=third of %s", ("https://h/a?sig=fourth",), sys.exc_info())
    record.address = "https://user:fifth@h/a"
    text = formatter.format(record)
    assert "RuntimeError" in text
    assert not [
        secret for secret in ("first", "second", "third", "fourth", "fifth") if secret in text.replace('raise ValueError("https://h', "")
    ]
