"""A tool as a model is offered it: its schema without what costs tokens and tells nothing."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any

from agent.state import Json
from tools import registry

BYTES_PER_TOKEN = 4
"""The design's rule of thumb: UTF-8 bytes of a text divided by four."""

SILENT = {"title", "minLength", "maxLength", "minItems", "maxItems", "pattern", "allow_inf_nan"}
"""Keywords that the runner checks and that a model does not need: where they are broken, the error says what to change."""


def schemas(names: Iterable[str]) -> list[Json]:
    """Return the definitions of tools for a model, compact; what several share is described in the first that has it."""
    return [_definition(name, told) for name, told in _in_turn(names)]


def size(names: Iterable[str]) -> int:
    """Return the bytes of these definitions together."""
    return sum(_size(name, told) for name, told in _in_turn(names))


def size_of(definition: Mapping[str, Any]) -> int:  # Any: JSON schema
    """Return the bytes of a definition as text in a list."""
    return len(json.dumps(definition, ensure_ascii=False).encode()) + len(", ")


def _in_turn(names: Iterable[str]) -> Iterator[tuple[str, frozenset[str]]]:
    """Yield each tool with those of its shared parts that a tool before it describes."""
    told: set[str] = set()
    for name in names:
        shared = set(_full(name).get("$defs", {}))
        yield name, frozenset(shared & told)
        told |= shared


@lru_cache
def _full(name: str) -> Json:
    return registry.load(name).params.model_json_schema()


@lru_cache
def _definition(name: str, told: frozenset[str]) -> Json:
    full = _full(name)
    shared = {each: _undescribed(part) if each in told else part for each, part in full.get("$defs", {}).items()}
    parameters = compact({**full, "$defs": shared})
    parameters.pop("description", None)
    return {"type": "function", "function": {"name": name, "description": registry.load(name).description, "parameters": parameters}}


@lru_cache
def _size(name: str, told: frozenset[str]) -> int:
    return size_of(_definition(name, told))


def _undescribed(schema: Any) -> Any:  # Any: any part of a JSON schema
    """Drop the descriptions; a property of that name is kept."""
    if isinstance(schema, list):
        return [_undescribed(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        key: {name: _undescribed(each) for name, each in value.items()} if key == "properties" else _undescribed(value)
        for key, value in schema.items()
        if key != "description"
    }


def compact(schema: Mapping[str, Any]) -> Json:
    """Return an equivalent JSON schema that is shorter: without titles, empty defaults, `or null`, and one-off definitions.

    A parameter with a default is simply not required; null is still understood where a model sends it.
    """
    definitions = {name: _compact(each) for name, each in schema.get("$defs", {}).items()}
    body = _compact({key: value for key, value in schema.items() if key != "$defs"})
    for name in list(definitions):
        if _uses(name, [body, *definitions.values()]) == 1:
            one = definitions.pop(name)
            body = _inlined(body, name, one)
            definitions = {other: _inlined(each, name, one) for other, each in definitions.items()}
    return {**body, **({"$defs": definitions} if definitions else {})}


def _compact(schema: Any) -> Any:  # Any: any part of a JSON schema
    if isinstance(schema, list):
        return [_compact(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    short = _as_list(_without_null(schema))
    kept = {key: value for key, value in short.items() if key not in SILENT and not _says_nothing(key, value)}
    return {
        key: ({name: _compact(each) for name, each in value.items()} if key == "properties" else _compact(value))
        for key, value in kept.items()
    }


def _without_null(schema: Json) -> Json:
    """Write `X or null` as X, and a choice of plain types as a list of them."""
    arms = [arm for arm in schema.get("anyOf", ()) if arm.get("type") != "null"]
    rest = {key: value for key, value in schema.items() if key != "anyOf"}
    if len(arms) == 1:
        return {**arms[0], **rest}
    types = list(dict.fromkeys("number" if arm.get("type") == "integer" else arm.get("type") for arm in arms))
    # Endpoints refuse a list without a word on its items.
    items = next(({"items": arm["items"]} for arm in arms if "items" in arm), {})
    return {"type": types, **items, **rest} if arms and all(types) else schema


def _as_list(schema: Json) -> Json:
    """Write so many items of one kind, as a box of four numbers, in the form that every endpoint knows."""
    first = schema.get("prefixItems") or [None]
    if first[0] is None or any(each != first[0] for each in first):
        return schema
    rest = {key: value for key, value in schema.items() if key not in ("prefixItems", "minItems", "maxItems")}
    return {**rest, "items": {**first[0], "description": f"{len(first)} in all"}}


def _says_nothing(key: str, value: object) -> bool:
    if key == "default":
        return value is None or value is False or not value or isinstance(value, dict | list)
    if key == "additionalProperties":
        return isinstance(value, bool)
    return (key == "exclusiveMinimum" and value == 0) or (key == "minimum" and value in (0, 1))


def _uses(name: str, parts: list[Any]) -> int:  # Any: JSON schemas
    return json.dumps(parts).count(json.dumps(f"#/$defs/{name}"))


def _inlined(schema: Any, name: str, definition: Json) -> Any:  # Any: any part of a JSON schema
    """Put a definition where it is referred to; what stands beside the reference wins."""
    if isinstance(schema, list):
        return [_inlined(item, name, definition) for item in schema]
    if not isinstance(schema, dict):
        return schema
    if schema.get("$ref") == f"#/$defs/{name}":
        return {**definition, **{key: value for key, value in schema.items() if key != "$ref"}}
    return {key: _inlined(value, name, definition) for key, value in schema.items()}
