"""From hits in the index to what is known of them today: records, titles, places and times are joined when they are read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

from agent.knowledge.cards import card_text
from agent.knowledge.extents import Box, Span, boxes_touch, spans_touch
from agent.knowledge.origins import Origins
from agent.knowledge.vectors import Hit
from tools.catalog.datasets import Datasets
from tools.catalog.records import DatasetRecord
from tools.contract import Found
from tools.runner import Runner


@dataclass(frozen=True)
class Wanted:
    """What a search keeps; what is empty or None keeps all."""

    within: tuple[str, ...] = ()
    """Dataset ids."""
    bbox: Box | None = None
    time: Span | None = None


class Joining:
    """Completes hits, and leaves out those that are no longer there, lie elsewhere, or are of another time or of other data."""

    def __init__(self, runner: Runner, datasets: Datasets, wanted: Wanted) -> None:
        records = datasets.record_objects()
        self._runner, self._within, self._bbox, self._time = runner, set(wanted.within), wanted.bbox, wanted.time
        self._documents = {record.id: record for record in records}
        self._origins = Origins(runner, records)

    def found(self, hits: Iterable[Hit], limit: int) -> Iterator[Found]:
        """Yield the first `limit` hits that remain."""
        joined = (self._passage(hit) if hit.entry.about["kind"] == "passage" else self._result(hit) for hit in hits)
        return islice((one for one in joined if one is not None), limit)

    def _passage(self, hit: Hit) -> Found | None:
        """Documents rarely state place and time; where they are not known, the passage stays."""
        about = hit.entry.about
        document = self._documents.get(str(about["document"]))
        if document is None or (self._within and document.id not in self._within):
            return None
        if self._bbox and document.bbox and not boxes_touch(self._bbox, document.bbox):
            return None
        if self._time and document.time and not spans_touch(self._time, document.time):
            return None
        detail = {"id": hit.entry.id, **{key: about[key] for key in ("heading", "page", "start", "end") if key in about}}
        return Found("passage", hit.entry.text, document.id, document.title, hit.score, detail)

    def _result(self, hit: Hit) -> Found | None:
        """A result without a place, or made of data without a time, is left out where one is asked for."""
        key = str(hit.entry.about["key"])
        record = self._runner.record(key)
        if record is None:
            return None
        origins = self._origins.of(key)
        if self._within and not {origin.id for origin in origins} <= self._within:
            return None
        time = _span(origins)
        box = record["bbox"]
        if self._bbox and not (box and boxes_touch(self._bbox, (box[0], box[1], box[2], box[3]))):
            return None
        if self._time and not (time and spans_touch(self._time, time)):
            return None
        titles = [origin.title for origin in origins]
        detail = {
            "tool": record["tool"],
            "params": record["called"],
            "summary": record["summary"],
            "outcome": record["outcome"],
            "datasets": [origin.id for origin in origins],
            "bbox": box,
            "time": list(time) if time else None,
            "created": record["created"],
        }
        return Found("result", card_text(record, titles), f"a:{key[:12]}", "; ".join(dict.fromkeys(titles)), hit.score, detail)


def _span(origins: Iterable[DatasetRecord]) -> Span | None:
    """Return from the first to the last time of several datasets."""
    times = [origin.time for origin in origins if origin.time]
    return (min(first for first, _ in times), max(last for _, last in times)) if times else None
