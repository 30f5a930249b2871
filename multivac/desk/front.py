"""The front door for people: finds out who asks, what they mean and about what, and lets the verb do it."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import datetime
from functools import partial

import sqlalchemy as sa
import structlog

from multivac.briefing import Answer, Form, Home, Press
from multivac.desk import (
    approving,
    correcting,
    declaring,
    dismissing,
    drilling,
    ending,
    escalating,
    exporting,
    followups,
    going_on,
    handover,
    health,
    inviting,
    joining,
    linking,
    looking,
    paging,
    preferring,
    reminding,
    searching,
    splitting,
    stakeholders,
    standing,
    tasks,
    telling,
    updating,
)
from multivac.desk.afresh import as_note, named, refilled
from multivac.desk.answering import notice_answer
from multivac.desk.asking import Ask, BadField, DoneBefore, House, OnlyLead, Reply, Sitting
from multivac.desk.capturing import Deed, Sign, notice
from multivac.desk.choosing import about, chosen
from multivac.desk.flags import not_understood
from multivac.desk.hearing import Hearing, News
from multivac.desk.home import guests_home, home
from multivac.desk.meant import resolved
from multivac.desk.names import none_such, stands
from multivac.desk.offering import words_at
from multivac.desk.pages import Pages
from multivac.desk.people import language_at, look_up, must_be_sure, who_is
from multivac.desk.roster import Roster
from multivac.desk.spelling import spelt
from multivac.errors import GiveUp, Refused, TryAgain, sure
from multivac.incident import CX_LEAD, DEPUTY, SCRIBE, IncidentId, Severity, Status, role_spellings
from multivac.jobs import Jobs
from multivac.playbook import Playbook
from multivac.steps.base import Outside
from multivac.store import acts, cases
from multivac.store.acts import Act
from multivac.tongue import phrase, speaking
from multivac.verbs import Bare, Right, Spoken, Unclear, Verb, Words, as_role, opens_form, read, verb_named

log = structlog.get_logger()

_KEPT_LINE, _KEPT_WHY = 200, 2000
_TALK = frozenset({"mention", "message"})
_LABEL = 50  # of somebody's words, on a button

DOES: Mapping[str, Callable[[Sitting], Reply]] = {
    "declare": declaring.declare,
    "list": looking.show_list,
    "show": looking.show,
    "help": looking.give_help,
    "timeline": looking.show_timeline,
    "lead": standing.lead,
    "role": standing.role,
    "roles": handover.roles,
    "handover": handover.hand_over,
    "page": paging.page,
    "severity": standing.severity,
    "status": standing.status,
    "mitigate": standing.mitigate,
    "resolve": ending.resolve,
    "close": standing.close,
    "reopen": standing.reopen,
    "dismiss": dismissing.dismiss,
    "impact": telling.impact,
    "rename": telling.rename,
    "note": telling.note,
    "briefing": joining.brief,
    "oncall": joining.on_call,
    "join": joining.join,
    "invite": inviting.invite,
    "task": tasks.task,
    "checklist": tasks.checklist,
    "export": exporting.export,
    "remind": reminding.remind,
    "reminders": reminding.reminders,
    "update": updating.update,
    "snooze": updating.snooze,
    "quiet": updating.quiet,
    "merge": dismissing.merge,
    "archive": ending.archive,
    "split": splitting.split,
    "search": searching.search,
    "followup": followups.follow_up,
    "link": linking.link,
    "escalate": escalating.escalate,
    "whoami": health.whoami,
    "doctor": health.doctor,
    "ticket": correcting.ticket,
    "services": correcting.services,
    "private": correcting.private,
    "ask": approving.ask,
    "approve": approving.approve,
    "decline": approving.decline,
    "drill": drilling.drill,
    "retry": going_on.retry,
    "continue": going_on.go_on,
    "prefs": preferring.prefs,
    "subscribe": stakeholders.subscribe,
    "unsubscribe": stakeholders.unsubscribe,
}


class Desk:
    """Deals with what people ask, one request at a time, on whatever thread it comes."""

    def __init__(
        self,
        out: Outside,
        jobs: Jobs,
        *,
        playbooks: Callable[[], Sequence[Playbook]],
        admins: Sequence[str],
        count_declared: Callable[[Severity], None] = lambda _: None,
    ) -> None:
        known = frozenset(one.lower() if "@" in one else one for one in admins)
        self._house = House(
            out=out,
            jobs=jobs,
            playbooks=playbooks,
            admins=known,
            does=DOES,
            count_declared=count_declared,
        )
        self._hearing = Hearing(out, jobs)
        self._pages = Pages(out, draw=self._home)

    @contextmanager
    def speaking_to(self, by: str, *, at_once: bool = False) -> Iterator[None]:
        """Speak this person's language, within, and the house's where it is not known.

        `at_once` asks nobody for it.
        """
        language = None
        with suppress(sa.exc.SQLAlchemyError):  # what there is to say is said all the same
            language = language_at(self._house.out, by, at_once=at_once)
        with speaking(language):
            yield

    def hear(self, event: str, news: News, *, at: datetime | None = None) -> None:
        """Keep what people did by hand, once for each event, unless we know what they did later.

        `at` is when, by the chat's clock. Raises what the database does.
        """
        self._hearing.hear(event, news, at=at)

    def answer(self, ask: Ask) -> Reply:
        """What comes of a request, for whoever asked; never raises but `BadField`, for a form."""
        try:
            return self._answer(ask)
        except DoneBefore:
            return None
        except BadField:
            raise
        except Refused as no:
            self._keep(ask, "refused", no.reason)
            return self._afresh(ask, no) or Answer(lines=(no.reason, *_reference(ask, no)))
        except sa.exc.OperationalError:
            log.exception("request not dealt with", ref=ask.ref)
            told = phrase(
                "The database does not answer; nothing was changed. Ask again. Ref {ref}", ref=ask.ref
            )
            return Answer(lines=(told,))
        except Exception:  # the web's boundary: whoever asked is told, and operators can look it up
            log.exception("request failed", ref=ask.ref)
            self._keep(ask, "failed", traceback.format_exc(limit=-3))
            told = phrase(
                "Something broke on my side; nothing was changed. "
                "Ref {ref} (operators: `multivac trace {ref}`)",
                ref=ask.ref,
            )
            return Answer(lines=(told,))

    def mend(self, ask: Ask, bad: BadField) -> Reply:
        """For whom it is too late to be told at the field: the form as they filled it, and what is wrong."""
        return self._afresh(ask, bad) or Answer(lines=(bad.reason,))

    def opens_form(self, ask: Ask) -> bool:
        """Whether the line leads to a form, as far as it says itself."""
        if not isinstance(read(ask.line), Bare):
            return opens_form(ask.line)
        return named(ask) is None and self._incident_of(ask) is None

    def notice(self, sign: Sign) -> None:
        """Write down what somebody did to a message, in one transaction; nobody is told of it at once."""
        if sign.deed is Deed.ANSWER:
            notice_answer(self._house, sign)
        else:
            notice(self._house, sign)

    def offer(self, ask: Ask, message: str) -> Reply:
        """What somebody is offered who put a sign under a message; None for a guest, or if it means nothing.

        What is in an incident's channel is told, what is anywhere else is declared.
        """
        if (self._incident_of(ask) is None) is not (ask.line == "declare"):
            return None
        _, is_guest = who_is(self._house.out, ask.by, ask.name)
        said = "" if is_guest else words_at(self._house.out, ask.channel, message)
        return self.answer(replace(ask, quoted=said)) if said else None

    def show_home(self, by: str, publish: Callable[[str, Home], None]) -> None:
        """Show this person Multivac's own page in the chat, and keep it true from then on."""
        self._pages.show(by, publish, instead=guests_home)

    def redraw_homes(self) -> int:
        """Redraw the pages on which something has changed, a few at a time; says how many.

        Raises what the chat does.
        """
        return self._pages.redraw()

    def _home(self, by: str, found: Roster | None) -> Home | None:
        """What this person sees there; None for a guest."""
        person, is_guest = who_is(self._house.out, by, "")
        ask = Ask(request="", by=by, name="", via="home", line="list")
        sitting = Sitting(
            house=self._house,
            ask=ask,
            verb=sure(verb_named("list")),
            words=Words(),
            person=person,
            number=None,
            is_guest=is_guest,
        )
        return None if is_guest else home(sitting, found)

    def _keep(self, ask: Ask, outcome: str, why: str) -> None:
        """Leave a trail of what was not done, for whoever is asked about its reference."""
        now = self._house.out.clock.now()
        act = Act(
            request=ask.request,
            ref=ask.ref,
            at=now,
            actor=ask.by,
            verb=ask.line[:_KEPT_LINE],
            via=ask.via,
            incident=None,
            outcome=outcome,
            after=why[:_KEPT_WHY],
        )
        with suppress(sa.exc.SQLAlchemyError):  # the answer does not depend on it
            self._house.out.database.write(lambda tx: acts.leave_trail(tx, act))

    def _afresh(self, ask: Ask, no: Refused) -> Form | None:
        """The form that was sent in vain, as it is now, with the words that were typed into it."""
        if ask.via != "form" or not ask.fields:
            return None
        number = named(ask)
        if number is not None and no.reason == none_such(number):
            return None
        if number is not None and (ended := self._ended(number)) is not None:
            return as_note(ask, number, why=stands(number, ended))
        try:
            again = self._answer(replace(ask, fields={}, as_of=""), instead=lambda: None)
        except Refused:
            return None
        return refilled(again, ask, no) if isinstance(again, Form) else None

    def salvage(self, ask: Ask) -> Form:
        """A form for the words of one that this release does not know, so that nobody types them again."""
        told = phrase(
            "This form is of another release of Multivac. Nothing was changed; your words are here."
        )
        return as_note(ask, named(ask) or self._incident_of(ask), why=told)

    def _ended(self, number: IncidentId) -> Status | None:
        """The status of an incident that is over."""
        with self._house.out.database.read() as tx:
            status = cases.load(tx, number).status if acts.exists(tx, number) else None
        return None if status is None or status.is_open else status

    def _answer(self, ask: Ask, *, instead: Callable[[], Reply] | None = None) -> Reply:
        line = read(ask.line, in_talk=ask.via in _TALK)
        match line:
            case Spoken(verb, words):
                return self._do(ask, verb, words=words, instead=instead)
            case Bare():
                return self._bare(ask, line)
            case Unclear() if ask.fields:
                return self.salvage(ask)
            case Unclear():
                return self._unclear(ask, line)

    def _unclear(self, ask: Ask, line: Unclear) -> Reply:
        """What names no verb: a role of the incident and who is to have it, or anybody's guess."""
        number = line.number or self._incident_of(ask)
        meant = as_role(line.typed, self._roles(number))
        if meant is None:
            return _did_you_mean(line, number, spell=partial(spelt, self._house.out))
        here = f"INC-{number} " if number is not None else ""
        return self._answer(replace(ask, line=f"{here}{meant}"))

    def _roles(self, number: IncidentId | None) -> frozenset[str]:
        """What roles there are besides the lead, where the incident is known those of its playbook too."""
        known = {DEPUTY, SCRIBE, CX_LEAD}
        if number is not None:
            with self._house.out.database.read() as tx:
                known |= set(cases.load(tx, number).playbook.roles) if acts.exists(tx, number) else set()
        return frozenset[str]().union(*map(role_spellings, known))

    def _bare(self, ask: Ask, line: Bare) -> Reply:
        """The command alone: what can be done here, or the form to declare."""
        here = line.number or self._incident_of(ask)
        verb = sure(verb_named("declare" if here is None else "show"))
        return self._do(ask, verb, words=Words(number=here))

    def _do(self, ask: Ask, verb: Verb, *, words: Words, instead: Callable[[], Reply] | None = None) -> Reply:
        found = look_up(self._house.out, ask.by, ask.name)
        number = words.number or self._incident_of(ask)
        sitting = Sitting(
            house=self._house,
            ask=ask,
            verb=verb,
            words=words,
            person=found.person,
            number=number,
            is_guest=found.is_guest,
            instead=instead,
        )
        if found.is_guest and verb.right > Right.GUEST:
            must_be_sure(found)
            raise Refused(phrase("Guests can read here, but not ask for this. Ask somebody of the team."))
        if verb.in_incident and number is None:
            one = chosen(sitting)
            return one if isinstance(one, Answer) else self._about(replace(sitting, number=one))
        if number is not None and verb.in_incident:
            self._must_exist(number)
            self._hearing.note_lead(number, ask.by)
        return self._done(sitting)

    def _about(self, sitting: Sitting) -> Reply:
        """Do it of the incident that was chosen, and say which that is."""
        self._hearing.note_lead(sitting.incident, sitting.ask.by)
        return about(sitting, self._done(sitting))

    def _done(self, sitting: Sitting) -> Reply:
        ask, verb = sitting.ask, sitting.verb
        if sitting.words.strange:
            return not_understood(sitting)
        try:
            meant = resolved(sitting)
            return meant if isinstance(meant, Answer) else DOES[verb.name](meant)
        except OnlyLead as no:
            self._keep(ask, "refused", no.reason)
            offered, form = approving.offer(no, sitting), self._afresh(ask, no)
            return offered if form is None else replace(form, presses=offered.presses)

    def _incident_of(self, ask: Ask) -> IncidentId | None:
        """The incident whose channel it was said in, or under whose announcement."""
        if not ask.channel:
            return None
        with self._house.out.database.read() as tx:
            here = acts.in_channel(tx, ask.channel)
            return here or (acts.announced_as(tx, ask.channel, ask.thread) if ask.thread else None)

    def _must_exist(self, number: IncidentId) -> None:
        with self._house.out.database.read() as tx:
            if not acts.exists(tx, number):
                raise Refused(none_such(number))


