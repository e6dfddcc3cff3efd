"""Runs code in a fresh Python that may confine itself for good, as a worker does; no test process could undo that."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parent.parent

PRELUDE = """
import ctypes, errno, json, os, sqlite3, socket, sys, threading
from pathlib import Path
from tools.workers.confinement import available, confine_process, confine_thread

given = json.loads(sys.argv[1])

def attempt(action, *arguments):
    # What an action says, or the name of the system's error, or the class of another one.
    try:
        return action(*arguments)
    except OSError as error:
        return errno.errorcode.get(error.errno, type(error).__name__)
    except (MemoryError, sqlite3.Error, ImportError) as error:
        return type(error).__name__

def job(action, *arguments, reads=(), writes=(), network=False):
    # Run an action in a thread of its own, confined, as a worker runs a job.
    answers = []
    def confined():
        confine_thread(reads=[Path(each) for each in reads], writes=[Path(each) for each in writes], network=network)
        answers.append(attempt(action, *arguments))
    thread = threading.Thread(target=confined)
    thread.start()
    thread.join()
    return answers[0]

def text(path):
    return Path(path).read_text()

def connect(kind, port):
    with socket.socket(socket.AF_INET, kind) as one:
        one.connect(("127.0.0.1", port))
        return one.send(b"x")
"""
BECOME_NOBODY = """
os.setgroups([]); os.setresgid(65534, 65534, 65534); os.setresuid(65534, 65534, 65534)
# A changed user makes a process's own /proc unwritable until the next program starts; an ordinary user never sees that.
ctypes.CDLL(None).prctl(4, 1, 0, 0, 0)
"""


def run_python(code: str, /, *, environment: Mapping[str, str] | None = None, import_from: str = "", **given: object) -> Any:  # Any: JSON
    """Return what the code puts into `answer`; it finds the arguments in `given`, and `import_from` in front of sys.path."""
    whole = f"{PRELUDE}\n{code}\nprint(json.dumps(answer))"
    folders = os.pathsep.join(filter(None, (import_from, str(REPOSITORY))))
    done = subprocess.run(
        [sys.executable, "-P", "-c", whole, json.dumps(given, default=str)],
        env={**os.environ, "PYTHONPATH": folders, **(environment or {})},
        cwd="/",
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout)
