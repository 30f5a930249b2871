"""Modals and App Home: Slack's views.* methods, and the trigger ids that open modals."""

import json
from typing import Any

from integrations.sandbox.slack_blocks import MOST_IN_VIEW, checked_blocks
from integrations.sandbox.slack_channels import Body, Method
from integrations.sandbox.slack_rules import Ask, Refusal
from integrations.sandbox.slack_state import Trigger, Workspace

TRIGGER_LIFE = 3.0
DEEPEST_STACK = 3
LARGEST_VIEW = 250_000
_LIMITS = {"private_metadata": 3000, "callback_id": 255}

View = dict[str, Any]


def new_trigger(space: Workspace, *, user: str = "", view: str = "") -> str:
    """Give a trigger id, good for one modal within three seconds; it came from `user`, perhaps in `view`."""
    trigger = f"{space.seconds()}.{space.team_id}.{space.new_id('x').lower()}"
    space.triggers[trigger] = Trigger(space.clock.ticks(), user, view)
    return trigger


def open_view(space: Workspace, ask: Ask) -> Body:
    """Show a modal to whoever caused the trigger."""
    view = _checked(ask, "modal")
    trigger = _use_trigger(space, ask)
    return {"view": dict(_keep(space, view, user=trigger.user))}


def push_view(space: Workspace, ask: Ask) -> Body:
    """Put a modal on top of the one that is open."""
    view = _checked(ask, "modal")
    trigger = _use_trigger(space, ask)
    under = _top(space, trigger.user)
    if under is None:
        raise Refusal("not_found")
    return {"view": dict(_keep(space, view, user=trigger.user, under=under))}


def update_view(space: Workspace, ask: Ask) -> Body:
    """Replace an open modal, named by its id or external id, if `hash` (where given) still holds."""
    view = _checked(ask, "modal")
    wanted = ask.text("view_id") or ask.need("external_id")
    shown = next((v for v in space.views.values() if wanted in (v["id"], v["external_id"])), None)
    if shown is None:
        raise Refusal("not_found")
    if ask.text("hash") and ask.text("hash") != shown["hash"]:
        raise Refusal("hash_conflict")
    return {"view": dict(_replace(space, shown, view))}


def publish_view(space: Workspace, ask: Ask) -> Body:
    """Replace somebody's App Home."""
    user = space.person(ask.need("user_id")).id
    view = _checked(ask, "home")
    old = space.homes.get(user)
    if old and ask.text("hash") and ask.text("hash") != old["hash"]:
        raise Refusal("hash_conflict")
    identity = {"id": old["id"] if old else space.new_id("V"), "hash": _hash(space)}
    space.homes[user] = {**_frame(space), **view, **identity, "root_view_id": identity["id"]}
    return {"view": dict(space.homes[user])}


METHODS: dict[str, Method] = {
    "views.open": open_view,
    "views.publish": publish_view,
    "views.push": push_view,
    "views.update": update_view,
}


def keep_view(space: Workspace, view: Any, *, user: str, under: str) -> View:
    """Put a modal that the app answered with on top of another; refuses it as `views.push` does."""
    return _keep(space, _checked_view(view, "modal"), user=user, under=space.views[under])


def replace_view(space: Workspace, view_id: str, view: Any) -> View:
    """Put a modal that the app answered with in another's place; refuses it as `views.update` does."""
    return _replace(space, space.views[view_id], _checked_view(view, "modal"))


def close_view(space: Workspace, view_id: str, *, everything: bool = False) -> None:
    """Take a modal away with what lies on it, or the whole pile that it belongs to."""
    if (view := space.views.get(view_id)) is None:
        return
    root = view["root_view_id"]
    gone = {view_id}
    for each in list(space.views.values()):
        if each["previous_view_id"] in gone or (everything and each["root_view_id"] == root):
            gone.add(each["id"])
    for name in gone:
        del space.views[name]
        space.viewers.pop(name, None)


