"""The sections of the settings: every key, its default, and what it is for.

Whoever needs settings is handed one section; `multivac.settings` reads them all.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr

from multivac.environment import name_of
from multivac.errors import Finding
from multivac.playbooks import shipped
from multivac.values import Address, Email, PositiveDuration, Strict, wrong


def _loopback(url: str) -> str:
    host = urlsplit(url).hostname or ""
    try:
        near = host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        near = False
    if not near:
        raise wrong(
            "is not on this machine.", "Write an address at 127.0.0.1; only a sandbox gives the time."
        )
    return url


def _database(url: SecretStr) -> SecretStr:
    text = url.get_secret_value()
    if not text.startswith(("sqlite:///", "postgresql://", "postgresql+psycopg://", "postgres://")):
        fix = "Write sqlite:///multivac.db, or postgresql://user:password@host/name."
        raise wrong("is no database that Multivac can use.", fix)
    return url


def _web_address(url: SecretStr) -> SecretStr:
    parts = urlsplit(url.get_secret_value())
    if parts.scheme not in {"http", "https"} or not parts.netloc:
        raise wrong("is no web address.", "Write it with https:// at its beginning.")
    return url


def _unbroken(secret: SecretStr) -> SecretStr:
    if any(letter.isspace() for letter in secret.get_secret_value()):
        raise wrong("has a space or a line break inside.", "Copy it again, in one piece.")
    return secret


def _no_app_token(secret: SecretStr) -> SecretStr:
    if secret.get_secret_value().startswith("xapp-"):
        raise wrong("is an app-level token (xapp-).", "Write the bot token (xoxb-) from OAuth & Permissions.")
    return secret


def _no_bot_token(secret: SecretStr) -> SecretStr:
    if secret.get_secret_value().startswith("xoxb-"):
        raise wrong("is a bot token (xoxb-).", "Write the app-level token (xapp-) from Basic Information.")
    return secret


def _split(written: object) -> object:
    """A list may be written in one string: as JSON, or parted by commas or lines."""
    if not isinstance(written, str):
        return written
    if written.lstrip().startswith("["):
        try:
            return json.loads(written)
        except ValueError as error:
            raise wrong("is no valid JSON list.", 'Write ["one", "two"], or one,two.') from error
    return [part.strip() for part in written.replace("\n", ",").split(",") if part.strip()]


def _channel(text: str) -> str:
    """Channel ids stay as they are; a name gets its #, which YAML would take for a comment."""
    return text if re.fullmatch(r"[CG][A-Z0-9]{8,}", text) else f"#{text.removeprefix('#')}"


def _lower(written: object) -> object:
    return written.lower() if isinstance(written, str) else written


def _emoji(names: tuple[str, ...]) -> tuple[str, ...]:
    bare = tuple(name.strip(":") for name in names)
    for name in bare:
        if not re.fullmatch(r"[a-z0-9_+'-]+", name):
            raise wrong(
                f"has {name!r}, which is no emoji's name.", "Write it as Slack does, such as pushpin."
            )
    return bare


_TICK = "white_check_mark"  # people tick reminders with it, whatever is set

Secret = Annotated[SecretStr, AfterValidator(_unbroken)]
Secrets = Annotated[tuple[Secret, ...], BeforeValidator(_split)]
Names = Annotated[tuple[str, ...], BeforeValidator(_split)]
Emoji = Annotated[Names, AfterValidator(_emoji)]
Channel = Annotated[str, Field(min_length=1), AfterValidator(_channel)]


class ServerSettings(Strict):
    """The HTTP server that takes webhooks."""

    host: str = Field("127.0.0.1", description="The address to listen on; 0.0.0.0 for every network.")
    port: Annotated[int, Field(ge=0, le=65_535)] = Field(8080, description="The port; 0 takes any free one.")
    public_url: Address | None = Field(
        None, description="How vendors and people reach this server from outside."
    )
    clock_url: Annotated[Address, AfterValidator(_loopback)] | None = Field(
        None, description="For the demo and tests: read the time from this sandbox; only on this machine."
    )


class DatabaseSettings(Strict):
    """Where everything is kept."""

    url: Annotated[Secret, AfterValidator(_database)] = Field(
        SecretStr("sqlite:///multivac.db"),
        description="One server: `sqlite:///` and a file. Several: `postgresql://user:password@host/name`.",
    )

    @property
    def sqlalchemy_url(self) -> str:
        """The address for SQLAlchemy, with the psycopg 3 driver for PostgreSQL. Holds the password."""
        scheme, rest = self.url.get_secret_value().split("://", 1)
        return f"{scheme if scheme == 'sqlite' else 'postgresql+psycopg'}://{rest}"

    @property
    def is_sqlite(self) -> bool:
        """Whether it is a file for one server."""
        return self.url.get_secret_value().startswith("sqlite:")


class PlaybookSettings(Strict):
    """Which playbooks are used."""

    path: Path = Field(
        default_factory=shipped,
        description="A folder of playbooks, or one file; left out: those that come with Multivac.",
    )


