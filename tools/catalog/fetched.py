"""Files that are registered by their address: fetched whole into the workspace, by our own client."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tools.storage.download_progress import Told, nobody_told

__all__ = ["SIDE_NOTE", "Fetched", "Told", "nobody_told"]

SIDE_NOTE = "Only the file itself was fetched: masks, overviews, world files and .aux.xml that may lie beside it were not looked for."


@dataclass(frozen=True)
class Fetched:
    """How the file at an address becomes a file here."""

    downloads: Path
    """Folder of the fetched files."""
    checksum: str | None
    """What the file must be, e.g. `sha256:HEX`."""
    told: Told

    def file(self, address: str) -> Path:
        """Return the file at an address as it is now; raise what `tools.storage.downloads.Downloads.fetch` raises."""
        from tools.storage.downloads import Downloads  # the HTTP client takes 60 ms to import

        return Downloads(self.downloads).fetch(address, checksum=self.checksum, told=self.told).path
