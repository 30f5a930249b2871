"""Tells one person what came of what they asked: by the address Slack gave, in the channel, or directly."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import urllib3
from urllib3.exceptions import HTTPError

from integrations.slack.blocks import draw_home, render
from integrations.slack.calls import Declined, KeptOpen, ask, piece
from integrations.slack.forms import draw_form
from integrations.slack.pieces import Drawn
from multivac.briefing import Answer, Files, Form, Home
from multivac.errors import GiveUp, TryAgain
from multivac.tongue import mark, phrase

_PATIENCE = 5.0  # seconds for an answer that only one person waits for
_NOT_THERE = frozenset({"user_not_in_channel", "not_in_channel", "channel_not_found", "is_archived"})
_NO_WINDOW = mark(
    "That needs a window, which only `/incident` and buttons can open. Write it in one line instead."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where somebody asked. `url` takes answers for half an hour; `replaces` the message they pressed in."""

    user: str
    channel: str
    url: str | None = None
    thread: str | None = None
    replaces: bool = False
    direct: bool = False


class Mouth:
    """Answers people, without waiting for the turn of any response."""

    def __init__(self, token: str, *, api_url: str, timeout: float = _PATIENCE) -> None:
        self._slack = KeptOpen(token, api_url=api_url, timeout=timeout, connections=16)
        self._pool = urllib3.PoolManager(maxsize=16, block=False, retries=False)

    def tell(self, place: Place, reply: Answer | Files | Form | None, *, trigger: str = "") -> None:
        """Show a reply to whoever asked. Raises `TryAgain`, `GiveUp` when it cannot be shown."""
        match reply:
            case Form():
                self._open(place, reply, trigger)
            case Answer():
                self._show(place, render(reply))
            case Files():
                self.say_line(place, self._upload(reply))
            case None if place.replaces:
                self._post(place, {"delete_original": True})

    def publish(self, user: str, home: Home) -> None:
        """Show somebody their page. Raises `TryAgain`, `GiveUp`."""
        ask(self._slack.views_publish, user_id=user, view=draw_home(home))

    def say_line(self, place: Place, text: str) -> None:
        """Show one line of ours."""
        self._show(place, render(Answer(lines=(text,))))

    def close(self) -> None:
        """Close all connections."""
        self._slack.close()
        self._pool.clear()

    def _open(self, place: Place, form: Form, trigger: str) -> None:
        if not trigger:
            self.say_line(place, phrase(_NO_WINDOW))
            return
        ask(self._slack.views_open, trigger_id=trigger, view=draw_form(form, channel=place.channel))

    def _show(self, place: Place, drawn: Drawn) -> None:
        content: dict[str, Any] = {"text": drawn.text, "blocks": drawn.blocks}
        if place.url:
            self._post(place, {"response_type": "ephemeral", "replace_original": place.replaces, **content})
            return
        if place.direct or not place.channel:
            ask(self._slack.chat_postMessage, channel=place.channel or place.user, **content)
            return
        try:
            where: dict[str, Any] = {"channel": place.channel, "user": place.user, "thread_ts": place.thread}
            ask(self._slack.chat_postEphemeral, **where, **content)
        except Declined as no:
            if no.error not in _NOT_THERE:
                raise
            ask(self._slack.chat_postMessage, channel=place.user, **content)

    def _upload(self, files: Files) -> str:
        """Put files into a channel, in one message; gives what to say of it."""
        try:
            there: list[dict[str, str | None]] = [
                {"id": self._send(name, content.encode()), "title": name} for name, content in files.contents
            ]
            where: dict[str, Any] = {"channel_id": files.channel, "initial_comment": files.comment}
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