def _reference(ask: Ask, no: Refused) -> tuple[str, ...]:
    """By what operators find out more, where it is not the person's doing: a vendor did not do its part."""
    if not isinstance(no.__cause__, TryAgain | GiveUp):
        return ()
    return (phrase("Ref {ref} (operators: `multivac trace {ref}`)", ref=ask.ref),)


def _did_you_mean(line: Unclear, number: IncidentId | None, *, spell: Callable[[str], str]) -> Reply:
    """A verb that is near, if there is one, and what else the words may be meant for."""
    here = f"INC-{line.number} " if line.number is not None else ""
    typed = spell(line.typed)
    title = typed if len(typed) <= _LABEL else f"{typed[:_LABEL].rstrip()}…"
    presses = [
        Press(
            label=phrase("Declare “{title}”", title=title),
            line=f"declare {line.typed}",
            confirm=phrase("Declare it now? A channel opens, and people are invited."),
        ),
        Press(label=phrase("Help"), line="help"),
    ]
    if number is not None:
        presses.insert(0, Press(label=phrase("Add to the timeline"), line=f"INC-{number} note {line.typed}"))
    if line.near is None:
        told = phrase("What shall I do with “{said}”?", said=title)
    else:
        told = phrase(
            "I do not know “{said}”. Did you mean {verb}?", said=spell(line.said), verb=line.near.name
        )
        meant = f"{here}{line.near.name} {line.rest}".strip()
        run = Press(label=phrase("Run: {line}", line=spell(meant)), line=meant, stands_out=True)
        presses.insert(0, run)
    return Answer(lines=(told,), presses=tuple(presses))
