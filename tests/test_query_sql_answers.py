"""An answer that cites SQL: the model finds the tool, its facts support true sentences, and numbers of the SQL do not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import geopandas as gpd
import pytest
from shapely.geometry import Point, box

from agent import Agent, RunResult, toolset
from agent.settings import AgentSettings
from scripted_endpoint import Endpoint, Script, scripted, tool_results
from tools.errors import ParameterError

QUESTION = "How many clinics of each kind are in each district, and how large are the districts?"
SQL = """SELECT d.name AS district, k.label AS kind, COUNT(*) AS clinics, MAX(d.area_m2) AS district_area, 77 AS lucky
FROM clinics c JOIN districts d ON ST_Within(c.geometry, d.geometry) JOIN kinds k ON k.code = c.code
GROUP BY d.name, k.label"""
CALL = [("query_vector", {"sql": SQL, "views": {"clinics": "clinics", "districts": "districts", "kinds": "kinds"}})]


@pytest.fixture
def data(tmp_path: Path) -> list[Path]:
    """North holds two clinics of code a and one of code b, South one of code a; North is 300 m wide, South 500 m, in UTM."""
    squares = [box(500_000, 5_400_000, 500_300, 5_400_300), box(500_000, 5_390_000, 500_500, 5_390_500)]
    gpd.GeoDataFrame({"name": ["North", "South"]}, geometry=squares, crs=32632).to_file(tmp_path / "districts.gpkg")
    places = [Point(500_010, 5_400_010), Point(500_020, 5_400_010), Point(500_030, 5_400_010), Point(500_010, 5_390_010)]
    clinics = gpd.GeoDataFrame({"code": ["a", "a", "b", "a"]}, geometry=places, crs=32632)
    clinics.to_crs(4326).to_file(tmp_path / "clinics.gpkg")
    (tmp_path / "kinds.csv").write_text("code,label\na,eye clinic\nb,dental clinic\n")
    return [tmp_path / name for name in ("districts.gpkg", "clinics.gpkg", "kinds.csv")]


@pytest.fixture
def ask(tmp_path: Path, data: list[Path]) -> Callable[[Script], tuple[RunResult, Endpoint, Agent]]:
    def run(script: Script) -> tuple[RunResult, Endpoint, Agent]:
        with scripted(script) as endpoint:
            settings = AgentSettings(engine="model", openai_base_url=endpoint.url, openai_api_key="x", model="any-model", model_retries=0)
            agent = Agent(tmp_path / "ws", settings=settings)
            return agent.run(QUESTION, data=data), endpoint, agent

    return run


def area(request: dict[str, Any], district: str) -> float:
    (result,) = tool_results(request)
    return next(
        fact["value"] / 1e4 for fact in result["facts"] if fact["name"] == "district_area" and fact["subject"]["district"] == district
    )


def honest(request: dict[str, Any]) -> str:
    return f"North has 2 clinics of kind eye clinic and 1 of kind dental clinic [1]. South covers {area(request, 'South'):.2f} ha [1]."


def test_an_answer_that_cites_a_query_is_verified(ask) -> None:
    result, endpoint, agent = ask([CALL, honest])
    assert "query_vector" in [tool["function"]["name"] for tool in endpoint.requests[0]["tools"]]
    assert (result.status, result.outcome) == ("answered", "value")
    assert [claim["verdict"] for claim in result.claims] == ["supported"] * len(result.claims)
    found = {(fact["name"], fact["subject"]["district"], fact["subject"]["kind"]): fact["value"] for fact in result.citations[0]["facts"]}
    assert found["clinics", "North", "eye clinic"] == 2
    assert found["clinics", "North", "dental clinic"] == 1
    assert found["district_area", "South", "eye clinic"] == pytest.approx((500 / 0.9996) ** 2, rel=1e-4)
    again = agent.runner.run("query_vector", {**CALL[0][1], "sql": SQL.lower().replace("\n", "  /* again */ ")})
    assert (again.cache, again.artifact.key) == ("hit", result.citations[0]["key"])


@pytest.mark.heavy
@pytest.mark.parametrize("lie", ["North has 3 clinics of kind eye clinic [1].", "The lucky number of North is 77 [1]."])
def test_a_number_that_no_fact_of_the_query_has_is_not_supported(ask, lie: str) -> None:
    result, _, _ = ask([CALL, lie, lie])
    assert result.unsupported
    assert result.status == "refused"


@pytest.mark.heavy
def test_a_model_that_errs_is_told_what_is_there(ask) -> None:
    wrong = [("query_vector", {"sql": "SELECT nam FROM districts", "views": {"districts": "districts"}})]

    def told(request: dict[str, Any]) -> Any:
        assert "Nearest: name" in str(request["messages"][-1]["content"])
        return CALL

    result, _, _ = ask([wrong, told, lambda request: "North has 2 clinics of kind eye clinic [1]."])
    assert result.status == "answered"


def test_the_tool_is_found_by_what_it_is_for() -> None:
    assert "query_vector" in toolset.found("join a table by an attribute and group by two columns")


def test_a_view_must_be_a_layer_or_a_table(tmp_path: Path, data: list[Path]) -> None:
    (tmp_path / "report.md").write_text("# Report\n\nWater.\n")
    agent = Agent(tmp_path / "ws", settings=AgentSettings(engine="planner"))
    agent.add(tmp_path / "report.md")
    with pytest.raises(ParameterError, match="Give a vector layer or table"):
        agent.runner.run("query_vector", {"sql": "SELECT a FROM report", "views": {"report": "report"}})
