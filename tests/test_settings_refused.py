"""A setting that cannot be used is named in words, without its value."""

from __future__ import annotations

import pytest

from agent.settings import AgentSettings
from tools.errors import ConfigurationError
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
