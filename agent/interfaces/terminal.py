"""Events and results as plain lines for a terminal; whatever they quote out of data is harmless there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from agent.events import Event, Grounded, ModelRetried, Recalled, RunFinished, RunStarted, ToolFailed, ToolFinished, ToolStarted

if TYPE_CHECKING:
    from agent.result import RunResult
    from agent.state import Json
    from tools.catalog.add_report import AddReport
    from tools.catalog.records import DatasetRecord

_VISIBLE = {
    **{code: 0x2400 + code for code in range(0x20) if chr(code) not in "\t\n"},
    0x7F: 0x2421,
    **dict.fromkeys((*range(0x80, 0xA0), *range(0x202A, 0x202F), *range(0x2066, 0x206A)), 0xFFFD),
}
"""Characters that a terminal obeys (C0, C1) or that reorder a line (bidirectional overrides) → characters that it shows."""

CACHE_WORDS = {"hit": "from memory", "computed": "computed", "observed": "looked up"}


def clean(text: str) -> str:
    """Return a text out of data with every character that a terminal would obey made visible; newlines and tabs stay."""
    return text.translate(_VISIBLE)


def one_line(text: str) -> str:
    """Return a cleaned text without line breaks, so that it cannot pass for a line of ours."""
    return clean(text).replace("\n", " ")


def progress_line(event: Event) -> str | None:
    """Return the line that shows an event while a run works, or None for events that show nothing."""
    line = _progress(event)
    return None if line is None else one_line(line)


def _progress(event: Event) -> str | None:
    match event:
        case RunStarted():
            return f"· {engine_words(event.engine, event.model)}"
        case Recalled():
            found = [*event.results, *event.documents]
            return f"· memory: {event.note or ', '.join(found)}"
        case ToolStarted():
            return f"· {event.tool} …"
        case ToolFinished():
            return f"· {event.tool} [{event.n}] {CACHE_WORDS[event.cache]}, {event.seconds:.2f} s: {event.summary}"
        case ToolFailed():
            return f"· {event.tool} failed: {event.error['message']} {event.error['hint']}".rstrip()
        case ModelRetried():
            return f"· the model is asked again in {event.wait_s:.0f} s: {event.reason}"
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
    yield clean(result.answer)
    yield from (one_line(line) for line in _lines_below(result))


def _lines_below(result: RunResult) -> Iterator[str]:
    if result.citations:
        yield from ("", "Sources", *source_lines(result))
    yield from _file_lines(result.artifacts)
    if result.warnings:
        yield from ("", *(f"Note: {warning}" for warning in result.warnings))
    if result.unsupported:
        yield from ("", "Removed because no cited result supports it:")
        yield from (f"  {claim['text']!r}: {claim['reason']}" for claim in result.unsupported)
    yield from ("", footer(result))


def source_lines(result: RunResult) -> Iterator[str]:
    """Yield a line per citation: its number, tool, data, key, licence and credit."""
    yield from (one_line(_source_line(citation)) for citation in result.citations)


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


def footer(result: RunResult) -> str:
    """Say who answered, what came from memory, how long it took, and the ids."""
    pure = [artifact for artifact in result.artifacts if artifact["cache"] != "observed"]
    hits = sum(artifact["cache"] == "hit" for artifact in pure)
    memory = f", {hits} of {len(pure)} results from memory" if pure else ""
    engine = engine_words(result.engine, result.model)
    return f"{engine}{memory} · {result.seconds:.2f} s · run {result.run_id} · thread {result.thread_id}"


def finished(events: Iterator[Event]) -> Iterator[tuple[Event, RunResult | None]]:
    """Pair every event with the result, which is there on the last."""
    from agent.result import RunResult

    for event in events:
        yield event, RunResult(**event.result) if isinstance(event, RunFinished) else None


def dataset_line(record: DatasetRecord) -> str:
    """Name a dataset, say what it is, and where it was fetched from."""
    origin = f", from {record.origin}" if record.origin else ""
    return one_line(f"{record.id}: {record.title} ({_what(record)}){origin}")


def added_lines(report: AddReport) -> Iterator[str]:
    """Yield what was registered, each with what is to be said of it."""
    for record in report.records:
        yield dataset_line(record)
        yield from (one_line(f"  note: {warning}") for warning in record.warnings)


def refused_lines(report: AddReport) -> Iterator[str]:
    """Yield what was not registered, and why."""
    for refusal in report.refused:
        yield one_line(f"not registered: {refusal.path}: {refusal.message} {refusal.hint}".rstrip())
    if report.skipped:
        yield one_line(f"skipped, of no supported format: {', '.join(report.skipped)}")


def error_lines(listing: Sequence[Json]) -> Iterator[str]:
    """Yield the published list of errors as a table in Markdown."""
    yield "| code | meaning | what to do | again? | exit code | HTTP |"
    yield "|---|---|---|---|---|---|"
    for row in listing:
        again = "yes" if row["retryable"] else "no"
        yield f"| `{row['code']}` | {row['meaning']} | {row['remedy']} | {again} | {row['exit_code']} | {row['http_status']} |"


def tool_lines(name: str | None = None) -> Iterator[str]:
    """Yield a line per tool, or one tool with its parameters; raise NotFoundError for an unknown one."""
    from tools import registry

    for tool in [registry.load(each) for each in ([name] if name else registry.names())]:
        yield f"{tool.name} ({tool.kind}): {tool.description}"
        if name:
            for field, info in tool.params.model_fields.items():
                yield f"  --{field.replace('_', '-')}  {'required. ' if info.is_required() else ''}{info.description or ''}"


def _what(record: DatasetRecord) -> str:
    if record.kind == "raster":
        return f"raster, {record.width} × {record.height} pixels, {len(record.bands)} band(s), {_crs_name(record.crs)}"
    if record.kind == "document":
        return "document"
    if record.network is not None:
        return f"network, {', '.join(record.network.bands)} → {', '.join(record.network.classes.values())}"
    if record.kind == "catalogue":
        return f"catalogue of scenes, {len(record.collections)} collection(s)"
    return f"{record.geometry_type or 'table'}, {record.feature_count} rows, {_crs_name(record.crs)}"


def _crs_name(crs: str | None) -> str:
    """Name a CRS in a word: its code, or the name in its WKT."""
    if crs is None:
        return "no CRS"
    return crs if '"' not in crs else f"a CRS without a code ({crs.split(chr(34))[1]})"
