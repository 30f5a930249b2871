"""What people can ask, and what comes of it: one function for each verb, whoever carries the words.

A chat's front door turns commands, buttons and forms into an `Ask` and shows the `Reply`. A verb only
changes rows, in one transaction; the response does the rest.
"""

from __future__ import annotations

from multivac.desk.asking import Ask, BadField, Filled, Reply
from multivac.desk.capturing import Deed, Sign
from multivac.desk.front import Desk
from multivac.desk.hearing import (
    Account,
    Came,
    Deleted,
    News,
    Opened,
    Reacted,
    Renamed,
    Shut,
    Spoke,
    Unarchived,
    Unpinned,
    Went,
)
from multivac.desk.ticket import TicketDesk, TicketNews

__all__ = [
    "Account",
    "Ask",
    "BadField",
    "Came",
    "Deed",
    "Deleted",
    "Desk",
    "Filled",
    "News",
    "Opened",
    "Reacted",
    "Renamed",
    "Reply",
    "Shut",
    "Sign",
    "Spoke",
    "TicketDesk",
    "TicketNews",
    "Unarchived",
    "Unpinned",
    "Went",
]