class PeopleSettings(Strict):
    """Who is who at the three vendors."""

    path: Path | None = Field(None, description="The file that maps people where their e-mail cannot.")


class SlackSettings(Strict):
    """Slack, where people talk. On as soon as there is a bot token."""

    bot_token: Annotated[Secret, AfterValidator(_no_app_token)] | None = Field(
        None, description="The bot token (xoxb-) of the Slack app."
    )
    app_token: Annotated[Secret, AfterValidator(_no_bot_token)] | None = Field(
        None, description="The app-level token (xapp-), for Slack without a public address."
    )
    signing_secret: Secret | None = Field(None, description="The app's signing secret, for Slack over HTTP.")
    api_url: Annotated[Address, AfterValidator(lambda url: f"{url}/")] = Field(
        "https://slack.com/api/", description="The address of Slack's Web API, or of a stand-in."
    )
    language: Literal["en", "de", "ja", "ko", "en-XA"] = Field(
        "en",
        description="The language of channels, timelines and tickets; whoever asks is answered in their own."
        " en-XA is English made longer, to see what is not translated.",
    )
    announce_channel: Channel | None = Field(
        None, description="Where each incident is announced: name or id."
    )
    operators_channel: Channel | None = Field(
        None, description="Where Multivac tells its operators what only they can mend: name or id."
    )

    admins: Names = Field(
        (), description="Who runs Multivac: e-mails or member ids (U...), for what only they may ask."
    )
    pace: Annotated[float, Field(ge=0, le=100)] = Field(
        1.0,
        description="How many times Slack's published rate limits may be used; 0 heeds only what it refuses.",
    )

    timeline_emoji: Emoji = Field(
        ("pushpin",), description="Put under a message, one of these keeps it in the timeline."
    )
    task_emoji: Emoji = Field(
        ("ballot_box_with_check",), description="Put under a message, one of these makes it a task."
    )
    update_emoji: Emoji = Field(
        ("mega",), description="Put under a message, one of these offers to publish it as an update."
    )
    declare_emoji: Emoji = Field(
        ("fire_engine",),
        description="Put under a message in any other channel, one of these offers to declare it.",
    )

    @property
    def on(self) -> bool:
        """Whether Slack is used."""
        return self.bot_token is not None

    @property
    def hears(self) -> bool:
        """Whether people can ask and press buttons: Slack then reaches us, or we have a socket to it."""
        return self.signing_secret is not None or self.app_token is not None

    def halves(self) -> Iterator[Finding]:
        """What is missing for the keys that are there, and what means two things."""
        given = ("app_token", "signing_secret", "announce_channel", "operators_channel")
        yield from _missing("slack", self, ("bot_token",), given=given)
        yield from self._ambiguous()

    def _ambiguous(self) -> Iterator[Finding]:
        """Each emoji that would stand for two things."""
        taken = {_TICK: "a reminder's answer"}
        for key in ("timeline_emoji", "task_emoji", "update_emoji", "declare_emoji"):
            for emoji in getattr(self, key):
                if emoji in taken:
                    why = f"has {emoji}, which is {taken[emoji]} already."
                    yield Finding(f"slack.{key}", why, "Write another emoji there.")
                taken.setdefault(emoji, f"slack.{key}")

    def describe(self) -> str:
        """One line for the start-up: on or off, and why."""
        if not self.on:
            return "slack: off, for slack.bot_token is not set"
        announced = f"announces in {self.announce_channel}" if self.announce_channel else "announces nowhere"
        return f"slack: on at {self.api_url}, {announced}"


class JiraSettings(Strict):
    """Jira, where the work is written down. On as soon as there is an address."""

    url: Address | None = Field(
        None, description="The address of Jira, such as https://example.atlassian.net."
    )
    user: str | None = Field(
        None, description="The e-mail (Cloud) or name of the account; left out: a personal access token."
    )
    token: Secret | None = Field(
        None, description="The account's API token (Cloud), password or access token."
    )
    project: str | None = Field(None, description="The key of the project for incident tickets, such as OPS.")
    issue_type: Annotated[str, Field(min_length=1)] = Field("Task", description="The type of these tickets.")
    follow_up_type: str | None = Field(
        None, description="The type of tickets for follow-ups; left out: the same."
    )
    webhook_secrets: Secrets = Field(
        (),
        description="The secrets of the webhook to /webhooks/jira; several while one is being replaced.",
    )
    flavour: Literal["auto", "cloud", "datacenter"] = Field(
        "auto", description="Which Jira it is; auto tells by the address and the account."
    )

    @property
    def on(self) -> bool:
        """Whether Jira is used."""
        return self.url is not None

    @property
    def is_cloud(self) -> bool:
        """Whether it is Jira Cloud: as said, else if its address is Atlassian's."""
        return self.flavour == "cloud" or (self.flavour == "auto" and self._at_atlassian)

    @property
    def _at_atlassian(self) -> bool:
        host = urlsplit(self.url or "").hostname or ""
        return host.endswith((".atlassian.net", ".jira.com"))

    def halves(self) -> Iterator[Finding]:
        """What is missing for the keys that are there, and a flavour that nobody could tell."""
        needed = ("url", "user", "token", "project") if self.is_cloud else ("url", "token", "project")
        given = ("url", "user", "token", "project", "webhook_secrets")
        yield from _missing("jira", self, needed, given=given)
        # An account on Cloud is always an e-mail; elsewhere an e-mail may be a Data Center name too.
        if self.url and self.flavour == "auto" and not self._at_atlassian and "@" in (self.user or ""):
            why = "cannot be told from jira.url, and jira.user is an e-mail."
            yield Finding("jira.flavour", why, "Write cloud or datacenter.")

    def describe(self) -> str:
        """One line for the start-up: on or off, and why."""
        if not self.on:
            return "jira: off, for jira.url is not set"
        return (
            f"jira: on at {self.url} ({'Cloud' if self.is_cloud else 'Data Center'}), project {self.project}"
        )


