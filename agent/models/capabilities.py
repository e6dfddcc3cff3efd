"""What an endpoint's model has been seen to do, remembered per endpoint and model, so that a refusal is met only once."""

from __future__ import annotations

import hashlib
import json
from contextlib import suppress
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

from tools.drafts import replace_whole


@dataclass(frozen=True)
class Capabilities:
    """What is asked of the endpoint; True until it refuses. None where nothing has shown it yet."""

    stream: bool = True
    """Sends its reply piece by piece."""
    usage: bool = True
    """Takes `stream_options`, which makes it count tokens while it streams."""
    temperature: bool = True
    """Takes a temperature."""
    tools: bool | None = None
    """Calls tools."""
    parallel: bool | None = None
    """Calls several tools in one reply."""


class Notes:
    """Keeps the capabilities of endpoints in one small JSON file; without a file, in this object.

    The file can be lost at any time: what it says is learned again. Its keys are digests, since an address may hold a password.
    """

    def __init__(self, file: Path | None = None) -> None:
        self._file = file
        self._known: dict[str, dict[str, Any]] = {}  # Any: JSON

    def of(self, endpoint: str, model: str) -> Capabilities:
        """Return what is known of a model at an endpoint."""
        known = self._read().get(_key(endpoint, model), {})
        names = {field.name for field in fields(Capabilities)}
        return replace(Capabilities(), **{name: value for name, value in known.items() if name in names})

    def learn(self, endpoint: str, model: str, capabilities: Capabilities) -> None:
        """Remember what was seen; a file that cannot be written is no reason to fail."""
        if capabilities == self.of(endpoint, model):
            return
        self._known = {**self._read(), _key(endpoint, model): asdict(capabilities)}
        if self._file is not None:
            with suppress(OSError):
                replace_whole(self._file, json.dumps(self._known, indent=1, sort_keys=True).encode())

    def _read(self) -> dict[str, dict[str, Any]]:
        if self._file is not None:
            with suppress(OSError, ValueError):
                stored = json.loads(self._file.read_text(encoding="utf-8"))
                if isinstance(stored, dict):
                    self._known = {key: value for key, value in stored.items() if isinstance(value, dict)}
        return self._known


def _key(endpoint: str, model: str) -> str:
    return hashlib.sha256(f"{endpoint}\n{model}".encode()).hexdigest()[:24]
