"""The results an answer may cite: their parameters, the names in them, and from which results each was built."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any

from agent.grounding.conditions import LimitedClass, limited_classes
from agent.grounding.parameters import Parameter, parameters_of
from agent.grounding.subjects import normal_name
from tools.contract import Fact

_REFERENCE = re.compile(r"a:([0-9a-f]{8,64})(?:#(?:(facts/\d+)|items/(\d+)/.+))?")
"""A result, one of its facts, or a file of one of its scenes."""
_DATASET_KEYS = frozenset({"layer", "raster", "zones", "other", "source", "dataset", "layers"})
_PLACES = frozenset({"find_place/name"})
_SEARCH = "search_knowledge"

Json = Mapping[str, Any]  # Any: JSON values of tool messages


class Results:
    """Tool messages by citation number; failed calls have none and are left out."""

    def __init__(self, messages: Sequence[Json]) -> None:
        self._messages = {int(message["n"]): message for message in messages if message.get("n") is not None}

    def __contains__(self, n: int) -> bool:
        return n in self._messages

    def __iter__(self) -> Iterator[int]:
        return iter(self._messages)

    def tool(self, n: int) -> str:
        """Return the name of the tool that made a result."""
        return str(self._messages[n]["tool"])

    def shown_facts(self, n: int) -> list[Fact]:
        """Return the facts that stand in the message itself."""
        return [Fact.from_json(fact) for fact in self._messages[n].get("facts", [])]

    def chain(self, n: int) -> tuple[int, ...]:
        """Return `n` and all results that it was built from, nearest first."""
        found = [n]
        for current in found:
            found.extend(other for other, _ in self._references(current) if other not in found)
        return tuple(found)

    def operands(self, n: int) -> tuple[tuple[int, str], ...]:
        """Return the facts that the parameters of a result refer to, as (result, path)."""
        return tuple((other, path) for other, path in self._references(n) if path)

    def parameters(self, n: int) -> tuple[Parameter, ...]:
        """Return the numbers in the parameters of a result and of those it was built from."""
        return tuple(parameter for link in self.chain(n) for parameter in self._parameters[link])

    def names(self, n: int) -> frozenset[str]:
        """Return, in normal form, what the parameters of a result and of those it was built from name: places, classes, datasets."""
        return frozenset(normal_name(name) for link in self.chain(n) for _, name in self.named(link))

    def named(self, n: int) -> tuple[tuple[str, str], ...]:
        """Return the names in the parameters of a result itself, each with the place in the call where it stands."""
        return self._named[n]

    def excludes(self, n: int, name: str) -> bool:
        """Whether another result differs from this one by this name: the same call about something else."""
        places = {place for link in self.chain(n) for place, _ in self.named(link)}
        return any(place in places and normal_name(other) == name for link in self for place, other in self.named(link))

    def limited_classes(self) -> frozenset[LimitedClass]:
        """Return the classes that the calls define by limits."""
        return frozenset(found for message in self._messages.values() for found in limited_classes(message.get("params", {})))

    @cached_property
    def knowledge(self) -> tuple[int, ...]:
        """The results that are passages of documents."""
        return tuple(n for n in self if self.tool(n) == _SEARCH)

    def passages(self, n: int) -> tuple[tuple[str, tuple[str, ...]], ...]:
        """Return of each passage of a result its path, and what of it may be quoted: the text, its heading and the document's title."""
        found = self._messages[n].get("data", {}).get("passages", []) if n in self.knowledge else []
        return tuple(
            (f"data/passages/{at}", tuple(str(passage[part]) for part in ("text", "heading", "title"))) for at, passage in enumerate(found)
        )

    def texts(self) -> Iterator[str]:
        """Return all text in the parameters, summaries and payloads of the results, but for documents: these are quoted."""
        for n, message in self._messages.items():
            if n in self.knowledge:
                continue
            yield str(message.get("summary", ""))
            yield from _strings(message.get("params", {}))
            yield from _strings(message.get("data", {}))
            yield from message.get("warnings", [])
            yield from (text for fact in message.get("facts", []) for text in fact["subject"].values())

    @cached_property
    def _parameters(self) -> dict[int, tuple[Parameter, ...]]:
        return {n: parameters_of(message.get("params", {})) for n, message in self._messages.items()}

    @cached_property
    def _named(self) -> dict[int, tuple[tuple[str, str], ...]]:
        return {
            n: (*_names(message.get("params", {}), self.tool(n), "", ""), *self._scenes(n, message.get("params", {})))
            for n, message in self._messages.items()
        }

    def _scenes(self, n: int, params: Json) -> Iterator[tuple[str, str]]:
        """Return the ids of the scenes whose files a call reads, each with the place of the parameter."""
        for key, value in params.items():
            for made, match in self._made(n, _strings(value)):
                scenes = self._messages[made].get("data", {}).get("scenes", []) if match[3] else []
                yield from ((f"{self.tool(n)}/{key}", str(scene["id"])) for scene in scenes if scene["n"] == int(match[3]))

    @cached_property
    def _refs(self) -> dict[str, int]:
        return {str(message["ref"]).removeprefix("a:"): n for n, message in self._messages.items() if message.get("ref")}

    def _references(self, n: int) -> list[tuple[int, str]]:
        """Return (result, path of the fact or empty) for every reference in the parameters of a result, in order."""
        return [(made, match[2] or "") for made, match in self._made(n, _strings(self._messages[n].get("params", {})))]

    def _made(self, n: int, texts: Iterable[str]) -> Iterator[tuple[int, re.Match[str]]]:
        """Return, for every text that refers to another result of the run, that result and the reference."""
        for text in texts:
            if match := _REFERENCE.fullmatch(text):
                made = next((other for ref, other in self._refs.items() if match[1].startswith(ref) or ref.startswith(match[1])), None)
                if made is not None and made != n:
                    yield made, match


def _strings(value: Any) -> Iterator[str]:  # Any: JSON
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from _strings(inner)
    elif isinstance(value, Iterable) and not isinstance(value, bytes):
        for inner in value:
            yield from _strings(inner)


def _names(value: Any, path: str, key: str, column: str) -> Iterator[tuple[str, str]]:  # Any: JSON
    """Return the texts of parameters that name data, not options of a tool: datasets, and the values of conditions."""
    if isinstance(value, Mapping):
        tested = str(value.get("column") or "") if "op" in value else ""
        for inner_key, inner in value.items():
            yield from _names(inner, f"{path}/{tested or inner_key}" if tested else f"{path}/{inner_key}", str(inner_key), tested)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _names(inner, path, key, column)
    elif (
        isinstance(value, str) and not _REFERENCE.match(value) and (key in _DATASET_KEYS or (key == "value" and column) or path in _PLACES)
    ):
        yield path, value
