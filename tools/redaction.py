"""What must not leave with a text: keys, tokens, passwords, signatures, and the query strings of addresses.

`redacted` is applied where text leaves: errors, logs, what a language model is sent, what is kept. It finds secrets by their
value, where the settings made them known with `remember`, and by the form in which they are written. What it leaves is what it
would leave again, and JSON stays JSON: no replacement reaches beyond a quoted text.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from urllib.parse import quote

MARK = "[redacted]"
SHORTEST = 8
"""Characters of a value that is looked for by itself; a shorter one, such as the `none` of a local endpoint, is a word of any text."""

SIGNING = re.compile(
    r"sv|ss|srt|sp|se|st|spr|sig|sr|sip|sdd|skoid|sktid|skt|ske|sks|skv|saoid|suoid|scid"  # Azure: shared access signature
    r"|x-(?:amz|goog|oss|obs)-.*|awsaccesskeyid|googleaccessid|ossaccesskeyid|expires|signature|policy|key-pair-id"
    r"|(?:access_|auth_|id_|sas_|security-)?token|(?:access|api|subscription)[_-]?key|key|apikey|password|secret|credential|sessionid",
    re.IGNORECASE,
)
"""Names of query parameters that sign an address or authorise its reader."""

_ENDINGS = (
    "token", "secret", "password", "passwd", "passphrase", "signature", "credential", "apikey", "api_key", "api-key",
    *(f"{what}{joint}key{rest}" for what in ("access", "account", "secret", "subscription", "private") for joint in ("", "_", "-")
      for rest in ("", "id", "_id", "-id")),
)  # fmt: skip
"""How names of what is secret end, wherever they stand: `password`, `SLACK_BOT_TOKEN`, `X-Amz-Signature`."""
_WORDS = ("sig", "pwd", "sessionid")
"""Names that are as secret, but also the ends of other words."""
_HEADERS = ("authorization", "x-api-key", "api-key", "-security-token", "-subscription-key", "password", "passwd")

_TUPLES = ("(?:proxy-)?authorization", "(?:set-)?cookie", "x-api-key", "api-key")


@dataclass(frozen=True)
class _Rule:
    """One way in which a secret is written; its pattern is tried only where one of the words stands (in lower case)."""

    words: tuple[str, ...]
    pattern: re.Pattern[str]
    replacement: str


def _named(tail: str, *headers: str) -> str:
    """Return a pattern that holds behind the name of a secret and `tail`, a pattern of fixed width."""
    words = (rf"(?<=[\W_]{word}{tail})|(?<=\A{word}{tail})" for word in _WORDS)
    return f"(?:{'|'.join([*words, *(f'(?<={name}{tail})' for name in (*_ENDINGS, *headers))])})"


def _names(*tails: str) -> str:
    """Return the ends of the names of secrets with each of the tails, as the words of a rule."""
    names = (*_ENDINGS, *_WORDS, "authorization", "cookie")
    ends = {name[name.index("key") :] if "key" in name else name for name in names}
    return " ".join(f"{end}{tail}" for end in sorted(ends) for tail in tails)


def _rule(words: str, pattern: str, replacement: str) -> _Rule:
    return _Rule(tuple(words.split()), re.compile(pattern, re.IGNORECASE | re.DOTALL), replacement)


_U = r"\\u[0-9a-f]{4}"  # a character as JSON may write it
_BARE = rf"(?:[^\s\"'&<>\\`]|{_U})"
_IN_URL = rf"(?:{re.escape(MARK)}|[^\s\"'<>\\]|\\/|{_U})"
_END = rf"(?:(?<={re.escape(MARK)})|(?<![.,;:!?)\]}}]))"
_DONE = re.escape(MARK)
_SCHEME = r"(?:(?:basic|bearer|token|apikey|digest|negotiate)\s+)?"
_IN_QUOTES = _named("[\"']", "authorization", "cookie")
_IN_ESCAPED_QUOTES = _named(r"\\\"", "authorization", "cookie")
_QUOTED = r"(?:(?!(?P=q))(?:\\.|[^\\\"]))++"  # never beyond a double quote, which may be JSON's own
_RANDOM = r"(?=[\w*-]{0,200}?(?:[a-z0-9]{24}|\*{3}|(?!19|20)\d{10}|(?=[a-z]*\d)(?=\d*[a-z])[a-z0-9]{12}))"

_QUERIES = (
    _rule("?", rf"(:(?:\\?/){{2}}(?:(?!://)(?:[^\s\"'<>\\?]|\\/))*+)\?(?=[\w%&.~\[]){_IN_URL}*{_END}", r"\1"),
    _rule("?", rf"\?(?<=[\w/.~%-]\?)(?=[\w.~%-]+=){_IN_URL}*{_END}", ""),
)
_SECRETS = (
    # user:password@ of an address; also where the password holds a slash, but not the port before a path with an @
    _rule(
        "@",
        r"(:(?:\\?/){2})(?:[^\s/?#\"'<>\\:@\[]*+:(?!\d{1,5}/)(?:(?!://)[^\s\"'<>\\@])*+|[^\s/?#\"'<>\\@:]*+)@(?:[^\s/?#\"'<>\\@]*+@)*",
        r"\1",
    ),
    # ('authorization', 'Bearer …'), as Python writes a header
    _rule("authorization cookie key", rf"(\(b?(?P<q>[\"'])(?:{'|'.join(_TUPLES)})(?P=q),\s*b?(?P=q)){_QUOTED}", rf"\1{MARK}"),
    # "password": "…", as JSON and Python write it, quoted once or twice
    _rule(_names('"', "'"), rf"(?P<q>[\"']){_IN_QUOTES}(?P<s>\s*:\s*b?(?P=q)){_QUOTED}", rf"\g<q>\g<s>{MARK}"),
    _rule(_names('\\"'), rf"(?P<q>\\\"){_IN_ESCAPED_QUOTES}(?P<s>\s*:\s*(?P=q)){_QUOTED}", rf"\g<q>\g<s>{MARK}"),
    _rule(
        " ".join(f"{name}:" for name in _HEADERS),
        rf":(?:{'|'.join(f'(?<={name}:)' for name in _HEADERS)})(\s*+)(?!{_DONE}){_SCHEME}{_BARE}++",
        rf":\1{MARK}",
    ),
    _rule("cookie:", rf"(cookie:\s*+)(?!{_DONE})[^\r\n\"'<>\\]++", rf"\1{MARK}"),
    _rule("bearer", r"\b(bearer\s+)(?=[\w.~+/=-]*\d|[\w.~+/=-]{20})[\w.~+/=-]{8,}", rf"\1{MARK}"),
    _rule(_names("="), rf"={_named('=')}(?!=|{_DONE}){_BARE}++", f"={MARK}"),
    _rule("sk- sk_ rk_ xai- hf_ glpat-", rf"(?<![a-z0-9-])(?:sk|rk|gsk|xai|hf|glpat)[-_]{_RANDOM}[\w*-]+", MARK),
    _rule("xox xapp-", r"(?<![a-z0-9])(?:xox[a-z]|xapp)-[\w-]+", MARK),
    _rule("ghp_ gho_ ghu_ ghs_ ghr_ github_pat_", r"(?<![a-z0-9])(?:gh[pousr]|github_pat)_[\w-]{20,}", MARK),
    _rule("akia asia aiza eyj", r"(?<![a-z0-9])(?:(?-i:A[KS]IA[A-Z0-9]{16}|AIza[\w-]{30,}|eyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*))", MARK),
)

# What is secret is so for the whole process: a line of a log does not know which agent it belongs to.
_known: frozenset[str] = frozenset()


def remember(*secrets: str) -> None:
    """Make values known that are to be redacted from now on, wherever they stand; those below `SHORTEST` characters are not."""
    global _known  # noqa: PLW0603 - see above
    _known |= {form for secret in secrets if len(secret) >= SHORTEST for form in _forms(secret)}


def remember_environment(environment: Mapping[str, str]) -> None:
    """Make known what an environment calls a key, token, secret or password; of a path, only a library knows what is in it."""
    named = re.compile(r".*(KEY|TOKEN|SECRET|PASSWORD|PASSWD)", re.IGNORECASE)
    remember(*(value for name, value in environment.items() if named.fullmatch(name) and not value.startswith("/")))


def redacted(text: str) -> str:
    """Return the text without secrets and without the query strings of addresses."""
    return _cleared(text, (*_QUERIES, *_SECRETS))


def without_secrets(text: str) -> str:
    """Return the text without secrets; a query string that signs nothing stays."""
    return _cleared(text, _SECRETS)


def redacted_json(value: Any) -> Any:  # Any: JSON values
    """Return a JSON value whose texts are redacted; the value itself where there is nothing to redact."""
    text = json.dumps(value, ensure_ascii=False)
    clean = redacted(text)
    return value if clean == text else json.loads(clean)


def _cleared(text: str, rules: Iterable[_Rule]) -> str:
    known = _values(_known)
    text = known.sub(MARK, text) if known else text
    lower = text.lower()
    for rule in rules:
        if any(word in lower for word in rule.words):
            text = rule.pattern.sub(rule.replacement, text)
    return text


@lru_cache(maxsize=8)
def _values(known: frozenset[str]) -> re.Pattern[str] | None:
    longest_first = sorted(known, key=len, reverse=True)
    return re.compile("|".join(map(re.escape, longest_first))) if longest_first else None


def _forms(secret: str) -> set[str]:
    """Return a value as it may be written: as it is, in JSON, in an address."""
    return {secret, json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1], quote(secret), quote(secret, safe="")}
