"""Tells one person what came of what they asked: by the address Slack gave, in the channel, or directly."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Any

import structlog
import urllib3
from urllib3.exceptions import HTTPError

from integrations.slack.blocks import draw_home, render
from integrations.slack.calls import Declined, KeptOpen, ask, piece
from integrations.slack.forms import draw_answer, draw_form, on_it
from integrations.slack.pieces import Drawn
from integrations.slack.text import line
from multivac.briefing import Answer, Asked, Files, Form, Home, Press
from multivac.errors import GiveUp, MultivacError, TryAgain
from multivac.tongue import mark, phrase

log = structlog.get_logger()

_PATIENCE = 5.0  # seconds for an answer that only one person waits for
_NOT_THERE = frozenset({"user_not_in_channel", "not_in_channel", "channel_not_found", "is_archived"})
_NEEDS_A_FORM = mark("This needs a form, which only a button can open.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where somebody asked. `url` takes answers for half an hour; `replaces` the message they pressed in.

    Who asks on our own page, or by a shortcut, is in no channel: they are answered in a window (`in_window`),
    and what they ask in that window (`window`, its id) in its place; `hash` is that of a window which only
    shows that they wait. Who was told to wait (`held`) was told so in the message `holding`, where that can
    be changed.
    """

    user: str
    channel: str
    url: str | None = None
    thread: str | None = None
    replaces: bool = False
    direct: bool = False
    in_window: bool = False
    window: str = ""
    hash: str = ""
    held: bool = False
    holding: str = ""


