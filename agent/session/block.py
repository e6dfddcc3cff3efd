"""The session block: what an engine is told of the data and of the thread, in one versioned form."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import cast

from agent.knowledge.recall import NOTHING
from agent.state import SESSION_VERSION, Json
from tools.catalog.datasets import Datasets
from tools.catalog.records import DatasetRecord
from tools.errors import DataError, NotFoundError
from tools.redaction import redacted_json

HIDDEN = {"path", "digest", "bytes", "declared", "conforms_to"}
"""Fields of a record that an engine has no use for."""
MOST_COLLECTIONS = 40
"""Most collections of a catalogue that a session shows; describe_dataset tells all, and a search takes any."""


def current_records(datasets: Datasets) -> list[DatasetRecord]:
    """Return the record of every dataset as it is now: a file that changed is described anew.

    A file that is gone or broken keeps its last record; whatever then uses it says what is wrong.
    """
    for known in datasets.record_objects():
        with suppress(NotFoundError, DataError):
            datasets.resolve(known.id)
    return list(datasets.record_objects())


def session_block(
    question: str,
    records: Iterable[DatasetRecord],
    *,
    focus: Sequence[str],
    history: Sequence[Json],
    previous: Json | None,
    known: Json = NOTHING,
) -> Json:
    """Return the session block (see `agent.state.SESSION_VERSION`), datasets in focus first.

    An empty `focus` puts every dataset in focus.
    """
    datasets = [{**_shown(record), "focus": not focus or record.id in focus} for record in records]
    block: Json = {
        "version": SESSION_VERSION,
        "question": question,
        "datasets": sorted(datasets, key=lambda dataset: (not dataset["focus"], dataset["id"])),
        "results": [{key: value for key, value in message.items() if key != "key"} for message in history],
        "known": known,
        "previous": previous,
    }
    return cast("Json", redacted_json(block))


def _shown(record: DatasetRecord) -> Json:
    shown = record.model_dump(mode="json", exclude=HIDDEN)
    return {**shown, "collections": shown["collections"][:MOST_COLLECTIONS]}