def _use_trigger(space: Workspace, ask: Ask) -> Trigger:
    trigger = ask.need("trigger_id")
    if trigger not in space.triggers:
        raise Refusal("invalid_trigger_id")
    known = space.triggers[trigger]
    if known.used:
        raise Refusal("exchanged_trigger_id")
    if space.clock.ticks() - known.issued > TRIGGER_LIFE:
        raise Refusal("expired_trigger_id")
    known.used = True
    return known


def _checked(ask: Ask, kind: str) -> View:
    return _checked_view(ask.structure("view", "invalid_arguments"), kind)


def _checked_view(view: Any, kind: str) -> View:
    if not isinstance(view, dict) or view.get("type") != kind:
        raise Refusal(
            "invalid_arguments", "[ERROR] must provide a view of the right type [json-pointer:/view]"
        )
    if len(json.dumps(view)) > LARGEST_VIEW:
        raise Refusal("view_too_large")
    if kind == "modal":
        _must_be_a_window(view)
    for name, longest in _LIMITS.items():
        if len(view.get(name, "")) > longest:
            raise Refusal("invalid_arguments", f"[ERROR] too long [json-pointer:/view/{name}]")
    return {**view, "blocks": checked_blocks(view.get("blocks", []), most=MOST_IN_VIEW)}


def _must_be_a_window(view: View) -> None:
    """Its labels have a length, and what can be filled in can be sent; raises Refusal."""
    for name in ("title", "submit", "close"):
        part = view.get(name)
        if (part or name == "title") and not 0 < len((part or {}).get("text", "")) < 25:
            raise Refusal(
                "invalid_arguments", f"[ERROR] must be 1 to 24 characters [json-pointer:/view/{name}]"
            )
    typed = [place for place, block in enumerate(view.get("blocks") or []) if block.get("type") == "input"]
    if typed and not view.get("submit"):
        raise Refusal(
            "invalid_arguments",
            f"[ERROR] must define `submit` to use `input` block [json-pointer:/view/blocks/{typed[0]}/input]",
        )


def _frame(space: Workspace) -> View:
    return {
        "team_id": space.team_id,
        "private_metadata": "",
        "callback_id": "",
        "external_id": "",
        "state": {"values": {}},
        "clear_on_close": False,
        "notify_on_close": False,
        "previous_view_id": None,
        "app_id": space.app_id,
        "bot_id": space.bot.bot_id,
    }


def _keep(space: Workspace, view: View, *, user: str, under: View | None = None) -> View:
    if under and _depth(space, under) >= DEEPEST_STACK:
        raise Refusal("push_limit_reached")
    if view.get("external_id") and any(v["external_id"] == view["external_id"] for v in space.views.values()):
        raise Refusal("duplicate_external_id")
    view_id = space.new_id("V")
    kept = {**_frame(space), **view, "id": view_id, "hash": _hash(space), "root_view_id": view_id}
    if under:
        kept.update(root_view_id=under["root_view_id"], previous_view_id=under["id"])
    space.views[view_id], space.viewers[view_id] = kept, user
    return kept


def _replace(space: Workspace, shown: View, view: View) -> View:
    stays = {name: shown[name] for name in ("id", "root_view_id", "previous_view_id", "external_id")}
    shown.clear()  # nothing of what it was before shines through
    shown.update({**_frame(space), **stays, **view, "hash": _hash(space)})
    return shown


def _top(space: Workspace, user: str) -> View | None:
    """Give the view that somebody sees: the last one that was opened for them."""
    mine = [view for view in space.views.values() if space.viewers[view["id"]] == user]
    return mine[-1] if mine else None


def _depth(space: Workspace, view: View) -> int:
    below = space.views.get(view["previous_view_id"] or "")
    return 1 + (_depth(space, below) if below else 0)


def _hash(space: Workspace) -> str:
    return f"{space.seconds()}.{space.new_id('h').lower()}"
