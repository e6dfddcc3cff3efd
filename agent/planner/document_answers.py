"""Search the documents, and answer by what they say word for word; nothing in an answer is the planner's own."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from agent.errors import RefusedError
from agent.planner.atlas import Atlas
from agent.planner.frames import Frame
from agent.planner.ledger import Ledger
from agent.planner.lexicon import is_harmless
from agent.planner.pieces import Part, Piece
from agent.planner.text import Token, name_lemmas, tokenize

NEAR_ENOUGH, NEAR = 0.6, 0.2
"""Least likeness (cosine of the embeddings) of a passage that is quoted: by itself, and where it holds all that is asked about.

Short questions reach 0.4 with texts on other matters and 0.25 with texts on theirs, so that likeness alone does not tell.
"""
LOOKED_AT = 30
MOST_PASSAGES = 3
MOST_SENTENCES = 2
SHORTEST = 5
"""Words of a quote."""
_LONGEST = 400
"""Characters of a quote."""
_SENTENCE = re.compile(r"(?<=[.!?])\s+(?=[A-Z0-9\"“(])|\n\s*\n|\n(?=\s*[-*|#•])")
_ABBREVIATED = re.compile(r"(?:^|\W)(?:[A-Z][a-z]{0,3}|[a-z]|approx|ca|etc|vs|nos?)\.$")
"""Ends in a full stop that ends no sentence: Sept., St., e.g."""
_MARKUP = re.compile(r"^[\s>*#|•-]+|[\s|]+$")


@dataclass(frozen=True)
class Topic:
    """What is asked about: the words that say something, each with those that mean the same."""

    words: tuple[frozenset[str], ...]
    asks_number: bool

    @staticmethod
    def of(text: str) -> Topic:
        """Read a topic."""
        lemmas = [lemma for token in tokenize(text) if token.kind == "word" and not _is_empty(token) for lemma in name_lemmas(token.word)]
        return Topic(tuple(_SAME.get(lemma, frozenset({lemma})) for lemma in dict.fromkeys(lemmas)), bool(_HOW_MANY.search(text)))

    def shared(self, text: str) -> int:
        """Return how many of the words stand in a text, in whatever form: flood, floods, flooding."""
        held = set(name_lemmas(text))
        return sum(any(_is_form(one, other) for one in word for other in held) for word in self.words)

    def is_in(self, passage: Mapping[str, Any]) -> bool:  # Any: JSON
        """Whether a passage, with its headings and the name of its document, speaks of all of it."""
        told = " ".join(str(passage.get(name) or "") for name in ("document", "title", "heading", "text"))
        return bool(self.words) and self.shared(told) == len(self.words)


def _is_empty(token: Token) -> bool:
    return is_harmless(token.word) or token.lemma in _EMPTY


def _is_form(one: str, other: str) -> bool:
    short, long = sorted((one, other), key=len)
    return one == other or (len(short) >= 4 and long.startswith(short) and len(long) - len(short) <= 3)


_EMPTY = frozenset("happen say know much many long high far large big there about result information anything something event".split())
_GROUPS = (
    "die died dead death killed fatality casualty deadly",
    "injured injury hurt wounded",
    "evacuated evacuation displaced homeless",
    "person people inhabitant resident",
    "flood flooding flooded inundation inundated",
    "quake earthquake",
    "rain rainfall precipitation",
    "picture image scene",
)
_SAME = {word: frozenset(group.split()) for group in _GROUPS for word in group.split()}


def search_documents(frame: Frame, ledger: Ledger, atlas: Atlas) -> tuple[Part, ...] | None:
    """Return the passages that are near; None while the search is pending. Raises RefusedError where none is near enough."""
    focused = [one.id for one in atlas.focused if one.kind == "document"]
    within = list(frame.refs) or (focused if len(atlas.focused) < len(atlas.datasets) else [])
    only = {"within": within} if within else {}
    message = ledger.call("search_knowledge", {"query": frame.topic, "kinds": ["passage"], **only, "limit": LOOKED_AT})
    if message is None:
        return None
    passages = message.data.get("passages") or ()
    if not _near(frame, passages):
        named = f" of {', '.join(frame.refs)}" if frame.refs else ""
        nearest = f" The nearest is in {passages[0]['document']}." if passages and not frame.refs else ""
        raise RefusedError(
            f"No passage{named} in the registered documents speaks of all of '{frame.topic}', and none is near enough to it to answer from.{nearest}"
        )
    return (Part(message),)


def _near(frame: Frame, passages: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Keep the passages that are near by themselves, or that speak of all that is asked about."""
    topic = Topic.of(frame.topic)
    asked = [one for one in passages if not frame.refs or one["document"] in frame.refs]
    return [one for one in asked if one.get("score", 0.0) >= (NEAR if topic.is_in(one) else NEAR_ENOUGH)]


def write_documents(piece: Piece, _atlas: Atlas) -> list[str]:
    """Quote the sentences of the nearest passages that say most of what is asked."""
    frame, message, topic = piece.frame, piece.parts[0].message, Topic.of(piece.frame.topic)
    lines: list[str] = []
    for passage in _near(frame, message.data.get("passages") or ())[:MOST_PASSAGES]:
        lines += [f"- {passage['document']}: “{quote}” [{message.n}]" for quote in _quotes(passage, topic)]
    if not lines:
        raise RefusedError(f"The passages that are near '{frame.topic}' hold no sentence that can be quoted.")
    return [f"The documents say [{message.n}]:", *dict.fromkeys(lines)]


_HOW_MANY = re.compile(
    r"(?<!\w)(?:how (?:many|much|large|long|high|far)|number of|when|what (?:area|date|year|share|percentage))(?!\w)", re.IGNORECASE
)


def _quotes(passage: Mapping[str, Any], topic: Topic) -> list[str]:
    """Return the sentences of a passage that share most words with the topic, in their order; words of its title tell little."""
    about = str(passage.get("document", "")) + " " + str(passage.get("title") or "")
    telling = replace(topic, words=tuple(word for word in topic.words if not replace(topic, words=(word,)).shared(about)))
    sentences = [sentence for sentence in _sentences(str(passage["text"])) if len(sentence.split()) >= SHORTEST]
    scored = sorted(((_worth(sentence, topic, telling), -n, sentence) for n, sentence in enumerate(sentences)), reverse=True)
    kept = [one for one in scored[:MOST_SENTENCES] if one[0] >= scored[0][0] - 0.5]
    return [sentence for _, _, sentence in sorted(kept, key=lambda one: -one[1])]


def _worth(sentence: str, topic: Topic, telling: Topic) -> float:
    number = 0.5 if topic.asks_number and (any(char.isdigit() for char in sentence) or _COUNTED.search(sentence)) else 0.0
    return telling.shared(sentence) + 0.25 * topic.shared(sentence) + number


_COUNTED = re.compile(
    r"(?<!\w)(?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|dozens?|hundreds?|thousands?|no|none)(?!\w)", re.IGNORECASE
)


def _sentences(text: str) -> Iterator[str]:
    """Yield the sentences of a passage without marks at their edges; those with quotation marks of their own cannot be quoted."""
    ends = [match for match in _SENTENCE.finditer(text) if not _ABBREVIATED.search(text[: match.start()][-12:])]
    edges = [0, *(place for match in ends for place in match.span()), len(text)]
    for start, end in zip(edges[::2], edges[1::2], strict=True):
        part = text[start:end]
        sentence = _MARKUP.sub("", part)
        if sentence and len(sentence) <= _LONGEST and not any(mark in sentence for mark in '“”"[]'):
            yield sentence
