"""Earlier results are found and taken up by the same call, in another process and thread; what changed is computed anew."""

from __future__ import annotations

import json
import multiprocessing
import re
from pathlib import Path
from typing import Any

import geopandas as gpd
import pytest
from shapely.geometry import box

from agent import Agent, RunResult
from agent.events import Recalled
from agent.settings import AgentSettings
from scripted_endpoint import Script, scripted

QUESTION = "How many hectares does each district cover?"
SAME_ELSEWHERE = "What is the area of every district in hectares?"
AREAS = [("query_vector", {"layer": "districts", "group_by": ["name"], "measures": [{"aggregate": "area"}]})]
REPORT = "# Mill\n\nThe mill by the river was built in 1887 and ground 40 t of grain a day.\n"


def write_districts(path: Path, side: float) -> None:
    """One square district in UTM 32N on the central meridian."""
    square = box(500000, 5_400_000, 500000 + side, 5_400_000 + side)
    gpd.GeoDataFrame({"name": ["North"]}, geometry=[square], crs=32632).to_file(path)


@pytest.fixture
def districts(tmp_path: Path) -> Path:
    path = tmp_path / "districts.gpkg"
    write_districts(path, 300)
    return path


def session_of(request: dict[str, Any]) -> dict[str, Any]:
    """The session block that a request carries."""
    text = next(message["content"] for message in reversed(request["messages"]) if message["role"] == "user")
    found: dict[str, Any] = json.loads(re.findall(r"<session>(.*?)</session>", text, re.DOTALL)[-1])
    return found


def take_up_what_is_known(request: dict[str, Any]) -> Any:
    """A model that makes the first call that memory shows."""
    first = session_of(request)["known"]["results"][0]
    return [(first["tool"], first["params"])]


def honest(request: dict[str, Any]) -> str:
    (result,) = [json.loads(message["content"]) for message in request["messages"] if message["role"] == "tool"]
    return "\n".join(
        f"- {fact['subject']['name']}: {fact['value'] / 1e4:.3f} ha [1]"
        for fact in result["facts"]
        if fact["name"] == "area" and fact["subject"]
    )


def model_agent(root: Path, url: str) -> Agent:
    return Agent(root, settings=AgentSettings(engine="model", openai_base_url=url, openai_api_key="x", model_retries=0))


def ask_model(root: Path, script: Script, question: str, data: tuple[Path, ...] = ()) -> tuple[RunResult, list[dict[str, Any]]]:
    with scripted(script) as endpoint:
        return model_agent(root, endpoint.url).run(question, data=data), endpoint.requests


def _ask_planner(root: Path, question: str, data: Path, answers: Any) -> None:
    answers.put(Agent(root, "planner").run(question, data=[data]).to_json())


def asked_in_another_process(root: Path, data: Path) -> dict[str, Any]:
    context = multiprocessing.get_context("spawn")
    answers = context.Queue()
    worker = context.Process(target=_ask_planner, args=(root, QUESTION, data, answers))
    worker.start()
    answer: dict[str, Any] = answers.get(timeout=120)
    worker.join(60)
    return answer


def caches(artifacts: Any) -> list[str]:
    return [artifact["cache"] for artifact in artifacts if artifact["tool"] == "query_vector"]


def test_the_planner_answers_again_in_another_process_and_thread_without_a_tool_run(tmp_path: Path, districts: Path) -> None:
    first = Agent(tmp_path / "ws", "planner").run(QUESTION, data=[districts])
    second = asked_in_another_process(tmp_path / "ws", districts)
    assert second["thread_id"] != first.thread_id
    assert second["answer"] == first.answer
    assert set(caches(first.artifacts)) == {"computed"}
    assert set(caches(second["artifacts"])) == {"hit"}
    write_districts(districts, 500)
    third = Agent(tmp_path / "ws", "planner").run(QUESTION, data=[districts])
    assert set(caches(third.artifacts)) == {"computed"}
    assert third.answer != first.answer


def test_a_model_is_shown_the_call_whoever_made_it_and_its_result_is_found(tmp_path: Path, districts: Path) -> None:
    Agent(tmp_path / "ws", "planner").run(QUESTION, data=[districts])
    result, requests = ask_model(tmp_path / "ws", [take_up_what_is_known, honest], SAME_ELSEWHERE)
    assert (result.status, caches(result.artifacts)) == ("answered", ["hit"])
    known = session_of(requests[0])["known"]["results"][0]
    assert result.artifacts[0]["key"].startswith(known["ref"].removeprefix("a:"))
    write_districts(districts, 500)
    result, _ = ask_model(tmp_path / "ws", [take_up_what_is_known, honest], SAME_ELSEWHERE)
    assert caches(result.artifacts) == ["computed"]
    assert result.claims[0]["value"] == pytest.approx((500 / 0.9996) ** 2 / 1e4, rel=1e-3)


