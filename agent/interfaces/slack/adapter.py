"""Slack: events from Socket Mode become questions, messages go out through the Web API.

A running answer is one message that is edited, not Slack's append-only stream: what is streamed there can never be taken
back, and a draft may hold numbers that the check removes.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agent.interfaces.slack.bot import Bot
from agent.interfaces.slack.claims import Claims
from agent.interfaces.slack.outlet import Asked
from agent.interfaces.slack.settings import SlackSettings
from agent.interfaces.slack.text import parts, question_of
from tools.errors import ConfigurationError, CredentialError, ServiceError, TerraciteError
from tools.workspace import owners_file

if TYPE_CHECKING:
    from slack_sdk.web.async_client import AsyncWebClient

    from agent.api import Agent

_LOG = logging.getLogger(__name__)
CLAIMS = "slack.sqlite"
"""File in the workspace that remembers the events."""
PLAIN = {"parse": "none", "link_names": False}
"""Nothing in a text is made a link or a mention."""
QUIET = {"unfurl_links": False, "unfurl_media": False}
WRITTEN = (None, "file_share", "thread_broadcast")
"""Subtypes of messages that a person wrote; the others tell of edits, deletions, joins, and bots."""
GONE = ("message_not_found", "cant_update_message", "edit_window_closed")
REFUSED = ("invalid_auth", "not_authed", "account_inactive", "token_revoked", "token_expired", "not_allowed_token_type", "missing_scope")
RETRIES = 5
"""How often a call is made again after Slack asked to wait, after a lost connection, or an error of the server."""


class SlackOutlet:
    """Writes into Slack's threads; a place is `team/channel/thread`, a handle the timestamp of a message."""

    def __init__(self, client: AsyncWebClient) -> None:
        self._client = client

    async def post(self, place: str, text: str) -> str:
        """Write a message into the thread."""
        return await self._post(place, next(parts(text)))

    async def edit(self, place: str, handle: str, text: str) -> None:
        """Replace a message by the beginning of a text."""
        await self._update(place, handle, next(parts(text)))

    async def finish(self, place: str, handle: str, text: str) -> None:
        """Replace a message by the first part of a text, and post the others below it."""
        first, *others = parts(text)
        try:
            await self._update(place, handle, first)
        except _GoneError:  # somebody deleted it meanwhile
            await self._post(place, first)
        for other in others:
            await self._post(place, other)

    async def send(self, place: str, file: Path, title: str) -> None:
        """Upload a picture into the thread."""
        _, channel, thread = place.split("/")
        async with _calling("files.upload"):
            await self._client.files_upload_v2(channel=channel, thread_ts=thread, file=str(file), filename=file.name, title=title)

    async def _post(self, place: str, text: str) -> str:
        _, channel, thread = place.split("/")
        async with _calling("chat.postMessage"):
            answer = await self._client.chat_postMessage(channel=channel, thread_ts=thread, text=text, **PLAIN, **QUIET)  # type: ignore[arg-type]
        return str(answer["ts"])

    async def _update(self, place: str, handle: str, text: str) -> None:
        _, channel, _ = place.split("/")
        async with _calling("chat.update"):
            await self._client.chat_update(channel=channel, ts=handle, text=text, **PLAIN)  # type: ignore[arg-type]


class _GoneError(ServiceError):
    """The message that was to be edited is no longer there."""


@asynccontextmanager
async def _calling(method: str) -> AsyncIterator[None]:
    """Turn what the Slack client raises into errors of ours, which hold its error code and nothing else of the call."""
    from aiohttp import ClientError
    from slack_sdk.errors import SlackApiError, SlackClientError

    try:
        yield
    except SlackApiError as error:
        raise _error_of(method, str(error.response["error"])) from error
    except (SlackClientError, ClientError, TimeoutError) as error:
        raise ServiceError(f"Slack cannot be reached ({method}: {type(error).__name__}).", hint="Check the network.") from error


