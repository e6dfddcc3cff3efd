"""The public face of `tools`: light to import, and enough to call a tool."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

import tools
from tools.errors import NotFoundError

HEAVY = (
    "diskcache",
    "exactextract",
    "geopandas",
    "matplotlib",
    "numpy",
    "odc",
    "pandas",
    "pyarrow",
    "pydantic",
    "pyogrio",
    "pyproj",
    "rasterio",
    "shapely",
)


def loaded_after(statement: str, names: tuple[str, ...]) -> list[str]:
    program = f"import sys\n{statement}\nprint([name for name in {names!r} if name in sys.modules])"
    output = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=Path(__file__).parent.parent)
    return json.loads(output.stdout.replace("'", '"'))


@pytest.mark.parametrize(
    ("statement", "names"),
    [
        ("import tools", HEAVY),
        ("from tools.runner import Runner", tuple(name for name in HEAVY if name != "pydantic")),
        ("import tools; tools.names(); tools.describe('zonal_stats')", tuple(name for name in HEAVY if name != "pydantic")),
    ],
)
def test_import_is_light(statement: str, names: tuple[str, ...]) -> None:
    assert loaded_after(statement, names) == []


def test_every_name_of_the_public_face_is_there() -> None:
    for name in tools.__all__:
        assert getattr(tools, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        tools.nothing  # noqa: B018


def test_tools_are_described_by_their_parameters() -> None:
    assert "zonal_stats" in tools.names()
    described = tools.describe("zonal_stats")
    assert described["kind"] == "pure"
    assert "raster" in described["parameters"]["properties"]
    with pytest.raises(NotFoundError):
        tools.describe("nothing")


def test_tool_can_be_called_in_one_line(tmp_path: Path) -> None:
    result = tools.run("list_datasets", {}, workspace=tmp_path / "ws")
    assert result.cache == "observed"
