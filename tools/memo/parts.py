"""A validated parameter model taken apart: every value beside its declared type and the marks that the type carries."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import repeat
from types import NoneType, UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel

from tools.geotypes import Canonical, Reference

Mark = Reference | Canonical


@dataclass(frozen=True)
class Part:
    """A value with its declared type."""

    value: Any  # Any: whatever a parameter model holds
    annotation: Any  # Any: a type expression
    path: str
    """Where it stands, e.g. `layers[0].source` or `facts["a"]`."""
    marks: tuple[Mark, ...] = ()


def fields(model: BaseModel, path: str = "") -> Iterator[tuple[str, Part]]:
    """Yield (name, part) of every field, declared or extra, sorted by name."""
    prefix = f"{path}." if path else ""
    for name, info in sorted(type(model).model_fields.items()):
        yield name, unwrapped(Part(getattr(model, name), info.annotation, prefix + name, _marks(info.metadata)))
    for name, value in sorted((model.model_extra or {}).items()):
        yield name, Part(value, Any, prefix + name)


def children(part: Part) -> Iterator[Part]:
    """Yield the items of a list, tuple or set and the values of a dict, in their order; nothing for other values."""
    arguments = get_args(part.annotation)
    if isinstance(part.value, dict):
        declared = arguments[1] if len(arguments) == 2 else Any
        for key, value in part.value.items():
            yield unwrapped(Part(value, declared, f"{part.path}[{json.dumps(key) if isinstance(key, str) else repr(key)}]"))
    elif isinstance(part.value, list | tuple | set | frozenset):
        fixed = len(arguments) == len(part.value) and Ellipsis not in arguments and isinstance(part.value, tuple)
        every = arguments if fixed else repeat(arguments[0] if arguments else Any)
        for index, (value, declared) in enumerate(zip(part.value, every, strict=False)):
            yield unwrapped(Part(value, declared, f"{part.path}[{index}]"))


def unwrapped(part: Part) -> Part:
    """Strip `Annotated` and aliases, and choose the arm of a union that fits the value, gathering marks on the way.

    Raises TypeError where a declaration leaves open whether a text names an input: a bug of the tool.
    """
    annotation = getattr(part.annotation, "__value__", part.annotation)  # a `type` alias
    if get_origin(annotation) is Annotated:
        inner, *metadata = get_args(annotation)
        return unwrapped(Part(part.value, inner, part.path, (*part.marks, *_marks(metadata))))
    if get_origin(annotation) not in (Union, UnionType):
        return Part(part.value, annotation, part.path, part.marks)
    arms = [unwrapped(Part(part.value, arm, part.path, part.marks)) for arm in get_args(annotation) if _fits(part.value, arm)]
    meanings = {(arm.marks, arm.annotation if _is_marked(arm.annotation) else None) for arm in arms}
    if len(meanings) > 1:
        raise TypeError(f"the declared type of parameter {part.path!r} leaves open whether {part.value!r} names an input")
    return arms[0] if arms else Part(part.value, Any, part.path, part.marks)


def _marks(metadata: Any) -> tuple[Mark, ...]:  # Any: whatever Annotated holds
    return tuple(item for item in metadata if isinstance(item, Mark))


def _is_marked(annotation: Any) -> bool:  # Any: a type expression
    """Whether a mark stands anywhere inside a type."""
    return any(isinstance(argument, Mark) or _is_marked(argument) for argument in get_args(annotation))


def _fits(value: object, annotation: Any) -> bool:  # Any: a type expression
    """Whether a value can belong to an arm of a union, judged by the outermost type."""
    annotation = getattr(annotation, "__value__", annotation)
    origin = get_origin(annotation)
    if origin is Annotated:
        return _fits(value, get_args(annotation)[0])
    if origin in (Union, UnionType):
        return any(_fits(value, arm) for arm in get_args(annotation))
    if annotation is None or annotation is NoneType:
        return value is None
    outermost = origin or annotation
    return isinstance(value, outermost) if isinstance(outermost, type) else value is not None
