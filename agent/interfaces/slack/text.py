"""Text as Slack reads and writes it.

Slack's own rules: `&`, `<` and `>` are written as entities, and only what stands in angle brackets is a mention, a channel
call or a link (https://docs.slack.dev/messaging/formatting-message-text).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

LIMIT = 3900
"""Characters of one message; Slack refuses to edit one of more than 4000."""

_LINK = re.compile(r"<(?P<to>[^<>|]*)(?:\|(?P<label>[^<>]*))?>")


def escaped(text: str) -> str:
    """Return plain text so that Slack takes nothing in it for a mention, a call of everybody, or a link."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def parts(text: str, limit: int = LIMIT) -> Iterator[str]:
    """Yield the escaped text in messages of at most `limit` characters, cut between lines where that is possible."""
    part = ""
    for line in text.split("\n"):
        for piece in _pieces(line, limit):
            longer = f"{part}\n{piece}" if part else piece
            if len(longer) > limit:
                yield part
                longer = piece
            part = longer
    if part.strip():
        yield part


def _pieces(line: str, limit: int) -> Iterator[str]:
    """Yield the escaped line, cut between characters where it is longer than a message; no entity is cut."""
    piece = ""
    for character in map(escaped, line):
        if len(piece) + len(character) > limit:
            yield piece
            piece = ""
        piece += character
    yield piece


def question_of(text: str, bot_user: str) -> str:
    """Return what a person wrote to the bot: without its mention, links as their labels, entities as their characters."""
    without = re.sub(rf"<@{re.escape(bot_user)}(?:\|[^<>]*)?>", " ", text)
    plain = _LINK.sub(lambda link: link["label"] or link["to"].lstrip("!"), without)
    return plain.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&").strip()
