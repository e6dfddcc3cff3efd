"""Questions to documents, on generated reports: answered by exact quotes, or refused where nothing is near enough."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from agent import Agent
from agent.api import RunResult
from asking import assert_declined
from generated_words import invent_names, pick

SEEDS = range(3)
HAZARDS = (("flood", "river"), ("landslide", "slope"), ("wildfire", "forest"), ("drought", "reservoir"))
ASKS = (
    "What do the documents say about the {hazard} in {name}?", "According to the documents, how many people died in the {hazard} in {name}?",
    "How many people died in the {hazard} in {name}, according to the documents?", "What is said about the {hazard} in {name} in the documents?",
    "Search the documents for the {hazard} in {name}.", "What do the reports say about deaths in {name}?",
)  # fmt: skip
NOT_THERE = (
    "What do the documents say about the price of copper?", "According to the documents, how many people died in the {hazard} in Quixborough?",
    "What do the documents say about the volcano in {name}?", "What does the harbour report say about {name}?",
)  # fmt: skip


class Reports:
    """Two documents, one of a hazard with its dead, one of roads, and what the first says word for word."""

    def __init__(self, seed: int, folder: Path) -> None:
        rng = np.random.default_rng((seed, 98))
        self.hazard, self.thing = pick(rng, HAZARDS)
        self.name, other = invent_names(rng, 2)
        self.dead, self.hurt = int(rng.integers(11, 400)), int(rng.integers(500, 9000))
        self.sentence = f"In {self.name} the {self.hazard} killed {self.dead} people and hurt {self.hurt:,} more."
        text = (
            f"# Situation in {self.name}\n\nThe {self.hazard} in {self.name} began after weeks without warning.\n\n{self.sentence}\n\n"
            f"The {self.thing} near {self.name} is being watched by local teams.\n"
        )
        roads = f"# Road works\n\nThe bridge of {other} is closed until spring, and lorries use the northern road.\n\nDrivers should allow more time.\n"
        folder.mkdir()
        (folder / "situation.md").write_text(text, encoding="utf-8")
        (folder / "roads.md").write_text(roads, encoding="utf-8")
        self.texts = text + roads
        self.agent = Agent(workspace=folder.parent / "ws", engine="planner")
        for path in sorted(folder.iterdir()):
            assert not self.agent.add(path).refused


@pytest.fixture(params=SEEDS, scope="module")
def reports(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Reports:
    return Reports(request.param, tmp_path_factory.mktemp("reports") / "data")


def quotes(result: RunResult) -> list[str]:
    return re.findall(r"“([^”]+)”", result.answer)


def test_the_documents_are_quoted_word_for_word_with_citations(reports: Reports) -> None:
    for template in ASKS:
        result = reports.agent.run(template.format(hazard=reports.hazard, name=reports.name))
        assert result.status == "answered", result
        assert not result.unsupported, result
        assert reports.sentence in quotes(result) or ("deaths" not in template and "died" not in template), result.answer
        assert all(quote in re.sub(r"\s+", " ", reports.texts) for quote in quotes(result))
        lines = [line for line in result.answer.splitlines() if "“" in line]
        assert lines
        assert all(re.search(r"\[\d+\]", line) for line in lines)
        outside = re.sub(r"“[^”]+”|\[\d+\]", "", result.answer)
        assert not re.search(r"\d", outside), "no number of its own"


def test_what_no_document_speaks_of_is_refused(reports: Reports) -> None:
    for template in NOT_THERE:
        result = reports.agent.run(template.format(hazard=reports.hazard, name=reports.name))
        assert_declined(result, outcome="refused")
        assert not quotes(result)


def test_a_plain_question_for_a_number_never_goes_to_the_documents(reports: Reports) -> None:
    result = reports.agent.run(f"How many people died in the {reports.hazard} in {reports.name}?")
    assert_declined(result)
    assert str(reports.dead) not in result.answer
    assert "search_knowledge" not in [step.get("tool") for step in result.steps]


def test_a_follow_up_asks_the_documents_for_something_else(reports: Reports) -> None:
    thread = reports.agent.thread()
    thread.run(f"What do the documents say about the {reports.hazard} in {reports.name}?")
    result = thread.run("and about the bridge?")
    assert any("bridge" in quote for quote in quotes(result)), result
