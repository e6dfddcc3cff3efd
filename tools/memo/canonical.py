"""Parameters in the one form that enters a key: every value tagged with its type and prefixed by its length.

`int1:5`, `float3:0.5`, `str5:water`, `list14:int1:1int1:2…`: the length counts the characters that follow the colon, so no
text can be read as two different values, and `decode` proves it. There is no fall-back: a type that is not listed here is an
error that names the parameter. Floats keep full precision, and -0.0 is not 0.0, since not every formula treats them alike.
References to inputs are written as `input0:`; what they are stands in the key's inputs, under the same path.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from enum import Enum
from math import isfinite
from typing import Annotated, Any, Union, get_args, get_origin
from types import NoneType, UnionType

from pydantic import BaseModel

from tools.errors import ParameterError
from tools.geotypes import CANONICAL, Canonical, Reference

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
    return {name: "".join(_encode(part)) for name, part in _fields(params, "")}


def references(params: BaseModel) -> tuple[Marked, ...]:
    """Return every reference in a validated model, in order of its fields."""
    return tuple(_references(_Part(params, type(params), "")))


def decode(text: str) -> Any:  # Any: JSON values, for showing; a model becomes a dict, an input the text "(input)"
    """Read back one canonical text."""
    value, rest = _decode(text)
    if rest:
        raise ValueError(f"{rest!r} follows a canonical value")
    return value


@dataclass(frozen=True)
class _Part:
    """A value with its declared type."""

    value: Any  # Any: whatever the parameter model holds
    annotation: Any  # Any: a type expression
    path: str
    marks: tuple[Reference | Canonical, ...] = ()


def _fields(model: BaseModel, path: str) -> Iterator[tuple[str, _Part]]:
    prefix = f"{path}." if path else ""
    for name, info in sorted(type(model).model_fields.items()):
        marks = tuple(mark for mark in info.metadata if isinstance(mark, Reference | Canonical))
        yield name, _unwrapped(_Part(getattr(model, name), info.annotation, f"{prefix}{name}", marks))
    for name, value in sorted((model.model_extra or {}).items()):
        yield name, _Part(value, Any, f"{prefix}{name}")


def _unwrapped(part: _Part) -> _Part:
    """Strip `Annotated` and choose the arm of a union that fits the value, gathering marks on the way."""
    origin = get_origin(part.annotation)
    if origin is Annotated:
        inner, *metadata = get_args(part.annotation)
        marks = (*part.marks, *(mark for mark in metadata if isinstance(mark, Reference | Canonical)))
        return _unwrapped(_Part(part.value, inner, part.path, marks))
    if origin in (Union, UnionType):
        arms = [_unwrapped(_Part(part.value, arm, part.path, part.marks)) for arm in get_args(part.annotation) if _fits(part.value, arm)]
        if len({(arm.marks, _shape(arm.annotation)) for arm in arms}) > 1:
            raise TypeError(f"parameter {part.path!r}: the declared type leaves open whether its value names an input")
        return arms[0] if arms else _Part(part.value, Any, part.path, part.marks)
    return part


def _shape(annotation: Any) -> Any:  # Any: a type expression
    """Return what of a type bears on references: its arguments, or nothing for a plain type."""
    return annotation if get_args(annotation) and any(_bears_marks(argument) for argument in get_args(annotation)) else None


def _bears_marks(annotation: Any) -> bool:  # Any: a type expression
    arguments = get_args(annotation)
    return any(isinstance(argument, Reference | Canonical) or _bears_marks(argument) for argument in arguments)


def _fits(value: object, annotation: Any) -> bool:  # Any: a type expression
    """Whether a value can belong to an arm of a union, judged by the outermost type."""
    origin = get_origin(annotation)
    if origin is Annotated:
        return _fits(value, get_args(annotation)[0])
    if origin in (Union, UnionType):
        return any(_fits(value, arm) for arm in get_args(annotation))
    if annotation is None or annotation is NoneType:
        return value is None
    plain = origin or annotation
    return isinstance(value, plain) if isinstance(plain, type) else value is not None
