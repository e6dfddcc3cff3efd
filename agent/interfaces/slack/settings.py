"""Settings of the Slack bot, under the names that Slack itself uses."""

from __future__ import annotations

from pydantic import Field, SecretStr
from pydantic_settings import SettingsConfigDict

from tools.errors import CredentialError
from tools.settings import Settings


class SlackSettings(Settings):
    """Read from the environment when the bot starts; tokens are never written anywhere."""

    model_config = SettingsConfigDict(env_prefix="SLACK_", extra="ignore")

    bot_token: SecretStr | None = None
    """`xoxb-…`, of the app as installed in the Slack workspace."""
    app_token: SecretStr | None = None
    """`xapp-…`, with the scope connections:write, for Socket Mode."""
    api_url: str = Field(default="https://slack.com/api/", pattern=r"^https?://.*/$")
    """Address of the Web API; another one for GovSlack."""

    def tokens(self) -> tuple[str, str]:
        """Return (bot token, app token); raise CredentialError where one is missing."""
        missing = [name for name, token in (("SLACK_BOT_TOKEN", self.bot_token), ("SLACK_APP_TOKEN", self.app_token)) if not token]
        if missing or self.bot_token is None or self.app_token is None:
            raise CredentialError(
                f"The Slack bot needs two tokens, and {' and '.join(missing)} {'is' if len(missing) == 1 else 'are'} not set.",
                hint="Take them from the app's pages at api.slack.com/apps, or try the bot with --console.",
            )
        return self.bot_token.get_secret_value(), self.app_token.get_secret_value()
