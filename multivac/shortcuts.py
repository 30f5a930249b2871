"""The entries of the chat's own menus: each says a line of the grammar. Pure."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Shortcut:
    """An entry of the chat's own menus: choosing it says `line`, and with one of a message which that is."""

    id: str
    name: str
    help: str
    line: str
    of_message: bool = False


SHORTCUTS: tuple[Shortcut, ...] = (
    Shortcut(
        id="multivac-timeline",
        name="Add to timeline",
        help="Keep this message, with its own time",
        line="note",
        of_message=True,
    ),
    Shortcut(
        id="multivac-task",
        name="Create task",
        help="Make a task of this message",
        line="task add",
        of_message=True,
    ),
    Shortcut(
        id="multivac-follow-up",
        name="Create follow-up",
        help="Keep for after the incident what this message says",
        line="followup",
        of_message=True,
    ),
    Shortcut(
        id="multivac-declare-this",
        name="Declare an incident",
        help="Start a response to what this message says",
        line="declare",
        of_message=True,
    ),
    Shortcut(
        id="multivac-declare",
        name="Declare an incident",
        help="Start a response",
        line="declare",
    ),
    Shortcut(
        id="multivac-oncall",
        name="Who is on call?",
        help="Show who answers now",
        line="oncall",
    ),
)
