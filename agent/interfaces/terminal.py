"""Events and results as plain lines for a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from agent.events import Event, Grounded, RunFinished, RunStarted, ToolFailed, ToolFinished, ToolStarted
from agent.result import RunResult
from agent.state import Json

CACHE_WORDS = {"hit": "from memory", "computed": "computed", "observed": "looked up"}


def progress_line(event: Event) -> str | None:
    """Return the line that shows an event while a run works, or None for events that show nothing."""
    match event:
        case RunStarted():
            return f"· {engine_words(event.engine, event.model)}"
        case ToolStarted():
            return f"· {event.tool} …"
        case ToolFinished():
            return f"· {event.tool} [{event.n}] {CACHE_WORDS[event.cache]}, {event.seconds:.2f} s: {event.summary}"
        case ToolFailed():
            return f"· {event.tool} failed: {event.error['message']} {event.error['hint']}".rstrip()
        case Grounded() if event.unsupported:
            return f"· {len(event.unsupported)} number(s) of the draft are not supported by their citation"
        case Grounded():
            return f"· {event.supported} number(s) checked against their citations"
        case _:
            return None


def engine_words(engine: str, model: str | None) -> str:
    """Name the engine, so that nobody takes the planner for a language model."""
    return "engine: planner (embedded, no language model)" if engine == "planner" else f"engine: model {model}"


def result_lines(result: RunResult) -> Iterator[str]:
    """Yield the answer, its numbered sources, files, warnings and the footer."""
    yield result.answer
    if result.citations:
        yield from ("", "Sources", *(_source_line(citation) for citation in result.citations))
    yield from _file_lines(result.artifacts)
    if result.warnings:
        yield from ("", *(f"Note: {warning}" for warning in result.warnings))
    if result.unsupported:
        yield from ("", "Removed because no cited result supports it:")
        yield from (f"  {claim['text']!r}: {claim['reason']}" for claim in result.unsupported)
    yield from ("", _footer(result))


def _source_line(citation: Json) -> str:
    parts = [
        f"[{citation['n']}] {citation['tool']}",
        citation["title"],
        f"a:{citation['key'][:12]}",
        citation["licence"],
        citation["attribution"],
    ]
    return " · ".join(part for part in parts if part)


def _file_lines(artifacts: Sequence[Json]) -> Iterator[str]:
    maps = [artifact for artifact in artifacts if artifact["kind"] == "map"]
    for artifact in maps:
        yield f"Map: {artifact['folder']}/{artifact['files'][0]['path']}"


def _footer(result: RunResult) -> str:
    pure = [artifact for artifact in result.artifacts if artifact["cache"] != "observed"]
    hits = sum(artifact["cache"] == "hit" for artifact in pure)
    memory = f", {hits} of {len(pure)} results from memory" if pure else ""
    engine = engine_words(result.engine, result.model)
    return f"{engine}{memory} · {result.seconds:.2f} s · run {result.run_id} · thread {result.thread_id}"


def finished(events: Iterator[Event]) -> Iterator[tuple[Event, RunResult | None]]:
    """Pair every event with the result, which is there on the last."""
    for event in events:
        yield event, RunResult(**event.result) if isinstance(event, RunFinished) else None
