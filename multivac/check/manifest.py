"""The manifest from which Slack makes the app, with the scopes of `SCOPES` and nothing else."""

from __future__ import annotations

from multivac.check.scopes import SCOPES

_TEMPLATE = """\
# The Slack app of Multivac: paste it at https://api.slack.com/apps, "Create New App", "From a manifest".
# Written by `multivac manifest`; in the repository `make docs` writes it and a test keeps it current.
display_information:
  name: Multivac
  description: "An alert becomes a channel with the right people, a lead, and checklists."
features:
  bot_user:
    display_name: multivac
    always_online: true
oauth_config:
  scopes:
    bot:
{scopes}
settings:
  socket_mode_enabled: {socket}
  token_rotation_enabled: false  # a token that expires every 12 hours would stop Multivac
"""


def slack_manifest(*, socket: bool = False) -> str:
    """Return the manifest as YAML; with `socket` the app may have an app-level token for Socket Mode."""
    width = max(map(len, SCOPES))
    scopes = "\n".join(f"      - {scope:<{width}}  # {why}" for scope, (_, why) in SCOPES.items())
    return _TEMPLATE.format(scopes=scopes, socket=str(socket).lower())
