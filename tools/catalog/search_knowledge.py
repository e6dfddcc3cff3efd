"""Search documents and earlier results by meaning."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from pydantic import Field, field_validator

from tools.contract import Found, Outcome, Tool, ToolContext, ToolOutput
from tools.errors import ConfigurationError, NotFoundError
from tools.geotypes import Params

MAX_LIMIT = 50


class SearchKnowledgeParams(Params):
    """Search the registered documents and earlier results by meaning: what do reports say, what was computed before.

    A number out of a passage is told only inside an exact quote of the passage.
    """

    query: str = Field(min_length=1, max_length=1000, description="What to look for, in plain words; a whole question works well.")
    kinds: list[Literal["passage", "result"]] = Field(
        default_factory=list, description="passage: text of documents; result: earlier results. Default: both."
    )
    within: list[str] = Field(
        default_factory=list,
        description="Dataset ids: only passages of these documents, and results made of these datasets alone. Default: all.",
    )
    bbox: tuple[float, float, float, float] | None = Field(
        default=None,
        description="West, south, east, north in degrees: only results that touch it. Documents without a known place are kept.",
    )
    time: str | None = Field(
        default=None, description="2020, 2020-07, 2020-07-01 or START/END: only what touches it. Documents without a known time are kept."
    )
    limit: int = Field(default=8, ge=1, le=MAX_LIMIT, description="Most passages and results together.")

    @field_validator("bbox")
    @classmethod
    def _bbox_is_one(cls, bbox: tuple[float, float, float, float] | None) -> tuple[float, float, float, float] | None:
        if bbox is None:
            return None
        west, south, east, north = bbox
        if not (-180 <= west <= 180 and -180 <= east <= 180 and -90 <= south <= north <= 90):
            raise ValueError("bbox is west, south, east, north in degrees; west may exceed east across the antimeridian")
        return bbox


def run(params: SearchKnowledgeParams, context: ToolContext) -> ToolOutput:
    """Search memory; see `SearchKnowledgeParams`. Passages and results stand best first, each kind by itself."""
    if context.memory is None:
        raise ConfigurationError(
            "Searching memory needs an agent's memory, which this call was not given.", hint="Run it through `terracite run`."
        )
    _check_known(params.within, context)
    found = context.memory.search(
        params.query,
        kinds=tuple(params.kinds),
        within=tuple(params.within),
        bbox=params.bbox,
        time=_span(params.time),
        limit=params.limit,
        progress=context.progress,
    )
    passages = [_passage(one) for one in found if one.kind == "passage"]
    results = [_result(one) for one in found if one.kind == "result"]
    return ToolOutput(
        summary=_summary(passages, results),
        outcome=Outcome.VALUE if found else Outcome.NO_COVERAGE,
        warnings=context.memory.gaps(),
        data={"passages": passages, "results": results},
    )


def _check_known(ids: Sequence[str], context: ToolContext) -> None:
    """Raise NotFoundError for an id that no dataset has."""
    known = [str(record["id"]) for record in context.catalog.records()] if context.catalog else []
    for one in ids:
        if one not in known:
            near = difflib.get_close_matches(one, known, n=3) or known[:10]
            raise NotFoundError(
                f"There is no dataset {one!r} to search within.", hint=f"Nearest: {', '.join(near) or 'none is registered'}."
            )


def _span(text: str | None) -> tuple[str, str] | None:
    """Return the first and last instant that are meant; raise ParameterError for what is no time."""
    if text is None:
        return None
    from tools.storage.stac_query import parse_span

    first, last = parse_span(text)
    return first.isoformat() if first else "0001-01-01", last.isoformat() if last else "9999-12-31"


def _passage(found: Found) -> dict[str, Any]:  # Any: JSON
    detail = found.detail
    passage = {"id": detail["id"], "document": found.ref, "title": found.title, "heading": detail.get("heading", ""), "text": found.text}
    return {**passage, **({"page": detail["page"]} if "page" in detail else {}), "score": round(found.score, 3)}


def _result(found: Found) -> dict[str, Any]:  # Any: JSON
    shown = ("tool", "params", "summary", "outcome", "datasets", "bbox", "time", "created")
    return {"ref": found.ref, **{name: found.detail[name] for name in shown}, "score": round(found.score, 3)}


def _summary(passages: Sequence[Mapping[str, Any]], results: Sequence[Mapping[str, Any]]) -> str:  # Any: JSON
    documents = list(dict.fromkeys(str(passage["document"]) for passage in passages))
    tools = list(dict.fromkeys(str(result["tool"]) for result in results))
    told = [f"passages of {', '.join(documents)}"] if documents else []
    told += [f"earlier results of {', '.join(tools)}"] if tools else []
    return f"Found {' and '.join(told)}." if told else "Nothing in the documents and earlier results is about this."


TOOL = Tool("search_knowledge", SearchKnowledgeParams, run, "observation", place="here")
