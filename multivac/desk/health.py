"""What Multivac knows of whoever asks, and how it is itself, for those who run it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from importlib.metadata import version

from multivac.briefing import Answer, day_and_time
from multivac.desk import roster
from multivac.desk.asking import Reply, Sitting, is_admin, right_of
from multivac.desk.moments import zone_of
from multivac.desk.operators import with_names
from multivac.errors import Refused
from multivac.steps.base import MENDED_WITHIN
from multivac.steps.gaps import missing
from multivac.store import acts, cases, health, preferences
from multivac.store import people as directory
from multivac.store import steps as progress
from multivac.store.health import Failing
from multivac.tongue import called, mark, phrase, plural
from multivac.verbs import Right, refusal

_SHOWN = 5
_LIBRARIES = ("slack_sdk", "slack_bolt", "jira", "pdpyras", "dbos")
_RIGHTS = {
    Right.GUEST: mark("You are a guest: you can read here."),
    Right.MEMBER: mark("You can declare, look, page and join; who is in the channel can do more."),
    Right.RESPONDER: mark(
        "You respond in INC-{number}: you can do all but end it, hand it over or make it quiet."
    ),
    Right.LEAD: mark("You can do everything in INC-{number}."),
    Right.ADMIN: mark("You run Multivac: you can do everything, everywhere."),
}
# What each vendor is asked for most, by which it is seen whether it answers.
_ASKED = {
    "Slack": ("channel", "headline", "invite", "chat ids", "topic", "update", "end line", "checklist"),
    "Jira": (
        "ticket",
        "account",
        "assignee",
        "priority",
        "comment",
        "ticket status",
        "ticket words",
        "follow-up",
    ),
    "PagerDuty": (
        "on call",
        "schedule",
        "who",
        "note",
        "page",
        "alert ack",
        "alert end",
        "alert priority",
        "status update",
        "note passed on",
    ),
}


# --- whoami ---------------------------------------------------------------------------------------


def whoami(sitting: Sitting) -> Reply:
    """Who Multivac takes them for, at each vendor, whether they are on call, and what they may do here."""
    person = sitting.person
    lines = (
        _at_slack(sitting),
        _at_jira(sitting),
        _at_pagerduty(sitting),
        _on_call(sitting),
        _right(sitting),
        _language(sitting),
        phrase("Times you type are by {zone}", zone=zone_of(sitting)),
        phrase("If something is wrong, ask those who run Multivac: people.yaml says who is who."),
    )
    return Answer(title=person.name, lines=tuple(filter(None, lines)))


def _at_slack(sitting: Sitting) -> str:
    email = sitting.person.email
    if email is None:
        return phrase(
            "Slack: {id}. Slack does not show your e-mail, by which PagerDuty and Jira would know you.",
            id=sitting.ask.by,
        )
    return phrase("Slack: {id}, {email}", id=sitting.ask.by, email=email)


def _at_jira(sitting: Sitting) -> str:
    if sitting.house.out.tracker is None:
        return ""
    with sitting.house.out.database.read() as tx:
        known = directory.identities(tx, "jira", [sitting.person.key]).get(sitting.person.key)
    account = sitting.person.jira
    if known is not None and account in {None, known.id}:
        account = known.name or known.id
    if account is None:
        return phrase("Jira: not looked up yet, or not found by your e-mail.")
    return phrase("Jira: {account}", account=account)


def _at_pagerduty(sitting: Sitting) -> str:
    if sitting.house.out.pager is None:
        return ""
    if sitting.person.pagerduty is None:
        return phrase("PagerDuty: known by your e-mail alone.")
    return phrase("PagerDuty: {id}", id=sitting.person.pagerduty)


def _on_call(sitting: Sitting) -> str:
    """What the pager says; nothing is made of its silence."""
    if sitting.house.out.pager is None or sitting.is_guest:
        return ""
    everywhere = roster.everywhere(sitting.house.out)
    if everywhere is None or everywhere.is_old:
        return phrase(
            "Whether you are on call cannot be said now: {why}", why=phrase("PagerDuty did not answer.")
        )
    found = everywhere.of(sitting.person)
    if not found.on_call:
        return phrase("You are not on call.")
    names = ", ".join(dict.fromkeys(one.policy_name for one in found.on_call if one.policy_name))
    ends = [one.until for one in found.on_call if one.until is not None]
    if len(ends) < len(found.on_call):
        return phrase("You are on call for {names}.", names=names)
    return phrase("You are on call for {names}, until {time}.", names=names, time=day_and_time(max(ends)))


def _right(sitting: Sitting) -> str:
    if sitting.is_guest:
        return phrase(_RIGHTS[Right.GUEST])
    if is_admin(sitting):
        return phrase(_RIGHTS[Right.ADMIN])
    with sitting.house.out.database.read() as tx:
        if sitting.number is None or not acts.exists(tx, sitting.number):
            return phrase(_RIGHTS[Right.MEMBER])
        right = right_of(tx, sitting, cases.load(tx, sitting.number))
    return phrase(_RIGHTS[right], number=sitting.number)


def _language(sitting: Sitting) -> str:
    with sitting.house.out.database.read() as tx:
        language = directory.language_of(tx, "slack", sitting.ask.by)
        chosen = preferences.of(tx, sitting.ask.by).language
    if chosen:
        return phrase("Language: {language}, as you chose with `prefs`", language=called(chosen))
    if not language:
        return phrase("Language: the workspace's, since Multivac does not speak the one set in your Slack.")
    return phrase("Language: {language}, as in your Slack", language=called(language))


# --- doctor ---------------------------------------------------------------------------------------


def doctor(sitting: Sitting) -> Reply:
    """How each vendor fared last, what waits, what operators are to mend, and which versions run."""
    if not is_admin(sitting):
        house = sitting.house
        raise Refused(with_names(refusal(sitting.verb), out=house.out, admins=house.admins))
    out = sitting.house.out
    with out.database.read() as tx:
        done, failing = health.last_done(tx), health.failing(tx)
        waiting, heard, to_mend = progress.unfinished(tx), health.last_webhook(tx), health.notices(tx)
    on = {"Slack": out.chat, "Jira": out.tracker, "PagerDuty": out.pager}
    lines = [
        *(
            line
            for name, port in on.items()
            for line in (_vendor(name, done, failing) if port else [phrase("{vendor}: off", vendor=name)])
        ),
        phrase("Last event of a vendor: {time}", time=day_and_time(heard) if heard else phrase("none yet")),
        plural("{count} step is not done yet.", "{count} steps are not done yet.", waiting),
        *(phrase("To mend: {what}", what=one) for one in to_mend[:_SHOWN]),
        ", ".join(_versions(is_sqlite=out.database.is_sqlite)),
    ]
    return Answer(title=phrase("How Multivac is"), lines=tuple(lines))


def _vendor(name: str, done: Mapping[str, datetime], failing: Sequence[Failing]) -> Iterator[str]:
    times = [done[family] for family in _ASKED[name] if family in done]
    bad = [one for one in failing if _is_of(name, one)]
    if times:
        yield phrase("{vendor}: last did what was asked {time}", vendor=name, time=day_and_time(max(times)))
    else:
        yield phrase("{vendor}: was not asked for anything lately", vendor=name)
    for one in bad[:_SHOWN]:
        yield _trouble(one)


def _trouble(one: Failing) -> str:
    """What is missing at a vendor, since when and why, and what becomes of it."""
    text = mark("INC-{number}, since {time}: {what} ({why}). Multivac keeps trying.")
    if one.gave_up:
        text = mark(
            "INC-{number}, since {time}: {what} ({why}). Multivac tries again every {minutes} minutes."
        )
    return phrase(
        text,
        number=one.incident,
        time=day_and_time(one.since),
        what=missing(one.name),
        why=one.error.rstrip(".。"),
        minutes=round(MENDED_WITHIN.total_seconds() / 60),
    )


def _is_of(vendor: str, one: Failing) -> bool:
    return vendor in one.error or one.name.partition("/")[0] in _ASKED[vendor]


def _versions(*, is_sqlite: bool) -> Iterator[str]:
    yield f"Multivac {version('multivac')}"
    yield "SQLite" if is_sqlite else "PostgreSQL"
    yield from (f"{name} {version(name)}" for name in _LIBRARIES)
