"""What a change of severity changes in the response, as its playbook has it, in a few words. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from multivac.incident import Severity, role_name
from multivac.playbook import Playbook
from multivac.tongue import lasting, listed, phrase


def what_follows(playbook: Playbook, was: Severity, now: Severity) -> tuple[str, ...]:
    """The updates, who else is invited, which roles are filled, which checklists come: what differs of it.

    Where people are asked before anybody is invited, nobody is by a rule, nor gets a role.
    """
    told = [_updates(playbook, was, now)]
    if not playbook.channel.ask_before_inviting:
        told += [_invited(playbook, was, now), _roles(playbook, was, now)]
    return tuple(filter(None, (*told, *_checklists(playbook, was, now))))


def _updates(playbook: Playbook, was: Severity, now: Severity) -> str:
    every = playbook.update_every(now)
    if every == playbook.update_every(was):
        return ""
    return phrase("updates every {span}", span=lasting(every)) if every else phrase("no regular updates")


def _invited(playbook: Playbook, was: Severity, now: Severity) -> str:
    who = list(_besides(playbook, was, now))
    return phrase("also invited: {who}", who=listed(who)) if who else ""


def _besides(playbook: Playbook, was: Severity, now: Severity) -> Iterator[str]:
    before, after = playbook.wanted(was), playbook.wanted(now)
    for level in after.alert_policy_levels:
        if level not in before.alert_policy_levels:
            yield phrase("on call at level {level}", level=level)
    for schedule in after.schedules:
        if schedule not in before.schedules:
            yield phrase("on call for {schedule}", schedule=schedule)
    yield from (group for group in after.groups if group not in before.groups)
    yield from (email for email in after.people if email not in before.people)
    if (after.assignees and not before.assignees) or (after.responders and not before.responders):
        yield phrase("those of the alert in PagerDuty")


def _roles(playbook: Playbook, was: Severity, now: Severity) -> str:
    before = playbook.roles_for(was)
    names = [role_name(name) for name in playbook.roles_for(now) if name not in before]
    return phrase("also filled: {roles}", roles=listed(names)) if names else ""


def _checklists(playbook: Playbook, was: Severity, now: Severity) -> Iterator[str]:
    before = {phase.phase: phase.title for phase in playbook.phases_for(was)}
    after = {phase.phase: phase.title for phase in playbook.phases_for(now)}
    if come := [title for name, title in after.items() if name not in before]:
        yield phrase("also to do: {checklists}", checklists=listed(come))
    if gone := [title for name, title in before.items() if name not in after]:
        yield phrase("no longer to do: {checklists}", checklists=listed(gone))
