"""What people prefer of how Multivac speaks to them: shown, and changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import sqlalchemy as sa

from multivac.briefing import Answer, Asked, Field, Form
from multivac.desk.asking import Change, DoneBefore, Reply, Sitting
from multivac.desk.people import language_at
from multivac.errors import Refused
from multivac.store import acts, homes, preferences
from multivac.store.preferences import Preferences, Unasked
from multivac.tongue import LANGUAGES, called, mark, phrase, speaking

_SLACKS = "slack"  # the language that Slack has for them
_UNASKED: Mapping[Unasked, str] = {
    Unasked.BRIEFINGS: mark("A briefing by direct message, when I am invited"),
    Unasked.GUIDES: mark("What a role is, when somebody gives me one"),
    Unasked.PROMPTS: mark("A mention when I was asked for an update and it is overdue still; at SEV1 always"),
}
_HOW = mark("Write it so: `/incident prefs language de`, or `/incident prefs briefings off`.")


def prefs(sitting: Sitting) -> Reply:
    """Show what they prefer in a form, and keep what they change; a line changes one of it."""
    with sitting.house.out.database.read() as tx:
        before = preferences.of(tx, sitting.ask.by)
    words = sitting.words.text.lower().split()
    if sitting.ask.fields:
        return _kept(sitting, before, _filled_in(sitting))
    if words:
        return _kept(sitting, before, _said(before, words))
    return _form(before)


def _filled_in(sitting: Sitting) -> Preferences:
    language, told = sitting.text("language"), sitting.text("told").split()
    return _in_language(Preferences(without=frozenset(Unasked) - set(told)), language)


def _said(before: Preferences, words: list[str]) -> Preferences:
    match words:
        case ["language", language]:
            return _in_language(before, language)
        case [what, "on"] if what in set(Unasked):
            return replace(before, without=before.without - {Unasked(what)})
        case [what, "off"] if what in set(Unasked):
            return replace(before, without=before.without | {Unasked(what)})
        case _:
            raise Refused(phrase(_HOW))


def _in_language(before: Preferences, language: str) -> Preferences:
    if language not in {*LANGUAGES, _SLACKS}:
        spoken = ", ".join(LANGUAGES)
        raise Refused(phrase("I speak {languages}; “slack” is as in your Slack.", languages=spoken))
    return replace(before, language=None if language == _SLACKS else language)


def _kept(sitting: Sitting, before: Preferences, now: Preferences) -> Answer:
    def keep(tx: sa.Connection) -> None:
        change = Change(said="", before=_for_the_trail(before), after=_for_the_trail(now))
        if not acts.leave_trail(tx, sitting.act("done", change)):
            raise DoneBefore
        preferences.keep(tx, sitting.ask.by, now)
        homes.look_at(tx, sitting.ask.by)

    sitting.house.out.database.write(keep, urgent=True)
    with speaking(language_at(sitting.house.out, sitting.ask.by)):
        return Answer(title=phrase("Your preferences"), lines=(phrase("Kept."), *_lines(now)))


def _for_the_trail(one: Preferences) -> str:
    return " ".join([f"language {one.language or _SLACKS}", *(f"{it} off" for it in sorted(one.without))])


def _lines(now: Preferences) -> tuple[str, ...]:
    language = called(now.language) if now.language else phrase("as in Slack")
    on, off = phrase("yes"), phrase("no")
    return (
        phrase("Language: {language}", language=language),
        *(f"{phrase(text)}: {off if one in now.without else on}" for one, text in _UNASKED.items()),
    )


def _form(now: Preferences) -> Form:
    return Form(
        title=phrase("Your preferences"),
        line="prefs",
        send=phrase("Keep"),
        fields=(
            Field(
                name="language",
                label=phrase("Language"),
                kind=Asked.CHOICE,
                hint=phrase("Of what only you read; channels have the house's."),
                optional=False,
                choices=((_SLACKS, phrase("As in Slack")), *((one, called(one)) for one in LANGUAGES)),
                filled=(now.language or _SLACKS,),
            ),
            Field(
                name="told",
                label=phrase("What I am told"),
                kind=Asked.TICKS,
                choices=tuple((one, phrase(text)) for one, text in _UNASKED.items()),
                filled=tuple(one for one in _UNASKED if one not in now.without),
            ),
        ),
    )
