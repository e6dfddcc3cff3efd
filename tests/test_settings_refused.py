"""A setting that cannot be used is named in words, without its value."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent import Agent
from agent.settings import AgentSettings
from tools.errors import ConfigurationError, ParameterError
from tools.settings import ToolSettings


@pytest.mark.parametrize(
    ("settings", "variable"),
    [(ToolSettings, "TERRACITE_DEVICE"), (ToolSettings, "TERRACITE_MAX_PIXELS"), (AgentSettings, "TERRACITE_ENGINE")],
)
def test_a_setting_of_no_use_is_a_configuration_error(
    monkeypatch: pytest.MonkeyPatch, settings: type[ToolSettings | AgentSettings], variable: str
) -> None:
    monkeypatch.setenv(variable, "hush")
    with pytest.raises(ConfigurationError, match=f"The setting {variable} cannot be used: Input should be") as caught:
        settings()
    assert "hush" not in str(caught.value)


def test_an_engine_that_there_is_not_is_refused_at_once(tmp_path: Path) -> None:
    with pytest.raises(ParameterError, match="no engine 'oracle'"):
        Agent(tmp_path, "oracle")  # type: ignore[arg-type]  # what a notebook may do
