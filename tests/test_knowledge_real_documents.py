"""Honest questions about real documents: the passage that answers stands first, and quoting it is accepted."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from agent import Agent
from agent.grounding import check
from conftest import SHARED_DATA

pytestmark = pytest.mark.realdata

ASKED = (
    ("What was the death toll in the Veneto flood of 2018 at the end of October?", "facts_veneto_flood_2018", "at least 11 by 30-31 October 2018"),
    ("How high was the tide in Venice?", "facts_veneto_flood_2018", "high tide of 156 cm on 29 October 2018"),
    ("Which bands do the Pucallpa images have?", "pucallpa_readme", "four bands, including SWIR1, NIR, Red, and Green"),
    ("How many people had to leave their homes in the Vega Baja flood?", "facts_vega_baja_flood_2019", "about 3,500 people in the area had to leave their homes"),
    ("Which CRS are the Sen1Floods11 images in?", "sen1floods11_readme", "All images are projected to WGS 84"),
    ("What does VH_thresh mean?", "sen1floods11_readme", "VH_thresh"),
    ("How must the data of Copernicus EMS be cited?", "emsr332_readme", "The resource has to be cited as follows"),
    ("What does the damage fraction of a raster cell depend on?", "damagescanner_raster", "The damage fraction is determined from the vulnerability curve"),
    ("How many people died in the Burma earthquake?", "nasa_burma_", "deaths"),
)  # fmt: skip
"""Question, the document that answers (or how its id begins), and words of the passage that do."""


@pytest.fixture(scope="module")
def agent(tmp_path_factory: pytest.TempPathFactory, cache_folder: Path) -> Iterator[Agent]:
    """An agent over all documents of the shared data."""
    if not SHARED_DATA.is_dir():
        pytest.skip("no real data: ../shared/data does not exist beside this checkout")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(cache_folder))
        agent = Agent(tmp_path_factory.mktemp("documents") / "ws")
        report = agent.add(SHARED_DATA / "documents")
        assert len(report.records) == 12
        yield agent


def search(agent: Agent, question: str) -> dict[str, Any]:
    return dict(agent.runner.run("search_knowledge", {"query": question, "kinds": ["passage"]}).artifact.data)


@pytest.mark.parametrize(("question", "document", "words"), ASKED, ids=[words for _, _, words in ASKED])
def test_the_passage_that_answers_stands_first_and_can_be_quoted(agent: Agent, question: str, document: str, words: str) -> None:
    data = search(agent, question)
    first = data["passages"][0]
    assert first["document"].startswith(document)
    assert words in " ".join(first["text"].split())
    message = {"n": 1, "tool": "search_knowledge", "params": {"query": question}, "ref": "a:0123456789ab", "data": data, "facts": []}
    assert not check(f"“{first['text']}” [1]", question=question, results=[message], facts_of=lambda _: []).unsupported


def test_every_passage_stands_in_its_document_where_it_says(agent: Agent) -> None:
    found = agent.knowledge.search("flood damage and satellite images", kinds=("passage",), limit=200)
    assert len(found) > 50
    for one in found:
        text = Path(agent.datasets.resolve(one.ref).path).read_text(encoding="utf-8-sig")
        assert text[one.detail["start"] : one.detail["end"]] == one.text


def test_all_passages_can_be_quoted_whole(agent: Agent) -> None:
    passages = search(agent, "flood")["passages"]
    passages += search(agent, "table of layers, bands and fields with their values")["passages"]
    message = {"n": 1, "tool": "search_knowledge", "params": {}, "ref": "a:0123456789ab", "data": {"passages": passages}, "facts": []}
    for passage in passages:
        checked = check(f"“{passage['text']}” [1]", question="Flood?", results=[message], facts_of=lambda _: [])
        assert [claim.reason for claim in checked.unsupported] == [], passage["text"]
