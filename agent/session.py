"""The session block: what an engine is told of the data and of the thread, in one versioned form."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from agent.state import SESSION_VERSION, Json
from tools.catalog.records import DatasetRecord

HIDDEN = {"path", "digest", "bytes", "declared"}
"""Fields of a record that an engine has no use for."""


def session_block(
    question: str, records: Iterable[DatasetRecord], *, focus: Sequence[str], history: Sequence[Json], previous: Json | None
) -> Json:
    """Return the session block (see `agent.state.SESSION_VERSION`), datasets in focus first.

    An empty `focus` puts every dataset in focus.
    """
    datasets = [{**record.model_dump(mode="json", exclude=HIDDEN), "focus": not focus or record.id in focus} for record in records]
    return {
        "version": SESSION_VERSION,
        "question": question,
        "datasets": sorted(datasets, key=lambda dataset: (not dataset["focus"], dataset["id"])),
        "results": [{key: value for key, value in message.items() if key != "key"} for message in history],
        "previous": previous,
    }