def _error_of(method: str, code: str) -> TerraciteError:
    if code in REFUSED:
        return CredentialError(f"Slack refused the token ({method}: {code}).", hint="Check the tokens and the app's scopes.")
    if code in GONE:
        return _GoneError(f"The message is gone ({method}: {code}).")
    return ServiceError(f"Slack did not do it ({method}: {code}).", hint="See docs.slack.dev for the error's meaning.")


def asked_in(body: Mapping[str, Any], bot_user: str) -> Asked | None:  # Any: the JSON of an event
    """Return the question in an event: a mention, or a direct message; None for everything else."""
    event = body["event"]
    is_for_us = event["type"] == "app_mention" or (event["type"] == "message" and event.get("channel_type") == "im")
    if not is_for_us or event.get("subtype") not in WRITTEN or event.get("bot_id") or event.get("user") in (None, bot_user):
        return None
    channel, ts = event["channel"], event["ts"]
    return Asked(
        event=body["event_id"],
        message=f"{channel}/{ts}",
        place=f"{body.get('team_id', '')}/{channel}/{event.get('thread_ts', ts)}",
        text=question_of(event.get("text", ""), bot_user),
    )


async def serve(agent: Agent, settings: SlackSettings, stop: asyncio.Event) -> None:
    """Answer in Slack until `stop` is set.

    Raises CredentialError where Slack refuses a token, BusyError where another bot works on the workspace, ServiceError where
    Slack cannot be reached at the start; a connection that is lost later is made again by Slack's own client.
    """
    bot_token, app_token = settings.tokens()
    _need_extra()
    from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
    from slack_bolt.app.async_app import AsyncApp

    client = _client(bot_token, settings.api_url)
    async with _calling("auth.test"):
        bot_user = str((await client.auth_test())["user_id"])
    async with _calling("apps.connections.open"):
        await client.apps_connections_open(app_token=app_token)  # Slack's own handler would try a refused token for ever
    bot = Bot(agent, Claims(owners_file(agent.workspace.root / CLAIMS)), SlackOutlet(client))

    async def on_event(body: dict[str, Any]) -> None:  # Any: the JSON of an event
        asked = asked_in(body, bot_user)
        if asked is not None:
            bot.take(asked)

    # The event is acknowledged when it is claimed on disk, which takes milliseconds: if claiming fails, Slack delivers again.
    app = AsyncApp(client=client, process_before_response=True)
    app.event(re.compile(""))(on_event)  # what is no question is acknowledged as well, or Slack would deliver it again
    handler = AsyncSocketModeHandler(app, app_token)
    try:
        await handler.connect_async()  # type: ignore[no-untyped-call]
        _LOG.info("connected bot_user=%s workspace=%s", bot_user, agent.workspace.root)
        bot.resume()
        await stop.wait()
    finally:
        await handler.close_async()  # type: ignore[no-untyped-call]
        await bot.close()


def _client(token: str, url: str) -> AsyncWebClient:
    """Return a client that waits as long as Slack says (Retry-After), and tries lost connections and its errors again."""
    from slack_sdk.http_retry.builtin_async_handlers import (
        AsyncConnectionErrorRetryHandler,
        AsyncRateLimitErrorRetryHandler,
        AsyncServerErrorRetryHandler,
    )
    from slack_sdk.web.async_client import AsyncWebClient

    handlers = [AsyncRateLimitErrorRetryHandler, AsyncConnectionErrorRetryHandler, AsyncServerErrorRetryHandler]
    return AsyncWebClient(token, base_url=url, retry_handlers=[handler(max_retry_count=RETRIES) for handler in handlers])


def _need_extra() -> None:
    from importlib.util import find_spec

    if find_spec("slack_bolt") is None or find_spec("aiohttp") is None:
        raise ConfigurationError("The Slack bot's libraries are not installed.", hint='Install them: pip install "terracite[slack]".')
