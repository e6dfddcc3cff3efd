"""Parameters in the one form that enters a key: every value tagged with its type and prefixed by its length.

`int1:5`, `float3:0.5`, `str5:water`, `list14:int1:1int1:2…`: the length counts the characters that follow the colon, so no
text can be read as two different values, and `decode` proves it. There is no fall-back: a type that is not listed here is an
error that names the parameter. Floats keep full precision, and -0.0 is not 0.0, since not every formula treats them alike.
References to inputs are written as `input0:`; what they are stands in the key's inputs, under the same path.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time
from enum import Enum
from math import isfinite
from types import NoneType
from typing import Any, TypeVar

from pydantic import BaseModel

from tools.errors import ParameterError
from tools.geotypes import CANONICAL, Canonical, Reference
from tools.memo.parts import Part, children, fields

Kind = TypeVar("Kind", Reference, Canonical)

INPUT = "input0:"
"""Stands where a parameter names an input."""


@dataclass(frozen=True)
class Marked:
    """One reference in the parameters."""

    path: str
    """Where it stands, e.g. `layers[0].source`."""
    text: str
    """As the caller named it."""
    reference: Reference


def encode_params(params: BaseModel) -> dict[str, str]:
    """Return field → canonical text of a validated model; raise ParameterError for a type that has no canonical form."""
    return {name: _encode(part) for name, part in fields(params)}


def encode(value: object, path: str) -> str:
    """Return the canonical text of one value; `path` is named in the ParameterError for a type that has none."""
    return _encode(Part(value, Any, path))


def references(params: BaseModel) -> tuple[Marked, ...]:
    """Return every reference in a validated model, in order of its fields."""
    return tuple(_references(Part(params, type(params), "")))


def decode(text: str) -> Any:  # Any: JSON values, for showing; a model becomes a dict, an input the text "(input)"
    """Read back one canonical text."""
    value, rest = _decode(text)
    if rest:
        raise ValueError(f"{rest!r} follows a canonical value")
    return value


def _references(part: Part) -> Iterator[Marked]:
    mark = _mark(part, Reference)
    if mark is not None:
        yield Marked(part.path, part.value, mark)
    elif isinstance(part.value, BaseModel):
        for _, field in fields(part.value, part.path):
            yield from _references(field)
    else:
        for child in children(part):
            yield from _references(child)


def _mark(part: Part, kind: type[Kind]) -> Kind | None:
    """Return the mark of a text; a mark around an optional text says nothing of None."""
    return next((mark for mark in part.marks if isinstance(mark, kind)), None) if isinstance(part.value, str) else None


def _encode(part: Part) -> str:
    if _mark(part, Reference) is not None:
        return INPUT
    canonical = _mark(part, Canonical)
    if canonical is not None:
        return _encode(Part(CANONICAL[canonical.name](part.value), Any, part.path))
    if isinstance(part.value, BaseModel):
        inside = (_text(name) + _encode(field) for name, field in fields(part.value, part.path))
        return _tagged("model", _text(type(part.value).__name__) + "".join(inside))
    if isinstance(part.value, Enum):
        return _tagged("enum", _text(type(part.value).__name__) + _encode(Part(part.value.value, Any, part.path)))
    kind = type(part.value)
    if kind in CONTAINERS:
        return _container(part)
    if kind not in PLAIN:
        raise ParameterError(
            f"Parameter {part.path} holds {part.value!r}, a {kind.__name__}, which has no canonical form.",
            hint="Declare it as text, number, boolean, date, list, mapping, enumeration or model.",
        )
    return _plain(part)


def _plain(part: Part) -> str:
    tag, write = PLAIN[type(part.value)]
    try:
        text = write(part.value)
        text.encode()
    except ValueError as error:
        raise ParameterError(
            f"Parameter {part.path} cannot be {part.value!r}: {error}.", hint="Give a finite number, or text that is valid Unicode."
        ) from error
    return _tagged(tag, text)


def _container(part: Part) -> str:
    kind = type(part.value)
    if kind is dict:
        pairs = zip((_encode(Part(key, Any, part.path)) for key in part.value), (_encode(child) for child in children(part)), strict=True)
        return _tagged("dict", "".join(key + value for key, value in sorted(pairs)))
    inside = [_encode(child) for child in children(part)]
    return _tagged(CONTAINERS[kind], "".join(sorted(inside) if kind in (set, frozenset) else inside))


def _float(value: float) -> str:
    if not isfinite(value):
        raise ValueError("it is not finite")
    return repr(value)


def _text(text: str) -> str:
    return _tagged("str", text)


def _tagged(tag: str, payload: str) -> str:
    return f"{tag}{len(payload)}:{payload}"


PLAIN: dict[type, tuple[str, Callable[[Any], str]]] = {  # Any: each function takes its own type
    NoneType: ("none", lambda _: ""),
    bool: ("bool", lambda value: "true" if value else "false"),
    int: ("int", str),
    float: ("float", _float),
    str: ("str", str),
    bytes: ("bytes", bytes.hex),
    date: ("date", date.isoformat),
    datetime: ("datetime", datetime.isoformat),
    time: ("time", time.isoformat),
}
"""Exact type → tag and text; a subclass is another type, and none of these."""
CONTAINERS: dict[type, str] = {list: "list", tuple: "tuple", set: "set", frozenset: "set", dict: "dict"}

_HEAD = re.compile(r"([a-z]+)(\d+):")
_READ: dict[str, Callable[[str], Any]] = {  # Any: as in PLAIN
    "none": lambda _: None,
    "bool": lambda text: text == "true",
    "int": int,
    "float": float,
    "input": lambda _: "(input)",
}


def _decode(text: str) -> tuple[Any, str]:  # Any: JSON values
    head = _HEAD.match(text)
    if head is None:
        raise ValueError(f"{text!r} is no canonical value")
    start, tag = head.end(), head[1]
    payload, rest = text[start : start + int(head[2])], text[start + int(head[2]) :]
    if tag in ("list", "tuple", "set"):
        return list(_decode_all(payload)), rest
    if tag == "enum":
        return list(_decode_all(payload))[1], rest
    if tag in ("dict", "model"):
        items = list(_decode_all(payload))[1 if tag == "model" else 0 :]
        return dict(zip(items[::2], items[1::2], strict=True)), rest
    return _READ.get(tag, str)(payload), rest


def _decode_all(text: str) -> Iterator[Any]:  # Any: JSON values
    while text:
        value, text = _decode(text)
        yield value
