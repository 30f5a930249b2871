"""The manifest from which Slack makes the app: scopes, events and the command, each with its reason."""

from __future__ import annotations

from collections.abc import Mapping

from multivac.check.scopes import Feature, events_of, scopes_of, used
from multivac.sections import SlackSettings
from multivac.shortcuts import SHORTCUTS, Shortcut
from multivac.verbs import VERBS

_HINT_LIMIT = 100  # of a command's usage hint; Slack names no limit, and shows about so much
_TEMPLATE = """\
# The Slack app of Multivac: paste it at https://api.slack.com/apps, "Create New App", "From a manifest".
# Written by `multivac manifest`; in the repository `make docs` writes it and a test keeps it current.
display_information:
  name: Multivac
  description: "An alert becomes a channel with the right people, a lead, and checklists."
features:
  app_home:
    home_tab_enabled: true
    messages_tab_enabled: true  # so that people can write to it directly
    messages_tab_read_only_enabled: false
  bot_user:
    display_name: multivac
    always_online: true
  slash_commands:
    - command: /incident{command_url}
      description: Declare an incident, or say what to do in one
      usage_hint: "{hint}"
      should_escape: true  # people and channels come with their ids
  shortcuts:
{shortcuts}
oauth_config:
  scopes:
    bot:
{scopes}
settings:
  event_subscriptions:{request_url}
    bot_events:
{events}
  interactivity:
    is_enabled: true{request_url}
  socket_mode_enabled: {socket}
  token_rotation_enabled: false  # a token that expires every 12 hours would stop Multivac
"""


def slack_manifest(*, url: str | None = None, slack: SlackSettings | None = None) -> str:
    """The manifest as YAML, for Socket Mode; with `url`, where Multivac is reached, for HTTP.

    With settings it has what their features need, and else what any needs. That people can ask is assumed:
    the secrets by which they can are there only once the app is.
    """
    features = used(slack, hears=True) if slack is not None else frozenset(Feature)
    at = f"{url.rstrip('/')}/webhooks/slack" if url else None
    return _TEMPLATE.format(
        scopes=_lines(scopes_of(features)),
        events=_lines(events_of(features)),
        hint=usage_hint(),
        shortcuts="\n".join(map(_shortcut, SHORTCUTS)),
        socket=str(at is None).lower(),
        command_url=f"\n      url: {at}" if at else "",
        request_url=f"\n    request_url: {at}" if at else "",
    )


def usage_hint() -> str:
    """What Slack shows behind the command: as many verbs as there is room for."""
    words = [verb.name for verb in VERBS]
    while len(" | ".join([*words, "..."])) > _HINT_LIMIT:
        words.pop()
    return " | ".join([*words, "..."])


def _shortcut(one: Shortcut) -> str:
    kind = "message" if one.of_message else "global"
    lines = (
        f"- name: {one.name}",
        f"  type: {kind}",
        f"  callback_id: {one.id}",
        f"  description: {one.help}",
    )
    return "\n".join(f"    {line}" for line in lines)


def _lines(reasons: Mapping[str, str]) -> str:
    width = max(map(len, reasons))
    return "\n".join(f"      - {name:<{width}}  # {why}" for name, why in reasons.items())