class PagerDutySettings(Strict):
    """PagerDuty, which wakes people. On as soon as there is a webhook secret."""

    token: Secret | None = Field(
        None,
        description="The REST API key: on-calls, notes and the sweep. Without it only webhooks are taken.",
    )
    from_email: Email | None = Field(
        None,
        description=(
            "The PagerDuty user under whose name all stands that Multivac writes there: best one of its own."
        ),
    )
    page_service: str | None = Field(
        None,
        description=(
            "The PagerDuty service (name or id) on which an incident is opened when people are paged for one "
            "that was declared by hand. Without it nobody can be paged for such a one."
        ),
    )
    api_url: Address = Field(
        "https://api.pagerduty.com", description="The address of PagerDuty's REST API, or of a stand-in."
    )
    webhook_secrets: Secrets = Field(
        (), description="The secrets of the webhook subscriptions; several while one is being replaced."
    )
    unverified: Literal["retry", "refuse"] = Field(
        "retry",
        description="A webhook that matches no secret: retry (503, PagerDuty keeps it), refuse (401, lost).",
    )
    sweep_every: PositiveDuration = Field(
        timedelta(minutes=5), description="How often the open PagerDuty incidents are listed, to miss none."
    )

    @property
    def on(self) -> bool:
        """Whether PagerDuty is used; without a token only its webhooks are."""
        return bool(self.webhook_secrets)

    def halves(self) -> Iterator[Finding]:
        """What is missing for the keys that are there."""
        yield from _missing("pagerduty", self, ("webhook_secrets",), given=("token", "from_email"))

    def describe(self) -> str:
        """One line for the start-up: on or off, and why."""
        if not self.on:
            return "pagerduty: off, for pagerduty.webhook_secrets is not set"
        if self.token is None:
            return "pagerduty: on for webhooks alone, for pagerduty.token is not set"
        return f"pagerduty: on at {self.api_url}, webhooks checked with {len(self.webhook_secrets)} secret(s)"


class StormSettings(Strict):
    """When there are more new incidents than people can take in."""

    new_incidents: Annotated[int, Field(ge=1)] = Field(
        20,
        description="Beyond so many new incidents, further ones (sev3 to sev5) wait for their turn.",
    )
    within: PositiveDuration = Field(
        timedelta(minutes=1), description="The time in which they are counted; a storm lets in as many."
    )


class WatchSettings(Strict):
    """How Multivac watches itself, and whom it tells when it is late."""

    late_after: PositiveDuration = Field(
        timedelta(minutes=5), description="A step that should have been done this long ago is late."
    )
    heartbeat_url: Annotated[Secret, AfterValidator(_web_address)] | None = Field(
        None,
        description="An address that is called (GET) each minute while Multivac is well, and else is not.",
    )
    routing_key: Secret | None = Field(
        None,
        description="An Events API v2 integration key of PagerDuty: whom to page when Slack cannot be told.",
    )
    events_url: Address = Field(
        "https://events.pagerduty.com",
        description="The address of PagerDuty's Events API, or of a stand-in.",
    )


class LogSettings(Strict):
    """What Multivac writes about itself."""

    format: Annotated[Literal["auto", "json", "text"], BeforeValidator(_lower)] = Field(
        "auto", description="json for machines, text for people; auto: text on a terminal."
    )
    level: Annotated[Literal["debug", "info", "warning", "error"], BeforeValidator(_lower)] = Field(
        "info", description="The least important lines that are still written."
    )


def _missing(
    section: str, given_in: Strict, needed: tuple[str, ...], *, given: tuple[str, ...]
) -> Iterator[Finding]:
    """Say which keys of a vendor are missing, if any of the given ones is there."""
    there = [key for key in given if getattr(given_in, key)]
    for key in needed:
        if there and not getattr(given_in, key):
            name = f"{section}.{key}"
            fix = f"Write {name} or set {name_of(name)}, or remove {section}.{there[0]} to switch it off."
            yield Finding(name, f"is missing, and {section}.{there[0]} is set.", fix)
