"""Who is there: Slack's users.*, usergroups.*, auth.test, team.info and apps.connections.open."""

from typing import Any

from integrations.sandbox.slack_channels import Body, Method
from integrations.sandbox.slack_rules import Ask, Refusal
from integrations.sandbox.slack_state import Group, Person, Workspace


def lookup_by_email(space: Workspace, ask: Ask) -> Body:
    """Find a person by address; deactivated people and bots are not found."""
    wanted = ask.need("email").lower()
    for person in space.people.values():
        if person.email and person.email.lower() == wanted and not person.deleted:
            return {"user": _shown(space, ask, person)}
    raise Refusal("users_not_found")


def info(space: Workspace, ask: Ask) -> Body:
    """Describe one person, deactivated or not."""
    return {"user": _shown(space, ask, space.person(ask.need("user")))}


def list_users(space: Workspace, ask: Ask) -> Body:
    """Go through everybody, deactivated people and bots included."""
    page, cursor = ask.page(list(space.people.values()), usual=1000)
    return {
        "members": [_shown(space, ask, person) for person in page],
        "cache_ts": space.seconds(),
        "response_metadata": {"next_cursor": cursor},
    }


def list_groups(space: Workspace, ask: Ask) -> Body:
    """Give all user groups, with their people where the call asks for them."""
    return {"usergroups": [_group(space, ask, group) for group in space.groups.values()]}


def list_group_users(space: Workspace, ask: Ask) -> Body:
    """Give the people of one user group."""
    group = space.groups.get(ask.need("usergroup"))
    if group is None:
        raise Refusal("no_such_subteam")
    return {"users": _active(space, group)}


def who_am_i(space: Workspace, ask: Ask) -> Body:
    """Say whom the token acts for."""
    me = space.people[ask.me]
    return {
        "url": f"https://{space.domain}.slack.com/",
        "team": "Sandbox",
        "user": me.name,
        "team_id": space.team_id,
        "user_id": me.id,
        **({"bot_id": me.bot_id} if me.bot_id else {}),
        "is_enterprise_install": False,
    }


def team(space: Workspace, _ask: Ask) -> Body:
    """Describe the workspace."""
    about = {"id": space.team_id, "name": "Sandbox", "domain": space.domain, "email_domain": "example.com"}
    return {"team": {**about, "icon": {"image_default": True}}}


def open_connection(space: Workspace, _ask: Ask) -> Body:
    """Give an address for one Socket Mode connection."""
    return {"url": space.link()}


METHODS: dict[str, Method] = {
    "apps.connections.open": open_connection,
    "auth.test": who_am_i,
    "team.info": team,
    "usergroups.list": list_groups,
    "usergroups.users.list": list_group_users,
    "users.info": info,
    "users.list": list_users,
    "users.lookupByEmail": lookup_by_email,
}


def _shown(space: Workspace, ask: Ask, person: Person) -> dict[str, Any]:
    shown = person.as_json(space.team_id, email="users:read.email" in ask.token.scopes)
    if ask.flag("include_locale"):
        shown["locale"] = person.locale
    return shown


def _active(space: Workspace, group: Group) -> list[str]:
    return [user for user in group.users if not space.people[user].deleted]


def _group(space: Workspace, ask: Ask, group: Group) -> dict[str, Any]:
    users = _active(space, group)
    shown = group_as_json(space, group)
    if ask.flag("include_users"):
        shown["users"] = users
    if ask.flag("include_count"):
        shown["user_count"] = str(len(users))
    return shown


def group_as_json(space: Workspace, group: Group) -> dict[str, Any]:
    """Give the user group object, without its people."""
    return {
        "id": group.id,
        "team_id": space.team_id,
        "is_usergroup": True,
        "is_subteam": True,
        "name": group.name,
        "description": "",
        "handle": group.handle,
        "is_external": False,
        "date_create": group.created,
        "date_update": group.created,
        "date_delete": 0,
        "auto_type": None,
        "created_by": "USLACKBOT",
        "updated_by": "USLACKBOT",
        "deleted_by": None,
        "prefs": {"channels": [], "groups": []},
    }
