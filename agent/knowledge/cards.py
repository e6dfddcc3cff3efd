"""Cards of results: what a stored result is about, in words, so that it is found by meaning."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

Json = Mapping[str, Any]  # Any: JSON values of a record

NOT_REMEMBERED = frozenset({"list_datasets", "describe_dataset", "find_place", "search_knowledge"})
"""Tools that look things up quickly: their results are looked up again, and a memory of searching memory helps nobody."""
MAX_NAMES = 12
"""Subjects named on a card, e.g. zones; the rest is left out."""
MAX_CHARACTERS = 1200
"""About as much as an embedding takes in."""


def is_remembered(record: Json) -> bool:
    """Whether a stored result gets a card."""
    return record["tool"] not in NOT_REMEMBERED


def card_text(record: Json, titles: Sequence[str] = ()) -> str:
    """Return what is known of a result, in one paragraph: what was done, with what, what it says, and of which data.

    Numbers of facts are left out: they are looked up and cited, never remembered.
    """
    parts = (
        f"{_words(record['tool'])}: {', '.join(_params(record['called']))}",
        str(record["summary"]),
        _facts(record["facts"]),
        f"From {'; '.join(titles)}" if titles else "",
    )
    return ". ".join(part.rstrip(". ") for part in parts if part)[:MAX_CHARACTERS] + "."


def _params(value: Any, name: str = "") -> Iterator[str]:  # Any: JSON
    """Yield parameters in words, without references to other results, which say nothing."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _params(inner, _words(str(key)))
    elif isinstance(value, list):
        for inner in value:
            yield from _params(inner, name)
    elif value is not None and not str(value).startswith("a:"):
        yield f"{name} {_words(str(value))}".strip()


def _facts(facts: Sequence[Json]) -> str:
    """Say which quantities a result holds, and for what."""
    names = dict.fromkeys(_words(fact["name"]) for fact in facts)
    subjects = dict.fromkeys(str(value) for fact in facts for value in fact["subject"].values())
    about = f" for {', '.join(list(subjects)[:MAX_NAMES])}" if subjects else ""
    return f"Gives {', '.join(list(names)[:MAX_NAMES])}{about}" if names else ""


def _words(name: str) -> str:
    return name.replace("_", " ").replace(".", " ") if name.isidentifier() else name