class Mouth:
    """Answers people, without waiting for the turn of any response."""

    def __init__(self, token: str, *, api_url: str, timeout: float = _PATIENCE) -> None:
        self._slack = KeptOpen(token, api_url=api_url, timeout=timeout, connections=16)
        self._pool = urllib3.PoolManager(maxsize=16, block=False, retries=False)

    def tell(
        self, place: Place, reply: Answer | Files | Form | None, *, trigger: str = "", again: str = ""
    ) -> None:
        """Show a reply to whoever asked. Raises `TryAgain`, `GiveUp` when it cannot be shown.

        A form that cannot be opened now is offered by a button, which says `again`.
        """
        if place.in_window or place.window:
            self._tell_in_window(place, reply, trigger=trigger, again=again)
            return
        match reply:
            case Form():
                self._ask_in_form(place, reply, trigger=trigger, again=again)
            case Answer():
                self._show(place, render(reply))
            case Files():
                self.say_line(place, self._upload(reply))
            case None if place.replaces:
                self._post(place, {"delete_original": True})
            case None if place.held:
                self.say_line(place, phrase("Done."))

    def hold(self, place: Place, *, trigger: str, for_form: bool) -> Place:
        """Say that it takes longer; gives where the answer then takes the place of that.

        What leads to a form (`for_form`) is awaited in a window, while the trigger lives that opens one.

        Slack lets nobody change what only one person was shown after a command, nor what they were shown by
        a button of a message for all: the address changes the message that was pressed in, or nothing
        (bolt-js issue 2287, "Using a command's response `replace_original` does nothing"; bolt-python issue
        1268, "Unable to change ephemeral messages with response_url (with slash commands)"). There the
        answer follows.
        """
        place = replace(place, held=True)
        if place.in_window or place.window:
            return self._open(place, draw_answer(on_it()), trigger)
        if for_form and trigger:
            with suppress(MultivacError):  # mostly the trigger has lived too long
                return self._open(place, draw_answer(on_it()), trigger)
        return replace(place, holding=self._show(place, render(on_it())))

    def publish(self, user: str, home: Home) -> None:
        """Show somebody their page. Raises `TryAgain`, `GiveUp`."""
        ask(self._slack.views_publish, user_id=user, view=draw_home(home))

    def say_line(self, place: Place, text: str, *, trigger: str = "") -> None:
        """Show one line of ours."""
        self.tell(place, Answer(lines=(text,)), trigger=trigger)

    def close(self) -> None:
        """Close all connections."""
        self._slack.close()
        self._pool.clear()

    def _ask_in_form(self, place: Place, form: Form, *, trigger: str, again: str) -> None:
        if trigger:
            try:
                self._open(place, draw_form(form, channel=place.channel), trigger)
            except MultivacError as no:  # mostly it took longer than a trigger lives
                log.info("form not opened", why=str(no))
            else:
                if place.held and place.replaces:
                    self._post(place, {"delete_original": True})
                return
        self._show(place, render(_offer(form, again)))

    def _tell_in_window(
        self, place: Place, reply: Answer | Files | Form | None, *, trigger: str, again: str
    ) -> None:
        said = reply if isinstance(reply, Form) else self._as_answer(reply)
        view = draw_form(said, channel=place.channel) if isinstance(said, Form) else draw_answer(said)
        try:
            self._open(place, view, trigger)
        except MultivacError as no:
            # It took longer than a trigger lives, or they have closed the window meanwhile.
            log.info("window not opened", why=str(no))
            shown = _offer(said, again) if isinstance(said, Form) else said
            self._show(place, render(shown))

    def _as_answer(self, reply: Answer | Files | None) -> Answer:
        match reply:
            case Answer():
                return reply
            case Files():
                return Answer(lines=(self._upload(reply),))
            case None:
                return Answer(lines=(phrase("Done."),))

    def _open(self, place: Place, view: dict[str, Any], trigger: str) -> Place:
        """Show a window; gives the place with it."""
        if place.window:
            ask(self._slack.views_update, view_id=place.window, hash=place.hash or None, view=view)
            return place
        shown, _ = ask(self._slack.views_open, trigger_id=trigger, view=view)
        opened = shown.get("view") or {}
        return replace(place, window=str(opened.get("id", "")), hash=str(opened.get("hash", "")))

    def _show(self, place: Place, drawn: Drawn) -> str:
        """Show a message; gives its id where it can be changed, else ""."""
        content: dict[str, Any] = {"text": drawn.text, "blocks": drawn.blocks}
        if place.url:
            try:
                self._post(
                    place, {"response_type": "ephemeral", "replace_original": place.replaces, **content}
                )
            except TryAgain as no:
                log.info("answer not taken by its address", why=str(no))
                return self._show(replace(place, url=None), drawn)
            return ""
        if place.holding:
            ask(self._slack.chat_update, channel=place.channel, ts=place.holding, **content)
            return place.holding
        if place.direct or not place.channel:
            to: dict[str, Any] = {"channel": place.channel or place.user, "thread_ts": place.thread}
            answer, _ = ask(self._slack.chat_postMessage, **to, **content)
            return str(answer.get("ts", ""))
        try:
            where: dict[str, Any] = {"channel": place.channel, "user": place.user, "thread_ts": place.thread}
            ask(self._slack.chat_postEphemeral, **where, **content)
        except Declined as no:
            if no.error not in _NOT_THERE:
                raise
            ask(self._slack.chat_postMessage, channel=place.user, **content)
        return ""

    def _upload(self, files: Files) -> str:
        """Put files into a channel, in one message; gives what to say of it."""
        try:
            there: list[dict[str, str | None]] = [
                {"id": self._send(name, content.encode()), "title": name} for name, content in files.contents
            ]
            where: dict[str, Any] = {"channel_id": files.channel, "initial_comment": line(files.comment)}
            ask(self._slack.files_completeUploadExternal, files=there, **where)
        except GiveUp as no:
            return " ".join(filter(None, (phrase("The files could not be sent: {why}.", why=no.why), no.fix)))
        except TryAgain as no:
            return phrase("The files could not be sent now: {why}. Ask again in a minute.", why=no.why)
        return files.said

    def _send(self, name: str, content: bytes) -> str:
        asked, _ = ask(self._slack.files_getUploadURLExternal, filename=name, length=len(content))
        try:
            answer = self._pool.request(
                "POST", piece(asked, "upload_url"), body=content, timeout=_PATIENCE, redirect=False
            )
        except HTTPError as silence:
            raise TryAgain(phrase("Slack did not take the file")) from silence
        if answer.status != HTTPStatus.OK:
            raise TryAgain(phrase("Slack did not take the file (HTTP {status})", status=answer.status))
        return piece(asked, "file_id")

    def _post(self, place: Place, body: dict[str, Any]) -> None:
        try:
            answer = self._pool.request("POST", place.url or "", json=body, timeout=_PATIENCE, redirect=False)
        except HTTPError as silence:
            raise TryAgain(phrase("Slack did not take the answer")) from silence
        if answer.status != HTTPStatus.OK:
            raise TryAgain(phrase("Slack did not take the answer (HTTP {status})", status=answer.status))


def _offer(form: Form, again: str) -> Answer:
    """What is told whoever cannot be shown a form now; of one that comes back, why, and what they wrote."""
    opens = Press(label=phrase("Open the form"), line=again or form.line, stands_out=True)
    if not form.again:
        return Answer(title=form.title, lines=(phrase(_NEEDS_A_FORM),), presses=(opens,))
    typed = (
        one.filled[0] for one in form.fields if one.kind in {Asked.LINE, Asked.PROSE} and any(one.filled)
    )
    return Answer(title=form.title, lines=(*form.intro[:1], *typed), presses=(opens,))
