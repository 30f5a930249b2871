"""Whether somebody can be asked in the chat at all. Pure."""

from __future__ import annotations

from multivac.incident import LEAD, Person
from multivac.steps import people
from multivac.store.cases import Case


def cannot_be_asked(case: Case, person: Person) -> bool:
    """Whether the chat knows nobody who could answer for this person: no account, or a closed one."""
    held = case.roles.get(LEAD)
    if held is not None and held.person.key == person.key and held.gone_at is not None:
        return True
    was_looked_up = person.key in case.result("chat ids").get("names", {})
    is_to_come = person.email is None and person.pagerduty is not None  # the pager is asked for the address
    return was_looked_up and not is_to_come and people.chat_id(case, person) is None
