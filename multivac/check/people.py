"""Whether everybody who may be wanted can be found in Slack and in Jira; who cannot is listed."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from multivac.check.doctors import ChatDoctor, Doctors, PagerDoctor, TrackerDoctor
from multivac.check.named import Wishes
from multivac.check.questions import Area, Question, side_by_side
from multivac.check.verdicts import Verdict
from multivac.incident import Person
from multivac.people import People, load_people
from multivac.ports import ChatUser

_MOST = 45  # people looked up in one check: Slack allows 50 look-ups a minute


@dataclass(frozen=True, slots=True)
class _Wanted:
    """Somebody, why they may be wanted, and whether an operator wrote them down."""

    person: Person
    why: str
    written: bool = False

    def __str__(self) -> str:
        email = self.person.email
        address = f" <{email}>" if email and email != self.person.name else ""
        return f"{self.person.name}{address} ({self.why})"


@dataclass(slots=True)
class _Crowd:
    """Everybody who was gathered so far, and the vendors that told of them."""

    known: People = field(default_factory=People)
    wanted: list[_Wanted] = field(default_factory=list)
    answered: set[str] = field(default_factory=set)

    def add(self, vendor: str, people: Iterable[tuple[Person, str]]) -> None:
        """Take in whom a vendor named, and why."""
        self.wanted += [_Wanted(person, why) for person, why in people]
        self.answered.add(vendor)

    def everybody(self) -> list[_Wanted]:
        """Each person once, with all identities that are known; whom operators wrote down first."""
        each: dict[str, _Wanted] = {}
        for one in sorted(self.wanted, key=lambda one: not one.written):
            person = self.known.complete(one.person)
            each.setdefault(person.key, _Wanted(person, one.why, one.written))
        return list(each.values())


@dataclass(frozen=True, slots=True)
class PeopleExamination:
    """Read the map, gather who may be wanted, then look for them in Slack and in Jira."""

    area: Area
    doctors: Doctors
    wished: Wishes
    path: Path | None
    crowd: _Crowd = field(default_factory=_Crowd)

    def examine(self) -> list[Verdict]:
        """Return what was found."""
        found = self.area.ask(Question("the file of people", self._file))
        by_mail = (
            _Wanted(Person(name=mail, email=mail), by, written=True)
            for mail, by in self.wished.people.items()
        )
        self.crowd.wanted += by_mail
        found += self.area.ask(*self._sources())
        everybody = self.crowd.everybody()
        if len(everybody) > _MOST:
            left = (
                f"{len(everybody) - _MOST} people more were not looked up: Slack allows 50 look-ups a minute"
            )
            found.append(self.area.ok(left))
        return found + self.area.ask(*self._look_ups(everybody[:_MOST]))

    def _file(self) -> Iterator[Verdict]:
        if self.path is None:
            yield self.area.ok("no file maps people: people.path is not set")
            return
        known = load_people(self.path)
        name = self.path.name
        self.crowd.known = known
        self.crowd.wanted += [_Wanted(person, name, written=True) for person in known]
        yield self.area.ok(f"{name} maps {len(known)} people")

    def _sources(self) -> Iterator[Question]:
        if self.doctors.pager is not None:
            yield Question("who is on call", partial(self._on_call, self.doctors.pager))
        if self.doctors.tracker is not None and self._has_pools:
            yield Question("who may lead", partial(self._pools, self.doctors.tracker))

    @property
    def _has_pools(self) -> bool:
        return bool(self.wished.jira_roles or self.wished.jira_groups)

    def _on_call(self, pager: PagerDoctor) -> Iterator[Verdict]:
        """Everybody in an escalation policy that a service has, or a playbook, itself or a schedule of it."""
        named = {*self.wished.policies, *self.wished.schedules}
        rotas = [each for each in pager.rotas() if each.used or named & {each.id, *each.schedules}]
        users = {user.pagerduty: user for user in pager.users()}
        on_call = {key: rota.name for rota in rotas for key in sorted(rota.people)}
        self.crowd.add(
            "pagerduty", [(users[key], f"on call in {name}") for key, name in on_call.items() if key in users]
        )
        for person in self.crowd.known:
            if person.pagerduty and person.pagerduty not in users:
                what = f"{person.name} is mapped to {person.pagerduty}, and no PagerDuty user has that id"
                yield self.area.warn(what, "Correct `pagerduty` in the file of people, or remove them.")

    def _pools(self, tracker: TrackerDoctor) -> Iterator[Verdict]:
        """Everybody of the Jira roles and groups from which a playbook chooses the lead."""
        roles, groups = self.wished.jira_roles, self.wished.jira_groups
        found = [(one, f"in the Jira role {role}") for role in roles for one in tracker.role_members(role)]
        found += [
            (one, f"in the Jira group {name}") for name in groups for one in tracker.group_members(name)
        ]
        self.crowd.add("jira", found)
        yield from ()

    def _look_ups(self, people: list[_Wanted]) -> Iterator[Question]:
        chat, tracker = self.doctors.chat, self.doctors.tracker
        if chat is not None and people:
            yield Question("who is in Slack", partial(self._in_chat, chat, people))
        # A Jira that was silent a moment ago is not asked again: it would only be silent for longer.
        silent = self._has_pools and "jira" not in self.crowd.answered
        if tracker is not None and people and not silent:
            yield Question("who is in Jira", partial(self._in_tracker, tracker, people))

    def _in_chat(self, chat: ChatDoctor, people: list[_Wanted]) -> Iterator[Verdict]:
        users = side_by_side(lambda one: _user(chat, one.person), people)
        there = 0
        for one, user in zip(people, users, strict=True):
            tell = self.area.fail if one.written else self.area.warn
            if user is None:
                yield tell(f"{one} has no Slack user {_by(one.person)}", self._mapped(one.person, "slack"))
            elif not user.active:
                yield tell(f"{one} is deactivated in Slack", "Name somebody else in their place.")
            else:
                there += 1
        if there:
            yield self.area.ok(f"{there} of {len(people)} people are in Slack")

    def _in_tracker(self, tracker: TrackerDoctor, people: list[_Wanted]) -> Iterator[Verdict]:
        accounts = side_by_side(lambda one: tracker.find_account(one.person), people)
        lost = [one for one, account in zip(people, accounts, strict=True) if account is None]
        for one in lost:
            what = f"{one} has no Jira account that is found by e-mail, so no ticket is assigned to them"
            yield self.area.warn(what, self._mapped(one.person, "jira"))
        if len(lost) < len(people):
            yield self.area.ok(f"{len(people) - len(lost)} of {len(people)} people have a Jira account")

    def _mapped(self, person: Person, wanted: str) -> str:
        """What to write into the file of people, ready to be pasted."""
        kinds = ("name", "email", "pagerduty", "slack", "jira")
        known = {kind: getattr(person, kind) for kind in kinds}
        known[wanted] = {"slack": "U...", "jira": "their account id"}[wanted]
        shown = ", ".join(
            f"{kind}: {json.dumps(one, ensure_ascii=False)}" for kind, one in known.items() if one
        )
        into = f"Write into {self.path.name}" if self.path else "Set people.path, and write into that file"
        return f"{into}: - {{{shown}}}"


def _user(chat: ChatDoctor, person: Person) -> ChatUser | None:
    if person.slack:
        return chat.person(person.slack)
    return chat.find_person(person.email) if person.email else None


def _by(person: Person) -> str:
    if person.slack:
        return f"with the id {person.slack}"
    return "of that e-mail" if person.email else "that could be told: their e-mail is not known"
