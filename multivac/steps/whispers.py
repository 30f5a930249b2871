"""What one person is told directly or in a whisper: a briefing, the severity question, a shut channel.

None of it can be read back, so it is said once at most: after a lost answer it counts as said.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial

from multivac.briefing import Answer, Message, Press, fingerprint
from multivac.errors import GiveUp, TryAgain
from multivac.incident import CX_LEAD, LEAD, Person, Severity, Status, role_name, status_name
from multivac.ports import Marker, Posted
from multivac.steps import briefs, oncall, people
from multivac.steps.base import NOTHING, Attempt, View
from multivac.steps.directly import directly
from multivac.steps.words import channel_of
from multivac.store import acts, cases, members, preferences, timeline
from multivac.store import people as directory
from multivac.store.cases import Case, Result, StepRow
from multivac.store.members import Member
from multivac.store.preferences import Unasked
from multivac.tongue import mark, phrase, speaking

_NOT_BEFORE = timedelta(minutes=3)  # until then the channel itself is all there is to know
_MUCH_HAPPENED = 5  # entries since; then somebody who comes back is told again
_STAMP = "%Y%m%dT%H%M%S.%f"
_SHUT = {  # how the rows have it, alone and with who did it
    members.ARCHIVED: (mark("archived"), mark("archived by {name}")),
    members.UNARCHIVED: (
        mark("unarchived without the bot"),
        mark("unarchived by {name} without the bot"),
    ),
    "deleted": (mark("deleted"), mark("deleted by {name}")),
    "closed to the bot": (mark("closed to the bot"), mark("closed to the bot by {name}")),
}


def tell(attempt: Attempt, chat_id: str, draw: Callable[[], Message]) -> Result:
    """Write to one person once in their language, then edit what was written."""
    before, chat = attempt.before, attempt.chat()
    marker = Marker(incident=attempt.case.id, kind=attempt.name)
    if "message" not in before.result and (before.was_done or attempt.unknown):
        return {}  # said perhaps, and nobody can look
    with speaking(language_of(attempt, chat_id)):
        if "message" in before.result:
            chat.edit(Posted(before.result["channel"], before.result["message"]), draw(), marker)
            return before.result
        posted = chat.post(chat_id, draw(), marker)
    return {"channel": posted.channel, "message": posted.message}


def language_of(attempt: Attempt, chat_id: str) -> str | None:
    """In which language they read; the house's where the chat cannot say, for it is not worth a delay."""
    with attempt.out.database.read() as tx:
        heard = directory.language_of(tx, "slack", chat_id)
    if heard is not None or not chat_id:
        return heard or None
    with suppress(TryAgain, GiveUp):
        _meet(attempt, chat_id)
    with attempt.out.database.read() as tx:
        return directory.language_of(tx, "slack", chat_id) or None


def done_rows(case: Case, family: str) -> Iterator[tuple[str, StepRow]]:
    """Every step of this family that was done, by its instance."""
    for name, row in case.steps.items():
        start, _, instance = name.partition("/")
        if start == family and row.was_done:
            yield instance, row


# --- the severity question ------------------------------------------------------------------------


def wants_severity_asked(view: View) -> Mapping[str, str]:
    """Whoever speaks for customers asked how bad it is; once it is settled, the question says so."""
    case = view.case
    if view.out.chat is None or not view.out.hears:
        return NOTHING
    asked = {who: _as_drawn(row, _question(case, who)) for who, row in done_rows(case, "severity asked")}
    whom = _to_be_asked(case)
    return {**({whom: fingerprint(_question(case, whom))} if whom else {}), **asked}


def _as_drawn(row: StepRow, message: Message) -> str:
    return fingerprint(message) if "message" in row.result else str(row.done)


def _to_be_asked(case: Case) -> str | None:
    held = case.roles.get(CX_LEAD)
    if held is None or case.status is not Status.TRIAGE or _is_settled(case):
        return None
    return people.chat_id(case, held.person)


def asks_severity_of(case: Case, whom: str, *, since: datetime) -> bool:
    """Whether they are asked how bad it is, or were since then: the question says what they are here."""
    row = case.steps.get(f"severity asked/{whom}")
    return _to_be_asked(case) == whom or (
        row is not None and row.done_at is not None and row.done_at >= since
    )


def _is_settled(case: Case) -> bool:
    """Whether somebody has settled it; what whoever declared it said at first is a guess."""
    declared = case.declared_by.key if case.declared_by is not None else None
    is_guess = case.status is Status.TRIAGE and case.severity_by == declared
    return case.severity_by is not None and not is_guess


def _question(case: Case, whom: str) -> Answer:
    return directly(case, _asks(case, whom))


def _asks(case: Case, whom: str) -> Answer:
    about = f"INC-{case.id}"
    if _is_settled(case):
        return Answer(lines=(_thanks(case, whom),), presses=_next(case, whom))
    if whom != _to_be_asked(case):
        return Answer(
            lines=(phrase("Nobody needs your word on the severity of {incident} any more.", incident=about),)
        )
    means = case.playbook.severity.meaning
    told = phrase(
        "You are the {role}. Until you say so, it is treated as {severity}.",
        role=role_name(CX_LEAD),
        severity=case.severity.upper(),
    )
    return Answer(
        title=phrase("How bad is {incident} for users? {title}", incident=about, title=case.title),
        lines=(told, *(f"{one.upper()}: {means(one)}" for one in Severity)),
        presses=tuple(
            Press(label=one.upper(), line=f"{about} severity {one}", stands_out=one is case.severity)
            for one in Severity
        )
        + _next(case, whom),
    )


