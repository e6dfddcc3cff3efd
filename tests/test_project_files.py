"""The files around the code say what is true: versions, pins, settings, tools, names."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from pydantic import SecretStr
from pydantic_settings import BaseSettings

from agent.settings import AgentSettings
from tools import registry
from tools.settings import ToolSettings
from tools.version import __version__

REPOSITORY = Path(__file__).resolve().parent.parent
PACKAGES = ("agent", "tools", "prompts")


def text(name: str) -> str:
    return (REPOSITORY / name).read_text(encoding="utf-8")


def project() -> dict[str, Any]:
    return tomllib.loads(text("pyproject.toml"))["project"]


def pins() -> dict[str, str]:
    lines = [line for line in text("constraints.txt").splitlines() if line and not line.startswith("#")]
    return {canonicalize_name(name): version for name, _, version in (line.partition("==") for line in lines)}


def requirements() -> list[Requirement]:
    listed = project()["dependencies"] + [each for extra in project()["optional-dependencies"].values() for each in extra]
    build = tomllib.loads(text("pyproject.toml"))["build-system"]["requires"]
    return [Requirement(each) for each in (*listed, *build)]


def reached(wanted: list[Requirement]) -> Iterator[str]:
    """Yield every installed distribution that these lead to on this machine, by the extras that they ask for too."""
    seen: set[tuple[str, str]] = set()
    while wanted:
        requirement = wanted.pop()
        name = canonicalize_name(requirement.name)
        for extra in ("", *requirement.extras):
            if (name, extra) in seen:
                continue
            seen.add((name, extra))
            yield name
            below = [Requirement(each) for each in distribution(name).requires or ()]
            wanted += [each for each in below if each.marker is None or each.marker.evaluate({"extra": extra})]


def test_changelog_begins_with_the_version_of_the_package() -> None:
    newest = re.search(r"^## \[(\d+\.\d+\.\d+)\] - \d{4}-\d{2}-\d{2}$", text("CHANGELOG.md"), re.MULTILINE)
    assert newest is not None
    assert newest[1] == __version__


def test_constraints_are_exact_pins_that_satisfy_every_requirement() -> None:
    unmet = [str(each) for each in requirements() if not each.specifier.contains(pins().get(canonicalize_name(each.name), "0"))]
    assert unmet == []


def test_constraints_pin_everything_that_is_installed_with_the_project() -> None:
    installed = {name: distribution(name).version for name in reached(requirements())}
    assert {name: pins().get(name) for name in installed} == installed


def test_constraints_name_no_place_to_fetch_from() -> None:
    lines = [line for line in text("constraints.txt").splitlines() if not line.startswith("#")]
    assert [line for line in lines if not re.fullmatch(r"[A-Za-z0-9._-]+==[A-Za-z0-9.!+]+", line)] == []


def settings_of(model: type[BaseSettings]) -> dict[str, str]:
    """Return the environment variable and the default, as text, of every setting."""
    found = {}
    for name, field in model.model_fields.items():
        alias = field.validation_alias
        variable = alias.choices[0] if alias is not None and not isinstance(alias, str) else f"TERRACITE_{name.upper()}"  # type: ignore[union-attr]
        default = field.default
        found[str(variable)] = (
            "" if default is None or isinstance(default, SecretStr) else f"{default:g}" if isinstance(default, float) else str(default)
        )
    return found


@pytest.mark.parametrize("model", [ToolSettings, AgentSettings])
def test_env_example_lists_every_setting_with_its_default(model: type[BaseSettings]) -> None:
    lines = dict(line.removeprefix("#").split("=", 1) for line in text(".env.example").splitlines() if re.match(r"#[A-Z_]+=", line))
    assert {name: lines.get(name) for name in settings_of(model)} == settings_of(model)


@pytest.mark.parametrize("model", [ToolSettings, AgentSettings])
def test_readme_names_every_setting(model: type[BaseSettings]) -> None:
    assert [name for name in settings_of(model) if f"`{name}`" not in text("README.md")] == []


def test_readme_has_one_row_per_tool_in_the_order_of_the_registry() -> None:
    table = text("README.md").partition("## Tools")[2].partition("## ")[0]
    assert tuple(re.findall(r"^\| `([a-z_]+)` \|", table, re.MULTILINE)) == registry.names()


def test_prompts_hold_markdown_only() -> None:
    assert {path.suffix for path in (REPOSITORY / "prompts").iterdir()} == {".md"}


def test_only_the_listed_packages_are_built() -> None:
    wheel = tomllib.loads(text("pyproject.toml"))["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert tuple(wheel["packages"]) == PACKAGES
