"""Where the log goes, and that no secret goes with it: an interface sets its handler up here, and nowhere else."""

from __future__ import annotations

import logging
import threading
from io import TextIOWrapper
from pathlib import Path

from tools.redaction import redacted

_LOG = logging.getLogger(__name__)
PLAIN = "%(message)s"
FULL = "%(asctime)s %(levelname)s %(name)s %(message)s"


class Redacting(logging.Formatter):
    """Writes a record whole, its traceback included, and takes the secrets out of what it wrote."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the text of a record."""
        return redacted(super().format(record))


class OwnersFileHandler(logging.FileHandler):
    """Appends to a file that is made when first needed, and that only its owner may read."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, delay=True, encoding="utf-8")

    def _open(self) -> TextIOWrapper:
        from tools.workspace import owners_file  # brings pydantic, for which `--help` need not wait

        owners_file(Path(self.baseFilename))
        return super()._open()


def log_to(handler: logging.Handler, form: str) -> None:
    """Let warnings go to this handler, and no longer to the one that was set up before; those of Python and of threads too."""
    root = logging.getLogger()
    for earlier in [each for each in root.handlers if isinstance(each.formatter, Redacting)]:
        root.removeHandler(earlier)
    handler.setFormatter(Redacting(form))
    root.addHandler(handler)
    logging.captureWarnings(True)
    threading.excepthook = _log_end_of_thread


def stop_logging(handler: logging.Handler) -> None:
    """Undo `log_to`."""
    logging.captureWarnings(False)
    threading.excepthook = threading.__excepthook__
    logging.getLogger().removeHandler(handler)
    handler.close()


def _log_end_of_thread(ended: threading.ExceptHookArgs) -> None:
    if ended.exc_value is not None:
        _LOG.error("a thread ended thread=%s", ended.thread.name if ended.thread else "", exc_info=ended.exc_value)