def _next(case: Case, whom: str) -> tuple[Press, ...]:
    """What whoever speaks for customers says besides, as long as it is asked: what users notice."""
    held = case.roles.get(CX_LEAD)
    is_theirs = held is not None and people.chat_id(case, held.person) == whom
    if not is_theirs or not case.status.is_open:
        return ()
    return (Press(label=phrase("Impact"), line=f"INC-{case.id} impact"),)


def _thanks(case: Case, whom: str) -> str:
    known = {held.person.key: held.person.name for held in case.roles.values()}
    known |= case.result("chat ids").get("names", {})
    name = known.get(case.severity_by or "")
    about, severity = f"INC-{case.id}", case.severity.upper()
    mine = [held.person for held in case.roles.values() if held.person.key == case.severity_by]
    if name and whom not in {people.chat_id(case, one) for one in mine}:
        return phrase("{incident} is {severity}, says {name}.", incident=about, severity=severity, name=name)
    if not name:
        return phrase(
            "{incident} is {severity}, as it was settled. Thank you.", incident=about, severity=severity
        )
    return phrase(
        "{incident} is {severity}, settled by {name}. Thank you.",
        incident=about,
        severity=severity,
        name=name,
    )


def ask_severity(attempt: Attempt) -> Result:
    """Ask, or say that it is settled."""
    return tell(attempt, attempt.instance, partial(_question, attempt.case, attempt.instance))


# --- a channel in which nobody can write ----------------------------------------------------------


def wants_shut_told(view: View) -> Mapping[str, str]:
    """Whoever leads told that the channel is shut while the incident is open, and that it is not any more."""
    case = view.case
    if view.out.chat is None:
        return NOTHING
    told = {at: _as_drawn(row, _shut(case, at)) for at, row in done_rows(case, "shut told")}
    if case.shut_at is None or not case.status.is_open:
        return told
    at = case.shut_at.strftime(_STAMP)
    return {at: fingerprint(_shut(case, at)), **told}


def _shut(case: Case, at: str) -> Answer:
    return directly(case, _tells_of_shut(case, at))


def _tells_of_shut(case: Case, at: str) -> Answer:
    about = f"INC-{case.id}"
    if case.shut_at is None or case.shut_at.strftime(_STAMP) != at:
        return Answer(lines=(phrase("The channel of {incident} can be used again.", incident=about),))
    if not case.status.is_open:
        over = phrase(
            "{incident} is {status}; its channel was {shut}.",
            incident=about,
            status=status_name(case.status),
            shut=_how_it_was_shut(case),
        )
        return Answer(lines=(over,))
    said = phrase(
        "The channel of {incident} was {shut}, and the incident is open. Nothing is posted there.",
        incident=about,
        shut=_how_it_was_shut(case),
    )
    return Answer(lines=(said, _to_mend(case)))


def _how_it_was_shut(case: Case) -> str:
    how, _, by = case.shut_how.partition(" by ")
    alone, with_name = _SHUT.get(how, (how, mark("{how} by {name}")))
    return phrase(with_name, how=how, name=by) if by else phrase(alone)


def _to_mend(case: Case) -> str:
    about = f"INC-{case.id}"
    if case.shut_how.startswith(members.ARCHIVED) and case.playbook.channel.private:
        return phrase("Unarchive it, or end the incident: `/incident {incident} resolve`.", incident=about)
    if case.shut_how.startswith(members.ARCHIVED):
        return phrase(
            "Unarchive it and mention the bot there, which brings it back and invites whoever was in it. "
            "Or end the incident: `/incident {incident} resolve`.",
            incident=about,
        )
    if case.shut_how.startswith("deleted"):
        return phrase(
            "It cannot come back: go on elsewhere, and `/incident {incident} resolve`.", incident=about
        )
    return phrase("Bring the bot back: mention it in the channel.")


def tell_shut(attempt: Attempt) -> Result:
    """Tell the lead; where there is none to tell, those who run Multivac."""
    case = attempt.case
    held = case.roles.get(LEAD)
    lead = people.chat_id(case, held.person) if held is not None and held.gone_at is None else None
    if lead is None and not attempt.before.was_done:
        shut = _how_it_was_shut(case)
        why = phrase(
            "The channel of INC-{number} was {shut}, and nobody who leads can be told.",
            number=case.id,
            shut=shut,
        )
        raise GiveUp(why, fix=_to_mend(case), operators=True)
    return tell(attempt, lead or "", partial(_shut, case, attempt.instance))


# --- briefings ------------------------------------------------------------------------------------


