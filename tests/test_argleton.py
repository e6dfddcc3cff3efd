"""Argleton 0.6.0: 31 traps in which a plausible wrong number waits, and 31 clean twins; its own runner judges our public tools."""

from __future__ import annotations

import importlib.metadata
import re
from pathlib import Path
from typing import Any

import pytest
from argleton.model import discover
from argleton.run import ROOT, run_probe
from argleton.score import Verdict, summarise

from argleton_adapter import OPERATIONS, Adapter
from argleton_renamed import RenamedAdapter

PROBES = discover(ROOT)
REPOSITORY = Path(__file__).parent.parent
WRONG = ("silent_error", "refused_wrongly", "noisy_failure", "unsupported")


def judged(adapter: Adapter) -> tuple[dict[str, Any], list[Verdict]]:
    """Let Argleton build every fixture, ask the adapter and judge; return its summary and its verdicts."""
    verdicts = [run_probe(adapter, probe)[1] for probe in PROBES]
    return summarise(verdicts), verdicts


def test_the_suite_is_the_published_one():
    assert importlib.metadata.version("argleton") == "0.6.0"
    assert [sum(probe.population == name for probe in PROBES) for name in ("trap", "clean")] == [31, 31]


def test_every_operation_of_the_suite_is_supported():
    assert {probe.operation for probe in PROBES} == set(OPERATIONS)


def test_the_product_knows_nothing_of_the_suite():
    files = [file for part in ("agent", "tools", "prompts") for file in (REPOSITORY / part).rglob("*.*") if file.suffix in (".py", ".md")]
    text = "\n".join(file.read_text(encoding="utf-8") for file in files).casefold()
    assert not [name for name in ("argleton", *(probe.id for probe in PROBES), *(set(OPERATIONS) - {"feature_count"})) if name in text]


def test_the_adapter_names_no_file_layer_or_column_of_the_suite():
    text = (REPOSITORY / "tests/argleton_adapter.py").read_text(encoding="utf-8")
    given = {argument.rpartition("=")[2] for probe in PROBES for argument in probe.arguments}
    assert not [
        word for word in given if not word.isdigit() and re.search(rf"\b{re.escape(word)}\b", text.partition('"""')[2].partition('"""')[2])
    ]


@pytest.mark.heavy
@pytest.mark.parametrize("adapter", [Adapter(), RenamedAdapter()], ids=["as published", "files, layers and columns renamed"])
def test_no_trap_gives_a_wrong_number_and_every_clean_twin_is_answered(adapter):
    summary, verdicts = judged(adapter)
    assert not [f"{one.probe_id}: {one.verdict}: {one.detail}" for one in verdicts if one.verdict in WRONG]
    assert (summary["silent_error_rate"], summary["completion_rate"]) == (0.0, 1.0)
    assert (summary["traps_run"], summary["clean_run"], summary["unsupported"]) == (31, 31, 0)
