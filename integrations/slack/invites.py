"""Invites people into a channel with as few calls as Slack allows, whomever of them it refuses."""

from __future__ import annotations

from collections.abc import Sequence

from integrations.slack.calls import Answer, Declined, KeptOpen, ask
from integrations.slack.refusals import ABOUT_A_PERSON, THERE_ALREADY
from multivac.ports import Invited
from multivac.tongue import phrase

AT_ONCE = 100


def invite(slack: KeptOpen, channel: str, people: Sequence[str]) -> Invited:
    """Bring people in; who is there already counts as joined, and who is refused keeps out nobody else."""
    wanted = list(dict.fromkeys(people))
    refused: dict[str, str] = {}
    for start in range(0, len(wanted), AT_ONCE):
        refused |= _invite(slack, channel, wanted[start : start + AT_ONCE])
    return Invited(tuple(each for each in wanted if each not in refused), refused)


def _invite(slack: KeptOpen, channel: str, people: list[str]) -> dict[str, str]:
    """Invite up to a hundred; gives who was refused and why. No call for nobody."""
    if not people:
        return {}
    try:
        answer, _ = ask(slack.conversations_invite, channel=channel, users=people, force=True)
    except Declined as no:
        return _apart(slack, channel, people, no=no)
    return _refused(answer, people)


def _apart(slack: KeptOpen, channel: str, people: list[str], *, no: Declined) -> dict[str, str]:
    """Deal with a call refused as a whole: whom Slack names is left out, and the rest asked again."""
    named = {each.get("user") for each in _errors(no.answer)} & set(people)
    if named:
        rest = [each for each in people if each not in named]
        return _refused(no.answer, people) | _invite(slack, channel, rest)
    if no.error not in ABOUT_A_PERSON and no.error not in THERE_ALREADY:
        raise no
    if len(people) == 1:
        return {} if no.error in THERE_ALREADY else {people[0]: phrase(ABOUT_A_PERSON[no.error])}
    # It is about somebody, but Slack does not say whom: halve until it is clear.
    half = len(people) // 2
    return _invite(slack, channel, people[:half]) | _invite(slack, channel, people[half:])


def _errors(answer: Answer) -> list[Answer]:
    errors = answer.get("errors") or ()
    return [each for each in errors if isinstance(each, dict) and not each.get("ok")]


def _refused(answer: Answer, people: list[str]) -> dict[str, str]:
    """Who of these people was refused, in words."""
    why = {str(each.get("user")): str(each.get("error")) for each in _errors(answer)}
    return {
        each: phrase(ABOUT_A_PERSON[why[each]]) if why[each] in ABOUT_A_PERSON else why[each]
        for each in people
        if each in why and why[each] not in THERE_ALREADY
    }