def test_a_result_that_memory_shows_can_be_taken_up_by_its_ref_and_no_other(tmp_path: Path, districts: Path) -> None:
    Agent(tmp_path / "ws", "planner").run(QUESTION, data=[districts])

    def calculate(ref: str) -> list[tuple[str, dict[str, Any]]]:
        return [("calculate", {"expression": "a + a", "facts": {"a": f"{ref}#facts/0"}, "name": "twice"})]

    def with_known(request: dict[str, Any]) -> Any:
        return calculate(session_of(request)["known"]["results"][0]["ref"])

    (key,) = Agent(tmp_path / "ws").runner.keys()
    decline = [("decline", {"reason": "No.", "outcome": "refused"})]
    result, _ = ask_model(tmp_path / "ws", [with_known, decline], SAME_ELSEWHERE)
    assert "error" not in result.steps[0]
    result, _ = ask_model(tmp_path / "ws", [calculate(f"a:{key[:12]}"), decline], "Why does bread rise?")
    assert result.steps[0]["error"]["code"] == "not_found"


def test_what_is_known_is_no_answer(tmp_path: Path, districts: Path) -> None:
    ask_model(tmp_path / "ws", [AREAS, honest], QUESTION, (districts,))
    lie = "North covers 9.007 ha [1]."
    result, _ = ask_model(tmp_path / "ws", [lie, lie], SAME_ELSEWHERE)
    assert result.status == "refused"
    assert "9.007" not in result.answer


def test_memory_hits_are_told_and_those_out_of_focus_are_not_shown(tmp_path: Path, districts: Path) -> None:
    ask_model(tmp_path / "ws", [AREAS, honest], QUESTION, (districts,))
    decline = [("decline", {"reason": "No.", "outcome": "refused"})]
    with scripted([decline, decline]) as endpoint:
        agent = model_agent(tmp_path / "ws", endpoint.url)
        told = [event for event in agent.stream(SAME_ELSEWHERE) if isinstance(event, Recalled)]
        assert [len(event.results) for event in told] == [1]
        other = tmp_path / "other.gpkg"
        write_districts(other, 700)
        assert not [event for event in agent.stream(SAME_ELSEWHERE, data=[other]) if isinstance(event, Recalled)]
    assert session_of(endpoint.requests[1])["known"] == {"results": [], "passages": []}


def test_an_empty_memory_loads_no_library_of_its_own(tmp_path: Path, districts: Path) -> None:
    """The planner never asks; a model asks in vain where nothing is stored yet."""
    with scripted([[("decline", {"reason": "No.", "outcome": "refused"})]]) as endpoint:
        agent = model_agent(tmp_path / "ws", endpoint.url)
        agent.run(QUESTION, data=[districts])
        assert agent.knowledge.is_empty()
    assert "_library" not in vars(agent.knowledge)


def test_documents_out_of_focus_are_not_searched(tmp_path: Path, districts: Path) -> None:
    (tmp_path / "mill.md").write_text(REPORT)
    (tmp_path / "other.md").write_text("# Bridge\n\nThe bridge was built in 1901.\n")
    search = [("search_knowledge", {"query": "When was the mill built?"})]
    decline = [("decline", {"reason": "No.", "outcome": "refused"})]
    with scripted([search, decline]) as endpoint:
        agent = model_agent(tmp_path / "ws", endpoint.url)
        agent.add(tmp_path / "mill.md")
        result = agent.run("When was it built?", data=[tmp_path / "other.md"])
    found = json.loads(endpoint.requests[1]["messages"][-1]["content"])
    assert {passage["document"] for passage in found["data"]["passages"]} <= {"other"}
    assert result.steps[0]["params"]["within"] == ["other"]
    planner = Agent(tmp_path / "ws", "planner").run("What do the documents say about the mill?", data=[tmp_path / "other.md"])
    assert "1887" not in planner.answer


def test_a_document_is_answered_by_quotation_and_its_title_and_licence_are_cited(tmp_path: Path) -> None:
    (tmp_path / "mill.md").write_text(REPORT)
    search = [("search_knowledge", {"query": "When was the mill built?"})]
    wrong = "The mill was built in 1888 and “ground 41 t of grain a day” [1]."
    right = "The report says it “was built in 1887 and ground 40 t of grain a day” [1]."
    with scripted([search, wrong, right]) as endpoint:
        agent = model_agent(tmp_path / "ws", endpoint.url)
        agent.add(tmp_path / "mill.md", title="History of the mill", licence="CC0")
        result = agent.run("When was the mill built?")
    assert session_of(endpoint.requests[0])["known"]["passages"][0]["document"] == "mill"
    sent_back = endpoint.requests[2]["messages"][-1]["content"]
    assert "ground 41 t of grain a day" in sent_back
    assert (result.status, result.outcome, result.answer) == ("answered", "value", right)
    assert {claim["verdict"] for claim in result.claims} == {"quoted"}
    (citation,) = result.citations
    assert (citation["title"], citation["licence"], citation["verdict"]) == ("History of the mill", "CC0", "supported")