def wants_briefings(view: View) -> Mapping[str, str]:
    """A look at each person in the channel: whether they need a briefing, and then one."""
    case = view.case
    if view.out.chat is None or not view.out.hears:
        return NOTHING
    done = {who: str(row.done) for who, row in done_rows(case, "briefing")}
    if not case.status.is_open or case.channel_id is None:
        return done
    fresh = {who: mark for who, one in case.members.items() if (mark := _due(view, who, one))}
    return done | fresh


def _due(view: View, who: str, member: Member) -> str | None:
    """The mark of a briefing that is due now; None if none is, or not yet."""
    case = view.case
    row = case.steps.get(f"briefing/{who}")
    if member.joined_at is None or member.left_at is not None:
        return None
    if who in {people.chat_id(case, person) for person in _knowing(case)}:
        return None
    if row is not None and row.done_at is not None and not _is_back(member, row, row.done_at):
        return None
    since = max(member.joined_at + _wait(who, member), case.declared_at + _NOT_BEFORE)
    if view.now < since:
        view.look_again(since)
        return None
    return member.joined_at.strftime(_STAMP)


def _wait(who: str, member: Member) -> timedelta:
    return _NOT_BEFORE if _is_invited(who, member) else timedelta()


def _is_invited(who: str, member: Member) -> bool:
    """Whether we brought them in, and they had not asked for it themselves."""
    return member.invited and member.asked_by != who


def _is_back(member: Member, row: StepRow, done_at: datetime) -> bool:
    """Whether they came again since, and much had happened meanwhile."""
    if member.joined_at is None or member.joined_at <= done_at:
        return False
    return not row.result.get("told") or member.entries - row.result["entries"] > _MUCH_HAPPENED


def _knowing(case: Case) -> list[Person]:
    """Those who need no briefing: who leads, who declared it, and who settles the severity."""
    held = (case.roles.get(LEAD), case.roles.get(CX_LEAD))
    declared = [case.declared_by] if case.declared_by is not None else []
    return [*(one.person for one in held if one is not None), *declared]


def brief(attempt: Attempt) -> Result:
    """Brief somebody whom we invited and who says nothing, or who came and is on call; else leave them be."""
    who, person = attempt.instance, _who(attempt, attempt.instance)
    with attempt.out.database.read() as tx:
        case = cases.load(tx, attempt.case.id)  # as of now: looking things up may have taken a while
        entries, preferred = timeline.entries(tx, case.id), preferences.of(tx, who)
    member = case.members[who]
    made = {"told": False, "entries": len(entries)}
    if person is None or _knows(attempt, case, person):
        return made
    duty = briefs.duty_of(case, person, oncall.listed(case), now=attempt.now)
    is_invited = _is_invited(who, member)
    if not (is_invited or duty is not None) or (is_invited and Unasked.BRIEFINGS in preferred.without):
        return made
    if attempt.unknown:
        return made | {"told": True}  # said perhaps, and nobody can look
    view = View(case=case, now=attempt.now, out=attempt.out)
    with speaking(language_of(attempt, who)):
        most = briefs.LINES - is_invited  # one is for where the channel is
        message = briefs.briefing(view, entries, person=person, duty=duty, most=most)
        message = directly(case, message) if is_invited else message
        return made | {"told": _say(attempt, message, directly=is_invited)}


def _knows(attempt: Attempt, case: Case, person: Person) -> bool:
    """Whether they wrote or asked something here, or have to know by what they are."""
    with attempt.out.database.read() as tx:
        has_acted = acts.acted(tx, case.id, person.key)
    must_know = person.key in {one.key for one in _knowing(case)}
    return has_acted or must_know or case.members[attempt.instance].seen_at is not None


def _say(attempt: Attempt, message: Message, *, directly: bool) -> bool:
    chat, who = attempt.chat(), attempt.instance
    if not directly:
        return chat.whisper(channel_of(attempt.case), who, message)
    try:
        chat.post(who, message, Marker(incident=attempt.case.id, kind=attempt.name))
    except GiveUp as no:
        if no.operators:
            raise
        return False  # they take no messages
    return True


def _who(attempt: Attempt, chat_id: str) -> Person | None:
    """Who it is; None for a guest, or if nobody has the id."""
    with attempt.out.database.read() as tx:
        known = directory.known_as(tx, "slack", chat_id)
    if known is not None and attempt.now - known.checked_at < directory.LASTS:
        email = known.key if "@" in known.key else None
        return attempt.out.complete(Person(name=known.name or chat_id, slack=chat_id, email=email))
    return _meet(attempt, chat_id)


def _meet(attempt: Attempt, chat_id: str) -> Person | None:
    """Who the chat says that it is, kept for the next time; None as for `_who`."""
    try:
        found = attempt.chat().person(chat_id)
    except TryAgain as error:
        raise TryAgain(error.why, after=error.after, reached=False) from error  # nothing was said
    if found is None or found.guest or not found.active:
        return None
    person = attempt.out.complete(Person(name=found.name, slack=chat_id, email=found.email))
    met = directory.Identity(
        key=person.key,
        id=chat_id,
        name=found.name,
        active=True,
        checked_at=attempt.now,
        language=found.language,
    )
    attempt.out.database.write(lambda tx: directory.remember(tx, "slack", [met]))
    return person
